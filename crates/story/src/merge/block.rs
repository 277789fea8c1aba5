//! One block on three sides: words, kind and mark-up.

use std::sync::Arc;

use super::sentences::{self, Texts};
use super::values::{joined, values};
use crate::block::{Block, Mark};
use crate::limits::{BLOCK_TEXT_BYTES_MAX, MARKS_MAX};
use crate::text::Text;

/// A block with what both sides changed.
pub(super) struct Merged {
    pub(super) block: Arc<Block>,
    /// Whether both changed one thing of it: mine stands there.
    pub(super) clashes: bool,
}

/// Returns whether two blocks say the same in the same way, whatever their ids.
pub(super) fn same(one: &Block, other: &Block) -> bool {
    one.kind == other.kind && one.text == other.text && one.marks == other.marks
}

/// Returns theirs with what mine changes in it.
pub(super) fn merged(base: &Arc<Block>, theirs: &Arc<Block>, mine: &Arc<Block>) -> Merged {
    if same(mine, base) || same(mine, theirs) {
        return Merged { block: Arc::clone(theirs), clashes: false };
    }
    if same(theirs, base) {
        return Merged { block: Arc::clone(mine), clashes: false };
    }
    let mut clashes = mine.kind != base.kind && theirs.kind != base.kind && mine.kind != theirs.kind;
    let kind = if mine.kind == base.kind { theirs.kind } else { mine.kind };
    let (text, marks) = if is_worded_alike(mine, base) || is_worded_alike(mine, theirs) {
        (theirs.text.clone(), Arc::clone(&theirs.marks))
    } else if is_worded_alike(theirs, base) {
        (mine.text.clone(), Arc::clone(&mine.marks))
    } else {
        let (text, marks, met) = merged_words(base, theirs, mine);
        clashes |= met;
        (text, marks)
    };
    Merged { block: Arc::new(Block { id: mine.id.clone(), kind, text, marks }), clashes }
}

/// Returns what two make of a block that both put in with the same words.
pub(super) fn put_in_twice(theirs: &Arc<Block>, mine: &Block) -> Merged {
    if same(theirs, mine) {
        return Merged { block: Arc::clone(theirs), clashes: false };
    }
    Merged { block: Arc::new(Block { id: theirs.id.clone(), ..mine.clone() }), clashes: true }
}

fn is_worded_alike(one: &Block, other: &Block) -> bool {
    one.text == other.text && one.marks == other.marks
}

/// Returns the words and mark-up of both, and whether they clash: in a sentence, in its mark-up,
/// or in that together they would leave no words or pass a limit.
fn merged_words(base: &Block, theirs: &Block, mine: &Block) -> (Text, Arc<[Mark]>, bool) {
    let clashing = || (mine.text.clone(), Arc::clone(&mine.marks), true);
    let (Some(base), Some(theirs), Some(my)) = (values(base), values(theirs), values(mine)) else {
        return clashing();
    };
    let merged = sentences::merged(&Texts { base, theirs, mine: my });
    let (text, marks) = joined(&merged.values);
    if text.is_empty() || text.as_str().len() > BLOCK_TEXT_BYTES_MAX || marks.len() > MARKS_MAX {
        return clashing();
    }
    (text, marks, merged.clashes)
}
