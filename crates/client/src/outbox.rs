//! Updates on their way to the owner: a bounded queue, and what is owed once it has room again.
//!
//! When the queue is full, a story's updates become one: at most one is owed per story, so an owner
//! that does not read costs no more than the articles themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use story::{Desk, Revision, StoryId};
use tokio::sync::mpsc;
use wire::Recall;

use crate::update::{ResetReason, Unavailable, Update};

/// What is owed for a story: its contents are looked up when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owed {
    Reset(ResetReason),
    Removed(Option<Desk>),
    Unavailable(Revision, Unavailable),
    Recalled(Arc<Recall>),
}

/// Everything that is owed for a story. Recalls become one, which names what each named.
#[derive(Debug, Default)]
struct Debt {
    owed: Option<Owed>,
    recall: Option<Arc<Recall>>,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Update>,
    owed: BTreeMap<StoryId, Debt>,
}

impl Outbox {
    pub(crate) const fn new(queue: mpsc::Sender<Update>) -> Self {
        Self { queue, owed: BTreeMap::new() }
    }

    /// Sends `update` if there is room and nothing earlier is owed for its story; else its story is
    /// owed one.
    pub(crate) fn put(&mut self, update: Update) {
        let story = update.story();
        if let Some(debt) = self.owed.get_mut(&story) {
            debt.add(update);
        } else if let Err(mpsc::error::TrySendError::Full(update)) = self.queue.try_send(update) {
            self.owed.entry(story).or_default().add(update);
        }
        // A closed queue means that the owner is gone: the task is about to end.
    }

    pub(crate) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Returns the queue, to wait for room in it.
    pub(crate) fn queue(&self) -> mpsc::Sender<Update> {
        self.queue.clone()
    }

    /// Takes what is owed next; of a story a recall comes last.
    pub(crate) fn take(&mut self) -> Option<(StoryId, Owed)> {
        let mut first = self.owed.first_entry()?;
        let story = *first.key();
        if let Some(owed) = first.get_mut().owed.take() {
            if first.get().recall.is_none() {
                first.remove();
            }
            return Some((story, owed));
        }
        first.remove().recall.map(|recall| (story, Owed::Recalled(recall)))
    }
}

impl Debt {
    fn add(&mut self, update: Update) {
        let now = match update {
            Update::Recalled { recall } => {
                let earlier = self.recall.take();
                self.recall =
                    Some(earlier.map_or_else(|| Arc::clone(&recall), |earlier| both(&earlier, &recall)));
                return;
            }
            Update::Changed { .. } => Owed::Reset(ResetReason::Behind),
            Update::Reset { reason, .. } => Owed::Reset(reason),
            Update::Removed { desk, .. } => Owed::Removed(desk),
            Update::Unavailable { revision, reason, .. } => Owed::Unavailable(revision, reason),
        };
        self.owed = Some(match self.owed.take() {
            Some(owed) => merged(&owed, now),
            None => now,
        });
    }
}

/// Returns the later of two recalls of a story, which also voids what the earlier does.
fn both(earlier: &Recall, later: &Recall) -> Arc<Recall> {
    let voids: BTreeSet<Revision> = earlier.voids.iter().chain(&later.voids).copied().collect();
    Arc::new(Recall { voids: voids.into_iter().collect(), ..later.clone() })
}

/// What is owed after `update`, where `owed` was before. The first reason for a reset is kept: the
/// owner has not heard of it yet.
fn merged(owed: &Owed, now: Owed) -> Owed {
    match (owed, now) {
        (Owed::Reset(first), Owed::Reset(_) | Owed::Unavailable(..)) => Owed::Reset(*first),
        (_, now) => now,
    }
}
