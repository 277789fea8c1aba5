//! Receipts on their way: which revisions the service has not been told of yet.
//!
//! Of the revisions that come between two messages only the newest of a story is kept, but for one thing:
//! what was the newest when a recall came is kept beside it, because that is what the recall voids.

use std::collections::BTreeMap;

use story::{Revision, StoryId};
use wire::{RECEIPTS_MAX, Receipt};

/// Revisions received that the service was not told of yet.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    /// Of each story, rising: the newest, and before it those that were the newest when a recall came.
    waiting: BTreeMap<StoryId, Vec<Revision>>,
}

impl Receipts {
    /// Takes note of a revision that takes the place of the one before it.
    pub(crate) fn replaced(&mut self, story: StoryId, revision: Revision) {
        let waiting = self.waiting.entry(story).or_default();
        waiting.pop();
        waiting.push(revision);
    }

    /// Takes note of a revision that may void the ones before it: the newest of those is kept.
    pub(crate) fn voided(&mut self, story: StoryId, revision: Revision) {
        self.waiting.entry(story).or_default().push(revision);
    }

    /// Returns whether there is nothing to tell.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the receipts of one message: at most [`RECEIPTS_MAX`], the others wait for the next.
    pub(crate) fn take(&mut self) -> Vec<Receipt> {
        let mut receipts = Vec::new();
        while receipts.len() < RECEIPTS_MAX
            && let Some((story, mut revisions)) = self.waiting.pop_first()
        {
            let later = revisions.split_off(revisions.len().min(RECEIPTS_MAX - receipts.len()));
            receipts.extend(revisions.into_iter().map(|revision| Receipt { story, revision }));
            if !later.is_empty() {
                self.waiting.insert(story, later);
            }
        }
        receipts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: StoryId = StoryId::from_bytes([7; 16]);

    #[track_caller]
    fn check(receipts: &mut Receipts, expected: &[u64]) {
        let taken: Vec<u64> = receipts.take().iter().map(|receipt| receipt.revision.get()).collect();
        assert_eq!(taken, expected);
        assert!(receipts.is_empty());
    }

    #[test]
    fn the_newest_stands_for_those_before_it() {
        let mut receipts = Receipts::default();
        for revision in 1..=4 {
            receipts.replaced(STORY, Revision(revision));
        }
        check(&mut receipts, &[4]);
    }

    #[test]
    fn what_a_recall_voids_is_told_beside_it() {
        let mut receipts = Receipts::default();
        receipts.replaced(STORY, Revision(1));
        receipts.replaced(STORY, Revision(2));
        receipts.voided(STORY, Revision(3));
        check(&mut receipts, &[2, 3]);
        receipts.voided(STORY, Revision(4));
        receipts.replaced(STORY, Revision(5));
        receipts.voided(STORY, Revision(6));
        check(&mut receipts, &[5, 6]);
    }

    #[test]
    fn a_message_has_no_more_than_it_may_and_the_rest_follows() {
        let mut receipts = Receipts::default();
        let many = RECEIPTS_MAX as u64 + 3;
        for revision in 1..=many {
            receipts.voided(STORY, Revision(revision));
        }
        assert_eq!(receipts.take().len(), RECEIPTS_MAX);
        check(&mut receipts, &[many - 2, many - 1, many]);
    }
}
