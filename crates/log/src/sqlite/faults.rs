//! Tests that make the writer's connection fail under it.

use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::writer::{Inspection, Request};
use super::{Role, Store};
use crate::contract::{AppendError, Batch, Command, Epoch, NewRecord, Pending, Position, StoryKey};
use crate::event_log::Options;

const STORY: StoryKey = StoryKey([3; 16]);

async fn open(home: &TempDir) -> Store {
    let options = Options { new_epoch: Epoch(1), create: true, read_only: false };
    Store::open(&home.path().join("log.db"), options).await.expect("opens")
}

fn directory() -> TempDir {
    TempDir::new().expect("a directory")
}

fn batch(name: &str, bytes: usize) -> Batch {
    let record = NewRecord { envelope: vec![b'e'; bytes].into(), disclosures: Bytes::new() };
    Batch { command: Command(name.to_owned().into()), records: vec![record] }
}

async fn submit(log: &Store, expected: u64, batch: Batch) -> Pending {
    log.submit(STORY, expected, batch).await.expect("taken")
}

/// Lets `inspection` at the writer's connection, behind every append submitted before.
async fn inspect(log: &Store, inspection: impl FnOnce(&Connection) + Send + 'static) {
    let Role::Writes { requests, .. } = &log.role else { panic!("a log opened for writing") };
    let (done, is_done) = oneshot::channel();
    let inspection = Inspection(Box::new(move |log| {
        inspection(log);
        done.send(()).expect("the test waits");
    }));
    requests.send(Request::Inspect(Box::new(inspection))).await.expect("open");
    is_done.await.expect("inspected");
}

#[tokio::test]
async fn a_full_disk_stores_nothing_and_the_log_heals_when_there_is_space() {
    let home = directory();
    let log = open(&home).await;
    submit(&log, 0, batch("before", 10)).await.acknowledged().await.expect("stored");
    inspect(&log, |log| {
        let pages: i64 = log.pragma_query_value(None, "page_count", |row| row.get(0)).expect("counts");
        log.pragma_update(None, "max_page_count", pages + 2).expect("limits");
    })
    .await;
    // One that fits, one that does not, one behind it: whether they share a group or not, what is
    // refused is not there.
    let mut revision = 1;
    for (name, bytes) in [("small", 10), ("large", 200_000), ("small again", 10)] {
        let answer = submit(&log, revision, batch(name, bytes)).await.acknowledged().await;
        match answer {
            Ok(appended) => revision = appended.revision,
            Err(AppendError::Unavailable { .. }) => assert_eq!(name, "large"),
            Err(error) => panic!("{name}: {error}"),
        }
        assert_eq!(log.head(), Position(revision));
    }
    assert_eq!(revision, 3);
    let group = [("large", 200_000), ("behind it", 10)];
    let mut pending = Vec::new();
    for (name, bytes) in group {
        pending.push(submit(&log, revision, batch(name, bytes)).await);
    }
    let behind = pending.pop().expect("two").acknowledged().await;
    let large = pending.pop().expect("two").acknowledged().await;
    assert!(matches!(large, Err(AppendError::Unavailable { .. })), "got {large:?}");
    assert!(matches!(behind, Ok(_) | Err(AppendError::Unavailable { .. })), "got {behind:?}");
    revision += u64::from(behind.is_ok());
    inspect(&log, |log| log.pragma_update(None, "max_page_count", 1_000_000).expect("limits")).await;
    let appended = submit(&log, revision, batch("large", 200_000)).await.acknowledged().await;
    assert_eq!(appended.expect("stored").last, Position(revision + 1));
    log.check(|_, _| {}).await.expect("whole");
    log.close().await;
}

