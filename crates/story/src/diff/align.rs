//! Which tokens of one sequence are tokens of another: Myers' greedy O(ND) alignment (1986), with
//! a bound.
//!
//! Sequences too far apart for the bound are first cut at tokens that occur once in both, and what
//! is still too far apart is one change: the answer is always right, and never takes long.

use std::collections::HashMap;
use std::ops::Range;

/// Most removed and added tokens that Myers' algorithm looks for in one piece.
const EDITS_MAX: usize = 192;
/// How often pieces are cut at tokens that occur once.
const CUTS_MAX: usize = 8;

/// A run of tokens and the run that takes its place; one of them may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// Where in the old sequence.
    pub(crate) old: Range<usize>,
    /// Where in the new sequence.
    pub(crate) new: Range<usize>,
}

/// Returns what takes `old` to `new`: ascending, disjoint, with a common token between any two.
pub(crate) fn changes(old: &[u32], new: &[u32]) -> Vec<Change> {
    let mut found = Found { changes: Vec::new() };
    found.align(Piece { old, new, at: (0, 0) }, CUTS_MAX);
    found.changes
}

/// Two stretches and where they begin.
#[derive(Clone, Copy)]
struct Piece<'a> {
    old: &'a [u32],
    new: &'a [u32],
    at: (usize, usize),
}

impl Piece<'_> {
    /// Returns the piece without what both stretches begin and end with.
    fn trimmed(self) -> Self {
        let head = self.old.iter().zip(self.new).take_while(|(old, new)| old == new).count();
        let part = self.part(head..self.old.len(), head..self.new.len());
        let tail =
            part.old.iter().rev().zip(part.new.iter().rev()).take_while(|(old, new)| old == new).count();
        part.part(0..part.old.len() - tail, 0..part.new.len() - tail)
    }

    fn part(self, old: Range<usize>, new: Range<usize>) -> Self {
        let at = (self.at.0 + old.start, self.at.1 + new.start);
        Self { old: &self.old[old], new: &self.new[new], at }
    }
}

struct Found {
    changes: Vec<Change>,
}

impl Found {
    fn align(&mut self, piece: Piece<'_>, cuts: usize) {
        let piece = piece.trimmed();
        let (old_len, new_len) = (piece.old.len(), piece.new.len());
        if old_len == 0 || new_len == 0 || (old_len == 1 && new_len == 1) {
            return self.push(piece.at, (old_len, new_len));
        }
        if let Some(edits) = myers(piece.old, piece.new) {
            for edit in edits.into_iter().rev() {
                let at = (piece.at.0 + edit.at.0, piece.at.1 + edit.at.1);
                self.push(at, if edit.adds { (0, 1) } else { (1, 0) });
            }
            return;
        }
        let anchors = if cuts == 0 { Vec::new() } else { anchors(piece.old, piece.new) };
        if anchors.is_empty() {
            return self.push(piece.at, (old_len, new_len));
        }
        let mut from = (0, 0);
        for (old, new) in anchors {
            self.align(piece.part(from.0..old, from.1..new), cuts - 1);
            from = (old + 1, new + 1);
        }
        self.align(piece.part(from.0..old_len, from.1..new_len), cuts - 1);
    }

    /// Adds a change, to the last one if it touches it.
    fn push(&mut self, at: (usize, usize), (removed, added): (usize, usize)) {
        if removed == 0 && added == 0 {
            return;
        }
        match self.changes.last_mut() {
            Some(last) if last.old.end == at.0 && last.new.end == at.1 => {
                last.old.end += removed;
                last.new.end += added;
            }
            _ => self.changes.push(Change { old: at.0..at.0 + removed, new: at.1..at.1 + added }),
        }
    }
}

/// One token removed or added.
struct Edit {
    /// Tokens passed in each sequence before it.
    at: (usize, usize),
    adds: bool,
}

/// Returns a shortest list of edits, last first; `None` if it has more than [`EDITS_MAX`].
fn myers(old: &[u32], new: &[u32]) -> Option<Vec<Edit>> {
    let most = (old.len() + new.len()).min(EDITS_MAX);
    if old.len().abs_diff(new.len()) > most {
        return None;
    }
    // `reach[most + k]` is how far into `old` the best path on diagonal k (old - new) has come.
    let mut reach = vec![0_usize; 2 * most + 2];
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for edits in 0..=most {
        for diagonal in (most - edits..=most + edits).step_by(2) {
            let adds = is_add(&reach, diagonal, (most, edits));
            let mut x = if adds { reach[diagonal + 1] } else { reach[diagonal - 1] + 1 };
            let mut y = x + most - diagonal;
            while x < old.len() && y < new.len() && old[x] == new[y] {
                (x, y) = (x + 1, y + 1);
            }
            reach[diagonal] = x;
            if x >= old.len() && y >= new.len() {
                return Some(trace_back(&rounds, (old.len(), new.len())));
            }
        }
        rounds.push(reach[most - edits..=most + edits].to_vec());
    }
    None
}

