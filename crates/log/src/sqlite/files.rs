//! The files of a log: their names, their schema, how each connection is set up, and the lock.
//!
//! For a log at `log.db`:
//!
//! - `log.db` (with SQLite's `log.db-wal` and `log.db-shm`): the truth. Table `records(position
//!   INTEGER PRIMARY KEY, body BLOB NOT NULL)` holds the bodies of [`super::record`]; table
//!   `meta(name TEXT PRIMARY KEY, value TEXT NOT NULL)` holds `format` and `epoch`, in decimal.
//! - `log.db.index`: an index by story and by command; deletable, rebuilt from the log.
//! - `log.db.lock`: empty; the process that writes holds an advisory lock on it.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use super::checkpoint;
use crate::bugs::Bug;
use crate::contract::{Epoch, OpenError, Position};
use crate::event_log::Options;

/// "Wthr" in ASCII: SQLite's `application_id` of a log.
pub(super) const APPLICATION_ID: i32 = 0x5774_6872;
/// The only format there is.
const FORMAT: u32 = 1;
/// Measured: see [`super`].
const PAGE_BYTES: u32 = 16 * 1024;
/// How long a connection waits for a lock that another process holds.
pub(super) const BUSY_WAIT: Duration = Duration::from_secs(2);
/// Pages are cached up to this many KiB per connection.
const CACHE_KIB: i64 = 8 * 1024;

/// Returns `path` with `suffix` behind its whole name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// How often the writer's lock is asked for.
const LOCK_TRIES: usize = 20;
/// How long between two tries.
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// Takes the writer's lock; it is held until the file is dropped or the process ends.
pub(super) fn lock(path: &Path) -> Result<File, OpenError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(beside(path, ".lock"))
        .map_err(|source| io(path, source))?;
    // A process that is just being started by the last holder has its lock until it becomes another
    // program: a log that was closed a moment ago may look held for some milliseconds.
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(io(path, source)),
        }
    }
    Err(OpenError::InUse { path: shown(path) })
}

/// Opens the log's file for its one writer, and creates it if `options` say so. What it shows is durable.
pub(super) fn open_writer(path: &Path, options: &Options) -> Result<(Connection, Epoch), OpenError> {
    if !options.create && !path.exists() {
        return Err(io(path, std::io::Error::from(std::io::ErrorKind::NotFound)));
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let log = Connection::open_with_flags(path, flags).map_err(|source| io(path, source))?;
    let created = is_empty(&log).map_err(|source| refused(path, source))?;
    if created && !options.create {
        return Err(foreign(path, "it is empty"));
    }
    if created {
        create(&log, options.new_epoch).map_err(|source| io(path, source))?;
    }
    let epoch = identify(&log, path)?;
    write_ahead(&log).map_err(|source| refused(path, source))?;
    prepare_writer(&log).map_err(|source| refused(path, source))?;
    checkpoint::settle(&log).map_err(|source| refused(path, source))?;
    Ok((log, epoch))
}

/// Opens another connection to an existing log that never writes records.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let log = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    log.busy_timeout(BUSY_WAIT)?;
    log.pragma_update(None, "cache_size", -CACHE_KIB)?;
    plan_once(&log)?;
    Ok(log)
}

/// Lets no plan depend on what is bound: SQLite would else make it anew at every use.
pub(super) fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Opens another connection to an existing log that only moves the write-ahead log into it.
pub(super) fn open_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let log = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare_writer(&log)?;
    Ok(log)
}

/// Reads the epoch, refusing a file that is no log of a format known here.
pub(super) fn identify(log: &Connection, path: &Path) -> Result<Epoch, OpenError> {
    let id: i32 = log
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|source| refused(path, source))?;
    if id != APPLICATION_ID {
        return Err(foreign(path, "it belongs to another application"));
    }
    let format = meta(log, path, "format")?;
    if format != u64::from(FORMAT) {
        return Err(foreign(path, &format!("it has format {format}, this version reads {FORMAT}")));
    }
    meta(log, path, "epoch").map(Epoch)
}

/// Returns the position of the newest record.
pub(super) fn newest(log: &Connection) -> rusqlite::Result<Position> {
    log.prepare_cached("SELECT coalesce(max(position), 0) FROM records")?
        .query_row([], |row| row.get(0))
        .map(position)
}

