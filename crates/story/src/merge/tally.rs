//! How often each sentence is there: the proof that no side's work was undone.
//!
//! Blocks and sentences are merged where they stand, which does not see that one side carried a
//! sentence to another block while the other side took it out or carried it elsewhere. The count
//! sees that.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::block::Block;

/// How often one sentence is in base, theirs, mine and what was made of them.
type Counts = [usize; 4];

/// Returns the places of base's blocks with a sentence that is in `merged` more or less often than
/// what both sides did to it allows.
pub(super) fn undone(
    base: &[Arc<Block>],
    theirs: &[Arc<Block>],
    mine: &[Arc<Block>],
    merged: &[Arc<Block>],
) -> Vec<usize> {
    let mut counts: HashMap<&str, Counts> = HashMap::new();
    for (side, blocks) in [base, theirs, mine, merged].into_iter().enumerate() {
        for sentence in blocks.iter().flat_map(|block| sentences(block)) {
            counts.entry(sentence).or_default()[side] += 1;
        }
    }
    let wrong = |block: &Arc<Block>| sentences(block).any(|s| counts.get(s).is_some_and(is_wrong));
    base.iter().enumerate().filter(|(_, block)| wrong(block)).map(|(place, _)| place).collect()
}

/// Returns the sentences of `block` whose words are still there.
fn sentences(block: &Block) -> impl Iterator<Item = &str> {
    block.text.values().flatten().map(str::trim)
}

fn is_wrong([base, theirs, mine, merged]: &Counts) -> bool {
    !allowed(*base, *theirs, *mine).contains(merged)
}

/// Returns how often a sentence may be there. Where both put it in, or both took it out, it may
/// have been the same one.
fn allowed(base: usize, theirs: usize, mine: usize) -> RangeInclusive<usize> {
    let both = (theirs + mine).saturating_sub(base);
    if theirs >= base && mine >= base {
        theirs.max(mine)..=both
    } else if theirs <= base && mine <= base {
        both..=theirs.min(mine)
    } else {
        both..=both
    }
}
