//! Exact differences between two public articles, and their application.
//!
//! `apply(before, diff(before, after)) == after`, always; the same two articles give the same
//! bytes. Splices begin and end on grapheme boundaries (UAX #29) of the old text.

pub(crate) mod order;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::article::Article;
use crate::block::{BlockId, BlockKind, Mark};
use crate::field::Field;

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
pub fn diff(before: &Article, after: &Article) -> Diff {
    let _ = (before, after);
    todo!("diff")
}

/// Returns `before` with `ops` applied.
///
/// # Errors
/// [`PatchError`] names the op that does not fit; the article is not changed.
pub fn apply(before: &Article, ops: &[Op]) -> Result<Article, PatchError> {
    let _ = (before, ops);
    todo!("apply")
}
