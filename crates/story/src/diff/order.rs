//! Order of blocks: the fewest moves that take one order to another.

use std::collections::HashMap;

use crate::block::BlockId;

/// One step from an order to another; steps are applied in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// Takes a block out.
    Delete(&'a BlockId),
    /// Puts a present block behind one that stands where it belongs already.
    Move(&'a BlockId, Option<&'a BlockId>),
    /// Puts a new block behind one that stands where it belongs already.
    Insert(&'a BlockId, Option<&'a BlockId>),
}

/// Returns deletes, then moves and inserts in target order. Blocks on a longest increasing
/// subsequence stay.
pub(crate) fn order_steps<'a>(before: &[&'a BlockId], after: &[&'a BlockId]) -> Vec<Step<'a>> {
    let target: HashMap<&BlockId, usize> = after.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let source: HashMap<&BlockId, usize> =
        before.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let mut steps: Vec<_> =
        before.iter().filter(|id| !target.contains_key(*id)).map(|id| Step::Delete(id)).collect();
    let kept: Vec<usize> = after.iter().filter_map(|id| source.get(id).copied()).collect();
    let stays = increasing(&kept);
    let mut kept_index = 0;
    for (place, id) in after.iter().enumerate() {
        let behind = place.checked_sub(1).map(|place| after[place]);
        if source.contains_key(id) {
            if !stays[kept_index] {
                steps.push(Step::Move(id, behind));
            }
            kept_index += 1;
        } else {
            steps.push(Step::Insert(id, behind));
        }
    }
    steps
}

/// Returns which of `places` are on a longest increasing subsequence.
fn increasing(places: &[usize]) -> Vec<bool> {
    let mut ends: Vec<usize> = Vec::new();
    let mut previous = vec![None; places.len()];
    for (index, place) in places.iter().enumerate() {
        let length = ends.partition_point(|end| places[*end] < *place);
        previous[index] = length.checked_sub(1).map(|length| ends[length]);
        if length == ends.len() {
            ends.push(index);
        } else {
            ends[length] = index;
        }
    }
    let mut stays = vec![false; places.len()];
    let mut next = ends.last().copied();
    while let Some(index) = next {
        stays[index] = true;
        next = previous[index];
    }
    stays
}
