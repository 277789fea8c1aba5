//! Reading the event log in portions: as much as there is, and not more than may be appended.

use std::collections::VecDeque;

use bytes::Bytes;
use log::{EventLog, Position, ReadError, Tail};
use tokio::time::Instant;

/// Bytes of envelopes after which a head is made though more waits.
const GATHER_BYTES: usize = 8 * 1024 * 1024;

/// Records that were read and not yet appended.
#[derive(Debug)]
pub(crate) struct Gathering {
    tail: Tail,
    envelopes: VecDeque<Bytes>,
    bytes: usize,
    /// How many records went before those that are here.
    size: u64,
}

impl Gathering {
    /// Returns what gathers from `tail`.
    pub(crate) fn new(tail: Tail) -> Self {
        let size = tail.next_position().0.saturating_sub(1);
        Self { tail, envelopes: VecDeque::new(), bytes: 0, size }
    }

    /// Returns the envelopes of all records there are up to `upto`, and up to a bound of bytes, at least
    /// one; not before `earliest`.
    ///
    /// Cancel-safe: what was read is kept for the next call.
    pub(crate) async fn next(
        &mut self,
        log: &EventLog,
        earliest: Instant,
        upto: u64,
    ) -> Result<Vec<Bytes>, ReadError> {
        tokio::time::sleep_until(earliest).await;
        if self.size >= upto {
            return std::future::pending().await;
        }
        while self.envelopes.is_empty()
            || (self.bytes < GATHER_BYTES && self.tail.next_position() <= log.head().min(Position(upto)))
        {
            let more = self.tail.next_batch().await?;
            self.bytes += more.iter().map(|record| record.envelope.len()).sum::<usize>();
            self.envelopes.extend(more.into_iter().map(|record| record.envelope));
        }
        let most = usize::try_from(upto - self.size).unwrap_or(usize::MAX).min(self.envelopes.len());
        let taken: Vec<Bytes> = self.envelopes.drain(..most).collect();
        self.bytes = self.envelopes.iter().map(Bytes::len).sum();
        self.size += taken.len() as u64;
        Ok(taken)
    }
}
