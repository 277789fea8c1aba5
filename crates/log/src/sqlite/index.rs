//! The index file: where each story's batches lie, and which command caused which.
//!
//! It is a consumer of the log with its own checkpoint, written by one thread in large sorted
//! transactions and never in the way of an acknowledgement. It holds nothing that is not in the
//! log: deleted, damaged or from another life of the log, it is built again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use tracing::warn;

use super::files::{self, integer, position};
use super::recent::{Recent, Stretch};
use super::record::Extent;
use crate::bugs::Bug;
use crate::contract::{Epoch, Position, StoryKey};

/// Changed whenever the tables change; another number means: build again.
const FORMAT: i32 = 1;
/// How long the indexer waits after a failure, such as a full disk, before it tries again.
const RETRY_WAIT: Duration = Duration::from_secs(1);

const TABLES: &str = "
    CREATE TABLE batches(
        story BLOB NOT NULL, revision INTEGER NOT NULL, first INTEGER NOT NULL, records INTEGER NOT NULL,
        PRIMARY KEY(story, revision)) WITHOUT ROWID;
    CREATE TABLE commands(
        story BLOB NOT NULL, command BLOB NOT NULL, revision INTEGER NOT NULL,
        PRIMARY KEY(story, command)) WITHOUT ROWID;
    CREATE TABLE checkpoint(epoch TEXT NOT NULL, position INTEGER NOT NULL);";

/// Returns the path of the index of the log at `log`.
pub(super) fn path(log: &Path) -> PathBuf {
    files::beside(log, ".index")
}

/// Opens the index for its one writer and returns the position up to which it holds the log;
/// builds an empty one if there is none that fits.
pub(super) fn open_writer(
    log: &Path,
    epoch: Epoch,
    head: Position,
) -> rusqlite::Result<(Connection, Position)> {
    if let Ok(Some(opened)) = open_existing(log, epoch, head) {
        return Ok(opened);
    }
    for suffix in ["", "-wal", "-shm"] {
        // Whether it was there or not: what cannot be removed cannot be created below either.
        let _ = std::fs::remove_file(files::beside(&path(log), suffix));
    }
    let index = Connection::open(path(log))?;
    index.pragma_update(None, "page_size", 8 * 1024)?;
    prepare(&index)?;
    index.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES}
         INSERT INTO checkpoint VALUES ('{}', 0);
         PRAGMA user_version = {FORMAT};
         COMMIT;",
        epoch.0
    ))?;
    Ok((index, Position::ZERO))
}

fn open_existing(
    log: &Path,
    epoch: Epoch,
    head: Position,
) -> rusqlite::Result<Option<(Connection, Position)>> {
    let index = Connection::open_with_flags(
        path(log),
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&index)?;
    // An index that is ahead of the log belongs to a log that was put back from a copy.
    let checkpoint = fits(&index, epoch)?.filter(|checkpoint| *checkpoint <= head);
    Ok(checkpoint.map(|checkpoint| (index, checkpoint)))
}

/// Opens the index for reading and returns the position up to which it holds the log, if there is
/// one of this life of the log.
pub(super) fn open_reader(log: &Path, epoch: Epoch) -> rusqlite::Result<Option<(Connection, Position)>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let index = Connection::open_with_flags(path(log), flags)?;
    index.busy_timeout(files::BUSY_WAIT)?;
    files::plan_once(&index)?;
    let checkpoint = fits(&index, epoch)?;
    Ok(checkpoint.map(|checkpoint| (index, checkpoint)))
}

/// Returns the position up to which `index` holds the log.
pub(super) fn checkpoint(index: &Connection) -> rusqlite::Result<Position> {
    index.prepare_cached("SELECT position FROM checkpoint")?.query_row([], |row| row.get(0)).map(position)
}

fn fits(index: &Connection, epoch: Epoch) -> rusqlite::Result<Option<Position>> {
    let format: i32 = index.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format != FORMAT {
        return Ok(None);
    }
    let of: String = index.query_row("SELECT epoch FROM checkpoint", [], |row| row.get(0))?;
    let checkpoint = checkpoint(index)?;
    Ok((of == epoch.0.to_string()).then_some(checkpoint))
}

fn prepare(index: &Connection) -> rusqlite::Result<()> {
    index.pragma_update(None, "journal_mode", "WAL")?;
    // A power cut may take the newest transactions, never the file's consistency.
    index.pragma_update(None, "synchronous", "NORMAL")?;
    index.busy_timeout(files::BUSY_WAIT)
}

/// Writes `stretch` and the checkpoint behind it in one transaction.
pub(super) fn write(index: &mut Connection, stretch: &Stretch) -> rusqlite::Result<()> {
    if Bug::CheckpointBeforeRows.is_planted() {
        index.execute("UPDATE checkpoint SET position = ?1", [integer(stretch.last().0)])?;
    }
    let transaction = index.transaction()?;
    {
        // A stretch that failed half way through its commit may be there already.
        let mut batches =
            transaction.prepare_cached("INSERT OR REPLACE INTO batches VALUES (?1, ?2, ?3, ?4)")?;
        for (story, extent) in stretch.extents() {
            let records = integer(extent.records);
            batches.execute((&story.0[..], integer(extent.revision), integer(extent.first.0), records))?;
        }
        let mut commands =
            transaction.prepare_cached("INSERT OR REPLACE INTO commands VALUES (?1, ?2, ?3)")?;
        for (story, command, revision) in stretch.commands() {
            commands.execute((&story.0[..], command, integer(revision)))?;
        }
        transaction
            .prepare_cached("UPDATE checkpoint SET position = ?1")?
            .execute([integer(stretch.last().0)])?;
    }
    transaction.commit()
}

