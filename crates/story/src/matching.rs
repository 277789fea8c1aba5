//! Which block of the copy is which block of the story.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use crate::block::{Block, BlockId};
use crate::copy::CopyBlock;

/// Returns the copy's blocks with the ids of the blocks they continue, and newly minted ids
/// (`b{minted + 1}`, …) for the others; and how many ids are minted then.
///
/// A block that names an id keeps it. The others are matched by equal text first, then by word
/// similarity; a block that is edited, moved, or both keeps its id.
pub fn carry_ids(before: &[Arc<Block>], copy: &[CopyBlock], minted: u64) -> (Vec<Arc<Block>>, u64) {
    let named: HashSet<&BlockId> = copy.iter().filter_map(|block| block.id.as_ref()).collect();
    let mut equal: HashMap<(&str, u8), VecDeque<usize>> = HashMap::new();
    let mut taken = vec![false; before.len()];
    for (place, block) in before.iter().enumerate() {
        if named.contains(&block.id) {
            taken[place] = true;
        } else {
            equal.entry((block.text.as_str(), block.kind as u8)).or_default().push_back(place);
        }
    }
    let mut ids: Vec<Option<BlockId>> = copy.iter().map(|block| block.id.clone()).collect();
    for (place, block) in copy.iter().enumerate().filter(|(_, block)| block.id.is_none()) {
        if let Some(old) =
            equal.get_mut(&(block.text.as_str(), block.kind as u8)).and_then(VecDeque::pop_front)
        {
            ids[place] = Some(before[old].id.clone());
            taken[old] = true;
        }
    }
    similar(before, copy, &mut ids, &mut taken);
    let mut minted = minted;
    let blocks = copy
        .iter()
        .zip(ids)
        .map(|(block, id)| {
            let id = id.unwrap_or_else(|| {
                minted += 1;
                BlockId::minted(minted)
            });
            Arc::new(Block {
                id,
                kind: block.kind,
                text: block.text.clone(),
                marks: Arc::clone(&block.marks),
            })
        })
        .collect();
    (blocks, minted)
}

fn similar(before: &[Arc<Block>], copy: &[CopyBlock], ids: &mut [Option<BlockId>], taken: &mut [bool]) {
    let mut pairs = Vec::new();
    for (place, block) in copy.iter().enumerate().filter(|(place, _)| ids[*place].is_none()).take(256) {
        for (old, candidate) in before.iter().enumerate().filter(|(old, _)| !taken[*old]).take(256) {
            let dice = dice(candidate.text.as_str(), block.text.as_str());
            if dice >= 500 {
                pairs.push((std::cmp::Reverse(dice), place.abs_diff(old), place, old));
            }
        }
    }
    pairs.sort_unstable();
    for (_, _, place, old) in pairs {
        if ids[place].is_none() && !taken[old] {
            ids[place] = Some(before[old].id.clone());
            taken[old] = true;
        }
    }
}

fn dice(old: &str, new: &str) -> usize {
    let mut counts: HashMap<&str, i64> = HashMap::new();
    let (mut total, mut common) = (0, 0);
    for word in old.split(' ') {
        *counts.entry(word).or_default() += 1;
        total += 1;
    }
    for word in new.split(' ') {
        total += 1;
        if let Some(count) = counts.get_mut(word).filter(|count| **count > 0) {
            *count -= 1;
            common += 2;
        }
    }
    common * 1000 / total
}
