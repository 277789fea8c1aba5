//! Which block of the copy is which block of the story.
//!
//! A wrong pairing can make a difference longer than it need be, never inexact: ids only say what
//! an edit is shown against.

mod equal;
mod similar;

use std::collections::HashMap;
use std::sync::Arc;

use crate::block::{Block, BlockId};
use crate::copy::CopyBlock;

/// Returns the copy's blocks with the ids of the blocks they continue, and newly minted ids
/// (`b{minted + 1}`, …) for the others; and how many ids are minted then.
///
/// A block that names an id keeps it. The others are matched by equal text first, then by word
/// similarity; a block that is edited, moved, or both keeps its id. A block whose words did not
/// change keeps the cuts of its text too, and one in which nothing changed is the same [`Arc`].
///
/// Ids in the result are unique: of two blocks that name the same id the first has it, and the
/// other is matched as if it named none. The same input always gives the same ids.
pub fn carry_ids(before: &[Arc<Block>], copy: &[CopyBlock], minted: u64) -> (Vec<Arc<Block>>, u64) {
    let mut pairing = Pairing::new(before.len(), copy.len());
    claim(before, copy, &mut pairing);
    equal::pair(before, copy, &mut pairing);
    similar::pair(before, copy, &mut pairing);

    let mut mint = Mint::new(before, copy, minted);
    let blocks = copy
        .iter()
        .enumerate()
        .map(|(new, given)| match (pairing.old_of[new], &given.id) {
            (Side::Paired(old), _) => carried(&before[old], given),
            (Side::Claimed, Some(id)) => block(id.clone(), given),
            _ => block(mint.next(), given),
        })
        .collect();
    (blocks, mint.minted)
}

/// Lets every copy block that names an id have it.
fn claim(before: &[Arc<Block>], copy: &[CopyBlock], pairing: &mut Pairing) {
    let mut named: HashMap<&BlockId, usize> = HashMap::new();
    for (new, id) in copy.iter().enumerate().filter_map(|(new, given)| Some((new, given.id.as_ref()?))) {
        named.entry(id).or_insert(new);
    }
    for new in named.values() {
        pairing.old_of[*new] = Side::Claimed;
    }
    if !named.is_empty() {
        for (old, block) in before.iter().enumerate() {
            if let Some(new) = named.get(&block.id) {
                pairing.pair(old, *new);
            }
        }
    }
}

/// Returns the block that `given` makes of `old`.
fn carried(old: &Arc<Block>, given: &CopyBlock) -> Arc<Block> {
    if old.text != given.text {
        return block(old.id.clone(), given);
    }
    if old.kind == given.kind && old.marks == given.marks {
        return Arc::clone(old);
    }
    let (id, text) = (old.id.clone(), old.text.clone());
    Arc::new(Block { id, kind: given.kind, text, marks: Arc::clone(&given.marks) })
}

fn block(id: BlockId, given: &CopyBlock) -> Arc<Block> {
    Arc::new(Block { id, kind: given.kind, text: given.text.clone(), marks: Arc::clone(&given.marks) })
}

/// What is known of one block's counterpart on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Not yet anything.
    Free,
    /// It names an id that the other side does not have.
    Claimed,
    /// It is the block at this place on the other side.
    Paired(usize),
}

/// Who is who so far.
struct Pairing {
    /// For each block before, its counterpart in the copy.
    new_of: Vec<Side>,
    /// For each block of the copy, its counterpart before.
    old_of: Vec<Side>,
}

impl Pairing {
    fn new(old_count: usize, new_count: usize) -> Self {
        Self { new_of: vec![Side::Free; old_count], old_of: vec![Side::Free; new_count] }
    }

    fn pair(&mut self, old: usize, new: usize) {
        self.new_of[old] = Side::Paired(new);
        self.old_of[new] = Side::Paired(old);
    }

    fn both_free(&self, old: usize, new: usize) -> bool {
        self.new_of.get(old) == Some(&Side::Free) && self.old_of.get(new) == Some(&Side::Free)
    }

    fn free(sides: &[Side]) -> impl Iterator<Item = usize> + '_ {
        sides.iter().enumerate().filter(|(_, side)| **side == Side::Free).map(|(place, _)| place)
    }

    /// Returns whether the blocks just before `old` and `new` are one block, or neither has one.
    fn follow_same(&self, old: usize, new: usize) -> bool {
        match (old.checked_sub(1), new.checked_sub(1)) {
            (None, None) => true,
            (Some(old), Some(new)) => self.new_of[old] == Side::Paired(new),
            _ => false,
        }
    }

    /// Returns whether the blocks just behind `old` and `new` are one block, or neither has one.
    fn precede_same(&self, old: usize, new: usize) -> bool {
        match (self.new_of.get(old + 1), new + 1 < self.old_of.len()) {
            (None, false) => true,
            (Some(side), true) => *side == Side::Paired(new + 1),
            _ => false,
        }
    }
}

/// Mints ids that no block has or names.
struct Mint {
    minted: u64,
    /// Numbers above `minted` that are taken all the same, sorted.
    taken: Vec<u64>,
}

impl Mint {
    fn new(before: &[Arc<Block>], copy: &[CopyBlock], minted: u64) -> Self {
        let ids =
            before.iter().map(|block| &block.id).chain(copy.iter().filter_map(|given| given.id.as_ref()));
        let mut taken: Vec<u64> = ids
            .filter_map(|id| id.as_str().strip_prefix('b')?.parse().ok())
            .filter(|number| *number > minted)
            .collect();
        taken.sort_unstable();
        Self { minted, taken }
    }

    fn next(&mut self) -> BlockId {
        self.minted = self.minted.saturating_add(1);
        while self.taken.binary_search(&self.minted).is_ok() && self.minted < u64::MAX {
            self.minted += 1;
        }
        BlockId::minted(self.minted)
    }
}

#[cfg(test)]
mod tests;
