//! Proving that a whole log is as it was written, record by record, and its index too.
//!
//! The index is what makes the check cheap in memory: a command caused one batch of a story if
//! the index, whose keys are unique, names that batch for each of them.

use std::collections::HashMap;

use rusqlite::Connection;

use super::files::position;
use super::reader::Reader;
use super::record::{Extent, Fault, Header, verify};
use super::shared::Shared;
use crate::contract::{CheckError, Checked, Position, ReadError, StoryKey, limits};

impl From<rusqlite::Error> for CheckError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Unavailable { source: Box::new(source) }
    }
}

/// A check on its way through the log.
struct Walk {
    /// Revision of each story seen.
    stories: HashMap<StoryKey, u64>,
    /// The batch being read and its story, until its last record.
    open: Option<(StoryKey, Box<[u8]>, Extent)>,
    checked: Checked,
    /// The place up to which the index file holds the log, and the batches up to there.
    upto: Position,
    counted: i64,
}

/// Checks the log up to the head it has when the check begins, then the database under it; tells
/// `progress` how far it is and how far it goes.
pub(super) fn check(
    reader: &Reader,
    shared: &Shared,
    progress: &mut dyn FnMut(Position, Position),
) -> Result<Checked, CheckError> {
    // The head second: what the index holds is at or before it.
    let census = reader.lookup().index().map(Census::take).transpose()?;
    let head = shared.head();
    let upto = census.as_ref().map_or(Position::ZERO, |census| census.upto);
    let mut walk =
        Walk { stories: HashMap::new(), open: None, checked: Checked::default(), upto, counted: 0 };
    let mut at = Position::ZERO;
    while at < head {
        let to = head.min(Position(at.0 + limits::PAGE_RECORDS_MAX as u64));
        walk.pages(reader, at.next(), to)?;
        at = to;
        progress(at, head);
    }
    if walk.open.is_some() {
        return Err(damaged(head, "the last batch is not whole"));
    }
    structure(reader.log(), head)?;
    if let Some(census) = census {
        census.compare(walk.counted)?;
    }
    walk.checked.stories = walk.stories.len() as u64;
    Ok(walk.checked)
}

/// What the index file says of itself.
struct Census {
    upto: Position,
    batches: i64,
    commands: i64,
    problem: String,
}

impl Census {
    fn take(index: &Connection) -> Result<Self, CheckError> {
        let unlike = |error: rusqlite::Error| CheckError::Index {
            position: Position::ZERO,
            problem: error.to_string(),
        };
        let problem = index.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(unlike)?;
        // One statement sees one state, though the indexer goes on.
        let (checkpoint, batches, commands) = index
            .query_row(
                "SELECT (SELECT position FROM checkpoint),
                        (SELECT count(*) FROM batches), (SELECT count(*) FROM commands)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .map_err(unlike)?;
        Ok(Self { upto: position(checkpoint), batches, commands, problem })
    }

    /// Compares with the number of batches that the log has up to the index's checkpoint.
    fn compare(&self, batches: i64) -> Result<(), CheckError> {
        let unlike = |problem: String| Err(CheckError::Index { position: self.upto, problem });
        if self.problem != "ok" {
            return unlike(self.problem.clone());
        }
        if (self.batches, self.commands) != (batches, batches) {
            return unlike(format!(
                "it has {} batches and {} commands, the log has {batches}",
                self.batches, self.commands
            ));
        }
        Ok(())
    }
}

impl Walk {
    fn pages(&mut self, reader: &Reader, from: Position, to: Position) -> Result<(), CheckError> {
        let mut seen = from;
        let mut stopped = None;
        let read = reader.each_body(from, to, |position, body| {
            seen = position.next();
            let header = verify(position, body)?;
            let command = header.command(body);
            self.step(position, &header, command)?;
            let Some(whole) = self.open.take_if(|(_, _, extent)| extent.last() == position) else {
                return Ok(true);
            };
            self.checked.batches += 1;
            self.counted += i64::from(position <= self.upto);
            stopped = indexed(reader, &whole).err();
            Ok(stopped.is_none())
        });
        match (read, stopped) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(error)) => Err(error),
            (Err(ReadError::Damaged { position, problem }), _) => {
                Err(CheckError::Damaged { position, problem })
            }
            // SQLite itself could not go on behind the last record it gave.
            (Err(ReadError::Unavailable { source }), _) => {
                let code = source.downcast_ref().and_then(rusqlite::Error::sqlite_error_code);
                Err(match code {
                    Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                        damaged(seen, &source.to_string())
                    }
                    _ => CheckError::Unavailable { source },
                })
            }
        }
    }

    /// Takes the record at `position` behind those before it.
    fn step(&mut self, position: Position, header: &Header, command: &[u8]) -> Result<(), Fault> {
        let fault = |problem: String| Fault { position, problem };
        let extent = header.extent(position);
        let revision = self.stories.entry(header.story).or_default();
        if header.revision != *revision + 1 {
            return Err(fault(format!("revision {} follows revision {revision}", header.revision)));
        }
        *revision = header.revision;
        let this = (header.story, command.into(), extent);
        match &self.open {
            Some(open) if *open != this => Err(fault("a batch is interrupted by another".to_owned())),
            None if extent.first != position => Err(fault("a batch has no beginning".to_owned())),
            _ => {
                self.open = Some(this);
                self.checked.records += 1;
                Ok(())
            }
        }
    }
}

/// Checks that the index names `batch` both by revision and by command.
fn indexed(
    reader: &Reader,
    (story, command, extent): &(StoryKey, Box<[u8]>, Extent),
) -> Result<(), CheckError> {
    let unlike = |problem: &str| CheckError::Index { position: extent.first, problem: problem.to_owned() };
    match reader.lookup().command(*story, command)? {
        Some(found) if found == *extent => {}
        Some(found) if found.first < extent.first => {
            return Err(damaged(extent.first, "a command was stored twice"));
        }
        _ => return Err(unlike("the batch is not found by its command")),
    }
    if reader.lookup().extents(*story, extent.revision, 1)?.first() != Some(extent) {
        return Err(unlike("the batch is not found by its revision"));
    }
    Ok(())
}

fn structure(log: &Connection, head: Position) -> Result<(), CheckError> {
    let problem: String = log.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if problem == "ok" { Ok(()) } else { Err(damaged(head, &problem)) }
}

fn damaged(position: Position, problem: &str) -> CheckError {
    CheckError::Damaged { position, problem: problem.to_owned() }
}
