//! Two readings of one text side by side: which lexemes and which sentences of the one are those of
//! the other.
//!
//! Most changes touch a sentence or two, so what is equal at both ends is paired off first and only the
//! sentences between are looked at. The result is the same as if all of them had been.

use std::ops::Range;

use super::change::Pair;
use super::lexeme::{Lexeme, Reading};
use crate::alignment::{self, Hunk, Interner, SentenceKey, Side, Step};

/// How the lexemes and sentences of a pair of readings belong together.
#[derive(Debug)]
pub(super) struct Comparison {
    /// The sentences that are compared; those before and behind are equal, one by one.
    sentences: Hunk,
    /// Their lexemes.
    window: Hunk,
    old: Numbered,
    new: Numbered,
}

/// The lexemes of one side of the window: numbers that are equal for equal keys, and their weights.
#[derive(Debug)]
struct Numbered {
    start: usize,
    numbers: Vec<u32>,
    weights: Vec<u32>,
}

impl Comparison {
    /// Compares the readings of `pair`.
    pub(super) fn of(pair: Pair<'_>) -> Self {
        Self::between(pair, equal_ends(pair.old, pair.new))
    }

    /// Compares the readings of `pair` but for the sentences at the beginning and at the end that are
    /// known to be equal.
    fn between(pair: Pair<'_>, (head, tail): (usize, usize)) -> Self {
        let sentences = |reading: &Reading<'_>| head..reading.sentences.len() - tail;
        let sentences = Hunk { old: sentences(pair.old), new: sentences(pair.new) };
        let window =
            Hunk { old: lexemes_of(pair.old, &sentences.old), new: lexemes_of(pair.new, &sentences.new) };
        let mut interner = Interner::default();
        let old = Numbered::of(&mut interner, pair.old, &window.old);
        let new = Numbered::of(&mut interner, pair.new, &window.new);
        Self { sentences, window, old, new }
    }

    /// Returns the pairs of places within `within` that hold the same lexeme, ascending; `within` is
    /// everything, or a sentence on either side by one of the [`steps`](Self::steps).
    pub(super) fn pairs(&self, within: &Hunk) -> Vec<(usize, usize)> {
        let before = |range: &Range<usize>, window: &Range<usize>| range.start..range.end.min(window.start);
        let behind = |range: &Range<usize>, window: &Range<usize>| range.start.max(window.end)..range.end;
        let inside = |range: &Range<usize>, window: &Range<usize>| {
            let start = range.start.clamp(window.start, window.end);
            start..range.end.clamp(start, window.end)
        };
        let (old, new) = (inside(&within.old, &self.window.old), inside(&within.new, &self.window.new));
        let found = alignment::matches(self.old.side(&old), self.new.side(&new));
        let mut pairs = Vec::with_capacity(within.old.len().min(within.new.len()));
        pairs.extend(before(&within.old, &self.window.old).zip(before(&within.new, &self.window.new)));
        pairs.extend(found.into_iter().map(|(left, right)| (left + old.start, right + new.start)));
        pairs.extend(behind(&within.old, &self.window.old).zip(behind(&within.new, &self.window.new)));
        pairs
    }

    /// Returns what became of every sentence, in order on both sides.
    pub(super) fn steps(&self, pair: Pair<'_>) -> Vec<Step> {
        let mut interner = Interner::<Vec<u32>>::default();
        let mut keys = |reading: &Reading<'_>, side: &Numbered, sentences: &Range<usize>| {
            let key = |range: &Range<usize>| {
                let numbers = side.numbers(range);
                let lexemes = reading.lexemes[range.clone()].iter().zip(numbers);
                let mut words: Vec<u32> =
                    lexemes.filter(|(lexeme, _)| lexeme.is_word()).map(|(_, number)| *number).collect();
                words.sort_unstable();
                SentenceKey { whole: interner.number(numbers), words }
            };
            reading.sentences[sentences.clone()].iter().map(key).collect::<Vec<_>>()
        };
        let old = keys(pair.old, &self.old, &self.sentences.old);
        let new = keys(pair.new, &self.new, &self.sentences.new);
        let (head, behind) = (self.sentences.old.start, &self.sentences);
        let between = alignment::steps(&old, &new).into_iter().map(|step| match step {
            Step::Both(left, right) => Step::Both(left + head, right + head),
            Step::Old(left) => Step::Old(left + head),
            Step::New(right) => Step::New(right + head),
        });
        let tail = (behind.old.end..pair.old.sentences.len()).zip(behind.new.end..pair.new.sentences.len());
        (0..head)
            .map(|place| Step::Both(place, place))
            .chain(between)
            .chain(tail.map(|(left, right)| Step::Both(left, right)))
            .collect()
    }
}

