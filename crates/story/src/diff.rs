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
    let old: Vec<_> = before.blocks.iter().map(|block| &block.id).collect();
    let new: Vec<_> = after.blocks.iter().map(|block| &block.id).collect();
    let mut ops: Vec<Op> = order::order_steps(&old, &new)
        .into_iter()
        .map(|step| match step {
            order::Step::Delete(block) => Op::Delete { block: block.clone() },
            order::Step::Move(block, after) => Op::Move { block: block.clone(), after: after.cloned() },
            order::Step::Insert(block, behind) => {
                let (_, content) = after.block(block).expect("it is in the target order");
                Op::Insert {
                    block: block.clone(),
                    after: behind.cloned(),
                    value: BlockValue {
                        kind: content.kind,
                        text: content.text.as_str().to_owned(),
                        marks: Arc::clone(&content.marks),
                    },
                }
            }
        })
        .collect();
    let present: std::collections::HashMap<&BlockId, &Arc<crate::block::Block>> =
        before.blocks.iter().map(|block| (&block.id, block)).collect();
    for block in &after.blocks {
        let Some(old) = present.get(&block.id).filter(|old| !Arc::ptr_eq(old, block)) else { continue };
        let splices = splices(old.text.as_str(), block.text.as_str());
        let kind = (old.kind != block.kind).then_some(block.kind);
        let marks = (old.marks != block.marks).then(|| Arc::clone(&block.marks));
        if !splices.is_empty() || kind.is_some() || marks.is_some() {
            ops.push(Op::Edit { block: block.id.clone(), kind, splices, marks });
        }
    }
    for field in Field::ALL {
        if before.fields.same(&after.fields, field) {
            continue;
        }
        let (old, new) = (before.fields.get(field), after.fields.get(field));
        let change = if new.is_empty() {
            FieldChange::Value(None)
        } else if field.is_list() {
            FieldChange::Value(Some(FieldValue::List(new.shown_values().map(str::to_owned).collect())))
        } else if old.is_empty() {
            FieldChange::Value(Some(FieldValue::Text(new.as_str().to_owned())))
        } else {
            FieldChange::Splices(splices(old.as_str(), new.as_str()))
        };
        ops.push(Op::Set { field, change });
    }
    Diff { ops, observations: Vec::new() }
}

fn splices(old: &str, new: &str) -> Vec<Splice> {
    use unicode_segmentation::UnicodeSegmentation;
    if old == new {
        return Vec::new();
    }
    let (a, b): (Vec<&str>, Vec<&str>) =
        (old.split_word_bounds().collect(), new.split_word_bounds().collect());
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let at: usize = a[..head].iter().map(|word| word.len()).sum();
    vec![Splice(at, a[head..a.len() - tail].concat(), b[head..b.len() - tail].concat())]
}

/// Returns `before` with `ops` applied.
///
/// # Errors
/// [`PatchError`] names the op that does not fit; the article is not changed.
pub fn apply(before: &Article, ops: &[Op]) -> Result<Article, PatchError> {
    let mut article = before.clone();
    for (index, op) in ops.iter().enumerate() {
        step(&mut article, op).map_err(|problem| PatchError { index, problem: problem.to_owned() })?;
    }
    Ok(article)
}

fn step(article: &mut Article, op: &Op) -> Result<(), &'static str> {
    use crate::block::Block;
    use crate::text::Text;
    let find =
        |article: &Article, id: &BlockId| article.block(id).map(|(place, _)| place).ok_or("no such block");
    let behind = |article: &Article, after: &Option<BlockId>| match after {
        None => Ok(0),
        Some(after) => find(article, after).map(|place| place + 1),
    };
    match op {
        Op::Delete { block } => {
            let place = find(article, block)?;
            article.blocks.remove(place);
        }
        Op::Move { block, after } => {
            let place = find(article, block)?;
            let moved = article.blocks.remove(place);
            let place = behind(article, after)?;
            article.blocks.insert(place, moved);
        }
        Op::Insert { block, after, value } => {
            let place = behind(article, after)?;
            if article.block(block).is_some() {
                return Err("the block is there already");
            }
            let text = Text::uncut(value.text.as_str());
            let block = Block { id: block.clone(), kind: value.kind, text, marks: Arc::clone(&value.marks) };
            article.blocks.insert(place, Arc::new(block));
        }
        Op::Edit { block, kind, splices, marks } => {
            let place = find(article, block)?;
            let old = &article.blocks[place];
            let text = if splices.is_empty() {
                old.text.clone()
            } else {
                Text::uncut(spliced(old.text.as_str(), splices)?)
            };
            article.blocks[place] = Arc::new(Block {
                id: block.clone(),
                kind: kind.unwrap_or(old.kind),
                text,
                marks: marks.clone().unwrap_or_else(|| Arc::clone(&old.marks)),
            });
        }
        Op::Set { field, change } => {
            let text = match change {
                FieldChange::Splices(splices) => {
                    Text::uncut(spliced(article.fields.get(*field).as_str(), splices)?)
                }
                FieldChange::Value(None) => Text::default(),
                FieldChange::Value(Some(FieldValue::Text(text))) => Text::uncut(text.as_str()),
                FieldChange::Value(Some(FieldValue::List(items))) => {
                    Text::from_values(items.iter().map(|item| Some(item.as_str())))
                }
            };
            article.fields.set(*field, text);
        }
    }
    Ok(())
}

fn spliced(old: &str, splices: &[Splice]) -> Result<String, &'static str> {
    let (mut new, mut done) = (String::new(), 0);
    for Splice(at, gone, come) in splices {
        new.push_str(old.get(done..*at).ok_or("offset")?);
        done = at.checked_add(gone.len()).ok_or("offset")?;
        if old.get(*at..done) != Some(gone.as_str()) {
            return Err("the old words are others");
        }
        new.push_str(come);
    }
    new.push_str(old.get(done..).ok_or("offset")?);
    Ok(new)
}
