//! Reading the log's file: pages of the log, pages of a story, commands.
//!
//! Every record's checksum is proved before it is given out. Readers have their own connections
//! and short transactions: they wait for no writer, and no writer for them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::files::{self, integer};
use super::group::appended;
use super::index::Lookup;
use super::record::{self, Fault};
use super::shared::Shared;
use crate::contract::{Appended, Epoch, Position, ReadError, Record, StoryKey, limits};

/// Connections that read at once; more readers wait their turn.
pub(super) const READERS_MAX: usize = 8;
/// Bytes that a body is taken to have until it is read.
const BODY_BYTES_GUESS: usize = 2 * 1024;

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        Self::Damaged { position: fault.position, problem: fault.problem }
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Unavailable { source: Box::new(source) }
    }
}

/// One connection to the log's file and one to the index's.
#[derive(Debug)]
pub(super) struct Reader {
    log: Connection,
    lookup: Lookup,
}

impl Reader {
    pub(super) const fn log(&self) -> &Connection {
        &self.log
    }

    pub(super) const fn lookup(&self) -> &Lookup {
        &self.lookup
    }

    /// Returns a page of up to `records_max` records from `from` on, none behind `head`.
    pub(super) fn page(
        &self,
        from: Position,
        head: Position,
        records_max: usize,
    ) -> Result<Vec<Record>, ReadError> {
        // One buffer for all: an allocation per record costs as much as reading it.
        let mut bodies = Vec::with_capacity(limits::PAGE_BYTES.min(records_max * BODY_BYTES_GUESS));
        let mut ends = Vec::new();
        self.each_body(from, head, |_, body| {
            bodies.extend_from_slice(body);
            ends.push(bodies.len());
            Ok(ends.len() < records_max && bodies.len() < limits::PAGE_BYTES)
        })?;
        let bodies = Bytes::from(bodies);
        let mut start = 0;
        let records = (from.0..).zip(ends).map(|(position, end)| {
            let body = bodies.slice(start..end);
            start = end;
            Ok(record::decode(Position(position), &body)?)
        });
        records.collect()
    }

    /// Calls `each` with every body from `from` to `to`, until it returns false; a missing record
    /// is a fault at its position.
    pub(super) fn each_body(
        &self,
        from: Position,
        to: Position,
        mut each: impl FnMut(Position, &[u8]) -> Result<bool, Fault>,
    ) -> Result<(), ReadError> {
        each_body(&self.log, from, to, &mut each)
    }

    /// Returns the answer that `command` got for `story`, if its batch is not behind `head`.
    pub(super) fn command(
        &self,
        story: StoryKey,
        command: &[u8],
        head: Position,
    ) -> Result<Option<Appended>, ReadError> {
        let extent = self.lookup.command(story, command)?.filter(|extent| extent.last() <= head);
        Ok(extent.map(|extent| appended(extent, true)))
    }
}

/// Is given a body and its position; returns whether to go on.
pub(super) type EachBody<'each> = dyn FnMut(Position, &[u8]) -> Result<bool, Fault> + 'each;

/// Calls `each` with every body in `log` from `from` to `to`, until it returns false.
pub(super) fn each_body(
    log: &Connection,
    from: Position,
    to: Position,
    each: &mut EachBody<'_>,
) -> Result<(), ReadError> {
    let mut select = log.prepare_cached(
        "SELECT position, body FROM records WHERE position BETWEEN ?1 AND ?2 ORDER BY position",
    )?;
    let mut rows = select.query((integer(from.0), integer(to.0)))?;
    let mut expected = from;
    while expected <= to {
        let Some(row) = rows.next()? else { return Err(missing(expected).into()) };
        if files::position(row.get(0)?) != expected {
            return Err(missing(expected).into());
        }
        let body = row
            .get_ref(1)?
            .as_blob()
            .map_err(|_| Fault { position: expected, problem: "body is no blob".to_owned() })?;
        if !each(expected, body)? {
            break;
        }
        expected = expected.next();
    }
    Ok(())
}

pub(super) fn missing(position: Position) -> Fault {
    Fault { position, problem: "record is missing".to_owned() }
}

/// The readers of one open log: opened when first wanted, kept, and bounded.
#[derive(Debug)]
pub(super) struct Pool {
    path: PathBuf,
    epoch: Epoch,
    shared: Arc<Shared>,
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Reader>>>,
}

impl Pool {
    pub(super) fn new(path: PathBuf, epoch: Epoch, shared: Arc<Shared>) -> Self {
        Self { path, epoch, shared, turns: Arc::new(Semaphore::new(READERS_MAX)), idle: Arc::default() }
    }

    /// Runs `work` with a reader on a thread that may block. Dropped meanwhile, the work goes on
    /// to its end unseen.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (path, epoch, shared) = (self.path.clone(), self.epoch, Arc::clone(&self.shared));
        let worked = tokio::task::spawn_blocking(move || {
            let reader = match kept {
                Some(reader) => reader,
                None => open(&path, epoch, &shared)?,
            };
            let result = work(&reader);
            // Before the turn ends: a closing pool takes every turn, then drops what is idle.
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
            drop(turn);
            result
        });
        worked.await.map_err(|source| ReadError::Unavailable { source: Box::new(source) })?
    }

    /// Refuses new work, waits for what runs, and closes the connections.
    pub(super) async fn close(&self) {
        let all = u32::try_from(READERS_MAX).expect("a handful");
        let turns = self.turns.acquire_many(all).await;
        self.turns.close();
        drop(turns);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn open(path: &Path, epoch: Epoch, shared: &Shared) -> Result<Reader, ReadError> {
    let log = files::open_reader(path)?;
    Ok(Reader { log, lookup: Lookup::open(path, epoch, &shared.recent)? })
}

fn closed() -> ReadError {
    ReadError::Unavailable { source: "the event log is closed".into() }
}