impl Numbered {
    fn of<'a>(interner: &mut Interner<&'a str>, reading: &'a Reading<'_>, window: &Range<usize>) -> Self {
        let lexemes = &reading.lexemes[window.clone()];
        Self {
            start: window.start,
            numbers: lexemes.iter().map(|lexeme| interner.number(&&*lexeme.key)).collect(),
            weights: lexemes.iter().map(weight).collect(),
        }
    }

    fn numbers(&self, range: &Range<usize>) -> &[u32] {
        &self.numbers[range.start - self.start..range.end - self.start]
    }

    fn side(&self, range: &Range<usize>) -> Side<'_> {
        let weights = &self.weights[range.start - self.start..range.end - self.start];
        Side { things: self.numbers(range), weights }
    }
}

fn lexemes_of(reading: &Reading<'_>, sentences: &Range<usize>) -> Range<usize> {
    let edge = |place: usize| reading.sentences.get(place).map_or(reading.lexemes.len(), |range| range.start);
    edge(sentences.start)..edge(sentences.end)
}

/// Returns how many sentences are equal at the beginning and at the end, none counted twice.
///
/// Words that repeat can belong to the beginning or to the end; an alignment gives them to the
/// beginning, so a sentence belongs to the end only with what the words of the beginning leave.
fn equal_ends(old: &Reading<'_>, new: &Reading<'_>) -> (usize, usize) {
    let same = |(left, right): &(&Lexeme<'_>, &Lexeme<'_>)| left.key == right.key;
    let head = old.lexemes.iter().zip(&new.lexemes).take_while(same).count();
    let most = old.lexemes.len().min(new.lexemes.len()) - head;
    let tail = old.lexemes.iter().rev().zip(new.lexemes.iter().rev()).take(most).take_while(same).count();
    let ends = |(left, right): &(&Range<usize>, &Range<usize>)| left == right && left.end <= head;
    let first = old.sentences.iter().zip(&new.sentences).take_while(ends).count();
    let to_end = |reading: &Reading<'_>, range: &Range<usize>| reading.lexemes.len() - range.start;
    let begins = |(left, right): &(&Range<usize>, &Range<usize>)| {
        to_end(old, left) == to_end(new, right) && to_end(old, left) <= tail
    };
    let left = old.sentences.len().min(new.sentences.len()) - first;
    let last = old.sentences.iter().rev().zip(new.sentences.iter().rev()).take(left).take_while(begins);
    (first, last.count())
}

fn weight(lexeme: &Lexeme<'_>) -> u32 {
    let letters = u32::try_from(lexeme.key.len().min(12)).unwrap_or(12);
    if lexeme.is_word() { letters + 6 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::*;
    use proptest::prelude::*;

    /// Compares two texts by their ends and in full.
    #[track_caller]
    fn check(old: &str, new: &str) -> (usize, usize) {
        let (old, new) = (Reading::new(old, "en", Rules::English), Reading::new(new, "en", Rules::English));
        let pair = Pair { old: &old, new: &new, english: true, capitalised: false };
        let (by_ends, in_full) = (Comparison::of(pair), Comparison::between(pair, (0, 0)));
        let whole = Hunk { old: 0..old.lexemes.len(), new: 0..new.lexemes.len() };
        assert_eq!(by_ends.pairs(&whole), in_full.pairs(&whole), "{} | {}", old.text, new.text);
        assert_eq!(by_ends.steps(pair), in_full.steps(pair), "{} | {}", old.text, new.text);
        for step in in_full.steps(pair) {
            let Step::Both(left, right) = step else { continue };
            let within = Hunk { old: old.sentences[left].clone(), new: new.sentences[right].clone() };
            assert_eq!(by_ends.pairs(&within), in_full.pairs(&within), "{} | {}", old.text, new.text);
        }
        equal_ends(&old, &new)
    }

    #[test]
    fn only_the_sentences_that_changed_are_compared() {
        let ends = check(
            "It rained. The river rose by 2 feet. Roads closed. No one was hurt.",
            "It rained. The river rose by 3 feet. Roads closed. No one was hurt.",
        );
        assert_eq!(ends, (1, 2));
    }

    #[test]
    fn a_sentence_that_came_belongs_to_neither_end() {
        check("It rained. It is over.", "It rained. It rained. It is over.");
        check("A storm came. A storm went.", "A storm came. A storm hit. A storm went.");
        check("It rained.", "It rained.");
        check("", "It rained.");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_ends_change_nothing_in_the_result(
            old in proptest::collection::vec(sentence(), 0..6),
            cut in (0_usize..7, 0_usize..4),
            come in proptest::collection::vec(sentence(), 0..4),
        ) {
            let mut new = old.clone();
            let start = cut.0.min(new.len());
            new.splice(start..(start + cut.1).min(old.len()), come);
            check(&old.concat(), &new.concat());
        }
    }

    fn sentence() -> impl Strategy<Value = String> {
        let word = prop::sample::select(vec![
            "rain",
            "Ann",
            "fell",
            "3",
            "miles",
            "\u{201c}so\u{201d}",
            "the",
            "not",
        ]);
        proptest::collection::vec(word, 1..5).prop_map(|words| format!("It {}. ", words.join(" ")))
    }
}
