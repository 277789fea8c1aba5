//! Tails: catching up and following are one stream.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::task::JoinSet;

use super::{Home, batch, read_all, story};
use crate::contract::{Position, ReadError, Record};
use crate::event_log::EventLog;
use crate::tail::Tail;

async fn write(log: &EventLog, writers: u64, batches: u64) {
    let mut running = JoinSet::new();
    for writer in 0..writers {
        let log = log.clone();
        running.spawn(async move {
            for number in 0..batches {
                let given = batch(&format!("{writer}-{number}"), 1 + usize::from(number % 4 == 0));
                let expected = log.read_story(story(writer), 1, usize::MAX).await.expect("readable").len();
                log.append(story(writer), expected as u64, given).await.expect("stored");
            }
        });
    }
    running.join_all().await;
}

async fn follow(mut tail: Tail, upto: Position) -> Vec<Record> {
    let mut seen: Vec<Record> = Vec::new();
    while seen.last().is_none_or(|last| last.position < upto) {
        let records = tail.next_batch().await.expect("readable");
        assert!(!records.is_empty());
        seen.extend(records);
    }
    seen
}

/// Tails begun before, during and behind a load all give the same gapless stream.
pub async fn a_tail_gives_every_record_once_from_any_start(home: &impl Home) {
    const BEFORE: u64 = 32;
    const LAST: Position = Position(BEFORE + 8 * 25);
    let log = home.open().await;
    for number in 0..BEFORE {
        log.append(story(1_000), number, batch(&number.to_string(), 1)).await.expect("stored");
    }
    let starts = [0, 1, 2, BEFORE - 1, BEFORE, BEFORE + 1, BEFORE + 40];
    let mut tails = JoinSet::new();
    for from in starts {
        let tail = log.tail(Position(from));
        tails.spawn(async move { (from, follow(tail, LAST).await) });
    }
    // 8 writers x (20 batches, every fourth of 2 records) = 200 records.
    write(&log, 8, 20).await;
    for from in starts {
        let tail = log.tail(Position(from));
        tails.spawn(async move { (from, follow(tail, LAST).await) });
    }
    let all = read_all(&log).await;
    assert_eq!(log.head(), LAST);
    for (from, seen) in tails.join_all().await {
        let start = usize::try_from(from.max(1)).expect("small") - 1;
        assert_eq!(seen, all[start..], "from {from}");
    }
    log.close().await;
}

/// A tail that begins beyond the head gives nothing until its place is reached.
pub async fn a_tail_beyond_the_head_waits_for_its_place(home: &impl Home) {
    let log = home.open().await;
    let mut tail = log.tail(Position(5));
    for number in 0..4 {
        log.append(story(1), number, batch(&number.to_string(), 1)).await.expect("stored");
        assert!(poll_once(tail.next_batch()).is_pending(), "nothing stands at 5 yet");
    }
    log.append(story(1), 4, batch("4", 1)).await.expect("stored");
    let records = tail.next_batch().await.expect("readable");
    assert_eq!(records.iter().map(|record| record.position.0).collect::<Vec<_>>(), [5]);
    log.close().await;
}

fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Dropping a wait at any point passes no record.
pub async fn a_tail_dropped_while_waiting_loses_nothing(home: &impl Home) {
    let log = home.open().await;
    let mut tail = log.tail(Position(1));
    let mut seen = Vec::new();
    for number in 0..100 {
        if let Poll::Ready(records) = poll_once(tail.next_batch()) {
            seen.extend(records.expect("readable"));
        }
        log.append(story(1), number, batch(&number.to_string(), 1)).await.expect("stored");
        if number % 2 == 0
            && let Poll::Ready(records) = poll_once(tail.next_batch())
        {
            seen.extend(records.expect("readable"));
        }
    }
    while seen.len() < 100 {
        seen.extend(tail.next_batch().await.expect("readable"));
    }
    assert_eq!(seen, read_all(&log).await);
    log.close().await;
}

/// A tail that does not read holds up nobody, and finds everything when it does.
pub async fn a_slow_tail_blocks_neither_writer_nor_other_tail(home: &impl Home) {
    let log = home.open().await;
    let mut slow = log.tail(Position(1));
    log.append(story(1_000), 0, batch("first", 1)).await.expect("stored");
    let mut seen = slow.next_batch().await.expect("readable");
    let brisk = tokio::spawn(follow(log.tail(Position(1)), Position(1 + 8 * 50)));
    write(&log, 8, 40).await;
    let brisk = brisk.await.expect("followed");
    while seen.len() < brisk.len() {
        seen.extend(slow.next_batch().await.expect("readable"));
    }
    assert_eq!(seen, brisk);
    log.close().await;
}

/// A tail that waits when the log is closed is told so; it does not wait for ever.
pub async fn a_tail_of_a_closed_log_ends_with_an_error(home: &impl Home) {
    let log = home.open().await;
    log.append(story(1), 0, batch("only", 1)).await.expect("stored");
    let mut tail = log.tail(Position(1));
    assert_eq!(tail.next_batch().await.expect("readable").len(), 1);
    let waiting = tokio::spawn(async move { tail.next_batch().await });
    log.close().await;
    let ended = waiting.await.expect("did not panic");
    assert!(matches!(ended, Err(ReadError::Unavailable { .. })), "got {ended:?}");
}
