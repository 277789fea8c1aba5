//! Making words physically gone.
//!
//! The record is overwritten, never in fewer bytes than before; a page that is given up is filled
//! with zeros (`secure_delete`). Then the write-ahead log, which still holds the old pages, is emptied, and synced
//! as empty: a power cut does not bring it back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::OptionalExtension;

use super::checkpoint;
use super::files::{APPLICATION_ID, integer};
use super::record;
use super::writer::Writer;
use crate::bugs::Bug;
use crate::contract::{EraseError, Position};

/// How long readers in other processes may keep the old page alive before the caller is told.
const READERS_WAIT: Duration = Duration::from_secs(2);

/// Puts `remaining` in place of the disclosures at `position`; returns once no file holds the old
/// ones any more.
pub(super) fn erase(writer: &Writer, position: Position, remaining: &[u8]) -> Result<(), EraseError> {
    let unknown = |source| EraseError::OutcomeUnknown { source: Box::new(source) };
    let body: Vec<u8> = writer
        .log
        .prepare_cached("SELECT body FROM records WHERE position = ?1")
        .and_then(|mut select| select.query_row([integer(position.0)], |row| row.get(0)).optional())
        .map_err(unknown)?
        .ok_or(EraseError::NotFound { position })?;
    let redacted = record::redact(position, &body, remaining)
        .map_err(|fault| EraseError::OutcomeUnknown { source: fault.problem.into() })?;
    // One statement is one transaction.
    writer
        .log
        .prepare_cached("UPDATE records SET body = ?2 WHERE position = ?1")
        .and_then(|mut update| update.execute((integer(position.0), &redacted[..])))
        .map_err(unknown)?;
    writer.shared.ring.replace(position, Bytes::from(redacted));
    if Bug::ErasureLeftInWriteAheadLog.is_planted() {
        return Ok(());
    }
    empty_write_ahead_log(writer)
}

fn empty_write_ahead_log(writer: &Writer) -> Result<(), EraseError> {
    let _turn = writer.checkpoints.turn();
    let deadline = Instant::now() + READERS_WAIT;
    loop {
        // Waits for readers by itself, as long as the connection's busy timeout.
        match checkpoint::truncate(&writer.log) {
            Ok(moved) if moved.whole => return cut_durably(writer),
            Ok(_) if Instant::now() < deadline => {}
            Ok(_) => {
                let source = "a reader holds an old state of the log: the words are still in its \
                              write-ahead log"
                    .into();
                return Err(EraseError::OutcomeUnknown { source });
            }
            Err(source) => return Err(EraseError::OutcomeUnknown { source: Box::new(source) }),
        }
    }
}

/// Syncs the emptied write-ahead log, by the commit of something that changes nothing: SQLite empties
/// the file without a sync. A row that is written as it was would not do, for SQLite leaves its page alone.
fn cut_durably(writer: &Writer) -> Result<(), EraseError> {
    writer
        .log
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(|source| EraseError::OutcomeUnknown { source: Box::new(source) })
}
