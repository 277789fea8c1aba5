//! Appends: atomic, in order, once each.

use tokio::task::JoinSet;

use super::{Home, batch, check_record, command, read_all, record, story};
use crate::contract::{AppendError, Appended, Batch, Position};

/// A batch of several records is there as one, in order, with the acknowledged places.
pub async fn a_batch_is_stored_whole_and_in_order(home: &impl Home) {
    let log = home.open().await;
    let batches = [batch("first", 1), batch("second", 3), batch("third", 2)];
    let mut expected = 0;
    for given in &batches {
        let appended = log.append(story(1), expected, given.clone()).await.expect("stored");
        let records = given.records.len() as u64;
        let answer = Appended {
            first: Position(expected + 1),
            last: Position(expected + records),
            revision: expected + records,
            repeated: false,
        };
        assert_eq!(appended, answer);
        expected += records;
    }
    let all = read_all(&log).await;
    let given = batches.iter().flat_map(|batch| (0..batch.records.len()).map(move |at| (batch, at)));
    assert_eq!(all.len(), 6);
    for (number, (read, (batch, at))) in (0..).zip(all.iter().zip(given)) {
        check_record(read, batch, at, number - at as u64);
        assert_eq!(read.story, story(1));
    }
    log.close().await;
}

/// An append behind another revision than the story's stores nothing and says where the story is.
pub async fn a_conflict_stores_nothing_and_names_the_actual_revision(home: &impl Home) {
    let log = home.open().await;
    log.append(story(1), 0, batch("first", 2)).await.expect("stored");
    for wrong in [0, 1, 3, u64::MAX] {
        let refused = log.append(story(1), wrong, batch(&format!("behind {wrong}"), 2)).await;
        let Err(AppendError::Conflict { expected, actual }) = refused else {
            panic!("expected a conflict behind {wrong}, got {refused:?}")
        };
        assert_eq!((expected, actual), (wrong, 2));
    }
    let refused = log.append(story(2), 7, batch("another story", 1)).await;
    assert!(matches!(refused, Err(AppendError::Conflict { expected: 7, actual: 0 })), "got {refused:?}");
    assert_eq!(read_all(&log).await.len(), 2);
    // A refused command was never stored, so it may come again.
    log.append(story(1), 2, batch("behind 0", 1)).await.expect("stored");
    log.close().await;
}

/// The same command gets the same answer, whatever revision and records come with it.
pub async fn a_repeated_command_gets_its_first_answer(home: &impl Home) {
    let log = home.open().await;
    log.append(story(9), 0, batch("elsewhere", 2)).await.expect("stored");
    let first = log.append(story(1), 0, batch("push", 3)).await.expect("stored");
    log.append(story(1), 3, batch("later", 1)).await.expect("stored");
    let again = Appended { repeated: true, ..first };
    for (expected, records) in [(0, 3), (3, 3), (4, 1), (77, 5)] {
        let repeat = Batch { command: command("push"), ..batch("other words", records) };
        assert_eq!(log.append(story(1), expected, repeat).await.expect("answered"), again);
    }
    assert_eq!(log.find_command(story(1), &command("push")).await.expect("found"), Some(again));
    assert_eq!(read_all(&log).await.len(), 6);
    log.close().await;
}

/// A repeat is answered from the log, not from a window of recent commands.
pub async fn a_repeat_is_answered_after_many_other_appends(home: &impl Home) {
    let log = home.open().await;
    let first = log.append(story(1), 0, batch("push", 1)).await.expect("stored");
    let mut pending = Vec::new();
    for number in 0..10_000_u64 {
        // Half go to the same story.
        let (key, expected) =
            if number % 2 == 0 { (story(1), number / 2 + 1) } else { (story(1_000_000 + number), 0) };
        let one = Batch { command: command(format!("{number}")), records: vec![record("filler")] };
        pending.push(log.submit(key, expected, one).await.expect("taken"));
    }
    for one in pending {
        one.acknowledged().await.expect("stored");
    }
    let again = log.append(story(1), 0, batch("push", 1)).await.expect("answered");
    assert_eq!(again, Appended { repeated: true, ..first });
    assert_eq!(log.head(), Position(10_001));
    log.close().await;
}

/// A repeat is answered by a log that was closed and opened meanwhile.
pub async fn a_repeat_is_answered_after_reopening(home: &impl Home) {
    let log = home.open().await;
    log.append(story(2), 0, batch("push", 2)).await.expect("stored");
    let first = log.append(story(1), 0, batch("push", 2)).await.expect("stored");
    log.close().await;
    for _ in 0..2 {
        let log = home.open().await;
        let again = log.append(story(1), 0, batch("push", 2)).await.expect("answered");
        assert_eq!(again, Appended { repeated: true, ..first });
        let found = log.find_command(story(1), &command("push")).await.expect("found");
        assert_eq!(found, Some(again));
        assert_eq!(log.head(), Position(4));
        log.close().await;
    }
}

