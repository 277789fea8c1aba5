//! Which block of the copy is which block of the story.

use std::sync::Arc;

use crate::block::Block;
use crate::copy::CopyBlock;

/// Returns the copy's blocks with the ids of the blocks they continue, and newly minted ids
/// (`b{minted + 1}`, …) for the others; and how many ids are minted then.
///
/// A block that names an id keeps it. The others are matched by equal text first, then by word
/// similarity; a block that is edited, moved, or both keeps its id.
pub fn carry_ids(before: &[Arc<Block>], copy: &[CopyBlock], minted: u64) -> (Vec<Arc<Block>>, u64) {
    let _ = (before, copy, minted);
    todo!("carry_ids")
}
