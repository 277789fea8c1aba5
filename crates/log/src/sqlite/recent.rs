//! What is in the log but not yet in the index file: the newest batches, by story and by command.
//!
//! It is bounded. The writer adds, readers look up, and the indexer takes the older half away in
//! one piece once it is in the file: a batch is always in here, in the file, or in both, so a
//! reader that asks here first and the file second misses none.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::record::Extent;
use crate::contract::{Position, StoryKey};

/// Batches after which the indexer takes what there is into the file.
const SEAL_BATCHES: usize = 8 * 1024;
/// Batches after which the writer waits for the indexer.
const HELD_BATCHES_MAX: usize = 32 * SEAL_BATCHES;
/// How long the writer waits for the indexer before it refuses appends.
const ROOM_WAIT: Duration = Duration::from_secs(5);

/// The batches of one stretch of the log.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    stories: HashMap<StoryKey, StoryStretch>,
    batches: usize,
    last: Position,
}

#[derive(Debug, Default)]
struct StoryStretch {
    /// By rising revision.
    extents: Vec<Extent>,
    commands: HashMap<Box<[u8]>, usize>,
}

impl Stretch {
    fn add(&mut self, story: StoryKey, command: Box<[u8]>, extent: Extent) {
        let here = self.stories.entry(story).or_default();
        here.commands.insert(command, here.extents.len());
        here.extents.push(extent);
        self.batches += 1;
        self.last = extent.last();
    }

    /// Returns the place of the stretch's newest record.
    pub(super) const fn last(&self) -> Position {
        self.last
    }

    /// Returns every batch with its story, sorted by story and revision.
    pub(super) fn extents(&self) -> Vec<(StoryKey, Extent)> {
        let mut all: Vec<_> = self
            .stories
            .iter()
            .flat_map(|(&story, here)| here.extents.iter().map(move |&extent| (story, extent)))
            .collect();
        all.sort_unstable_by_key(|(story, extent)| (*story, extent.revision));
        all
    }

    /// Returns every command with its story and first revision, sorted by story and command.
    pub(super) fn commands(&self) -> Vec<(StoryKey, &[u8], u64)> {
        let mut all = Vec::with_capacity(self.batches);
        for (&story, here) in &self.stories {
            for (command, &at) in &here.commands {
                all.push((story, command.as_ref(), here.extents[at].revision));
            }
        }
        all.sort_unstable();
        all
    }
}

#[derive(Debug, Default)]
struct State {
    sealed: Option<Arc<Stretch>>,
    growing: Stretch,
    ending: bool,
}

/// The batches that the index file may not hold yet.
#[derive(Debug, Default)]
pub(super) struct Recent {
    state: Mutex<State>,
    /// Whether batches were let go, so that only the index file knows them.
    incomplete: AtomicBool,
    /// Told when there may be something to seal, when a sealed stretch is gone, and at the end.
    moved: Condvar,
}

impl Recent {
    /// Returns a memory of what comes after `checkpoint`, up to which the index file holds all.
    pub(super) fn after(checkpoint: Position) -> Self {
        Self { incomplete: AtomicBool::new(checkpoint > Position::ZERO), ..Self::default() }
    }

    /// Returns whether the index file is needed to know the whole log.
    pub(super) fn is_incomplete(&self) -> bool {
        self.incomplete.load(Ordering::Acquire)
    }

    /// Adds a batch that is durable; batches come in log order.
    pub(super) fn add(&self, batches: impl IntoIterator<Item = (StoryKey, Box<[u8]>, Extent)>) {
        let mut state = self.state();
        for (story, command, extent) in batches {
            state.growing.add(story, command, extent);
        }
        if state.growing.batches >= SEAL_BATCHES && state.sealed.is_none() {
            drop(state);
            self.moved.notify_all();
        }
    }

    /// Waits while more is held than may be, and returns whether there is room again.
    pub(super) fn wait_for_room(&self) -> bool {
        let full = |state: &mut State| state.growing.batches >= HELD_BATCHES_MAX;
        let (_state, waited) = self
            .moved
            .wait_timeout_while(self.state(), ROOM_WAIT, full)
            .unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }

    /// Waits until enough is there to be sealed, or for the end, and returns the sealed stretch;
    /// nothing when the end has come and all is in the file.
    pub(super) fn wait_for_sealed(&self) -> Option<Arc<Stretch>> {
        let idle = |state: &mut State| {
            state.sealed.is_none() && state.growing.batches < SEAL_BATCHES && !state.ending
        };
        let mut state = self.moved.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
        state.seal()
    }

    /// Returns a sealed stretch if there is enough for one, without waiting.
    pub(super) fn sealed_if_due(&self) -> Option<Arc<Stretch>> {
        let mut state = self.state();
        if state.sealed.is_none() && state.growing.batches < SEAL_BATCHES {
            return None;
        }
        state.seal()
    }

    /// Forgets the sealed stretch, which the index file now holds.
    pub(super) fn forget_sealed(&self) {
        self.incomplete.store(true, Ordering::Release);
        self.state().sealed = None;
        self.moved.notify_all();
    }

    /// Lets the indexer take what is left, and every waiter go.
    pub(super) fn end(&self) {
        self.state().ending = true;
        self.moved.notify_all();
    }

    /// Returns whether [`Self::end`] was called.
    pub(super) fn is_ending(&self) -> bool {
        self.state().ending
    }

    /// Returns the newest batch of `story` at or before `upto`.
    pub(super) fn newest(&self, story: StoryKey, upto: Position) -> Option<Extent> {
        let state = self.state();
        state.stretches().rev().find_map(|stretch| {
            let extents = &stretch.stories.get(&story)?.extents;
            extents.iter().rev().find(|extent| extent.last() <= upto).copied()
        })
    }

    /// Returns the batch that `command` caused in `story`.
    pub(super) fn command(&self, story: StoryKey, command: &[u8]) -> Option<Extent> {
        let state = self.state();
        state.stretches().find_map(|stretch| {
            let here = stretch.stories.get(&story)?;
            here.commands.get(command).map(|&at| here.extents[at])
        })
    }

    /// Calls `each` with every command of `story`.
    pub(super) fn each_command(&self, story: StoryKey, mut each: impl FnMut(&[u8])) {
        let state = self.state();
        for here in state.stretches().filter_map(|stretch| stretch.stories.get(&story)) {
            here.commands.keys().for_each(|command| each(command));
        }
    }

    /// Returns up to `batches_max` batches of `story` that reach `revision` or later, in order.
    pub(super) fn extents(&self, story: StoryKey, revision: u64, batches_max: usize) -> Vec<Extent> {
        let state = self.state();
        let mut found = Vec::new();
        for here in state.stretches().filter_map(|stretch| stretch.stories.get(&story)) {
            let start = here.extents.partition_point(|extent| extent.last_revision() < revision);
            found.extend(here.extents[start..].iter().take(batches_max - found.len()));
        }
        found
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock can leave it half changed and panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn seal(&mut self) -> Option<Arc<Stretch>> {
        if self.sealed.is_none() && self.growing.batches > 0 {
            self.sealed = Some(Arc::new(std::mem::take(&mut self.growing)));
        }
        self.sealed.clone()
    }

    /// Older first.
    fn stretches(&self) -> impl DoubleEndedIterator<Item = &Stretch> {
        self.sealed.as_deref().into_iter().chain(Some(&self.growing))
    }
}
