//! Sentences: how a text is cut into them for comparison, and which one became which.
//!
//! A wrong cut costs a clumsy display and nothing else: no format depends on sentences found here.

use super::{CELLS_MAX, Hunk, Side, between, matches};

/// Longest piece handed to the segmenter, in bytes: its time grows with the square of the number of
/// quotation marks in a piece, so a long text is handed over in pieces.
const PIECE_BYTES_MAX: usize = 8 * 1024;
/// Share of words in common, doubled (Dice), from which a sentence is the same one edited.
const SIMILAR_MIN: f64 = 0.42;
/// How far off its place a sentence is looked for where a stretch is too long to compare in full.
const NEIGHBOURS: usize = 8;

/// Returns the sentences of `text` in order; joined, they are the text.
///
/// `language` is a BCP 47 tag; an empty or unknown one is cut by the rules of English.
pub(crate) fn segment<'a>(language: &str, text: &'a str) -> Vec<&'a str> {
    let primary = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let mut sentences = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(piece_end(rest));
        let found = sentencex::segment(&primary, piece);
        if joins_to(&found, piece) {
            sentences.extend(found.into_iter().filter(|sentence| !sentence.is_empty()));
        } else {
            sentences.push(piece);
        }
        rest = after;
    }
    sentences
}

/// Returns whether `sentences` are `text`, cut.
fn joins_to(sentences: &[&str], text: &str) -> bool {
    let mut rest = Some(text);
    for sentence in sentences {
        rest = rest.and_then(|rest| rest.strip_prefix(sentence));
    }
    rest == Some("")
}

/// Returns where the first piece of `text` ends: behind a sentence if there is one, else behind a
/// word, else between two characters.
fn piece_end(text: &str) -> usize {
    if text.len() <= PIECE_BYTES_MAX {
        return text.len();
    }
    let head = &text[..text.floor_char_boundary(PIECE_BYTES_MAX)];
    let behind = |mark: &str| head.rfind(mark).map(|at| at + mark.len());
    behind(". ").or_else(|| behind("\u{3002}")).or_else(|| behind(" ")).unwrap_or(head.len())
}

/// What a sentence is compared by.
#[derive(Debug, Clone)]
pub(crate) struct SentenceKey {
    /// Equal for equal sentences.
    pub(crate) whole: u32,
    /// The numbers of its words, sorted.
    pub(crate) words: Vec<u32>,
}

/// What became of a sentence, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The old one at the first place is the new one at the second, equal or edited.
    Both(usize, usize),
    /// It went.
    Old(usize),
    /// It came.
    New(usize),
}

/// Returns what became of every sentence, in order on both sides.
pub(crate) fn steps(old: &[SentenceKey], new: &[SentenceKey]) -> Vec<Step> {
    let things = |keys: &[SentenceKey]| keys.iter().map(|key| key.whole).collect::<Vec<_>>();
    let weights = |keys: &[SentenceKey]| {
        keys.iter().map(|key| u32::try_from(key.words.len()).unwrap_or(u32::MAX).min(1000) + 1).collect()
    };
    let (old_things, new_things) = (things(old), things(new));
    let (old_weights, new_weights): (Vec<u32>, Vec<u32>) = (weights(old), weights(new));
    let equal = matches(
        Side { things: &old_things, weights: &old_weights },
        Side { things: &new_things, weights: &new_weights },
    );
    let mut pairs = Vec::with_capacity(equal.len());
    for gap in between(&equal, &Hunk { old: 0..old.len(), new: 0..new.len() }) {
        if gap.old.len().saturating_mul(gap.new.len()) <= CELLS_MAX / 4 {
            similar(old, new, &gap, &mut pairs);
        } else {
            similar_neighbours(old, new, &gap, &mut pairs);
        }
    }
    pairs.extend(equal);
    pairs.sort_unstable();
    in_order(&pairs, old.len(), new.len())
}