#[tokio::test]
async fn a_commit_that_fails_is_told_as_unknown_and_the_repeat_stores_once() {
    let home = directory();
    let log = open(&home).await;
    submit(&log, 0, batch("before", 10)).await.acknowledged().await.expect("stored");
    inspect(&log, |log| {
        log.execute_batch(
            "PRAGMA foreign_keys = ON;
             CREATE TEMP TABLE parent(id INTEGER PRIMARY KEY);
             CREATE TEMP TABLE child(id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
             CREATE TEMP TRIGGER spoil AFTER INSERT ON main.records BEGIN INSERT INTO child VALUES (1); END;",
        )
        .expect("spoils every commit");
    })
    .await;
    let answer = submit(&log, 1, batch("push", 10)).await.acknowledged().await;
    assert!(matches!(answer, Err(AppendError::OutcomeUnknown { .. })), "got {answer:?}");
    assert_eq!(log.head(), Position(1));
    assert_eq!(log.read(Position(1), 10).await.expect("readable").len(), 1);
    inspect(&log, |log| log.execute_batch("DROP TRIGGER spoil").expect("drops")).await;
    let appended = submit(&log, 1, batch("push", 10)).await.acknowledged().await.expect("stored");
    assert_eq!((appended.first, appended.revision, appended.repeated), (Position(2), 2, false));
    log.check(|_, _| {}).await.expect("whole");
    log.close().await;
}

#[tokio::test]
async fn a_database_that_another_process_locks_stores_nothing() {
    let home = directory();
    let log = open(&home).await;
    let other = Connection::open(home.path().join("log.db")).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");
    inspect(&log, |log| log.busy_timeout(Duration::ZERO).expect("set")).await;
    let answer = submit(&log, 0, batch("push", 10)).await.acknowledged().await;
    assert!(matches!(answer, Err(AppendError::Unavailable { .. })), "got {answer:?}");
    other.execute_batch("ROLLBACK").expect("unlocks");
    submit(&log, 0, batch("push", 10)).await.acknowledged().await.expect("stored");
    log.close().await;
}

#[tokio::test]
async fn a_writer_that_dies_leaves_nobody_waiting() {
    let home = directory();
    let log = open(&home).await;
    submit(&log, 0, batch("before", 10)).await.acknowledged().await.expect("stored");
    let Role::Writes { requests, .. } = &log.role else { panic!("a log opened for writing") };
    let (go, gone) = std::sync::mpsc::sync_channel(0);
    let death = Inspection(Box::new(move |_| {
        gone.recv().expect("the test goes on");
        panic!("the writer dies, as this test wants");
    }));
    requests.send(Request::Inspect(Box::new(death))).await.expect("open");
    let waiting = submit(&log, 1, batch("waiting", 10)).await;
    let mut live = log.subscribe();
    go.send(()).expect("the writer waits");
    let answer = waiting.acknowledged().await;
    assert!(matches!(answer, Err(AppendError::OutcomeUnknown { .. })), "got {answer:?}");
    assert!(live.wait_for(|live| live.ended).await.is_ok());
    let refused = log.submit(STORY, 1, batch("after", 10)).await;
    assert!(matches!(refused, Err(AppendError::Unavailable { .. })), "got {refused:?}");
    assert!(log.erase(Position(1), Bytes::new()).await.is_err());
    log.close().await;
    drop(log);
    let log = open(&home).await;
    assert_eq!(log.head(), Position(1));
    log.close().await;
}

/// A killed process does not show whether a commit was synced; a power cut would.
#[tokio::test]
async fn the_writer_syncs_every_commit_and_leaves_nothing_behind() {
    let home = directory();
    let log = open(&home).await;
    inspect(&log, |log| {
        let setting = |name| log.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).expect("asks");
        assert_eq!(setting("synchronous"), 2, "FULL");
        assert_eq!(setting("secure_delete"), 1, "ON");
        assert_eq!(setting("wal_autocheckpoint"), 0, "the checkpoint thread does it");
        let journal: String = log.pragma_query_value(None, "journal_mode", |row| row.get(0)).expect("asks");
        assert_eq!(journal, "wal");
    })
    .await;
    log.close().await;
}
