//! Reads: no hole, no disorder, nothing before it is durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use super::{Home, batch, command, read_all, story};
use crate::contract::{Position, limits};
use crate::event_log::EventLog;

/// A read gives what stands from its start on, as much as it is asked for, and nothing at the end.
pub async fn a_read_begins_where_it_is_asked_to(home: &impl Home) {
    let log = home.open().await;
    assert_eq!(log.head(), Position::ZERO);
    assert_eq!(log.read(Position(1), 10).await.expect("readable"), []);
    for number in 0..10 {
        log.append(story(number), 0, batch("push", 2)).await.expect("stored");
    }
    for log in [reopened(home, log).await] {
        let all = read_all(&log).await;
        for from in 0..25_u64 {
            for records_max in [0, 1, 3, 20, usize::MAX] {
                let page = log.read(Position(from), records_max).await.expect("readable");
                let start = usize::try_from(from.saturating_sub(1)).expect("small").min(all.len());
                let end = start.saturating_add(records_max).min(all.len());
                assert_eq!(page, all[start..end], "from {from}, at most {records_max}");
            }
        }
        assert_eq!(log.read(Position(u64::MAX), 1).await.expect("readable"), []);
        log.close().await;
    }
}

async fn reopened(home: &impl Home, log: EventLog) -> EventLog {
    log.close().await;
    home.open().await
}

/// A story's records come in the order of revisions, without those of other stories.
pub async fn a_story_is_read_by_itself(home: &impl Home) {
    let log = home.open().await;
    for round in 0..6 {
        for key in 0..3 {
            log.append(story(key), round * 2, batch(&format!("round {round}"), 2)).await.expect("stored");
        }
        // What is read from memory and what is read from the files must not differ.
        if round == 3 {
            log.find_command(story(1), &command("round 0")).await.expect("found");
        }
    }
    let log = reopened(home, log).await;
    log.append(story(1), 12, batch("after reopening", 1)).await.expect("stored");
    let all = read_all(&log).await;
    let expected: Vec<_> = all.into_iter().filter(|record| record.story == story(1)).collect();
    assert_eq!(expected.len(), 13);
    for revision in 0..16_u64 {
        for records_max in [0, 1, 3, usize::MAX] {
            let page = log.read_story(story(1), revision, records_max).await.expect("readable");
            let start = usize::try_from(revision.saturating_sub(1)).expect("small").min(expected.len());
            let end = start.saturating_add(records_max).min(expected.len());
            assert_eq!(page, expected[start..end], "from revision {revision}, at most {records_max}");
        }
    }
    assert_eq!(log.read_story(story(77), 1, 10).await.expect("readable"), []);
    log.close().await;
}

/// A story longer than a page is read to its end by asking again behind what came.
pub async fn a_long_story_is_read_in_pages(home: &impl Home) {
    let log = home.open().await;
    let whole = 2 * limits::PAGE_RECORDS_MAX + 1;
    let mut revision = 0;
    while revision < whole {
        let records = (whole - revision).min(limits::BATCH_RECORDS_MAX);
        let given = batch(&format!("behind {revision}"), records);
        log.append(story(1), revision as u64, given).await.expect("stored");
        revision += records;
    }
    let mut next = 1;
    loop {
        let page = log.read_story(story(1), next, usize::MAX).await.expect("readable");
        assert!(page.len() <= limits::PAGE_RECORDS_MAX);
        if page.is_empty() {
            break;
        }
        for record in page {
            assert_eq!(record.revision, next);
            next += 1;
        }
    }
    assert_eq!(next, whole as u64 + 1);
    log.close().await;
}

/// While writers run, whatever a reader sees is gapless, in order, and never taken back.
pub async fn a_reader_sees_no_hole_while_writers_run(home: &impl Home) {
    let log = home.open().await;
    let done = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for records_max in [1, 7, usize::MAX] {
        let (log, done) = (log.clone(), Arc::clone(&done));
        readers.spawn(async move {
            let mut seen = Vec::new();
            loop {
                // Read before asking: what was written when it was done is read after that.
                let last = done.load(Ordering::Acquire);
                let head = log.head();
                let from = Position(seen.len() as u64 + 1);
                let page = log.read(from, records_max).await.expect("readable");
                assert!(from > head || !page.is_empty(), "a record at or before the head is there");
                for record in &page {
                    assert_eq!(record.position, Position(seen.len() as u64 + 1));
                    seen.push(record.clone());
                }
                if last && page.is_empty() {
                    return seen;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let log = log.clone();
        writers.spawn(async move {
            for number in 0..25 {
                let given = batch(&format!("{writer}-{number}"), 2);
                log.append(story(writer), number * 2, given).await.expect("stored");
            }
        });
    }
    writers.join_all().await;
    done.store(true, Ordering::Release);
    let all = read_all(&log).await;
    for seen in readers.join_all().await {
        assert_eq!(seen, all);
    }
    log.close().await;
}

/// Whoever got the acknowledgement reads the record, by position, by story and by command.
pub async fn an_acknowledged_record_is_seen_at_once(home: &impl Home) {
    let log = home.open().await;
    for number in 0..50 {
        let name = number.to_string();
        let appended = log.append(story(1), number, batch(&name, 1)).await.expect("stored");
        assert!(log.head() >= appended.last);
        let read = log.read(appended.first, 1).await.expect("readable");
        let of_story = log.read_story(story(1), appended.revision, 1).await.expect("readable");
        assert_eq!(read, of_story);
        assert_eq!(read[0].position, appended.first);
        let found = log.find_command(story(1), &command(&name)).await.expect("looked up");
        assert_eq!(found.map(|found| found.first), Some(appended.first));
    }
    log.close().await;
}
