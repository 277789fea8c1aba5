//! Exact differences between two public articles, and their application.
//!
//! `apply(before, diff(before, after)) == after`, always; the same two articles give the same
//! bytes. Splices begin and end on grapheme boundaries (UAX #29) of the old text.

pub(crate) mod align;
pub mod json_patch;
mod observe;
pub(crate) mod order;
mod patch;
pub(crate) mod splice;
pub(crate) mod words;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::article::Article;
use crate::block::{Block, BlockId, BlockKind, Mark};
use crate::field::Field;
use crate::text::Text;

use order::Step;
pub use patch::apply;

/// What takes one article to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// Deletes; moves and inserts in target order; edits; sets.
    pub ops: Vec<Op>,
    /// What a person would say of it that ops cannot: splits and merges. No one applies these.
    pub observations: Vec<Observation>,
}

/// One step of a diff, exactly as subscribers get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub enum Op {
    /// Takes a block out.
    Delete {
        /// The block.
        block: BlockId,
    },
    /// Puts a present block behind another.
    Move {
        /// The block.
        block: BlockId,
        /// The one it now follows; `null` puts it first.
        after: Option<BlockId>,
    },
    /// Puts a new block behind another.
    Insert {
        /// The new block's id.
        block: BlockId,
        /// The one it follows; `null` puts it first.
        after: Option<BlockId>,
        /// Its content.
        value: BlockValue,
    },
    /// Changes a present block in place.
    Edit {
        /// The block.
        block: BlockId,
        /// What it is from now on, if that changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<BlockKind>,
        /// Changes of its text: ascending, disjoint. Empty if only kind or marks changed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        splices: Vec<Splice>,
        /// Its whole new mark-up, if that is not the old one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        marks: Option<Arc<[Mark]>>,
    },
    /// Changes a field: `splices` of a text that was there before, `value` otherwise.
    Set {
        /// The field.
        field: Field,
        /// How.
        #[serde(flatten)]
        change: FieldChange,
    },
}

/// How a field changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldChange {
    /// In places.
    Splices(Vec<Splice>),
    /// As a whole; `null` clears it.
    Value(Option<FieldValue>),
}

/// The whole of a field: a list for list fields, a text for the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FieldValue {
    /// A text.
    Text(String),
    /// The items of a list field.
    List(Vec<String>),
}

/// Content of a block that is new to the reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockValue {
    /// What it is.
    pub kind: BlockKind,
    /// Its words.
    pub text: String,
    /// Its mark-up.
    #[serde(default, skip_serializing_if = "<[Mark]>::is_empty")]
    pub marks: Arc<[Mark]>,
}

/// `[at, old, new]`: at byte `at` of the old UTF-8 text stands `old`, and `new` takes its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Splice(pub usize, pub String, pub String);

/// What a person would say of a diff beside its ops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Observation {
    /// One block became several.
    Split {
        /// The block before.
        from: BlockId,
        /// The blocks after, in order; one of them may be `from`.
        into: Vec<BlockId>,
    },
    /// Several blocks became one.
    Merge {
        /// The blocks before, in order.
        from: Vec<BlockId>,
        /// The block after.
        into: BlockId,
    },
}

/// Why ops do not fit the article they were applied to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("op {index} does not fit the article: {problem}")]
pub struct PatchError {
    /// Place of the op in the list, from 0.
    pub index: usize,
    /// What does not fit.
    pub problem: String,
}

/// Returns what takes `before` to `after`, matching blocks by id.
///
/// Costs O(n log n) in the number of blocks between the common beginning and the common end, and
/// what the changed texts take; a text that did not change is not read if its [`Arc`] is the same.
pub fn diff(before: &Article, after: &Article) -> Diff {
    let old_ids: Vec<&BlockId> = before.blocks.iter().map(|block| &block.id).collect();
    let new_ids: Vec<&BlockId> = after.blocks.iter().map(|block| &block.id).collect();
    let places = order::places(&old_ids, &new_ids);
    let placed = order::steps(&old_ids, &new_ids, &places).into_iter().map(|step| match step {
        Step::Delete { block } => Op::Delete { block: block.clone() },
        Step::Move { block, after } => Op::Move { block: block.clone(), after: after.cloned() },
        Step::Insert { block, index, after: previous } => Op::Insert {
            block: block.clone(),
            after: previous.cloned(),
            value: BlockValue::of(&after.blocks[index]),
        },
    });
    let present = places.iter().zip(&after.blocks).filter_map(|(place, new)| Some(((*place)?, new)));
    let edits = present.filter_map(|(place, new)| edit(&before.blocks[place], new));
    let sets = Field::ALL.into_iter().filter_map(|field| set(field, before, after));
    Diff {
        ops: placed.chain(edits).chain(sets).collect(),
        observations: observe::observe(&before.blocks, &after.blocks, &places),
    }
}

/// Returns what makes `old` the same as `new`, if anything need be done.
fn edit(old: &Arc<Block>, new: &Arc<Block>) -> Option<Op> {
    if Arc::ptr_eq(old, new) || old == new {
        return None;
    }
    Some(Op::Edit {
        block: new.id.clone(),
        kind: (old.kind != new.kind).then_some(new.kind),
        splices: splice::splices(old.text.as_str(), new.text.as_str()),
        marks: (old.marks != new.marks).then(|| Arc::clone(&new.marks)),
    })
}

fn set(field: Field, before: &Article, after: &Article) -> Option<Op> {
    if before.fields.same(&after.fields, field) {
        return None;
    }
    let (old, new) = (before.fields.get(field), after.fields.get(field));
    let change = if old.is_empty() || new.is_empty() || field.is_list() {
        FieldChange::Value(FieldValue::of(field, new))
    } else {
        FieldChange::Splices(splice::splices(old.as_str(), new.as_str()))
    };
    Some(Op::Set { field, change })
}

impl BlockValue {
    /// Returns the content of `block` as it shows.
    pub fn of(block: &Block) -> Self {
        Self { kind: block.kind, text: block.text.as_str().to_owned(), marks: Arc::clone(&block.marks) }
    }
}

impl FieldValue {
    /// Returns what `text` is as the value of `field`, `None` if it is absent.
    pub fn of(field: Field, text: &Text) -> Option<Self> {
        if field.is_list() {
            let items = || text.shown_values().map(str::to_owned).collect();
            return (text.value_count() > 0).then(|| Self::List(items()));
        }
        (!text.is_empty()).then(|| Self::Text(text.as_str().to_owned()))
    }
}

#[cfg(test)]
mod tests;