/// The same command means something else in another story; an unknown one is not found.
pub async fn a_command_is_known_by_its_story(home: &impl Home) {
    let log = home.open().await;
    let one = log.append(story(1), 0, batch("push", 1)).await.expect("stored");
    let two = log.append(story(2), 0, batch("push", 1)).await.expect("stored");
    assert_eq!((one.repeated, two.repeated), (false, false));
    assert_eq!((one.first, two.first), (Position(1), Position(2)));
    for (key, name) in [(story(1), "pus"), (story(1), "push "), (story(3), "push")] {
        assert_eq!(log.find_command(key, &command(name)).await.expect("looked up"), None);
    }
    log.close().await;
}

/// A caller may submit a chain of appends, each behind the one before, without waiting.
pub async fn appends_of_one_caller_are_decided_in_order(home: &impl Home) {
    let log = home.open().await;
    let mut pending = Vec::new();
    for number in 0..200 {
        pending.push(log.submit(story(1), number, batch(&number.to_string(), 1)).await.expect("taken"));
        // A repeat in the same breath, and one that must lose.
        pending.push(log.submit(story(1), 0, batch(&number.to_string(), 1)).await.expect("taken"));
        let stale = log.submit(story(1), number, batch(&format!("stale {number}"), 1)).await;
        let refused = stale.expect("taken").acknowledged().await;
        assert!(matches!(refused, Err(AppendError::Conflict { .. })), "got {refused:?}");
    }
    for (at, one) in (0..).zip(pending) {
        let appended = one.acknowledged().await.expect("answered");
        assert_eq!(appended.revision, at / 2 + 1);
        assert_eq!(appended.repeated, at % 2 == 1);
    }
    assert_eq!(read_all(&log).await.len(), 200);
    log.close().await;
}

/// 64 writers at once: every acknowledged record is where it was acknowledged, and no place is
/// left out.
pub async fn concurrent_writers_leave_no_gap(home: &impl Home) {
    const WRITERS: u64 = 64;
    const BATCHES: u64 = 20;
    let log = home.open().await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let log = log.clone();
        writers.spawn(async move {
            let mut answers = Vec::new();
            let mut revision = 0;
            for number in 0..BATCHES {
                let given = batch(&format!("{writer}-{number}"), 1 + usize::from(number % 3 == 0));
                let appended = log.append(story(writer), revision, given.clone()).await.expect("stored");
                answers.push((appended, given, revision));
                revision = appended.revision;
            }
            (writer, answers)
        });
    }
    let written = writers.join_all().await;
    let all = read_all(&log).await;
    let mut found = 0;
    for (writer, answers) in written {
        for (appended, given, before) in answers {
            for (at, position) in (appended.first.0..=appended.last.0).enumerate() {
                let read = &all[usize::try_from(position).expect("small") - 1];
                assert_eq!(read.story, story(writer));
                check_record(read, &given, at, before);
                found += 1;
            }
        }
    }
    assert_eq!(found, all.len(), "nothing is there that was not acknowledged");
    log.close().await;
}

/// Of many appends behind the same revision exactly one is stored.
pub async fn only_one_of_many_rivals_for_a_revision_wins(home: &impl Home) {
    let log = home.open().await;
    let mut rivals = JoinSet::new();
    for rival in 0..64 {
        let log = log.clone();
        rivals.spawn(async move { log.append(story(1), 0, batch(&rival.to_string(), 2)).await });
    }
    let answers = rivals.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers {
        let lost = matches!(answer, Err(AppendError::Conflict { expected: 0, actual: 2 }));
        assert!(lost || answer.is_ok(), "got {answer:?}");
    }
    assert_eq!(read_all(&log).await.len(), 2);
    log.close().await;
}

/// After the close nothing is taken, and closing again changes nothing.
pub async fn a_closed_log_refuses_appends(home: &impl Home) {
    let log = home.open().await;
    log.append(story(1), 0, batch("before", 1)).await.expect("stored");
    log.close().await;
    log.close().await;
    let refused = log.append(story(1), 1, batch("after", 1)).await;
    assert!(matches!(refused, Err(AppendError::Unavailable { .. })), "got {refused:?}");
    let log = home.open().await;
    assert_eq!(read_all(&log).await.len(), 1);
    log.close().await;
}

/// What was taken before the close is stored and answered.
pub async fn appends_taken_before_the_close_are_answered(home: &impl Home) {
    let log = home.open().await;
    let mut pending = Vec::new();
    for number in 0..100 {
        pending.push(log.submit(story(1), number, batch(&number.to_string(), 1)).await.expect("taken"));
    }
    log.close().await;
    for one in pending {
        one.acknowledged().await.expect("stored");
    }
    let log = home.open().await;
    assert_eq!(read_all(&log).await.len(), 100);
    log.close().await;
}

/// A log that is opened again has its epoch, its head, every record, and goes on behind them.
pub async fn reopening_keeps_every_record(home: &impl Home) {
    let mut before = Vec::new();
    let mut epoch = None;
    for round in 0..4 {
        let log = home.open().await;
        assert_eq!(*epoch.get_or_insert(log.epoch()), log.epoch());
        assert_eq!(read_all(&log).await, before);
        for key in 0..3 {
            let given = batch(&format!("round {round}"), 2);
            log.append(story(key), round * 2, given).await.expect("stored");
        }
        before = read_all(&log).await;
        log.close().await;
    }
    assert_eq!(before.len(), 24);
}