/// Returns whether the best path to `diagonal` with `edits` edits ends with an added token, given
/// how far paths with one edit less have come.
fn is_add(reach: &[usize], diagonal: usize, (most, edits): (usize, usize)) -> bool {
    diagonal == most - edits || (diagonal != most + edits && reach[diagonal - 1] < reach[diagonal + 1])
}

fn trace_back(rounds: &[Vec<usize>], end: (usize, usize)) -> Vec<Edit> {
    let mut found = Vec::with_capacity(rounds.len());
    let (mut x, mut y) = end;
    for (before, round) in rounds.iter().enumerate().rev() {
        // Diagonals of this round count from its own edge.
        let diagonal = before + 1 + x - y;
        let reach = |diagonal: usize| round[diagonal - 1];
        let adds =
            diagonal == 0 || (diagonal != 2 * (before + 1) && reach(diagonal - 1) < reach(diagonal + 1));
        let from = if adds { diagonal + 1 } else { diagonal - 1 };
        x = reach(from);
        y = x + before + 1 - from;
        found.push(Edit { at: (x, y), adds });
    }
    found
}

/// Returns the places of tokens that occur once in each, as many as keep their order.
fn anchors(old: &[u32], new: &[u32]) -> Vec<(usize, usize)> {
    let old_once = places_of_single(old);
    let new_once = places_of_single(new);
    let mut pairs: Vec<(usize, usize)> =
        old_once.iter().filter_map(|(token, place)| Some((*place, *new_once.get(token)?))).collect();
    pairs.sort_unstable();
    let places: Vec<Option<usize>> = pairs.iter().map(|(_, new)| Some(*new)).collect();
    let rising = super::order::longest_rising(&places);
    pairs.into_iter().zip(rising).filter(|(_, rising)| *rising).map(|(pair, _)| pair).collect()
}

fn places_of_single(tokens: &[u32]) -> HashMap<u32, usize> {
    let mut places: HashMap<u32, Option<usize>> = HashMap::with_capacity(tokens.len());
    for (place, token) in tokens.iter().enumerate() {
        places.entry(*token).and_modify(|only| *only = None).or_insert(Some(place));
    }
    places.into_iter().filter_map(|(token, place)| Some((token, place?))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Puts the changed runs of `new` into `old`.
    fn follow(old: &[u32], new: &[u32], changes: &[Change]) -> Vec<u32> {
        let mut made = Vec::new();
        let mut from = 0;
        for change in changes {
            made.extend(&old[from..change.old.start]);
            made.extend(&new[change.new.clone()]);
            from = change.old.end;
        }
        made.extend(&old[from..]);
        made
    }

    fn edits(changes: &[Change]) -> usize {
        changes.iter().map(|change| change.old.len() + change.new.len()).sum()
    }

    #[test]
    fn equal_sequences_have_no_change() {
        assert_eq!(changes(&[1, 2], &[1, 2]), []);
        assert_eq!(changes(&[], &[]), []);
    }

    #[test]
    fn the_shortest_alignment_is_found() {
        // Myers' own example: ABCABBA to CBABAC takes five edits.
        let (old, new) = ([1, 2, 3, 1, 2, 2, 1], [3, 2, 1, 2, 1, 3]);
        let found = changes(&old, &new);
        assert_eq!(follow(&old, &new, &found), new);
        assert_eq!(edits(&found), 5);
    }

    #[test]
    fn a_replaced_run_is_one_change() {
        assert_eq!(changes(&[1, 2, 3, 4], &[1, 7, 8, 9, 4]), [Change { old: 1..3, new: 1..4 }]);
    }

    #[test]
    fn sequences_past_the_bound_are_cut_at_single_tokens() {
        let old: Vec<u32> = (0..5_000).map(|number| if number % 10 == 0 { number } else { 90_000 }).collect();
        let new: Vec<u32> = (0..5_000).map(|number| if number % 10 == 0 { number } else { 80_000 }).collect();
        let found = changes(&old, &new);
        assert_eq!(found.len(), 500);
        assert_eq!(follow(&old, &new, &found), new);
    }

    #[test]
    fn sequences_with_nothing_in_common_are_one_change() {
        let (old, new): (Vec<u32>, Vec<u32>) = ((0..9_000).collect(), (10_000..17_000).collect());
        assert_eq!(changes(&old, &new), [Change { old: 0..9_000, new: 0..7_000 }]);
    }

    proptest! {
        #[test]
        fn changes_lead_to_the_new_sequence(
            old in prop::collection::vec(0..5_u32, 0..40),
            new in prop::collection::vec(0..5_u32, 0..40),
        ) {
            let found = changes(&old, &new);
            prop_assert_eq!(follow(&old, &new, &found), new);
            for pair in found.windows(2) {
                prop_assert!(pair[0].old.end < pair[1].old.start && pair[0].new.end < pair[1].new.start);
            }
        }
    }
}
