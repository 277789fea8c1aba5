//! The replica's handle.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll};

use futures::Stream;
use story::{Revision, StoryId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use wire::ArticleView;

use crate::builder::{Builder, Settings};
use crate::connection::Connection;
use crate::follower::Follower;
use crate::update::{Counts, Update};

/// How a replica stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// It has not connected yet, or is still fetching what it begins with.
    #[default]
    Connecting,
    /// It follows.
    Live,
    /// The connection is lost; what is shown may be old. It goes on by itself.
    Lost,
}

/// The replica was closed, or its runtime has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the replica is closed")]
pub struct Closed;

/// What the task and the handle share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) views: RwLock<HashMap<StoryId, Arc<ArticleView>>>,
    pub(crate) counts: Mutex<Counts>,
    /// Rises with every change of `views`.
    pub(crate) moved: watch::Sender<u64>,
    pub(crate) status: watch::Sender<Status>,
}

impl Shared {
    pub(crate) fn show(&self, story: StoryId, view: Option<Arc<ArticleView>>) {
        let mut views = self.views.write().unwrap_or_else(PoisonError::into_inner);
        match view {
            Some(view) => views.insert(story, view),
            None => views.remove(&story),
        };
        drop(views);
        self.moved.send_modify(|moved| *moved += 1);
    }

    pub(crate) fn view(&self, story: StoryId) -> Option<Arc<ArticleView>> {
        self.views.read().unwrap_or_else(PoisonError::into_inner).get(&story).cloned()
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A live, verified replica. It is a [`Stream`] of [`Update`]s, which need not be read: what is
/// current is there at any time, and reading slowly loses nothing but steps in between.
///
/// Dropping it ends it; [`Replica::close`] also waits until it has ended.
#[derive(Debug)]
pub struct Replica {
    shared: Arc<Shared>,
    updates: mpsc::Receiver<Update>,
    task: JoinHandle<()>,
    /// Cancelled when the task has ended.
    ended: CancellationToken,
    shutdown: DropGuard,
}

impl Replica {
    /// Returns a builder for a replica on the NATS server at `url`; several URLs of a cluster have
    /// commas between them.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    pub(crate) fn start(connection: Connection, settings: Settings) -> Self {
        let shared = Arc::new(Shared::default());
        let (sender, updates) = mpsc::channel(settings.updates_waiting);
        let token = CancellationToken::new();
        let follower = Follower::new(connection, settings, Arc::clone(&shared), sender);
        let (shutdown, ended) = (token.clone(), CancellationToken::new());
        let guard = ended.clone().drop_guard();
        let task = tokio::spawn(async move {
            let _guard = guard;
            follower.run(shutdown).await;
        });
        Self { shared, updates, task, ended, shutdown: token.drop_guard() }
    }

    /// Returns the story's article as it is known now; `None` if it is not among those followed, or
    /// nothing of it is known yet.
    pub fn current(&self, story: StoryId) -> Option<Arc<ArticleView>> {
        self.shared.view(story)
    }

    /// Returns every story that is known, in no order.
    pub fn stories(&self) -> Vec<StoryId> {
        self.shared.views.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// Returns a receiver that shows how the replica stands.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// Returns how often what happened.
    pub fn counts(&self) -> Counts {
        *self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once the replica has fetched what it begins with and follows.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn live(&self) -> Result<(), Closed> {
        let mut status = self.status();
        let live = async { status.wait_for(|status| *status == Status::Live).await.map(drop) };
        tokio::select! {
            biased;
            live = live => live.map_err(|_| Closed),
            () = self.ended.cancelled() => Err(Closed),
        }
    }

    /// Returns the story's article once it is at `revision` or later.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn wait_until(&self, story: StoryId, revision: Revision) -> Result<Arc<ArticleView>, Closed> {
        let mut moved = self.shared.moved.subscribe();
        loop {
            moved.mark_unchanged();
            if let Some(view) = self.current(story).filter(|view| view.revision >= revision) {
                return Ok(view);
            }
            tokio::select! {
                biased;
                changed = moved.changed() => changed.map_err(|_| Closed)?,
                () = self.ended.cancelled() => return Err(Closed),
            }
        }
    }

    /// Ends the replica and returns once it has ended.
    pub async fn close(self) {
        drop(self.shutdown);
        // The task's own panic has been reported where it happened.
        let _ = self.task.await;
    }
}

impl Stream for Replica {
    type Item = Update;

    /// Ends only after the replica has.
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Update>> {
        self.updates.poll_recv(context)
    }
}
