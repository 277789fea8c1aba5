//! Connections that read, a few at once, each query on the blocking pool.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::error::StoreError;
use crate::file;

/// Queries that run at once; more wait their turn.
const READERS_MAX: usize = 4;

/// Read connections to one registry.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    turns: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, turns: Semaphore::new(READERS_MAX), idle: Mutex::default() })
    }

    /// Runs `query` on a connection of its own. Cancel-safe: a query that is not waited for ends by
    /// itself.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _turn = self.turns.acquire().await.map_err(|_| StoreError::unavailable("it is closed"))?;
        let readers = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || readers.query(query)).await;
        done.unwrap_or_else(|_| Err(StoreError::unavailable("the query was abandoned")))
    }

    /// Lets no more queries begin and closes the connections that are idle.
    pub(crate) fn close(&self) {
        self.turns.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn query<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let db = match idle {
            Some(db) => db,
            None => file::open_reader(&self.path)?,
        };
        let answer = query(&db)?; // After a failure the connection is not used again.
        if !self.turns.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
        }
        Ok(answer)
    }
}
