//! What must hold of the difference between any two articles.

use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;
use writethru_story::diff::json_patch::{json_patch, keyed};
use writethru_story::diff::{FieldChange, Op, Splice, apply, diff};
use writethru_story::{Article, CopyBlock, carry_ids};

/// How many ids are minted before the matcher is tried: more than any story here has.
const MINTED: u64 = 1 << 40;

/// Returns what does not hold of the difference between the two.
pub(crate) fn judge(before: &Article, after: &Article) -> Result<(), String> {
    let found = diff(before, after);
    let made = apply(before, &found.ops).map_err(|error| error.to_string())?;
    holds(&made == after, "apply(before, diff(before, after)) is after")?;
    holds(diff(after, after).ops.is_empty(), "an article does not differ from itself")?;
    holds(found.ops.is_sorted_by_key(rank), "ops come in the fixed order")?;

    let bytes = serde_json::to_vec(&found.ops).map_err(|error| error.to_string())?;
    let again = serde_json::to_vec(&diff(before, after).ops).map_err(|error| error.to_string())?;
    holds(bytes == again, "the same two articles give the same bytes")?;
    let read: Vec<Op> = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    holds(read == found.ops, "ops read from JSON are the ops written")?;

    for op in &found.ops {
        judge_op(before, after, op)?;
    }
    judge_json_patch(before, after)?;
    judge_carried(before, after)
}

fn holds(fact: bool, promise: &str) -> Result<(), String> {
    if fact { Ok(()) } else { Err(format!("it does not hold that {promise}")) }
}

fn rank(op: &Op) -> u8 {
    match op {
        Op::Delete { .. } => 0,
        Op::Move { .. } | Op::Insert { .. } => 1,
        Op::Edit { .. } => 2,
        Op::Set { .. } => 3,
    }
}

fn judge_op(before: &Article, after: &Article, op: &Op) -> Result<(), String> {
    match op {
        Op::Edit { block, kind, splices, marks } => {
            let (Some((_, old)), Some((_, new))) = (before.block(block), after.block(block)) else {
                return Err(format!("edited block {block} is not in both"));
            };
            let any = kind.is_some() || !splices.is_empty() || marks.is_some();
            holds(any, "an edit changes something")?;
            judge_splices(old.text.as_str(), new.text.as_str(), splices)
        }
        Op::Set { field, change: FieldChange::Splices(splices) } => {
            let (old, new) = (before.fields.get(*field), after.fields.get(*field));
            holds(!old.is_empty() && !new.is_empty(), "a text that came or went is set by value")?;
            judge_splices(old.as_str(), new.as_str(), splices)
        }
        _ => Ok(()),
    }
}

fn judge_splices(old: &str, new: &str, splices: &[Splice]) -> Result<(), String> {
    let edges = |text: &str| text.grapheme_indices(true).map(|(at, _)| at).chain([text.len()]).collect();
    let (old_edges, new_edges): (Vec<usize>, Vec<usize>) = (edges(old), edges(new));
    let (mut from, mut new_from) = (0, 0);
    for Splice(at, gone, come) in splices {
        holds(*at > from || (from == 0 && *at == 0), "splices are ascending and disjoint")?;
        holds(gone != come, "a splice changes something")?;
        let end = at + gone.len();
        let new_at = new_from + (at - from);
        let new_end = new_at + come.len();
        let whole = [*at, end].iter().all(|at| old_edges.binary_search(at).is_ok());
        holds(whole, "splices lie on grapheme boundaries of the old text")?;
        let whole = [new_at, new_end].iter().all(|at| new_edges.binary_search(at).is_ok());
        holds(whole, "what splices put in lies on grapheme boundaries of the new text")?;
        (from, new_from) = (end, new_end);
    }
    Ok(())
}

/// Lets another implementation of RFC 6902 apply the patch.
fn judge_json_patch(before: &Article, after: &Article) -> Result<(), String> {
    let patch = json_patch(before, after, &diff(before, after), ("sha256:base", "sha256:target"));
    let patch: json_patch::Patch = serde_json::from_value(patch).map_err(|error| error.to_string())?;
    let mut document = keyed(before, "sha256:base");
    json_patch::patch(&mut document, &patch).map_err(|error| error.to_string())?;
    holds(document == keyed(after, "sha256:target"), "the JSON Patch leads to the keyed article")?;
    let mut other = keyed(before, "sha256:other");
    holds(json_patch::patch(&mut other, &patch).is_err(), "the JSON Patch refuses another base")
}

/// Takes the ids away and lets the matcher find them again.
fn judge_carried(before: &Article, after: &Article) -> Result<(), String> {
    let copy: Vec<CopyBlock> = after
        .blocks
        .iter()
        .map(|block| CopyBlock {
            id: None,
            kind: block.kind,
            text: block.text.clone(),
            marks: Arc::clone(&block.marks),
        })
        .collect();
    let (blocks, minted) = carry_ids(&before.blocks, &copy, MINTED);
    let mut ids: Vec<_> = blocks.iter().map(|block| &block.id).collect();
    ids.sort_unstable();
    holds(ids.is_sorted_by(|one, next| one < next), "carried ids are unique")?;
    let known = blocks.iter().filter(|block| before.block(&block.id).is_some()).count();
    holds(minted == MINTED + (blocks.len() - known) as u64, "only blocks that are new get new ids")?;
    let same = blocks.iter().zip(&copy).all(|(block, given)| {
        block.kind == given.kind && block.text == given.text && block.marks == given.marks
    });
    holds(same, "carried blocks are the copy's")?;
    let carried = Article { fields: after.fields.clone(), blocks };
    let ops = diff(before, &carried).ops;
    let made = apply(before, &ops).map_err(|error| error.to_string())?;
    holds(made == carried, "apply(before, diff(before, carried)) is carried")?;
    let reordered = before.blocks.len() == copy.len() && known == copy.len();
    let moves_only = ops.iter().all(|op| matches!(op, Op::Move { .. } | Op::Set { .. }));
    let same_words = carried
        .blocks
        .iter()
        .all(|block| before.block(&block.id).is_some_and(|(_, old)| Arc::ptr_eq(old, block)));
    holds(!(reordered && same_words) || moves_only, "a mere move carries no text")
}
