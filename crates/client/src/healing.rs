//! Stories of which something is missing, and when each is looked after. Pure.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use story::{Revision, StoryId};
use tokio::time::Instant;

use crate::update::ResetReason;

const DELAY_MIN: Duration = Duration::from_millis(50);
const DELAY_MAX: Duration = Duration::from_secs(10);
/// How long something that was announced may take to come by itself.
const EXPECT_MAX: Duration = Duration::from_millis(500);
/// Longer than a fetch from the service can take.
const HOLD_MAX: Duration = Duration::from_mins(1);
/// After so many attempts in vain the story is left as it is until it changes again.
const ATTEMPTS_MAX: u32 = 10;

/// What is missing of one story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    /// How it was noticed.
    pub(crate) reason: ResetReason,
    /// The revision that is known to exist.
    pub(crate) wanted: Revision,
    /// Sequence in the stream of changes from which on changes may be missing.
    pub(crate) since: u64,
    attempts: u32,
    at: Instant,
}

/// The gaps of all stories.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    of: HashMap<StoryId, Gap>,
    due: BTreeSet<(Instant, StoryId)>,
}

impl Gaps {
    /// Takes note that `story` has a gap; it is looked after at once, unless it is already known
    /// and waits for its next attempt.
    pub(crate) fn mark(&mut self, story: StoryId, reason: ResetReason, wanted: Revision, since: u64) {
        self.mark_at(story, (reason, wanted, since), Instant::now());
    }

    /// Takes note that `wanted` is about to come: it is looked after if it does not come by itself.
    pub(crate) fn expect(&mut self, story: StoryId, reason: ResetReason, wanted: Revision, since: u64) {
        self.mark_at(story, (reason, wanted, since), Instant::now() + EXPECT_MAX);
    }

    fn mark_at(
        &mut self,
        story: StoryId,
        (reason, wanted, since): (ResetReason, Revision, u64),
        at: Instant,
    ) {
        if let Some(gap) = self.of.get_mut(&story) {
            gap.wanted = gap.wanted.max(wanted);
            gap.since = gap.since.min(since);
            if gap.attempts == 0 && at < gap.at {
                self.due.remove(&(gap.at, story));
                gap.at = at;
                self.due.insert((at, story));
            }
            return;
        }
        self.of.insert(story, Gap { reason, wanted, since, attempts: 0, at });
        self.due.insert((at, story));
    }

    /// Returns the story that is due first, and when.
    pub(crate) fn next(&self) -> Option<(Instant, StoryId)> {
        self.due.first().copied()
    }

    pub(crate) fn get(&self, story: StoryId) -> Option<&Gap> {
        self.of.get(&story)
    }

    /// Puts off the next attempt for `story`; returns `false` if it was the last one: then the gap
    /// is forgotten.
    pub(crate) fn put_off(&mut self, story: StoryId) -> bool {
        let Some(gap) = self.of.get_mut(&story) else { return true };
        self.due.remove(&(gap.at, story));
        gap.attempts += 1;
        if gap.attempts >= ATTEMPTS_MAX {
            self.of.remove(&story);
            return false;
        }
        gap.at = Instant::now() + (DELAY_MIN * 2_u32.pow(gap.attempts)).min(DELAY_MAX);
        self.due.insert((gap.at, story));
        true
    }

    /// Leaves the gap to someone who already sees to it, but not for ever.
    pub(crate) fn hold(&mut self, story: StoryId) {
        if let Some(gap) = self.of.get_mut(&story) {
            self.due.remove(&(gap.at, story));
            gap.at = Instant::now() + HOLD_MAX;
            self.due.insert((gap.at, story));
        }
    }

    /// Forgets the gap of `story`.
    pub(crate) fn close(&mut self, story: StoryId) {
        if let Some(gap) = self.of.remove(&story) {
            self.due.remove(&(gap.at, story));
        }
    }

    /// Forgets the gap of `story` if what was missing is there at `revision`.
    pub(crate) fn reached(&mut self, story: StoryId, revision: Revision) {
        if self.of.get(&story).is_some_and(|gap| gap.wanted <= revision) {
            self.close(story);
        }
    }
}
