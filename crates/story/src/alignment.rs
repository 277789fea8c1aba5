//! Two sequences side by side: what stands in both, in order.
//!
//! The words and sentences of two versions of a text are aligned here for readers
//! ([`render`](crate::render)) and for the rules ([`significance`](crate::significance)). The work is
//! bounded by construction: a stretch too large to compare exactly is anchored on what occurs once on
//! either side, and what is left of it is not aligned at all. Nothing here is exact transport: that is
//! [`diff`](crate::diff).

mod sentences;

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

pub(crate) use sentences::{SentenceKey, Step, segment, steps};

/// Largest table that one stretch may be compared in, in cells.
const CELLS_MAX: usize = 1 << 14;
/// How often a stretch is anchored again before the rest is given up.
const ANCHOR_ROUNDS_MAX: usize = 12;

/// Gives equal things the same small number.
#[derive(Debug)]
pub(crate) struct Interner<T> {
    numbers: HashMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new() }
    }
}

impl<T: Eq + Hash> Interner<T> {
    /// Returns the number of `thing`, a new one if it is new.
    pub(crate) fn number<Q>(&mut self, thing: &Q) -> u32
    where
        T: Borrow<Q>,
        Q: ?Sized + Eq + Hash + ToOwned<Owned = T>,
    {
        if let Some(number) = self.numbers.get(thing) {
            return *number;
        }
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(thing.to_owned(), number);
        number
    }
}

/// A stretch that differs: what stands in place of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// Places in the older sequence.
    pub(crate) old: Range<usize>,
    /// Places in the newer sequence.
    pub(crate) new: Range<usize>,
}

/// One sequence to align: its things by number, and how much each is worth keeping.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    /// What stands where.
    pub(crate) things: &'a [u32],
    /// The weight of each, from 1; heavier things are kept in place of lighter ones.
    pub(crate) weights: &'a [u32],
}

/// Returns pairs of places that hold the same thing, ascending on both sides.
///
/// Deterministic. Takes time and space linear in the lengths, times a constant bound.
pub(crate) fn matches(old: Side<'_>, new: Side<'_>) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let whole = Hunk { old: 0..old.things.len(), new: 0..new.things.len() };
    let mut waiting = vec![(whole, 0)];
    while let Some((stretch, round)) = waiting.pop() {
        let inner = trim(old.things, new.things, stretch, &mut pairs);
        if inner.old.is_empty() || inner.new.is_empty() {
            continue;
        }
        if inner.old.len().saturating_mul(inner.new.len()) <= CELLS_MAX {
            heaviest(old, new, &inner, &mut pairs);
        } else if round < ANCHOR_ROUNDS_MAX {
            let anchors = unique_anchors(old.things, new.things, &inner);
            if !anchors.is_empty() {
                let gaps = between(&anchors, &inner);
                pairs.extend(anchors);
                waiting.extend(gaps.into_iter().map(|gap| (gap, round + 1)));
            }
        }
    }
    pairs.sort_unstable();
    pairs
}

/// Returns what the pairs of [`matches`] leave over, in order.
pub(crate) fn hunks(pairs: &[(usize, usize)], whole: &Hunk) -> Vec<Hunk> {
    let gaps = between(pairs, whole);
    gaps.into_iter().filter(|gap| !(gap.old.is_empty() && gap.new.is_empty())).collect()
}

/// Returns the stretches before, between and after `pairs`, empty ones included.
fn between(pairs: &[(usize, usize)], whole: &Hunk) -> Vec<Hunk> {
    let mut gaps = Vec::with_capacity(pairs.len() + 1);
    let (mut old, mut new) = (whole.old.start, whole.new.start);
    for pair in pairs {
        gaps.push(Hunk { old: old..pair.0, new: new..pair.1 });
        (old, new) = (pair.0 + 1, pair.1 + 1);
    }
    gaps.push(Hunk { old: old..whole.old.end, new: new..whole.new.end });
    gaps
}

/// Pairs off what is equal at both ends and returns what lies between.
fn trim(old: &[u32], new: &[u32], mut stretch: Hunk, pairs: &mut Vec<(usize, usize)>) -> Hunk {
    let (left, right) = (&mut stretch.old, &mut stretch.new);
    while left.start < left.end && right.start < right.end && old[left.start] == new[right.start] {
        pairs.push((left.start, right.start));
        left.start += 1;
        right.start += 1;
    }
    while left.start < left.end && right.start < right.end && old[left.end - 1] == new[right.end - 1] {
        left.end -= 1;
        right.end -= 1;
        pairs.push((left.end, right.end));
    }
    stretch
}