/// Takes stretch after stretch into the index file, until the end.
pub(super) fn run(mut index: Connection, recent: &Arc<Recent>) {
    while let Some(stretch) = recent.wait_for_sealed() {
        match write(&mut index, &stretch) {
            Ok(()) => recent.forget_sealed(),
            Err(error) if recent.is_ending() => {
                warn!(%error, "Event log index is left behind: it catches up when the log is next opened");
                return;
            }
            Err(error) => {
                warn!(%error, "Event log index cannot be written: trying again");
                std::thread::sleep(RETRY_WAIT);
            }
        }
    }
}

/// Answers questions by story and by command, from memory and from the index file.
#[derive(Debug)]
pub(super) struct Lookup {
    recent: Arc<Recent>,
    /// None while a reading process found no index that fits: then memory holds all.
    index: Option<Connection>,
}

impl Lookup {
    /// Opens the index of the log at `log`; without one, memory must hold the whole log.
    pub(super) fn open(log: &Path, epoch: Epoch, recent: &Arc<Recent>) -> rusqlite::Result<Self> {
        let index = match open_reader(log, epoch) {
            Ok(Some((index, _))) => Some(index),
            Ok(None) if recent.is_incomplete() => return Err(rusqlite::Error::InvalidPath(path(log))),
            Err(error) if recent.is_incomplete() => return Err(error),
            Ok(None) | Err(_) => None,
        };
        Ok(Self { recent: Arc::clone(recent), index })
    }

    pub(super) const fn index(&self) -> Option<&Connection> {
        self.index.as_ref()
    }

    /// Returns the revision of `story` as of `upto`, 0 if it has none.
    pub(super) fn revision(&self, story: StoryKey, upto: Position) -> rusqlite::Result<u64> {
        if let Some(extent) = self.recent.newest(story, upto) {
            return Ok(extent.last_revision());
        }
        let Some(index) = &self.index else { return Ok(0) };
        let newest = index
            .prepare_cached(
                "SELECT revision, first, records FROM batches
                 WHERE story = ?1 AND first <= ?2 ORDER BY revision DESC LIMIT 1",
            )?
            .query_row((&story.0[..], integer(upto.0)), extent)
            .optional()?;
        Ok(newest.map_or(0, Extent::last_revision))
    }

    /// Returns the batch that `command` caused in `story`.
    pub(super) fn command(&self, story: StoryKey, command: &[u8]) -> rusqlite::Result<Option<Extent>> {
        if let Some(extent) = self.recent.command(story, command) {
            return Ok(Some(extent));
        }
        let Some(index) = &self.index else { return Ok(None) };
        index
            .prepare_cached(
                "SELECT revision, first, records FROM commands JOIN batches USING (story, revision)
                 WHERE story = ?1 AND command = ?2",
            )?
            .query_row((&story.0[..], command), extent)
            .optional()
    }

    /// Calls `each` with every command of `story`; returns whether that was all of them, which
    /// it is not when the index file holds more than `indexed_max`.
    pub(super) fn each_command(
        &self,
        story: StoryKey,
        indexed_max: usize,
        mut each: impl FnMut(&[u8]),
    ) -> rusqlite::Result<bool> {
        self.recent.each_command(story, &mut each);
        let Some(index) = &self.index else { return Ok(true) };
        // Without LIMIT: SQLite prepares a statement anew whenever another limit is bound.
        let mut commands = index.prepare_cached("SELECT command FROM commands WHERE story = ?1")?;
        let mut rows = commands.query([&story.0[..]])?;
        let mut seen = 0;
        while let Some(row) = rows.next()? {
            if seen == indexed_max {
                return Ok(false);
            }
            each(row.get_ref(0)?.as_blob().unwrap_or_default());
            seen += 1;
        }
        Ok(true)
    }

    /// Returns up to `batches_max` batches of `story` that reach `revision` or later, in order.
    pub(super) fn extents(
        &self,
        story: StoryKey,
        revision: u64,
        batches_max: usize,
    ) -> rusqlite::Result<Vec<Extent>> {
        // Memory first: what leaves it meanwhile is in the file by then.
        let newest = self.recent.extents(story, revision, batches_max);
        let Some(index) = &self.index else { return Ok(newest) };
        let mut statement = index.prepare_cached(
            "SELECT revision, first, records FROM batches
             WHERE story = ?1 AND revision + records > ?2
               AND revision >= coalesce((SELECT max(revision) FROM batches WHERE story = ?1 AND revision <= ?2), 0)
             ORDER BY revision",
        )?;
        // Without LIMIT: SQLite prepares a statement anew whenever another limit is bound.
        let mut found: Vec<Extent> = statement
            .query_map((&story.0[..], integer(revision)), extent)?
            .take(batches_max)
            .collect::<rusqlite::Result<_>>()?;
        let indexed = found.last().map_or(0, |extent| extent.last_revision());
        found.extend(newest.into_iter().filter(|extent| extent.revision > indexed));
        found.truncate(batches_max);
        Ok(found)
    }
}

fn extent(row: &Row<'_>) -> rusqlite::Result<Extent> {
    let [revision, first, records]: [i64; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
    Ok(Extent {
        revision: u64::try_from(revision).unwrap_or(0),
        first: position(first),
        records: u64::try_from(records).unwrap_or(1).max(1),
    })
}
