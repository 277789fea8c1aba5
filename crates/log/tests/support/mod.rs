//! What the tests of the SQLite back end share: opening a log and making batches.

use std::path::Path;

use bytes::Bytes;
use writethru_log::{Batch, Command, Epoch, EventLog, NewRecord, Options, Position, Record, StoryKey};

/// Opens the log at `path` for writing, and creates it if need be.
pub async fn open(path: &Path) -> EventLog {
    let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
    EventLog::open(path, options).await.expect("opens")
}

/// Returns the `number`th story.
pub fn story(number: u64) -> StoryKey {
    let mut key = [0x5a; 16];
    key[8..].copy_from_slice(&number.to_be_bytes());
    StoryKey(key)
}

/// Returns a batch of `records` records whose contents are told from `name`.
pub fn batch(name: &str, records: usize) -> Batch {
    let record = |at| NewRecord {
        envelope: Bytes::from(format!("{{\"envelope\":\"{name}/{at}\"}}")),
        disclosures: Bytes::from(format!("disclosed: {name}/{at}")),
    };
    Batch { command: Command(name.to_owned().into()), records: (0..records).map(record).collect() }
}

/// Returns a batch of one record that discloses `text`.
#[allow(dead_code, reason = "not every test file that shares this one erases")]
pub fn with_text(name: &str, text: &str) -> Batch {
    let disclosures = Bytes::copy_from_slice(text.as_bytes());
    let record = NewRecord { envelope: Bytes::from_static(b"{}"), disclosures };
    let name = format!("command of {}", name.len());
    Batch { command: Command(format!("{name} {}", fingerprint(text)).into()), records: vec![record] }
}

/// A command must not hold the words that are looked for.
fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(5381, |hash: u32, byte| hash.wrapping_mul(33) ^ u32::from(byte))
}

/// Reads the whole log, page by page.
pub async fn read_all(log: &EventLog) -> Vec<Record> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let page = log.read(Position(all.len() as u64 + 1), usize::MAX).await.expect("readable");
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}
