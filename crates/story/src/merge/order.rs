//! Order of blocks on three sides.
//!
//! Blocks that neither side moved keep the base's order. Every other one stands behind the block
//! that it follows on the side that put it there, wherever that block is now.

use std::collections::HashSet;

use crate::diff::order::longest_rising;

/// The orders of both sides, without the blocks that are gone. Numbers below `base` are the base's
/// blocks in its order; the others are new, on one side or on both.
pub(super) struct Orders<'o> {
    /// How many blocks the base has.
    pub(super) base: usize,
    /// How many blocks there are in all.
    pub(super) count: usize,
    pub(super) theirs: &'o [usize],
    pub(super) mine: &'o [usize],
}

/// The order of both.
pub(super) struct Merged {
    /// Every block of either side, once.
    pub(super) order: Vec<usize>,
    /// Blocks of the base that both moved, not to the same place: mine stands.
    pub(super) clashes: Vec<usize>,
}

/// Returns one order in which each side's blocks stand where it put them, at one place theirs
/// first.
pub(super) fn merged(orders: &Orders<'_>) -> Merged {
    let theirs = orders.placed(orders.theirs);
    let mut mine = orders.placed(orders.mine);
    // What is new on both sides is where theirs has it.
    for block in orders.theirs.iter().filter(|block| **block >= orders.base) {
        mine[*block] = None;
    }
    let fixed = (orders.fixed_before(orders.theirs), orders.fixed_before(orders.mine));
    let mut anchors: Vec<Anchor> = vec![Anchor::Stays; orders.count];
    let mut clashes = Vec::new();
    for block in 0..orders.count {
        anchors[block] = match (theirs[block], mine[block]) {
            (Some(follows), None) => Anchor::Theirs(follows),
            (None, Some(follows)) => Anchor::Mine(follows),
            (None, None) => Anchor::Stays,
            (Some(_), Some(my)) if fixed.0[block] != fixed.1[block] => {
                clashes.push(block);
                Anchor::Mine(my)
            }
            (Some(their), Some(my)) if their == fixed.0[block] => Anchor::Mine(my),
            (Some(their), Some(_)) => Anchor::Theirs(their),
        };
    }
    let mut order = orders.followed(&anchors);
    let missing = orders.missing(&order);
    if !missing.is_empty() {
        // Each side put a block behind one that the other put behind it.
        for block in missing.into_iter().filter(|block| *block < orders.base && theirs[*block].is_some()) {
            anchors[block] = mine[block].map_or(Anchor::Stays, Anchor::Mine);
            clashes.push(block);
        }
        order = orders.followed(&anchors);
        let left = orders.missing(&order);
        clashes.extend(left.iter().copied().filter(|block| *block < orders.base));
        order.extend(left);
    }
    clashes.sort_unstable();
    clashes.dedup();
    Merged { order, clashes }
}

/// Where a block stands.
#[derive(Debug, Clone, Copy)]
enum Anchor {
    /// Where the base has it.
    Stays,
    /// Where theirs put it: behind this block, or first if this is the count of all.
    Theirs(usize),
    /// Where mine put it.
    Mine(usize),
}

impl Orders<'_> {
    /// Returns what each block that a side moved or put in follows there; the count of all blocks
    /// stands for none.
    fn placed(&self, side: &[usize]) -> Vec<Option<usize>> {
        let numbers: Vec<Option<usize>> =
            side.iter().map(|block| Some(*block).filter(|b| *b < self.base)).collect();
        let stays = longest_rising(&numbers);
        let mut placed = vec![None; self.count];
        let mut previous = self.count;
        for (block, stays) in side.iter().zip(stays) {
            if !stays {
                placed[*block] = Some(previous);
            }
            previous = *block;
        }
        placed
    }

    /// Returns for each block the nearest block before it on a side that both have,
    /// the count of all for none.
    fn fixed_before(&self, side: &[usize]) -> Vec<usize> {
        let [theirs, mine] =
            [self.theirs, self.mine].map(|side| side.iter().copied().collect::<HashSet<_>>());
        let mut fixed = vec![self.count; self.count];
        let mut last = self.count;
        for block in side {
            fixed[*block] = last;
            if theirs.contains(block) && mine.contains(block) {
                last = *block;
            }
        }
        fixed
    }

    /// Returns the blocks as their anchors say; blocks that hang on each other are not among them.
    fn followed(&self, anchors: &[Anchor]) -> Vec<usize> {
        let mut behind = vec![(None, None); self.count + 1];
        for (block, anchor) in anchors.iter().enumerate() {
            match anchor {
                Anchor::Stays => {}
                Anchor::Theirs(follows) => behind[*follows].0 = Some(block),
                Anchor::Mine(follows) => behind[*follows].1 = Some(block),
            }
        }
        let there: HashSet<usize> = self.theirs.iter().chain(self.mine).copied().collect();
        let stays = |block: &usize| there.contains(block) && matches!(anchors[*block], Anchor::Stays);
        let mut order = Vec::with_capacity(there.len());
        for start in std::iter::once(self.count).chain((0..self.count).filter(stays)) {
            let mut next = vec![start];
            while let Some(block) = next.pop() {
                if block < self.count {
                    order.push(block);
                }
                next.extend(behind[block].1);
                next.extend(behind[block].0);
            }
        }
        order
    }

    /// Returns the blocks of mine, then of theirs, that are not in `order`.
    fn missing(&self, order: &[usize]) -> Vec<usize> {
        let mut known: HashSet<usize> = order.iter().copied().collect();
        self.mine.iter().chain(self.theirs).copied().filter(|block| known.insert(*block)).collect()
    }
}
