//! The file `registry.db`: how it is made, recognised and opened. Nobody but its owner may read it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{OpenError, StoreError};

/// `WtRg` in SQLite's header: what kind of file this is.
const APPLICATION_ID: i32 = 0x5774_5267;
/// The format that this version reads and writes.
pub(crate) const FORMAT: i32 = 4;
/// How long a connection waits for another.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// How long the writer waits for readers who keep the journal from being emptied.
const JOURNAL_WAIT: Duration = Duration::from_millis(250);

/// What waits for a second person is in a table of its own, so that lists do not read it.
const TABLES: &str = "
CREATE TABLE actors(id TEXT PRIMARY KEY, name TEXT, grants TEXT NOT NULL, added INTEGER NOT NULL,
  name_erased INTEGER, deactivated INTEGER) WITHOUT ROWID;
CREATE TABLE keys(id TEXT PRIMARY KEY, actor TEXT NOT NULL, digest BLOB, digest_before BLOB,
  before_until INTEGER, scopes TEXT NOT NULL, desks TEXT NOT NULL, added INTEGER NOT NULL,
  rotated INTEGER, expires INTEGER, used INTEGER, revoked INTEGER, note TEXT,
  in_file INTEGER NOT NULL DEFAULT 0, command TEXT) WITHOUT ROWID;
CREATE INDEX keys_of_actor ON keys(actor, revoked);
CREATE UNIQUE INDEX keys_under_key ON keys(command) WHERE command IS NOT NULL;
CREATE TABLE denials(number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT, key TEXT,
  act TEXT NOT NULL, desk TEXT, story BLOB, door TEXT NOT NULL, reason TEXT NOT NULL);
CREATE INDEX denials_of_actors ON denials(number) WHERE actor IS NOT NULL;
CREATE INDEX denials_of_strangers ON denials(number) WHERE actor IS NULL;
CREATE TABLE requests(id INTEGER PRIMARY KEY AUTOINCREMENT, actor TEXT NOT NULL, act TEXT NOT NULL,
  story BLOB, desk TEXT, asked INTEGER NOT NULL, expires INTEGER NOT NULL, state TEXT NOT NULL,
  approver TEXT, decided INTEGER, ended INTEGER, revision INTEGER, reason TEXT,
  command TEXT, seen INTEGER);
