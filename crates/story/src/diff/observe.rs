//! What a person would say of a diff that its ops cannot: one block became several, or several
//! became one.
//!
//! Observations are guesses by shared words. Nothing depends on them.

use std::collections::HashMap;
use std::sync::Arc;

use super::Observation;
use crate::block::Block;

/// Fewest words of a part: shorter ones share words by chance.
const PART_WORDS_MIN: usize = 4;
/// A part has at least this share of its words from the whole: four in five.
const SHARE: (usize, usize) = (4, 5);

/// Returns the splits and merges, in the order of the article; `places` says for each block of
/// `after` where it stood in `before`.
pub(crate) fn observe(
    before: &[Arc<Block>],
    after: &[Arc<Block>],
    places: &[Option<usize>],
) -> Vec<Observation> {
    let mut new_of: Vec<Option<usize>> = vec![None; before.len()];
    for (new, place) in places.iter().enumerate() {
        if let Some(old) = place {
            new_of[*old] = Some(new);
        }
    }
    if !(places.contains(&None) || new_of.contains(&None)) {
        return Vec::new();
    }
    let mut observations = Vec::new();
    for (new, old) in places.iter().enumerate().filter_map(|(new, place)| Some((new, (*place)?))) {
        let (was, is) = (&before[old], &after[new]);
        if Arc::ptr_eq(was, is) || was.text == is.text {
            continue;
        }
        if let Some(run) = parts((was, is), (after, places), new) {
            let into = after[run].iter().map(|block| block.id.clone()).collect();
            observations.push(Observation::Split { from: was.id.clone(), into });
        }
        if let Some(run) = parts((is, was), (before, &new_of), old) {
            let from = before[run].iter().map(|block| block.id.clone()).collect();
            observations.push(Observation::Merge { from, into: is.id.clone() });
        }
    }
    observations
}

/// Returns the run of blocks about `middle` whose words `whole` has and `rest` has not; none, if
/// it is `middle` alone. Only blocks without a counterpart are parts.
fn parts(
    (whole, rest): (&Block, &Block),
    (blocks, counterparts): (&[Arc<Block>], &[Option<usize>]),
    middle: usize,
) -> Option<std::ops::RangeInclusive<usize>> {
    let alone = |place: usize| counterparts.get(place) == Some(&None);
    let (before, behind) = (middle.checked_sub(1).filter(|place| alone(*place)), alone(middle + 1));
    if before.is_none() && !behind {
        return None;
    }
    let mut lost: HashMap<&str, usize> = HashMap::new();
    for word in words(whole) {
        *lost.entry(word).or_default() += 1;
    }
    for word in words(rest) {
        lost.entry(word).and_modify(|count| *count = count.saturating_sub(1));
    }
    let (mut first, mut last) = (middle, middle);
    while let Some(place) = first.checked_sub(1).filter(|place| alone(*place)) {
        if !take(&mut lost, &blocks[place]) {
            break;
        }
        first = place;
    }
    while alone(last + 1) && take(&mut lost, &blocks[last + 1]) {
        last += 1;
    }
    (first < last).then_some(first..=last)
}

/// Takes the words of `part` out of `lost` if most of them are there; returns whether it did.
fn take<'a>(lost: &mut HashMap<&'a str, usize>, part: &'a Block) -> bool {
    let mut wanted: HashMap<&str, usize> = HashMap::new();
    for word in words(part) {
        *wanted.entry(word).or_default() += 1;
    }
    let total: usize = wanted.values().sum();
    let shared: usize =
        wanted.iter().map(|(word, count)| lost.get(word).map_or(0, |there| *there.min(count))).sum();
    let is_part = total >= PART_WORDS_MIN && shared * SHARE.1 >= total * SHARE.0;
    if is_part {
        for (word, count) in wanted {
            lost.entry(word).and_modify(|there| *there = there.saturating_sub(count));
        }
    }
    is_part
}

fn words(block: &Block) -> impl Iterator<Item = &str> {
    block.text.as_str().split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}
