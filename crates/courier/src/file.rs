//! The file `courier.db`: how it is made, recognised and opened. Nobody but its owner may read it: it holds
//! the secrets that deliveries are signed with. It holds no word of any story.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use log::{Epoch, Position};
use rusqlite::{Connection, OpenFlags, params};

use crate::error::OpenError;

/// `WtCo` in SQLite's header: what kind of file this is.
const APPLICATION_ID: i32 = 0x5774_436f;
/// The format that this version reads and writes.
pub(crate) const FORMAT: i32 = 1;
/// How long a connection waits for another, such as a backup's.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// What was queued is in `told` for as long as its endpoint is there: a recall goes to whoever was told of
/// what it voids. A delivery whose `state` is 0 waits. A test has no story and no position.
const TABLES: &str = "
CREATE TABLE endpoints(id TEXT PRIMARY KEY, url TEXT NOT NULL, description TEXT NOT NULL, filter TEXT NOT NULL,
  payload TEXT NOT NULL, cursor INTEGER NOT NULL, state TEXT NOT NULL, added INTEGER NOT NULL,
  changed INTEGER NOT NULL, reason TEXT) WITHOUT ROWID;
CREATE TABLE told(endpoint TEXT, story BLOB, revision INTEGER,
  PRIMARY KEY(endpoint, story, revision)) WITHOUT ROWID;
CREATE TABLE secrets(number INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL, secret BLOB NOT NULL,
  until INTEGER);
CREATE INDEX secrets_of ON secrets(endpoint);
CREATE TABLE deliveries(id INTEGER PRIMARY KEY AUTOINCREMENT, endpoint TEXT NOT NULL, message TEXT NOT NULL,
  story BLOB NOT NULL, position INTEGER NOT NULL, revision INTEGER NOT NULL, kind TEXT NOT NULL,
  origin TEXT NOT NULL, state INTEGER NOT NULL, attempts INTEGER NOT NULL, queued INTEGER NOT NULL,
  begun INTEGER, due INTEGER NOT NULL, ended INTEGER, status INTEGER, error TEXT);
CREATE INDEX deliveries_waiting ON deliveries(endpoint, story, id) WHERE state = 0;
CREATE UNIQUE INDEX deliveries_once ON deliveries(endpoint, position) WHERE state = 0 AND position > 0;
CREATE INDEX deliveries_of ON deliveries(endpoint, id);
CREATE TABLE settings(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
";

/// Opens the file at `path`, or makes it.
pub(crate) fn open(path: &Path) -> Result<Connection, OpenError> {
    let shown = || path.display().to_string();
    let io = |source: io::Error| OpenError::Io { path: shown(), source: source.into() };
    let refused = |source: rusqlite::Error| OpenError::Io { path: shown(), source: source.into() };
    match private().create_new(true).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(error)),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(refused)?;
    prepare(&db).map_err(refused)?;
    let (id, format) = kind(&db).map_err(refused)?;
    if id != APPLICATION_ID || format != FORMAT {
        let problem = if id == APPLICATION_ID {
            format!("it has format {format}, this version reads {FORMAT}")
        } else {
            "it belongs to another application".to_owned()
        };
        return Err(OpenError::Foreign { path: shown(), problem });
    }
    Ok(db)
}

fn prepare(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_WAIT)?;
    if db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get::<_, bool>(0))? {
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        // All of it, or after a crash nothing.
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};
             {TABLES} COMMIT;"
        ))?;
    }
    // A secret that ended is not left in a free page.
    db.pragma_update(None, "secure_delete", "ON")?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn kind(db: &Connection) -> rusqlite::Result<(i32, i32)> {
    let id = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok((id, db.pragma_query_value(None, "user_version", |row| row.get(0))?))
}

/// Puts the file right for the log in its life `epoch` that has come to `head`.
///
/// A log that was put back to an earlier state has another epoch: what waited from before may not be in it
/// any more, so it ends, and each endpoint goes on no later than where the log is now.
pub(crate) fn settle(db: &mut Connection, epoch: Epoch, head: Position) -> rusqlite::Result<()> {
    let step = db.transaction()?;
    settle_in(&step, epoch, head)?;
    step.execute("UPDATE endpoints SET cursor = ?1 WHERE cursor > ?1", params![head.0])?;
    step.commit()
}

/// Does the same where nodes share the file: what one of them has done, and what another's log has that is
/// not known here yet, stays as it is.
pub(crate) fn settle_in(step: &Connection, epoch: Epoch, head: Position) -> rusqlite::Result<()> {
    let known = "SELECT count(*) > 0 FROM settings WHERE name = 'epoch' AND value = ?1";
    // As bits: an epoch uses all 64.
    let epoch = epoch.0.cast_signed();
    if !step.query_row(known, [epoch], |row| row.get::<_, bool>(0))? {
        step.execute(
            "UPDATE deliveries SET state = 3, ended = due, error = 'the log was put back to an earlier state'
             WHERE state = 0",
            [],
        )?;
        step.execute("UPDATE endpoints SET cursor = ?1 WHERE cursor > ?1", params![head.0])?;
        step.execute("INSERT OR REPLACE INTO settings VALUES ('epoch', ?1)", [epoch])?;
    }
    Ok(())
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    options
}
