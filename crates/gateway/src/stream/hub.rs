//! The task that follows the views for every stream at once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use log::Position;
use projector::{ChangeRow, Views};
use story::StoryId;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::limits::{STREAM_CATCH_UPS_MAX, STREAM_PAGE, STREAMS_MAX};
use crate::stream::window::{Part, Window};

/// How long the hub waits after the views could not be read.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// How long a stream waits for the window to lose what was taken from readers, before it reads the views.
const SETTLING_TIME_MAX: Duration = Duration::from_secs(1);

/// What the streams share.
#[derive(Debug)]
pub(crate) struct Hub {
    window: RwLock<Window>,
    /// Moves with every change: readers of everything wait for it.
    moved: watch::Sender<Position>,
    /// Moves with the changes of one story: its readers are woken by no other's.
    stories: Mutex<HashMap<StoryId, watch::Sender<Position>>>,
    /// [`Views::withdrawals`] up to which nothing that was taken from readers is in the window.
    settled: watch::Sender<u64>,
    /// How often what was sent before may have become another.
    rebuilds: AtomicU64,
    /// Open streams.
    readers: AtomicUsize,
    /// Places for streams.
    pub(crate) places: Arc<Semaphore>,
    /// Places for reading what is older than the window.
    pub(crate) catch_ups: Semaphore,
}

impl Hub {
    /// Returns a hub of streams over what comes after `position`.
    pub(crate) fn new(position: Position) -> Self {
        Self {
            window: RwLock::new(Window::new(position)),
            moved: watch::Sender::new(position),
            stories: Mutex::new(HashMap::new()),
            settled: watch::Sender::new(0),
            rebuilds: AtomicU64::new(0),
            readers: AtomicUsize::new(0),
            places: Arc::new(Semaphore::new(STREAMS_MAX)),
            catch_ups: Semaphore::new(STREAM_CATCH_UPS_MAX),
        }
    }

    /// Follows the views until `closing`; what it cannot read it reads again.
    pub(crate) async fn run(self: Arc<Self>, views: Views, closing: CancellationToken) {
        let mut follow = views.follow();
        let mut after = Position::ZERO;
        let mut is_first = true;
        loop {
            // Read before the changes: those that they count have their tombstones among these.
            let withdrawals = views.withdrawals();
            let viewed = *follow.borrow_and_update();
            if is_first || self.readers.load(Ordering::SeqCst) == 0 {
                // Nobody reads: whoever comes finds what is older in the views.
                self.edit(|window| window.skip(viewed));
                self.settled.send_replace(withdrawals);
                (after, is_first) = (viewed, false);
            } else {
                match views.changes(after, STREAM_PAGE).await {
                    Ok(changes) if changes.len() == STREAM_PAGE => {
                        after = self.add(changes, after, None);
                        continue;
                    }
                    Ok(changes) => after = self.add(changes, viewed, Some(withdrawals)),
                    Err(failed) => {
                        error!(error = %failed, "The views cannot be read: live streams stand still");
                        tokio::time::sleep(RETRY_PAUSE).await;
                        continue;
                    }
                }
            }
            tokio::select! {
                biased;
                () = closing.cancelled() => return,
                // Cancel-safe: a move is seen now or next time.
                moved = follow.changed() => if moved.is_err() { return },
            }
        }
    }

    /// Hands `changes` up to `reached` to the streams, which hold nothing then of what the first `settled`
    /// took from readers; returns how far they reach.
    fn add(&self, changes: Vec<ChangeRow>, reached: Position, settled: Option<u64>) -> Position {
        let told: Vec<_> = changes.iter().map(|change| (change.story, change.position)).collect();
        let last = told.last().map(|(_, position)| *position);
        let reached = last.map_or(reached, |last| last.max(reached));
        self.edit(|window| window.add(changes, reached));
        if let Some(settled) = settled {
            self.settled.send_replace(settled);
        }
        let Some(last) = last else { return reached };
        {
            let stories = self.stories.lock().unwrap_or_else(PoisonError::into_inner);
            for (story, position) in told {
                if let Some(story) = stories.get(&story) {
                    story.send_replace(position);
                }
            }
        }
        self.moved.send_replace(last);
        reached
    }

    fn edit(&self, edit: impl FnOnce(&mut Window)) {
        edit(&mut self.window.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns once the window holds nothing of what the first `withdrawals` took from readers: whether
    /// it does. Before, whoever knows of them must not send what is in it.
    ///
    /// Cancel-safe.
    pub(crate) async fn settled(&self, withdrawals: u64) -> bool {
        if *self.settled.borrow() >= withdrawals {
            return true;
        }
        let mut settled = self.settled.subscribe();
        let reached = settled.wait_for(|settled| *settled >= withdrawals);
        tokio::time::timeout(SETTLING_TIME_MAX, reached).await.is_ok_and(|reached| reached.is_ok())
    }

    /// Returns the newest changes behind `after`; `None` if some may be older than what is kept.
    pub(crate) fn behind(&self, after: Position, story: Option<StoryId>) -> Option<Part> {
        self.window.read().unwrap_or_else(PoisonError::into_inner).behind(after, story, STREAM_PAGE)
    }

    /// Says that the views are not what they were: what streams have sent of them may be wrong.
    pub(crate) fn rebuilt(&self) {
        self.rebuilds.fetch_add(1, Ordering::SeqCst);
        self.edit(|window| window.skip(Position::ZERO));
        let stories = self.stories.lock().unwrap_or_else(PoisonError::into_inner);
        for wake in stories.values().chain([&self.moved]) {
            wake.send_modify(|_| {});
        }
    }

    /// Returns how often [`Hub::rebuilt`] was said.
    pub(crate) fn rebuilds(&self) -> u64 {
        self.rebuilds.load(Ordering::SeqCst)
    }

    /// Begins to follow everything, or one story.
    pub(crate) fn follow(self: &Arc<Self>, story: Option<StoryId>) -> Follow {
        self.readers.fetch_add(1, Ordering::SeqCst);
        let moved = match story {
            None => self.moved.subscribe(),
            Some(story) => {
                let mut stories = self.stories.lock().unwrap_or_else(PoisonError::into_inner);
                let sender = stories.entry(story).or_insert_with(|| watch::Sender::new(Position::ZERO));
                sender.subscribe()
            }
        };
        Follow { moved, story, hub: Arc::clone(self) }
    }
}

/// One reader's place among those who follow.
#[derive(Debug)]
pub(crate) struct Follow {
    pub(crate) moved: watch::Receiver<Position>,
    pub(crate) story: Option<StoryId>,
    pub(crate) hub: Arc<Hub>,
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.hub.readers.fetch_sub(1, Ordering::SeqCst);
        let Some(story) = self.story else { return };
        let mut stories = self.hub.stories.lock().unwrap_or_else(PoisonError::into_inner);
        // Ours is still counted: where it is the only one, nobody follows the story any more.
        if stories.get(&story).is_some_and(|sender| sender.receiver_count() <= 1) {
            stories.remove(&story);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_window_that_does_not_know_of_a_loss_yet_is_not_sent_from() {
        let hub = Hub::new(Position::ZERO);
        assert!(hub.settled(0).await);
        assert!(!hub.settled(1).await, "the views know of a loss, and the window does not");
        hub.settled.send_replace(1);
        assert!(hub.settled(1).await);
    }
}
