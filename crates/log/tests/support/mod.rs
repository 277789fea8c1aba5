//! What the tests of every back end share: making batches and reading a log whole.

use bytes::Bytes;
use writethru_log::{Batch, Command, EventLog, NewRecord, Position, Record, StoryKey};

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
