//! Copying the records of one open log behind those of another, and comparing the two.

use bytes::Bytes;
use log::{Batch, Epoch, EventLog, Moved, NewRecord, Position, ReadError, Record};
use sha2::{Digest, Sha256};

use super::moving::{not_taken, unlike};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::progress;

/// Records read at a time.
const PAGE_RECORDS: usize = 1_024;
/// Records and bytes after which whole batches are handed on.
const GROUP_RECORDS: usize = 900;
const GROUP_BYTES: usize = 4 * 1024 * 1024;

/// What a copy holds.
#[derive(Debug)]
pub(crate) struct Copied {
    /// Its newest record.
    pub(crate) head: Position,
    /// Batches in it.
    pub(crate) batches: u64,
    /// Which life of the log it is.
    pub(crate) epoch: Epoch,
    /// SHA-256 over every record, the same for the same log wherever it is.
    pub(crate) hash: String,
}

/// Two open logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transfer<'a> {
    /// What is copied.
    pub(crate) from: &'a EventLog,
    /// What it is copied into; nobody else writes it.
    pub(crate) to: &'a EventLog,
}

/// Batches on their way.
#[derive(Debug, Default)]
struct Group {
    moved: Vec<Moved>,
    records: usize,
    bytes: usize,
    /// The batch that may have more records.
    open: Option<Moved>,
}

impl Transfer<'_> {
    /// Copies what is missing, up to the head that the log has when it begins.
    pub(crate) async fn copy(self) -> Result<(), Failure> {
        let head = self.from.head();
        let mut reached = self.to.head();
        if reached > head {
            return Err(unlike(head.next(), "the target has more records than the log"));
        }
        let bar = progress(head.0, "copying");
        bar.set_position(reached.0);
        let mut group = Group::default();
        let mut next = reached.next();
        while next <= head {
            for record in page(self.from, next, head).await? {
                next = record.position.next();
                group.take(record);
                if group.is_enough() {
                    reached = self.hand_on(reached, &mut group).await?;
                    bar.set_position(reached.0);
                }
            }
        }
        group.close();
        self.hand_on(reached, &mut group).await?;
        bar.finish_and_clear();
        Ok(())
    }

    async fn hand_on(self, reached: Position, group: &mut Group) -> Result<Position, Failure> {
        let moved = std::mem::take(&mut group.moved);
        (group.records, group.bytes) = (0, 0);
        self.to.import(reached, moved).await.map_err(|error| not_taken(&error))
    }

    /// Compares every record of both, byte by byte, as they are read back.
    pub(crate) async fn verify(self) -> Result<Copied, Failure> {
        let head = self.to.head();
        let bar = progress(head.0, "verifying");
        let mut hash = Sha256::new();
        let (mut next, mut batches) = (Position(1), 0);
        let mut before: Option<Record> = None;
        let mut copies = Vec::new().into_iter();
        while next <= head {
            for record in page(self.from, next, head).await? {
                if copies.len() == 0 {
                    copies = page(self.to, record.position, head).await?.into_iter();
                }
                let copy: Record = copies.next().ok_or_else(|| unlike(record.position, "it is missing"))?;
                if copy != record {
                    return Err(unlike(record.position, "not every byte is the same"));
                }
                let is_same_batch = before.as_ref().is_some_and(|before| are_one_batch(before, &copy));
                batches += u64::from(!is_same_batch);
                add(&mut hash, &copy);
                next = copy.position.next();
                before = Some(copy);
            }
            bar.set_position(next.0 - 1);
        }
        bar.finish_and_clear();
        let digest = hash.finalize();
        let hash = digest.iter().fold(String::from("sha256:"), |text, byte| text + &format!("{byte:02x}"));
        Ok(Copied { head, batches, epoch: self.to.epoch(), hash })
    }
}

impl Group {
    fn take(&mut self, record: Record) {
        let Record { story, revision, command, envelope, disclosures, .. } = record;
        self.records += 1;
        self.bytes += envelope.len() + disclosures.len();
        // Pages share their memory: what is kept while others are read is copied out of them.
        let own = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
        let new = NewRecord { envelope: own(&envelope), disclosures: own(&disclosures) };
        match &mut self.open {
            // A command is stored once for a story, so that its records are one batch.
            Some(open) if open.story == story && open.batch.command == command => {
                open.batch.records.push(new);
            }
            _ => {
                self.close();
                let batch = Batch { command: log::Command(own(&command.0)), records: vec![new] };
                self.open = Some(Moved { story, expected: revision - 1, batch });
            }
        }
    }

    /// Says that the last batch has no more records.
    fn close(&mut self) {
        self.moved.extend(self.open.take());
    }

    fn is_enough(&self) -> bool {
        !self.moved.is_empty() && (self.records >= GROUP_RECORDS || self.bytes >= GROUP_BYTES)
    }
}

fn are_one_batch(one: &Record, other: &Record) -> bool {
    one.story == other.story && one.command == other.command
}

/// Adds a record to a hash over all of them: numbers big-endian, texts behind their lengths.
fn add(hash: &mut Sha256, record: &Record) {
    hash.update(record.position.0.to_be_bytes());
    hash.update(record.story.0);
    hash.update(record.revision.to_be_bytes());
    for bytes in [&record.command.0, &record.envelope, &record.disclosures] {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
}

/// Returns records from `from` on, at least one, none behind `head`.
async fn page(log: &EventLog, from: Position, head: Position) -> Result<Vec<Record>, Failure> {
    let wanted = usize::try_from(head.0 - from.0 + 1).unwrap_or(usize::MAX).min(PAGE_RECORDS);
    let records = log.read(from, wanted).await.map_err(|error| {
        let exit = match error {
            ReadError::Damaged { .. } => Exit::Differs,
            ReadError::Unavailable { .. } => Exit::Unavailable,
        };
        Failure::new(exit, "log", "the log cannot be read to its end")
            .because(&error)
            .next("`writethru check` names the first fault; run the same command again to go on")
    })?;
    if records.first().is_none_or(|record| record.position != from) {
        return Err(unlike(from, "it is missing"));
    }
    Ok(records)
}
