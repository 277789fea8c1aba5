//! A diff as people read it: words, joined where they belong together.

use crate::article::Article;
use crate::block::{BlockId, BlockKind};
use crate::diff::Diff;
use crate::field::Field;

/// One line of a readable diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub place: Place,
    /// What happened there.
    pub happened: Happened,
    /// The words, in order.
    pub spans: Vec<Span>,
}

/// Where a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A field.
    Field(Field),
    /// A block: its id, what it is, and its number in the newer article (older, if it went), from 1.
    Block(BlockId, BlockKind, usize),
}

/// What happened to a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// Nothing.
    Same,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Words changed.
    Changed,
    /// It stands elsewhere: the number of its old place, from 1. Words may have changed too.
    Moved(usize),
}

/// A run of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// In both.
    Same(String),
    /// Only in the older.
    Old(String),
    /// Only in the newer.
    New(String),
}

/// Returns the lines of a readable diff in the order of the newer article, removed blocks where
/// they stood; places where nothing happened are left out.
pub fn lines(before: &Article, after: &Article, diff: &Diff) -> Vec<Line> {
    let _ = (before, after, diff);
    todo!("lines")
}
