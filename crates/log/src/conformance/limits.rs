//! The limits, on both sides of each.

use bytes::Bytes;

use super::{Home, batch, command, read_all, record, story};
use crate::contract::{AppendError, Batch, NewRecord, limits};

fn sized(envelope: usize, disclosures: usize) -> NewRecord {
    NewRecord { envelope: vec![b'e'; envelope].into(), disclosures: vec![b'd'; disclosures].into() }
}

fn one(record: NewRecord) -> Batch {
    Batch { command: command("on the limit"), records: vec![record] }
}

fn long_command(bytes: usize) -> Batch {
    Batch { command: command("c".repeat(bytes)), records: vec![record("short")] }
}

fn many(records: usize) -> Batch {
    Batch { command: command("many"), records: vec![record("one of many"); records] }
}

fn heavy(records: usize, bytes: usize) -> Batch {
    Batch { command: command("heavy"), records: vec![sized(1, bytes - 1); records] }
}

/// The largest of everything is stored and read back.
pub async fn what_is_on_a_limit_is_taken(home: &impl Home) {
    let log = home.open().await;
    let on_the_limit = [
        one(sized(limits::RECORD_BYTES_MAX - 1, 1)),
        one(sized(0, limits::RECORD_BYTES_MAX)),
        one(sized(0, 0)),
        long_command(limits::COMMAND_BYTES_MAX),
        long_command(1),
        many(limits::BATCH_RECORDS_MAX),
    ];
    for (key, given) in (0..).zip(on_the_limit) {
        log.append(story(key), 0, given.clone()).await.expect("stored");
        let read = log.read_story(story(key), 1, 1).await.expect("readable");
        assert_eq!(read[0].envelope, given.records[0].envelope);
        assert_eq!(read[0].disclosures, given.records[0].disclosures);
        assert_eq!(read[0].command, given.command);
    }
    let appended = log.append(story(9), 0, heavy(4, limits::BATCH_BYTES_MAX / 4)).await.expect("stored");
    assert_eq!(appended.revision, 4);
    assert_eq!(read_all(&log).await.len(), 5 + limits::BATCH_RECORDS_MAX + 4);
    log.close().await;
}

/// One more than a limit is refused by name.
pub async fn what_passes_a_limit_is_refused_and_stores_nothing(home: &impl Home) {
    let log = home.open().await;
    let beyond = [
        (one(sized(limits::RECORD_BYTES_MAX, 1)), limits::RECORD_BYTES_MAX),
        (one(sized(0, limits::RECORD_BYTES_MAX + 1)), limits::RECORD_BYTES_MAX),
        (long_command(limits::COMMAND_BYTES_MAX + 1), limits::COMMAND_BYTES_MAX),
        (many(limits::BATCH_RECORDS_MAX + 1), limits::BATCH_RECORDS_MAX),
        (heavy(8, limits::BATCH_BYTES_MAX / 8 + 1), limits::BATCH_BYTES_MAX),
    ];
    for (given, passed) in beyond {
        let refused = log.append(story(1), 0, given).await;
        let Err(AppendError::TooLarge { actual, limit, .. }) = refused else {
            panic!("expected a refusal for the limit {passed}, got {refused:?}")
        };
        assert_eq!(limit, passed);
        assert!(actual > limit);
    }
    assert_eq!(read_all(&log).await, []);
    log.close().await;
}

/// A batch without records, or a command without bytes, is refused.
pub async fn an_empty_batch_is_refused(home: &impl Home) {
    let log = home.open().await;
    let nameless = Batch { command: super::Command(Bytes::new()), ..batch("", 1) };
    for given in [batch("no records", 0), nameless] {
        let refused = log.append(story(1), 0, given).await;
        assert!(matches!(refused, Err(AppendError::Empty { .. })), "got {refused:?}");
    }
    assert_eq!(read_all(&log).await, []);
    log.close().await;
}
