//! The handle on the courier's file: what the doors and the rounds share.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use log::{Epoch, Position};
use peers::{Peer, PeerError, Schema, SharedFile};
use rusqlite::{Connection, Transaction};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tracing::warn;

use crate::address::Reach;
use crate::clock::Clock;
use crate::error::{OpenError, StoreError};

/// How often a node looks what others have written.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The webhooks: who wants to be told, what waits for them, and what was delivered. Clones share the file.
///
/// What a method that changes something has answered is durable.
#[derive(Debug, Clone)]
pub struct Webhooks(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    db: Mutex<File>,
    /// Moves when a door has changed something: the rounds look again.
    moved: watch::Sender<u64>,
    pub(crate) epoch: Epoch,
    pub(crate) clock: Clock,
    pub(crate) reach: Reach,
}

/// The file, and the other nodes if they share it.
#[derive(Debug)]
struct File {
    db: Connection,
    peer: Option<Peer>,
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
        let mut db = crate::file::open(path)?;
        crate::shared::leave(&db).map_err(|error| OpenError::io(path, error))?;
        crate::file::settle(&mut db, epoch, head).map_err(|error| OpenError::io(path, error))?;
        Ok(Self::of(File { db, peer: None }, epoch, (reach, clock)))
    }

    /// Opens the file at `path` as one of those that the nodes of a log share: they have what any of them
    /// writes, so that any of them can carry what waits. What was in the file of a node that joins others is
    /// kept beside it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_shared(
        path: &Path,
        (epoch, head): (Epoch, Position),
        (reach, clock): (Reach, Clock),
        shared: SharedFile,
    ) -> Result<Self, OpenError> {
        let (path, runtime) = (path.to_owned(), Handle::current());
        let opened = tokio::task::spawn_blocking(move || {
            let db = crate::file::open(&path)?;
            let peer = Peer::join(shared, &db, runtime).and_then(|mut peer| {
                peer.catch_up(&db)?;
                Ok(peer)
            });
            let peer = Some(peer.map_err(|error| OpenError::io(&path, error))?);
            Ok(Self::of(File { db, peer }, epoch, (reach, clock)))
        });
        let webhooks =
            opened.await.unwrap_or_else(|lost| Err(OpenError::io(Path::new("courier.db"), lost)))?;
        let settled = webhooks
            .write(Durability::Now, move |db| Ok::<_, StoreError>(crate::file::settle_in(db, epoch, head)?));
        settled.await.map_err(|error| OpenError::io(Path::new("courier.db"), error))?;
        let inner = Arc::downgrade(&webhooks.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let Some(inner) = inner.upgrade() else { return };
                Self(inner).look().await;
            }
        });
        Ok(webhooks)
    }

    fn of(file: File, epoch: Epoch, (reach, clock): (Reach, Clock)) -> Self {
        let (db, moved) = (Mutex::new(file), watch::Sender::new(0));
        Self(Arc::new(Inner { db, moved, epoch, clock, reach }))
    }

    /// Returns what of the file nodes share.
    pub fn schema() -> &'static Schema {
        &crate::shared::SCHEMA
    }

    /// Looks what other nodes have written.
    async fn look(&self) {
        let inner = Arc::clone(&self.0);
        let looked = tokio::task::spawn_blocking(move || {
            let mut file = inner.db.lock().unwrap_or_else(PoisonError::into_inner);
            let File { db, peer: Some(peer) } = &mut *file else { return Ok(false) };
            let caught_up = peer.catch_up(db)?;
            peer.tidy(db)?;
            Ok::<_, PeerError>(caught_up.batches > 0)
        });
        match looked.await {
            Ok(Ok(true)) => self.wake(),
            Ok(Err(error)) => warn!(%error, "Cannot read what other nodes wrote of webhooks"),
            Ok(Ok(false)) | Err(_) => {}
        }
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
            work(&inner.db.lock().unwrap_or_else(PoisonError::into_inner).db)
        });
        read.await.unwrap_or_else(|_| Err(StoreError::Lost.into()))
    }

    /// Does `work` in one transaction, which is whole or not at all. Not cancel-safe: once begun it is done.
    pub(crate) async fn write<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, E> {
        let inner = Arc::clone(&self.0);
        let written = tokio::task::spawn_blocking(move || {
            let mut file = inner.db.lock().unwrap_or_else(PoisonError::into_inner);
            let level = match durability {
                Durability::Now => "FULL",
                Durability::Soon => "NORMAL",
            };
            file.db.pragma_update(None, "synchronous", level).map_err(StoreError::from)?;
            let File { db, peer } = &mut *file;
            match peer {
                None => {
                    let step = db.transaction().map_err(StoreError::from)?;
                    let answer = work(&step)?;
                    step.commit().map_err(StoreError::from)?;
                    Ok(answer)
                }
                Some(peer) => crate::shared::write(db, peer, &work),
            }
        });
        written.await.unwrap_or_else(|_| Err(StoreError::Lost.into()))
    }
}
