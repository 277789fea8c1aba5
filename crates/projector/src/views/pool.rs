//! Read connections, and the one moment when the file beneath them is exchanged.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// Most idle connections kept; more are opened under load and closed after it.
const IDLE_MAX: usize = 8;
/// Prepared statements that a connection keeps: more than there are.
pub(super) const STATEMENTS_MAX: usize = 128;
/// How long a reader waits for a checkpoint of SQLite to let it in.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Read connections to one file of views.
#[derive(Debug)]
pub(crate) struct Pool {
    path: PathBuf,
    /// Read-locked by every query, write-locked while the file is exchanged: a connection to the
    /// old file must not outlive it, since closing it would remove the new one's WAL.
    exchange: RwLock<()>,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, exchange: RwLock::new(()), idle: Mutex::new(Vec::new()) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `query` on a connection; blocks the thread.
    pub(crate) fn with<T, E: From<rusqlite::Error>>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let _present = self.exchange.read().unwrap_or_else(PoisonError::into_inner);
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open(&self.path)?,
        };
        let answer = query(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        answer
    }

    /// Runs `exchange`, which puts another file in place, while no connection is open.
    pub(crate) fn exchanged<T>(&self, exchange: impl FnOnce() -> T) -> T {
        let _alone = self.exchange.write().unwrap_or_else(PoisonError::into_inner);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        exchange()
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // A plan that does not depend on what is bound is made once, not at every use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}
