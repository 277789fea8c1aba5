//! Updates on their way to the owner: a bounded queue, and what is owed once it has room again.
//!
//! When the queue is full, a story's updates become one: at most one is owed per story, so an owner
//! that does not read costs no more than the articles themselves.

use std::collections::BTreeMap;

use story::{Desk, Revision, StoryId};
use tokio::sync::mpsc;

use crate::update::{ResetReason, Unavailable, Update};

/// What is owed for a story: its contents are looked up when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owed {
    Reset(ResetReason),
    Removed(Option<Desk>),
    Unavailable(Revision, Unavailable),
}

#[derive(Debug)]
pub(crate) struct Outbox {
    queue: mpsc::Sender<Update>,
    owed: BTreeMap<StoryId, Owed>,
}

impl Outbox {
    pub(crate) const fn new(queue: mpsc::Sender<Update>) -> Self {
        Self { queue, owed: BTreeMap::new() }
    }

    /// Sends `update` if there is room and nothing earlier is owed for its story; else its story is
    /// owed one.
    pub(crate) fn put(&mut self, update: Update) {
        let story = update.story();
        if let Some(owed) = self.owed.get_mut(&story) {
            *owed = merged(owed, &update);
        } else if let Err(mpsc::error::TrySendError::Full(update)) = self.queue.try_send(update) {
            self.owed.insert(story, owing(&update));
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

    /// Takes what is owed next.
    pub(crate) fn take(&mut self) -> Option<(StoryId, Owed)> {
        self.owed.pop_first()
    }
}

fn owing(update: &Update) -> Owed {
    match update {
        Update::Changed { .. } => Owed::Reset(ResetReason::Behind),
        Update::Reset { reason, .. } => Owed::Reset(*reason),
        Update::Removed { desk, .. } => Owed::Removed(desk.clone()),
        Update::Unavailable { revision, reason, .. } => Owed::Unavailable(*revision, reason.clone()),
    }
}

/// What is owed after `update`, where `owed` was before. The first reason for a reset is kept: the
/// owner has not heard of it yet.
fn merged(owed: &Owed, update: &Update) -> Owed {
    match (owed, owing(update)) {
        (Owed::Reset(first), Owed::Reset(_) | Owed::Unavailable(..)) => Owed::Reset(*first),
        (_, now) => now,
    }
}
