//! The newest public changes, in memory: whoever follows closely reads no file.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use log::Position;

use crate::views::ChangeRow;

/// Most changes kept.
const CHANGES_MAX: usize = 1_024;
/// Most bytes of messages kept.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// A bounded window over the end of the changes, without a hole.
#[derive(Debug)]
pub(crate) struct Recent(Mutex<Window>);

#[derive(Debug)]
struct Window {
    /// Every change behind this position is in `changes`.
    after: Position,
    changes: VecDeque<ChangeRow>,
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
        for change in changes {
            window.bytes += size(&change);
            window.changes.push_back(change);
            while window.changes.len() > CHANGES_MAX || window.bytes > BYTES_MAX {
                let Some(oldest) = window.changes.pop_front() else { break };
                window.bytes -= size(&oldest);
                window.after = oldest.position;
            }
        }
    }

    /// Returns up to `limit` changes behind `after`; `None` if some may be older than the window.
    pub(crate) fn behind(&self, after: Position, limit: usize) -> Option<Vec<ChangeRow>> {
        let window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = window.changes.partition_point(|change| change.position <= after);
        (after >= window.after).then(|| window.changes.range(first..).take(limit).cloned().collect())
    }
}

fn size(change: &ChangeRow) -> usize {
    change.event.len() + change.article.len()
}
