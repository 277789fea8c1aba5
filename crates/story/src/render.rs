//! A diff as people read it: words, joined where they belong together.
//!
//! The lines made here are for eyes and ears only. They are never applied and never sent as a change:
//! for that, see [`diff`](crate::diff). Joined in order, the old and common words of a line are exactly
//! the old text, the new and common words exactly the new one.

mod atoms;
mod fields;
mod plain;
mod words;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::article::Article;
use crate::block::{Block, BlockId, BlockKind};
use crate::diff::{Diff, Op};
use crate::field::Field;

pub use plain::{Style, segments, to_plain};

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
    /// Words changed, or, where no span is old or new, only what it is or its mark-up.
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

/// Returns the lines of a readable diff: fields first, the headline before all others; then blocks in
/// the order of the newer article, removed ones where they stood. Places where nothing happened are
/// left out.
///
/// `diff` must be the difference of the two articles; it says where to look and what moved, not which
/// words to show. Deterministic, and linear in the changed texts, times a constant bound.
pub fn lines(before: &Article, after: &Article, diff: &Diff) -> Vec<Line> {
    let language = language(before, after);
    let mut lines = fields::lines(before, after, diff, language);
    lines.extend(Body::new(before, after, diff, language).lines());
    lines
}

fn language<'a>(before: &'a Article, after: &'a Article) -> &'a str {
    let tag = |article: &'a Article| article.fields.get(Field::Language).as_str();
    if tag(after).is_empty() { tag(before) } else { tag(after) }
}

/// The blocks of two articles and what happened to each.
struct Body<'a> {
    before: &'a Article,
    after: &'a Article,
    language: &'a str,
    old_places: HashMap<&'a BlockId, usize>,
    moved: HashSet<&'a BlockId>,
    edited: HashSet<&'a BlockId>,
    /// The removed blocks by the block they stood behind, if any block before them still stands there.
    removed: HashMap<Option<&'a BlockId>, Vec<usize>>,
}

impl<'a> Body<'a> {
    fn new(before: &'a Article, after: &'a Article, diff: &'a Diff, language: &'a str) -> Self {
        let (mut deleted, mut moved, mut edited) = (HashSet::new(), HashSet::new(), HashSet::new());
        for op in &diff.ops {
            match op {
                Op::Delete { block } => deleted.insert(block),
                Op::Move { block, .. } => moved.insert(block),
                Op::Edit { block, .. } => edited.insert(block),
                Op::Insert { .. } | Op::Set { .. } => false,
            };
        }
        let mut removed: HashMap<Option<&BlockId>, Vec<usize>> = HashMap::new();
        let mut behind = None;
        for (place, block) in before.blocks.iter().enumerate() {
            if deleted.contains(&block.id) {
                removed.entry(behind).or_default().push(place);
            } else if !moved.contains(&block.id) {
                behind = Some(&block.id);
            }
        }
        let old_places = before.blocks.iter().enumerate().map(|(place, block)| (&block.id, place)).collect();
        Self { before, after, language, old_places, moved, edited, removed }
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = self.removed_behind(None);
        for (place, block) in self.after.blocks.iter().enumerate() {
            lines.extend(self.line(place, block));
            lines.extend(self.removed_behind(Some(&block.id)));
        }
        lines
    }

    fn removed_behind(&self, behind: Option<&BlockId>) -> Vec<Line> {
        let places = self.removed.get(&behind).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|place| self.removed_line(*place)).collect()
    }

    fn removed_line(&self, place: usize) -> Line {
        let block = &self.before.blocks[place];
        let spans = words::gone(block.text.as_str());
        Line { place: at(block, place), happened: Happened::Removed, spans }
    }

    fn line(&self, place: usize, block: &Arc<Block>) -> Option<Line> {
        let new = block.text.as_str();
        let Some(old_place) = self.old_places.get(&block.id) else {
            let spans = words::come(new);
            return Some(Line { place: at(block, place), happened: Happened::Added, spans });
        };
        let happened = if self.moved.contains(&block.id) {
            Happened::Moved(old_place + 1)
        } else if self.edited.contains(&block.id) {
            Happened::Changed
        } else {
            return None;
        };
        let old = self.before.blocks[*old_place].text.as_str();
        Some(Line { place: at(block, place), happened, spans: words::spans(old, new, self.language) })
    }
}

fn at(block: &Block, place: usize) -> Place {
    Place::Block(block.id.clone(), block.kind, place + 1)
}
