//! Pairs blocks whose words are alike: what was edited, or edited and moved.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Pairing, Side};
use crate::block::{Block, BlockKind};
use crate::copy::CopyBlock;
use crate::diff::splice::{common_prefix, common_suffix};
use crate::diff::words::writes_no_spaces;

/// Full likeness: every word is in both.
const WHOLE: u64 = 1 << 16;
/// Least likeness of two blocks of one kind anywhere in the body.
const ALIKE: u64 = WHOLE / 2;
/// Least likeness of two short blocks, of which chance makes many half alike.
const SHORT_ALIKE: u64 = WHOLE * 3 / 5;
/// Least likeness of two blocks of different kinds.
const OTHER_KIND_ALIKE: u64 = WHOLE * 3 / 4;
/// Least likeness of the only old and the only new block between two pairs.
const ALONE_ALIKE: u64 = WHOLE / 5;
/// Most words of a short block: its letters count too.
const SHORT_WORDS_MAX: usize = 4;
/// Most pairs of blocks that are all compared.
const PAIRS_MAX: usize = 256 * 256;
/// Most words looked at when all pairs are compared.
const WORK_MAX: usize = 8_000_000;
/// A word in at most so many old blocks is rare.
const RARE_MAX: usize = 8;
/// Most old blocks that a new one is compared with when not all pairs are.
const CANDIDATES_MAX: usize = 8;

/// Pairs free blocks that are alike, the most alike first.
pub(super) fn pair(before: &[Arc<Block>], copy: &[CopyBlock], pairing: &mut Pairing) {
    pair_in_place(before, copy, pairing);
    let old: Vec<Bag> = Pairing::free(&pairing.new_of)
        .map(|place| Bag::new(place, before[place].kind, before[place].text.as_str()))
        .collect();
    if old.is_empty() {
        return;
    }
    let new: Vec<Bag> = Pairing::free(&pairing.old_of)
        .map(|place| Bag::new(place, copy[place].kind, copy[place].text.as_str()))
        .collect();
    if new.is_empty() {
        return;
    }
    let work = |bags: &[Bag]| bags.iter().map(|bag| bag.words.len()).sum::<usize>();
    let all_work = old.len().saturating_mul(work(&new)).saturating_add(new.len().saturating_mul(work(&old)));
    let mut found = if old.len() * new.len() <= PAIRS_MAX && all_work <= WORK_MAX {
        let pairs = new.iter().flat_map(|new| old.iter().map(move |old| (old, new)));
        alike(pairs, pairing)
    } else {
        let likely = likely_pairs(&old, &new);
        alike(likely.iter().map(|(o, n)| (&old[*o], &new[*n])), pairing)
    };
    found.sort_unstable();
    for one in found {
        if pairing.both_free(one.old, one.new) {
            pairing.pair(one.old, one.new);
        }
    }
    pair_alone(&old, &new, pairing);
}

/// Pairs blocks that stand between the same two neighbours and begin and end alike: the usual edit,
/// found without looking at words.
fn pair_in_place(before: &[Arc<Block>], copy: &[CopyBlock], pairing: &mut Pairing) {
    let free: Vec<usize> = Pairing::free(&pairing.new_of).collect();
    for old in free {
        let new = match old.checked_sub(1).map(|previous| pairing.new_of[previous]) {
            None => 0,
            Some(Side::Paired(new)) => new + 1,
            Some(_) => continue,
        };
        if pairing.both_free(old, new)
            && pairing.precede_same(old, new)
            && before[old].kind == copy[new].kind
            && share_most(before[old].text.as_str().as_bytes(), copy[new].text.as_str().as_bytes())
        {
            pairing.pair(old, new);
        }
    }
}

/// Returns whether the common beginning and end of two texts are at least three quarters of the
/// longer one.
fn share_most(one: &[u8], other: &[u8]) -> bool {
    let head = common_prefix(one, other);
    let tail = common_suffix(one, other, one.len().min(other.len()) - head);
    4 * (head + tail) >= 3 * one.len().max(other.len())
}

/// A pair that is alike. The order is the order of choice.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Alike {
    /// How much they differ.
    unlike: u64,
    /// How many of the two neighbours are not the same block.
    strangers: u8,
    /// How far apart they stand.
    distance: usize,
    old: usize,
    new: usize,
}

fn alike<'a>(pairs: impl Iterator<Item = (&'a Bag, &'a Bag)>, pairing: &Pairing) -> Vec<Alike> {
    pairs
        .filter_map(|(old, new)| {
            let least = match (old.kind == new.kind, old.is_short() || new.is_short()) {
                (false, _) => OTHER_KIND_ALIKE,
                (true, true) => SHORT_ALIKE,
                (true, false) => ALIKE,
            };
            let likeness = old.likeness(new, least)?;
            let (old, new) = (old.place, new.place);
            let strangers =
                u8::from(!pairing.follow_same(old, new)) + u8::from(!pairing.precede_same(old, new));
            Some(Alike { unlike: WHOLE - likeness, strangers, distance: old.abs_diff(new), old, new })
        })
        .collect()
}