fn in_order(pairs: &[(usize, usize)], old: usize, new: usize) -> Vec<Step> {
    let mut steps = Vec::with_capacity(old + new);
    let mut pairs_left = pairs.iter();
    for gap in between(pairs, &Hunk { old: 0..old, new: 0..new }) {
        steps.extend(gap.old.map(Step::Old));
        steps.extend(gap.new.map(Step::New));
        steps.extend(pairs_left.next().map(|pair| Step::Both(pair.0, pair.1)));
    }
    steps
}

/// Pairs sentences of a short stretch so that the likeness of all pairs together is greatest.
fn similar(old: &[SentenceKey], new: &[SentenceKey], gap: &Hunk, pairs: &mut Vec<(usize, usize)>) {
    let (rows, columns) = (gap.old.len(), gap.new.len());
    let width = columns + 1;
    let mut alike = vec![0.0_f64; rows * columns];
    let mut best = vec![0.0_f64; (rows + 1) * width];
    for i in (0..rows).rev() {
        for j in (0..columns).rev() {
            let likeness = dice(&old[gap.old.start + i].words, &new[gap.new.start + j].words);
            alike[i * columns + j] = if likeness >= SIMILAR_MIN { likeness } else { 0.0 };
            let keep = best[(i + 1) * width + j + 1] + alike[i * columns + j];
            best[i * width + j] = keep.max(best[(i + 1) * width + j]).max(best[i * width + j + 1]);
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < rows && j < columns {
        let skip_old = best[(i + 1) * width + j];
        let skip_new = best[i * width + j + 1];
        if alike[i * columns + j] > 0.0 && best[i * width + j] > skip_old.max(skip_new) {
            pairs.push((gap.old.start + i, gap.new.start + j));
            i += 1;
            j += 1;
        } else if skip_old >= skip_new {
            i += 1;
        } else {
            j += 1;
        }
    }
}

/// Pairs sentences of a long stretch with the first alike one not far off.
fn similar_neighbours(old: &[SentenceKey], new: &[SentenceKey], gap: &Hunk, pairs: &mut Vec<(usize, usize)>) {
    let mut next = gap.new.start;
    for i in gap.old.clone() {
        let reach = next..gap.new.end.min(next + NEIGHBOURS);
        let found = reach.clone().find(|j| dice(&old[i].words, &new[*j].words) >= SIMILAR_MIN);
        if let Some(j) = found {
            pairs.push((i, j));
            next = j + 1;
        }
    }
}

/// Returns how much two sorted lists have in common: 0 for nothing, 1 for all.
#[expect(clippy::cast_precision_loss, reason = "a count of words is far below 2^52")]
fn dice(old: &[u32], new: &[u32]) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0_usize);
    while i < old.len() && j < new.len() {
        match old[i].cmp(&new[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                common += 1;
                i += 1;
                j += 1;
            }
        }
    }
    let total = old.len() + new.len();
    if total == 0 { 0.0 } else { 2.0 * common as f64 / total as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abbreviation_does_not_end_a_sentence() {
        let text = "Mr. Smith met Dr. Jones at 8 p.m. on Nov. 19. Neither spoke.";
        assert_eq!(segment("en", text).len(), 2);
    }

    #[test]
    fn a_long_text_is_cut_in_pieces_and_loses_nothing() {
        for text in ["It rained. ".repeat(10_000), "\u{201c}".repeat(50_000), "wet ".repeat(20_000)] {
            assert_eq!(segment("en", &text).concat(), text);
        }
    }

    #[test]
    fn an_edited_sentence_is_paired_and_a_new_one_is_not() {
        let key = |whole, words: &[u32]| SentenceKey { whole, words: words.to_vec() };
        let old = [key(1, &[1, 2, 3, 4]), key(2, &[5, 6, 7])];
        let new = [key(1, &[1, 2, 3, 4]), key(3, &[20, 21, 22]), key(4, &[5, 6, 9])];
        assert_eq!(steps(&old, &new), [Step::Both(0, 0), Step::New(1), Step::Both(1, 2)]);
    }
}