/// Returns roughly how many bytes the write-ahead log grows by when bodies of `bytes` together are
/// committed: whole pages, and the page that the bodies before them began.
pub(super) const fn wal_bytes(bytes: usize) -> usize {
    (bytes / PAGE_BYTES as usize + 1) * PAGE_BYTES as usize
}

/// Returns `number` as SQLite holds it. Positions and revisions count appends, so none comes near
/// 2^63; a number from outside that passes it finds nothing.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Returns what SQLite holds as a position.
pub(super) fn position(number: i64) -> Position {
    Position(u64::try_from(number).unwrap_or(0))
}

/// Returns the open error for a cause that a repeat may cure.
pub(super) fn io(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> OpenError {
    OpenError::Io { path: shown(path), source: Box::new(source) }
}

/// Returns the open error that `source` stands for.
pub(super) fn refused(path: &Path, source: rusqlite::Error) -> OpenError {
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => foreign(path, "it is not a SQLite database"),
        Some(ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { path: shown(path), position: Position::ZERO, problem: source.to_string() }
        }
        _ => io(path, source),
    }
}

/// Returns `path` as an error shows it.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn foreign(path: &Path, problem: &str) -> OpenError {
    OpenError::Foreign { path: shown(path), problem: problem.to_owned() }
}

fn is_empty(log: &Connection) -> rusqlite::Result<bool> {
    log.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

/// Creates everything in one transaction: after a crash the file is empty or complete.
fn create(log: &Connection, epoch: Epoch) -> rusqlite::Result<()> {
    log.pragma_update(None, "page_size", PAGE_BYTES)?;
    log.pragma_update(None, "synchronous", "FULL")?;
    write_ahead(log)?;
    log.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         PRAGMA application_id = {APPLICATION_ID};
         CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE records(position INTEGER PRIMARY KEY, body BLOB NOT NULL);
         INSERT INTO meta VALUES ('format', '{FORMAT}'), ('epoch', '{epoch}');
         COMMIT;",
        epoch = epoch.0
    ))
}

/// Makes the database one with a write-ahead log, if it is not.
///
/// A disk that fails meanwhile leaves the mode as it was, which SQLite tells by its answer and by no error.
/// With any other journal a power cut may undo the newest commit, though it was synced.
fn write_ahead(log: &Connection) -> rusqlite::Result<()> {
    let mode: String = log.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode == "wal" {
        return Ok(());
    }
    let why = format!("the journal is {mode}, and SQLite does not change it to wal");
    Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR), Some(why)))
}

fn prepare_writer(log: &Connection) -> rusqlite::Result<()> {
    log.busy_timeout(BUSY_WAIT)?;
    let synchronous = if Bug::CommitUnsynced.is_planted() { "NORMAL" } else { "FULL" };
    log.pragma_update(None, "synchronous", synchronous)?;
    log.pragma_update(None, "secure_delete", "ON")?;
    log.pragma_update(None, "wal_autocheckpoint", 0)?;
    log.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(())
}

fn meta(log: &Connection, path: &Path, name: &str) -> Result<u64, OpenError> {
    let value: Option<String> = log
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(|source| match source.sqlite_error_code() {
            Some(ErrorCode::Unknown) => foreign(path, "it has no table of its own facts"),
            _ => refused(path, source),
        })?;
    value
        .as_deref()
        .and_then(|value| value.parse().ok())
        .ok_or_else(|| foreign(path, &format!("its {name} is missing or no number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_growth_of_the_write_ahead_log_is_foreseen() {
        const COMMITS: usize = 10;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log.db");
        let options = Options { new_epoch: Epoch(1), create: true, read_only: false };
        let (log, _) = open_writer(&path, &options).expect("a new log");
        let size = || std::fs::metadata(beside(&path, "-wal")).expect("it is there").len();
        for bytes in [10, 1_400, 15_000, 200_000] {
            let before = size();
            for _ in 0..COMMITS {
                log.execute("INSERT INTO records(body) VALUES (?1)", [vec![7_u8; bytes]]).expect("room");
            }
            let grown = usize::try_from(size() - before).expect("small");
            let foreseen = COMMITS * wal_bytes(bytes);
            assert!(
                foreseen <= 2 * grown && grown <= 4 * foreseen,
                "{bytes} bytes: {foreseen} foreseen, {grown} grown"
            );
        }
    }
}
