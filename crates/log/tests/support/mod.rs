//! What the tests of the SQLite back end share: opening a log and making batches.

use std::path::Path;

use bytes::Bytes;
use writethru_log::{Batch, Command, Epoch, EventLog, NewRecord, Options, Position, Record, StoryKey};

/// Opens the log at `path` for writing, and creates it if need be.
pub(crate) async fn open(path: &Path) -> EventLog {
    let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
    EventLog::open(path, options).await.expect("opens")
}

/// Returns the `number`th story.
pub(crate) fn story(number: u64) -> StoryKey {
    let mut key = [0x5a; 16];
    key[8..].copy_from_slice(&number.to_be_bytes());
    StoryKey(key)
}

/// Returns a batch of `records` records whose contents are told from `name`.
pub(crate) fn batch(name: &str, records: usize) -> Batch {
    let record = |at| NewRecord {
        envelope: Bytes::from(format!("{{\"envelope\":\"{name}/{at}\"}}")),
        disclosures: Bytes::from(format!("disclosed: {name}/{at}")),
    };
    Batch { command: Command(name.to_owned().into()), records: (0..records).map(record).collect() }
}

/// Reads the whole log, page by page.
pub(crate) async fn read_all(log: &EventLog) -> Vec<Record> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let page = log.read(Position(all.len() as u64 + 1), usize::MAX).await.expect("readable");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}
