//! The newest public changes, in memory: whoever follows closely reads no file.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use log::Position;

use crate::views::ChangeRow;

/// Most changes kept.
const CHANGES_MAX: usize = 8_192;
/// Most bytes of messages kept.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// A bounded window over the end of the changes, without a hole.
#[derive(Debug)]
pub(crate) struct Recent(Mutex<Window>);

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
        Self(Mutex::new(Window { after: position, changes: VecDeque::new(), bytes: 0 }))
    }

    /// Adds the changes that a commit made, in order.
    pub(crate) fn add(&self, changes: Vec<ChangeRow>) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counted = HashSet::new();
        // The last change of a story is the last to let go of its article.
        let mut bytes: Vec<usize> = changes
            .iter()
            .rev()
            .map(|change| {
                change.event.len() + if counted.insert(change.story) { change.article.len() } else { 0 }
            })
            .collect();
        for change in changes {
            let change_bytes = bytes.pop().unwrap_or_default();
            window.bytes += change_bytes;
            window.changes.push_back((change, change_bytes));
            while window.changes.len() > CHANGES_MAX || window.bytes > BYTES_MAX {
                let Some((oldest, oldest_bytes)) = window.changes.pop_front() else { break };
                window.bytes -= oldest_bytes;
                window.after = oldest.position;
            }
        }
    }

    /// Returns up to `limit` changes behind `after`; `None` if some may be older than the window.
    pub(crate) fn behind(&self, after: Position, limit: usize) -> Option<Vec<ChangeRow>> {
        let window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = window.changes.partition_point(|(change, _)| change.position <= after);
        (after >= window.after).then(|| {
            let found = window.changes.range(first..).take(limit);
            found.map(|(change, _)| change.clone()).collect()
        })
    }
}