/// Pairs the only old and the only new block between two pairs, if they share some words: a block
/// rewritten in its place.
fn pair_alone(old: &[Bag], new: &[Bag], pairing: &mut Pairing) {
    for old in old {
        let place = match old.place.checked_sub(1).map(|previous| pairing.new_of[previous]) {
            None => 0,
            Some(Side::Paired(new)) => new + 1,
            Some(_) => continue,
        };
        if pairing.both_free(old.place, place)
            && pairing.precede_same(old.place, place)
            && let Ok(found) = new.binary_search_by_key(&place, |bag| bag.place)
            && new[found].kind == old.kind
            && old.likeness(&new[found], ALONE_ALIKE).is_some()
        {
            pairing.pair(old.place, place);
        }
    }
}

/// Returns the pairs worth comparing when there are too many: those at the same place among the
/// unpaired, and those that share rare words.
fn likely_pairs(old: &[Bag], new: &[Bag]) -> Vec<(usize, usize)> {
    let mut holders: HashMap<u32, Vec<usize>> = HashMap::new();
    for (index, bag) in old.iter().enumerate() {
        for word in bag.words.chunk_by(|one, other| one == other).map(|run| run[0]) {
            let holders = holders.entry(word).or_default();
            if holders.len() <= RARE_MAX {
                holders.push(index);
            }
        }
    }
    let mut pairs = Vec::new();
    for (index, bag) in new.iter().enumerate() {
        let mut shared: HashMap<usize, usize> = HashMap::new();
        let rare = bag.words.iter().filter_map(|word| holders.get(word)).filter(|all| all.len() <= RARE_MAX);
        for holder in rare.flatten() {
            *shared.entry(*holder).or_default() += 1;
        }
        let mut best: Vec<(usize, usize)> =
            shared.into_iter().map(|(old, count)| (usize::MAX - count, old)).collect();
        best.sort_unstable();
        best.truncate(CANDIDATES_MAX);
        let near = index.saturating_sub(1)..(index + 2).min(old.len());
        let mut candidates: Vec<usize> = best.into_iter().map(|(_, old)| old).chain(near).collect();
        candidates.sort_unstable();
        candidates.dedup();
        pairs.extend(candidates.into_iter().map(|old| (old, index)));
    }
    pairs
}

/// The words of a block, without their order.
struct Bag {
    place: usize,
    kind: BlockKind,
    /// Hashes of the words, sorted.
    words: Vec<u32>,
    /// Hashes of the pairs of letters, sorted; only of a short block.
    letters: Vec<u32>,
}

impl Bag {
    fn new(place: usize, kind: BlockKind, text: &str) -> Self {
        let mut words = words(text);
        words.sort_unstable();
        let mut letters = Vec::new();
        if words.len() <= SHORT_WORDS_MAX {
            let mut previous = ' ';
            for letter in text.chars().filter(|letter| letter.is_alphanumeric()) {
                letters.push(hashed(hashed(0, previous), letter));
                previous = letter;
            }
            letters.sort_unstable();
        }
        Self { place, kind, words, letters }
    }

    fn is_short(&self) -> bool {
        self.words.len() <= SHORT_WORDS_MAX
    }

    /// Returns how alike the two are, out of [`WHOLE`], unless it is below `least`.
    fn likeness(&self, other: &Self, least: u64) -> Option<u64> {
        let words = dice(&self.words, &other.words, least);
        if self.is_short() && other.is_short() {
            return words.max(dice(&self.letters, &other.letters, least));
        }
        words
    }
}

/// Returns the Dice coefficient of two sorted multisets, out of [`WHOLE`], unless it is below
/// `least`.
fn dice(one: &[u32], other: &[u32], least: u64) -> Option<u64> {
    let total = (one.len() + other.len()) as u64;
    let of_total = |shared: usize| (2 * shared as u64 * WHOLE).checked_div(total).unwrap_or(0);
    if of_total(one.len().min(other.len())) < least {
        return None;
    }
    let (mut left, mut right, mut shared) = (0, 0, 0);
    while left < one.len() && right < other.len() {
        let (a, b) = (one[left], other[right]);
        shared += usize::from(a == b);
        left += usize::from(a <= b);
        right += usize::from(b <= a);
    }
    Some(of_total(shared)).filter(|likeness| *likeness >= least)
}

/// Returns a hash for each word: a run of letters and digits, or, in scripts that write no spaces,
/// two neighbouring characters.
fn words(text: &str) -> Vec<u32> {
    let mut words = Vec::with_capacity(text.len() / 5);
    let mut word = 0;
    let mut previous = None;
    for letter in text.chars() {
        let joined = !letter.is_ascii() && writes_no_spaces(letter);
        if joined || !is_word_letter(letter) {
            if word != 0 {
                words.push(word);
                word = 0;
            }
            if joined {
                words.push(hashed(previous.map_or(0, |previous| hashed(0, previous)), letter));
            }
            previous = joined.then_some(letter);
        } else {
            word = hashed(word, letter);
            previous = None;
        }
    }
    if word != 0 {
        words.push(word);
    }
    words
}

fn is_word_letter(letter: char) -> bool {
    if letter.is_ascii() { letter.is_ascii_alphanumeric() } else { letter.is_alphanumeric() }
}

/// Returns `hash` with `letter` mixed in; never 0.
const fn hashed(hash: u32, letter: char) -> u32 {
    ((hash.rotate_left(5) ^ letter as u32).wrapping_mul(0x9e37_79b1)) | 1
}
