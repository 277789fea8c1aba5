//! Work on one story is done one piece after the other, in the order in which it came; work on
//! different stories at once.
//!
//! A lane is a task that lives while there is work on its story. What it knows of the story is
//! kept when it ends, for the next one; memory for that is bounded by two generations, of which the
//! older is forgotten when the younger is full.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::core::Core;
use super::known::Known;
use crate::contract::{AppendError, Appended, Batch, Command, ReadError, StoryKey};

/// Stories and commands that a generation holds.
const GENERATION_WEIGHT_MAX: usize = 512 * 1024;

/// An append that waits for its turn.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) expected: u64,
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Result<Appended, AppendError>>,
    /// Its share of what may wait: of the number, and of the KiB.
    pub(super) _room: [OwnedSemaphorePermit; 2],
}

/// A piece of work on a story.
#[derive(Debug)]
pub(super) enum Job {
    Append(Append),
    Find { command: Command, answer: oneshot::Sender<Result<Option<Appended>, ReadError>> },
}

/// Nothing is taken any more.
#[derive(Debug)]
pub(super) struct Closed;

/// All lanes of a log.
#[derive(Debug)]
pub(super) struct Lanes {
    state: Mutex<State>,
    /// How many lanes live.
    living: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    /// What waits, by story; a story is here while its lane lives.
    waiting: HashMap<StoryKey, VecDeque<Job>>,
    young: HashMap<StoryKey, Known>,
    old: HashMap<StoryKey, Known>,
    /// Weight of `young`.
    weight: usize,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { state: Mutex::default(), living: watch::Sender::new(0) }
    }
}

impl Lanes {
    /// Gives `job` to the lane of `story`, behind all that was given to it before.
    pub(super) fn give(core: &Arc<Core>, story: StoryKey, job: Job) -> Result<(), Closed> {
        let mut state = core.lanes.lock();
        if state.closed {
            return Err(Closed);
        }
        if let Some(waiting) = state.waiting.get_mut(&story) {
            waiting.push_back(job);
            return Ok(());
        }
        state.waiting.insert(story, VecDeque::from([job]));
        let known = state.recall(story);
        core.lanes.living.send_modify(|living| *living += 1);
        drop(state);
        tokio::spawn(run(Lane { core: Arc::clone(core), story, ended: false }, known));
        Ok(())
    }

    /// Refuses what comes from now on and waits until all that was taken is done.
    pub(super) async fn close(&self) {
        self.lock().closed = true;
        // The sender is ours, so waiting ends only with the last lane.
        let _ = self.living.subscribe().wait_for(|living| *living == 0).await;
    }

    /// Returns the next piece of work on `story`; without one, keeps what is known and the lane is
    /// at its end.
    fn next(&self, story: StoryKey, known: &mut Option<Known>) -> Option<Job> {
        let mut state = self.lock();
        let job = state.waiting.get_mut(&story).and_then(VecDeque::pop_front);
        if job.is_none() {
            state.waiting.remove(&story);
            if let Some(known) = known.take() {
                state.keep(story, known);
            }
        }
        job
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn recall(&mut self, story: StoryKey) -> Option<Known> {
        let Some(known) = self.young.remove(&story) else { return self.old.remove(&story) };
        self.weight = self.weight.saturating_sub(known.weight());
        Some(known)
    }

    fn keep(&mut self, story: StoryKey, known: Known) {
        if self.weight + known.weight() > GENERATION_WEIGHT_MAX {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += known.weight();
        self.young.insert(story, known);
    }
}

/// The lane of one story. Dropped, even by a panic, it leaves the way free.
struct Lane {
    core: Arc<Core>,
    story: StoryKey,
    /// Whether its end is written down already: another lane of the story may live by now.
    ended: bool,
}

impl Drop for Lane {
    fn drop(&mut self) {
        if !self.ended {
            // Whoever waits is told, by what is dropped, that nobody will answer.
            let left = self.core.lanes.lock().waiting.remove(&self.story);
            drop(left);
        }
        self.core.lanes.living.send_modify(|living| *living -= 1);
    }
}

async fn run(mut lane: Lane, mut known: Option<Known>) {
    while let Some(job) = lane.core.lanes.next(lane.story, &mut known) {
        match job {
            Job::Append(append) => {
                let Append { expected, batch, answer, _room } = append;
                let told = lane.core.append(lane.story, &mut known, expected, &batch).await;
                // Who dropped the receiver forgot the answer, not the append.
                let _ = answer.send(told);
            }
            Job::Find { command, answer } => {
                let _ = answer.send(lane.core.find_command(lane.story, &mut known, &command).await);
            }
        }
    }
    lane.ended = true;
}
