//! One stream of records, past and to come.

use tokio::sync::watch;

use crate::bugs::Bug;
use crate::contract::{Position, ReadError, Record, limits};
use crate::event_log::EventLog;

/// How far a log is, and whether it goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Live {
    /// Place of the newest durable record.
    pub(crate) head: Position,
    /// Whether no record will follow in this process.
    pub(crate) ended: bool,
}

/// A reader that catches up and then follows: one stream, one hand-over.
///
/// It asks the log for what stands at its own next place and waits for the head only when nothing
/// does, so there is no moment between catching up and following in which a record could slip by.
/// A slow reader reads later; nobody waits for it.
#[derive(Debug)]
pub struct Tail {
    log: EventLog,
    live: watch::Receiver<Live>,
    next: Position,
}

impl Tail {
    pub(crate) fn new(log: EventLog, live: watch::Receiver<Live>, from: Position) -> Self {
        Self { log, live, next: from.max(Position(1)) }
    }

    /// Returns the place of the record that comes next.
    pub const fn next_position(&self) -> Position {
        self.next
    }

    /// Returns the next records, at least one, waiting for the first to come.
    ///
    /// Cancel-safe: a record is only passed once it has been returned.
    ///
    /// # Errors
    /// [`ReadError`]; the reader stays where it was. [`ReadError::Unavailable`] also when the log
    /// is closed and every record was returned.
    ///
    /// # Panics
    /// If the back end broke the contract: a bug of this crate.
    pub async fn next_batch(&mut self) -> Result<Vec<Record>, ReadError> {
        let next = self.next;
        let reached = self.live.wait_for(|live| live.head >= next || live.ended).await;
        if !reached.is_ok_and(|live| live.head >= next) {
            return Err(ReadError::Unavailable { source: "the event log is closed".into() });
        }
        let records = self.log.read(next, limits::PAGE_RECORDS_MAX).await?;
        let first = records.first().map(|record| record.position);
        assert_eq!(first, Some(next), "the head is at or behind {next}, so a record is there");
        // No await follows: from here on the records are the caller's.
        self.next = Position(next.0 + records.len() as u64);
        if Bug::ResumeTooFar.is_planted() {
            self.next = self.next.next();
        }
        if Bug::ResumeTooEarly.is_planted() {
            self.next = Position(self.next.0 - 1);
        }
        Ok(records)
    }
}
