//! The newest public changes, in memory: whoever follows closely reads no file.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use log::Position;
use story::{Kind, Revision, Status};

use crate::views::ChangeRow;
use crate::views::changes::Door;

/// Most changes kept.
const CHANGES_MAX: usize = 8_192;
/// Most bytes of messages kept.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// A bounded window over the end of the changes, without a hole.
#[derive(Debug)]
pub(crate) struct Recent {
    window: Mutex<Window>,
    /// How often something was taken from readers.
    withdrawals: AtomicU64,
}

#[derive(Debug)]
struct Window {
    /// Every change behind this position is in `changes`.
    after: Position,
    /// Each with the bytes that are kept for it alone: changes of one commit share an article.
    changes: VecDeque<(ChangeRow, usize)>,
    bytes: usize,
}

impl Recent {
    /// Returns an empty window over what comes after `position`.
    pub(crate) fn new(position: Position) -> Self {
        let window = Mutex::new(Window { after: position, changes: VecDeque::new(), bytes: 0 });
        Self { window, withdrawals: AtomicU64::new(0) }
    }

    /// Adds the changes that a commit made, in order.
    pub(crate) fn add(&self, changes: Vec<ChangeRow>) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counted = HashSet::new();
        // The last change of a story is the last to let go of its article.
        let mut bytes: Vec<usize> = changes
            .iter()
            .rev()
            .map(|change| {
                change.event.len()
                    + change.recall.as_ref().map_or(0, Bytes::len)
                    + if counted.insert(change.story) { change.article.len() } else { 0 }
            })
            .collect();
        for change in changes {
            let change_bytes = bytes.pop().unwrap_or_default();
            if change.takes_words() {
                self.withdrawals.fetch_add(1, Ordering::SeqCst);
            }
            window.reach(&change);
            window.bytes += change_bytes;
            window.changes.push_back((change, change_bytes));
            while window.changes.len() > CHANGES_MAX || window.bytes > BYTES_MAX {
                let Some((oldest, oldest_bytes)) = window.changes.pop_front() else { break };
                window.bytes -= oldest_bytes;
                window.after = oldest.position;
            }
        }
    }

    /// Returns how often something was taken from readers since the projector began.
    pub(crate) fn withdrawals(&self) -> u64 {
        self.withdrawals.load(Ordering::SeqCst)
    }

    /// Returns up to `limit` changes behind `after` that go through `door`; `None` if some may be
    /// older than the window.
    pub(crate) fn behind(&self, after: Position, limit: usize, door: Door) -> Option<Vec<ChangeRow>> {
        let window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let first = window.changes.partition_point(|(change, _)| change.position <= after);
        (after >= window.after).then(|| {
            let found = window.changes.range(first..).filter(|(change, _)| door.passes(change)).take(limit);
            found.map(|(change, _)| change.clone()).collect()
        })
    }
}

impl Window {
    /// Does to the changes of the window what `next`, which follows them, does to those in the file.
    fn reach(&mut self, next: &ChangeRow) {
        if next.status != Status::Usable {
            for (change, bytes) in self.changes.iter_mut().filter(|(change, _)| change.story == next.story) {
                (change.event, change.article, change.tags) = (Bytes::new(), Bytes::new(), [].into());
                let kept = change.recall.as_ref().map_or(0, Bytes::len);
                self.bytes -= bytes.saturating_sub(kept);
                *bytes = kept;
            }
        } else if next.kind == Kind::Redaction
            || (matches!(next.kind, Kind::Release | Kind::Restore) && next.from != Revision::ZERO)
        {
            // What comes back is in the file alone, and so is what is left of what was redacted.
            self.after = self.changes.back().map_or(self.after, |(change, _)| change.position);
            self.changes.clear();
            self.bytes = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use story::{Level, StoryId};

    use super::*;

    fn change(position: u64, article: &Bytes) -> ChangeRow {
        ChangeRow {
            position: Position(position),
            story: StoryId::from_bytes([1; 16]),
            desk: "world".parse().expect("a desk"),
            desk_before: None,
            kind: Kind::Update,
            status: Status::Usable,
            level: Level::Notable,
            tags: [].into(),
            rewords_headline: false,
            from: Revision(position - 1),
            to: Revision(position),
            event: Bytes::from_static(b"event"),
            recall: None,
            article: article.clone(),
            embargo: None,
        }
    }

    #[test]
    fn an_article_that_changes_share_counts_once() {
        let recent = Recent::new(Position::ZERO);
        let article = Bytes::from(vec![b' '; BYTES_MAX / 2]);
        recent.add((1..=8).map(|position| change(position, &article)).collect());
        assert_eq!(recent.behind(Position::ZERO, 100, Door::Public).map(|changes| changes.len()), Some(8));
    }

    #[test]
    fn what_is_too_much_is_forgotten_from_the_oldest_on() {
        let recent = Recent::new(Position::ZERO);
        for position in 1..=4 {
            recent.add(vec![change(position, &Bytes::from(vec![b' '; BYTES_MAX / 3]))]);
        }
        assert!(recent.behind(Position::ZERO, 100, Door::Public).is_none());
        let kept = recent.behind(Position(2), 100, Door::Public).expect("the newest are kept");
        assert_eq!(kept.iter().map(|change| change.position.0).collect::<Vec<_>>(), [3, 4]);
    }
}