/// Finds the common subsequence of the greatest weight, exactly.
fn heaviest(old: Side<'_>, new: Side<'_>, stretch: &Hunk, pairs: &mut Vec<(usize, usize)>) {
    let (rows, columns) = (stretch.old.len(), stretch.new.len());
    let width = columns + 1;
    // `best[i * width + j]` is the greatest weight in what follows places `i` and `j`.
    let mut best = vec![0_u32; (rows + 1) * width];
    for i in (0..rows).rev() {
        let thing = old.things[stretch.old.start + i];
        let weight = old.weights[stretch.old.start + i];
        for j in (0..columns).rev() {
            let skip = best[(i + 1) * width + j].max(best[i * width + j + 1]);
            let keep = best[(i + 1) * width + j + 1] + weight;
            let same = thing == new.things[stretch.new.start + j];
            best[i * width + j] = if same { skip.max(keep) } else { skip };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < rows && j < columns {
        let (at_old, at_new) = (stretch.old.start + i, stretch.new.start + j);
        let keep = best[(i + 1) * width + j + 1] + old.weights[at_old];
        if old.things[at_old] == new.things[at_new] && best[i * width + j] == keep {
            pairs.push((at_old, at_new));
            i += 1;
            j += 1;
        } else if best[(i + 1) * width + j] >= best[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
}

/// Returns the longest ascending chain of things that occur exactly once on either side.
fn unique_anchors(old: &[u32], new: &[u32], stretch: &Hunk) -> Vec<(usize, usize)> {
    let once = |things: &[u32], range: &Range<usize>| {
        let mut places: HashMap<u32, Option<usize>> = HashMap::new();
        for place in range.clone() {
            places.entry(things[place]).and_modify(|seen| *seen = None).or_insert(Some(place));
        }
        places
    };
    let (left, right) = (once(old, &stretch.old), once(new, &stretch.new));
    let mut pairs: Vec<(usize, usize)> =
        left.iter().filter_map(|(thing, place)| Some(((*place)?, (*right.get(thing)?)?))).collect();
    pairs.sort_unstable();
    ascending(&pairs)
}

/// Returns the longest run of `pairs`, which ascend on the old side, that ascends on the new side too.
fn ascending(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (place, pair) in pairs.iter().enumerate() {
        let length = tails.partition_point(|tail| pairs[*tail].1 < pair.1);
        before.push(length.checked_sub(1).map(|last| tails[last]));
        if length == tails.len() {
            tails.push(place);
        } else {
            tails[length] = place;
        }
    }
    let mut chain = Vec::with_capacity(tails.len());
    let mut next = tails.last().copied();
    while let Some(place) = next {
        chain.push(pairs[place]);
        next = before[place];
    }
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn align(old: &[u32], new: &[u32]) -> Vec<(usize, usize)> {
        let (left, right) = (vec![1; old.len()], vec![1; new.len()]);
        matches(Side { things: old, weights: &left }, Side { things: new, weights: &right })
    }

    #[test]
    fn a_long_rewrite_is_anchored_on_what_occurs_once() {
        let old: Vec<u32> = (0..3000).collect();
        let new: Vec<u32> = (0..3000).map(|n| if n % 7 == 0 { 90_000 } else { n }).collect();
        assert_eq!(align(&old, &new).len(), 3000 - 3000_usize.div_ceil(7));
    }

    #[test]
    fn heavy_things_are_kept_before_light_ones() {
        let (old, new) = ([1, 2], [2, 1]);
        let pairs = matches(Side { things: &old, weights: &[1, 9] }, Side { things: &new, weights: &[9, 1] });
        assert_eq!(pairs, [(1, 0)]);
    }

    proptest! {
        #[test]
        fn pairs_ascend_and_hold_the_same_thing(
            old in proptest::collection::vec(0_u32..6, 0..40),
            new in proptest::collection::vec(0_u32..6, 0..40),
        ) {
            let pairs = align(&old, &new);
            prop_assert!(pairs.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 < two[1].1));
            prop_assert!(pairs.iter().all(|pair| old[pair.0] == new[pair.1]));
            let whole = Hunk { old: 0..old.len(), new: 0..new.len() };
            let left_over: usize = hunks(&pairs, &whole).iter().map(|hunk| hunk.old.len()).sum();
            prop_assert_eq!(left_over + pairs.len(), old.len());
        }
    }
}
