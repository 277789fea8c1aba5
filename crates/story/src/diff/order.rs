//! Order of blocks: the fewest moves that take one list of ids to another.
//!
//! Knows ids only. What stands in a block is the business of others.

use std::collections::HashMap;

use crate::block::BlockId;

/// One step from an old order to a new one.
///
/// Steps come in the fixed order: deletes in the old order, then moves and inserts in the new
/// one. `after` is always in place when its step comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// Takes `block` out.
    Delete {
        /// The block.
        block: &'a BlockId,
    },
    /// Puts `block`, which is present, behind `after`.
    Move {
        /// The block.
        block: &'a BlockId,
        /// The one it follows; `None` puts it first.
        after: Option<&'a BlockId>,
    },
    /// Puts `block`, which is new, behind `after`.
    Insert {
        /// The block.
        block: &'a BlockId,
        /// Its place in the new order, from 0.
        index: usize,
        /// The one it follows; `None` puts it first.
        after: Option<&'a BlockId>,
    },
}

/// Returns the steps that take the order `before` to the order `after`, with as few moves as can
/// be. Ids are unique in each list.
///
/// Costs O(n log n) in what lies between the lists' common beginning and their common end.
pub(crate) fn order_steps<'a>(before: &[&'a BlockId], after: &[&'a BlockId]) -> Vec<Step<'a>> {
    steps(before, after, &places(before, after))
}

/// Returns for each id of `after` its place in `before`, if it has one.
pub(crate) fn places(before: &[&BlockId], after: &[&BlockId]) -> Vec<Option<usize>> {
    let head = before.iter().zip(after).take_while(|(old, new)| old == new).count();
    let (old, new) = (&before[head..], &after[head..]);
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[..old.len() - tail], &new[..new.len() - tail]);

    let old_places: HashMap<&BlockId, usize> =
        old.iter().zip(head..).map(|(id, place)| (*id, place)).collect();
    let mut places: Vec<Option<usize>> = (0..head).map(Some).collect();
    places.extend(new.iter().map(|id| old_places.get(id).copied()));
    places.extend((before.len() - tail..before.len()).map(Some));
    places
}

/// Returns the steps that take the order `before` to the order `after`, of whose ids `places`
/// says where they stood.
pub(crate) fn steps<'a>(
    before: &[&'a BlockId],
    after: &[&'a BlockId],
    places: &[Option<usize>],
) -> Vec<Step<'a>> {
    let mut kept = vec![false; before.len()];
    for place in places.iter().flatten() {
        kept[*place] = true;
    }
    let stays = longest_rising(places);
    let deletes = before.iter().zip(&kept).filter(|(_, kept)| !**kept);
    let deletes = deletes.map(|(block, _)| Step::Delete { block });
    let placed = after.iter().enumerate().filter_map(|(index, block)| {
        let after = index.checked_sub(1).map(|previous| after[previous]);
        match places[index] {
            None => Some(Step::Insert { block, index, after }),
            Some(_) if !stays[index] => Some(Step::Move { block, after }),
            Some(_) => None,
        }
    });
    deletes.chain(placed).collect()
}

/// Returns which entries belong to a longest rising subsequence of the present numbers.
pub(crate) fn longest_rising(numbers: &[Option<usize>]) -> Vec<bool> {
    // `ends[k]` is the entry that ends the best rising subsequence of length k + 1 so far.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous: Vec<Option<usize>> = vec![None; numbers.len()];
    for (entry, number) in numbers.iter().enumerate().filter(|(_, number)| number.is_some()) {
        let length = ends.partition_point(|end| numbers[*end] < *number);
        previous[entry] = length.checked_sub(1).map(|shorter| ends[shorter]);
        if length == ends.len() {
            ends.push(entry);
        } else {
            ends[length] = entry;
        }
    }
    let mut member = vec![false; numbers.len()];
    let mut next = ends.last().copied();
    while let Some(entry) = next {
        member[entry] = true;
        next = previous[entry];
    }
    member
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(numbers: &[u64]) -> Vec<BlockId> {
        numbers.iter().copied().map(BlockId::minted).collect()
    }

    /// Follows `steps` on a plain list.
    fn follow<'a>(before: &[&'a BlockId], steps: &[Step<'a>]) -> Vec<&'a BlockId> {
        fn place<'a>(order: &mut Vec<&'a BlockId>, block: &'a BlockId, after: Option<&BlockId>) {
            let at = after.map_or(0, |after| {
                1 + order.iter().position(|id| *id == after).expect("`after` is in place")
            });
            order.insert(at, block);
        }
        let mut order = before.to_vec();
        for step in steps {
            match *step {
                Step::Delete { block } => order.retain(|id| *id != block),
                Step::Move { block, after } => {
                    order.retain(|id| *id != block);
                    place(&mut order, block, after);
                }
                Step::Insert { block, after, .. } => place(&mut order, block, after),
            }
        }
        order
    }

    #[track_caller]
    fn check(before: &[u64], after: &[u64], moves: usize) {
        let (before, after) = (ids(before), ids(after));
        let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
        let steps = order_steps(&before, &after);
        assert_eq!(follow(&before, &steps), after, "{steps:?}");
        let moved = steps.iter().filter(|step| matches!(step, Step::Move { .. })).count();
        assert_eq!(moved, moves, "{steps:?}");
    }

    #[test]
    fn the_same_order_takes_no_step() {
        let order = ids(&[1, 2, 3]);
        let order: Vec<_> = order.iter().collect();
        assert_eq!(order_steps(&order, &order), []);
        assert_eq!(order_steps(&[], &[]), []);
    }

    #[test]
    fn one_block_that_moved_is_one_move() {
        check(&[1, 2, 3, 4, 5], &[5, 1, 2, 3, 4], 1);
        check(&[1, 2, 3, 4, 5], &[2, 3, 4, 5, 1], 1);
        check(&[1, 2, 3, 4, 5], &[1, 4, 2, 3, 5], 1);
    }

    #[test]
    fn blocks_that_stayed_in_order_do_not_move() {
        check(&[1, 2, 3], &[9, 1, 8, 3], 0);
        check(&[1, 2, 3, 4], &[3, 4, 7, 1, 2], 2);
        check(&[], &[1, 2], 0);
        check(&[1, 2], &[], 0);
    }

    #[test]
    fn a_reversed_order_keeps_one_block() {
        check(&[1, 2, 3, 4], &[4, 3, 2, 1], 3);
    }

    proptest! {
        #[test]
        fn steps_lead_to_the_new_order(
            before in Just((0..12_u64).collect::<Vec<_>>()).prop_shuffle(),
            after in Just((4..16_u64).collect::<Vec<_>>()).prop_shuffle(),
            lengths in (0..12_usize, 0..12_usize),
        ) {
            let (before, after) = (ids(&before[..lengths.0]), ids(&after[..lengths.1]));
            let (before, after): (Vec<_>, Vec<_>) = (before.iter().collect(), after.iter().collect());
            let steps = order_steps(&before, &after);
            prop_assert_eq!(follow(&before, &steps), after);
        }
    }
}
