//! What is to go out by itself, and when. A view of the log: lost with the process, read again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use story::{Revision, StoryId};
use tokio::sync::Notify;

/// Embargoed and scheduled stories by the time at which they go out.
#[derive(Debug, Default)]
pub(crate) struct Due {
    stories: Mutex<Stories>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Stories {
    by_time: BTreeSet<(Timestamp, StoryId)>,
    /// The revision that said so, and what it said. Stories that have gone out stay, so that a late
    /// word of an earlier revision does not bring them back.
    of: HashMap<StoryId, (Revision, Option<Timestamp>)>,
}

impl Due {
    pub(crate) fn new(known: impl IntoIterator<Item = (StoryId, Timestamp)>) -> Self {
        let due = Self::default();
        for (story, until) in known {
            due.set(story, Revision::ZERO, Some(until));
        }
        due
    }

    /// Takes note of what `revision` of a story says; an earlier revision than the last is passed
    /// over.
    pub(crate) fn set(&self, story: StoryId, revision: Revision, until: Option<Timestamp>) {
        let mut stories = self.lock();
        match stories.of.get(&story).copied() {
            Some((known, _)) if known > revision => return,
            // Most stories never have an end of anything.
            None if until.is_none() => return,
            Some((_, Some(before))) => {
                stories.by_time.remove(&(before, story));
            }
            _ => {}
        }
        stories.of.insert(story, (revision, until));
        if let Some(until) = until {
            stories.by_time.insert((until, story));
            drop(stories);
            self.changed.notify_one();
        }
    }

    /// Returns when the next story goes out.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.lock().by_time.first().map(|(until, _)| *until)
    }

    /// Returns the stories that are due at `now`, at most `limit`, the longest due first.
    pub(crate) fn at(&self, now: Timestamp, limit: usize) -> Vec<(StoryId, Timestamp)> {
        let stories = self.lock();
        let due = stories.by_time.iter().take_while(|(until, _)| *until <= now);
        due.take(limit).map(|(until, story)| (*story, *until)).collect()
    }

    /// Returns once something has been put here. Cancel-safe.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Stories> {
        // No code can panic while it holds the lock, so a poisoned one still holds whole entries.
        self.stories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn the_newest_revision_decides_when_a_story_goes_out() {
        let story = StoryId::new(Uuid::from_u128(1));
        let due = Due::new([(story, at(50))]);
        assert_eq!(due.next(), Some(at(50)));
        due.set(story, Revision(4), Some(at(70)));
        due.set(story, Revision(3), Some(at(10)));
        assert_eq!((due.next(), due.at(at(69), 9).len(), due.at(at(70), 9).len()), (Some(at(70)), 0, 1));
        due.set(story, Revision(5), None);
        due.set(story, Revision(4), Some(at(70)));
        assert_eq!(due.next(), None);
    }
}
