//! The handle on the courier's file: what the doors and the rounds share.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use log::{Epoch, Position};
use rusqlite::{Connection, Transaction};
use tokio::sync::watch;

use crate::address::Reach;
use crate::clock::Clock;
use crate::error::{OpenError, StoreError};

/// The webhooks: who wants to be told, what waits for them, and what was delivered. Clones share the file.
///
/// What a method that changes something has answered is durable.
#[derive(Debug, Clone)]
pub struct Webhooks(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    db: Mutex<Connection>,
    /// Moves when a door has changed something: the rounds look again.
    moved: watch::Sender<u64>,
    pub(crate) epoch: Epoch,
    pub(crate) clock: Clock,
    pub(crate) reach: Reach,
}

/// What a change is worth when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It is on the disk before it is answered.
    Now,
    /// It follows: what is lost is done again, and at least once is what is promised.
    Soon,
}

impl Webhooks {
    /// Opens the file at `path`, or makes it, for the log in its life `epoch` that has come to `head`.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        path: &Path,
        (epoch, head): (Epoch, Position),
        reach: Reach,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        let db = Mutex::new(crate::file::open(path, (epoch, head))?);
        Ok(Self(Arc::new(Inner { db, moved: watch::Sender::new(0), epoch, clock, reach })))
    }

    /// Returns which life of the log its cursors are of.
    pub fn epoch(&self) -> Epoch {
        self.0.epoch
    }

    /// Returns a receiver that wakes when a door has changed something.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.0.moved.subscribe()
    }

    /// Wakes the rounds.
    pub(crate) fn wake(&self) {
        self.0.moved.send_modify(|moved| *moved = moved.wrapping_add(1));
    }

    /// Reads.
    pub(crate) async fn read<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let inner = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || {
            work(&inner.db.lock().unwrap_or_else(PoisonError::into_inner))
        });
        read.await.unwrap_or_else(|_| Err(StoreError::Lost.into()))
    }

    /// Does `work` in one transaction, which is whole or not at all. Not cancel-safe: once begun it is done.
    pub(crate) async fn write<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let inner = Arc::clone(&self.0);
        let written = tokio::task::spawn_blocking(move || {
            let mut db = inner.db.lock().unwrap_or_else(PoisonError::into_inner);
            let level = match durability {
                Durability::Now => "FULL",
                Durability::Soon => "NORMAL",
            };
            db.pragma_update(None, "synchronous", level).map_err(StoreError::from)?;
            let step = db.transaction().map_err(StoreError::from)?;
            let answer = work(&step)?;
            step.commit().map_err(StoreError::from)?;
            Ok(answer)
        });
        written.await.unwrap_or_else(|_| Err(StoreError::Lost.into()))
    }
}