CREATE INDEX requests_in_state ON requests(state, id);
CREATE INDEX requests_under_key ON requests(actor, command);
CREATE TABLE payloads(request INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE deliveries(story BLOB, subscriber TEXT, revision INTEGER, at INTEGER NOT NULL,
  PRIMARY KEY(story, subscriber, revision)) WITHOUT ROWID;
CREATE TABLE acknowledgements(story BLOB, recall INTEGER, subscriber TEXT, at INTEGER NOT NULL,
  PRIMARY KEY(story, recall, subscriber)) WITHOUT ROWID;
CREATE TABLE departures(story BLOB, revision INTEGER, door TEXT, at INTEGER NOT NULL,
  PRIMARY KEY(story, revision, door)) WITHOUT ROWID;
CREATE TABLE holds(id INTEGER PRIMARY KEY AUTOINCREMENT, story BLOB NOT NULL, basis TEXT NOT NULL,
  reason TEXT NOT NULL, placed INTEGER NOT NULL, placed_by TEXT NOT NULL, lifted INTEGER, lifted_by TEXT,
  lift_reason TEXT);
CREATE INDEX holds_open ON holds(story, id) WHERE lifted IS NULL;
CREATE TABLE exports(number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, by TEXT NOT NULL,
  recipient TEXT, level TEXT NOT NULL, stories BLOB NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE settings(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
";

/// What makes format 2 of format 1: the idempotency keys of keys and requests, and the revision that a
/// request saw.
const FROM_1: &str = "
ALTER TABLE requests ADD COLUMN command TEXT;
ALTER TABLE requests ADD COLUMN seen INTEGER;
CREATE INDEX requests_under_key ON requests(actor, command);
ALTER TABLE keys ADD COLUMN command TEXT;
CREATE UNIQUE INDEX keys_under_key ON keys(command) WHERE command IS NOT NULL;
";

/// What makes format 3 of format 2: legal holds.
const FROM_2: &str = "
CREATE TABLE holds(id INTEGER PRIMARY KEY AUTOINCREMENT, story BLOB NOT NULL, basis TEXT NOT NULL,
  reason TEXT NOT NULL, placed INTEGER NOT NULL, placed_by TEXT NOT NULL, lifted INTEGER, lifted_by TEXT,
  lift_reason TEXT);
CREATE INDEX holds_open ON holds(story, id) WHERE lifted IS NULL;
";

/// What makes format 4 of format 3: exports.
const FROM_3: &str = "
CREATE TABLE exports(number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, by TEXT NOT NULL,
  recipient TEXT, level TEXT NOT NULL, stories BLOB NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL);
";

/// Takes the lock beside `path`; it is held until the file is dropped or the process ends.
///
/// Beside it, since closing a file of its own on `registry.db` would take SQLite's locks away.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".lock");
    let file = private().create(true).truncate(false).open(PathBuf::from(beside)).map_err(|e| io(path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(io(path, error)),
    }
}

/// Opens the one connection that writes; makes the file if there is none.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    match private().create_new(true).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(path, error)),
    }
    let refused = |error| refused(path, error);
    let db = open(path).map_err(refused)?;
    let empty: bool =
        db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0)).map_err(refused)?;
    if empty {
        create(&db).map_err(refused)?;
    }
    let id: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(refused)?;
    if id != APPLICATION_ID {
        return Err(foreign(path, "it belongs to another application"));
    }
    let mut format: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(refused)?;
    for (from, step) in [(1, FROM_1), (2, FROM_2), (3, FROM_3)] {
        if format == from {
            let upgrade = format!("BEGIN IMMEDIATE; {step} PRAGMA user_version = {}; COMMIT;", from + 1);
            db.execute_batch(&upgrade).map_err(refused)?;
            format = from + 1;
        }
    }
    if format != FORMAT {
        return Err(foreign(path, &format!("it has format {format}, this version reads {FORMAT}")));
    }
    close_to_others(path).map_err(|error| io(path, error))?; // Not before it is known to be ours.
    prepare_writer(&db).map_err(refused)?;
    Ok(db)
}

/// Opens a connection that only reads.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let db = open(path)?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}

/// Empties the journal into the file; returns whether nothing is left in it. Readers of an old state
/// are in the way, and are not waited for as long as a writer would be.
pub(crate) fn empty_journal(db: &Connection) -> rusqlite::Result<bool> {
    db.busy_timeout(JOURNAL_WAIT)?;
    let busy = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    db.busy_timeout(BUSY_WAIT)?;
    busy.map(|busy| busy == 0)
}

/// Returns the open error that `error` stands for.
pub(crate) fn refused(path: &Path, error: rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => foreign(path, "it is not a SQLite database"),
        _ => match StoreError::from(error) {
            StoreError::Damaged { source } => OpenError::Damaged { path: path.display().to_string(), source },
            other => io(path, other),
        },
    }
}

/// Returns the open error for a cause that a repeat may cure.
pub(crate) fn io(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> OpenError {
    OpenError::Io { path: path.display().to_string(), source: Arc::new(source) }
}

/// Returns how a file is opened for writing that, if it is new, only its owner may read.
#[cfg(unix)]
pub(crate) fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// Returns how a file is opened for writing.
#[cfg(not(unix))]
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    options
}

/// Takes every right on the file from everyone but its owner.
#[cfg(unix)]
pub(crate) fn close_to_others(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// Does nothing: access is the folder's affair here.
#[cfg(not(unix))]
pub(crate) fn close_to_others(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Prepared statements that a connection keeps: more than there are.
const STATEMENTS_MAX: usize = 128;

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY_WAIT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // A plan that does not depend on what is bound is made once, not at every use.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(db)
}

/// Makes everything in one transaction: after a crash the file is empty or complete.
fn create(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.execute_batch(&format!(
        "BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};
         {TABLES} COMMIT;"
    ))
}

fn prepare_writer(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "secure_delete", "ON")?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn foreign(path: &Path, problem: &str) -> OpenError {
    OpenError::Foreign { path: path.display().to_string(), problem: problem.to_owned() }
}
