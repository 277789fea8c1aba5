//! The words of two versions of a text, as spans: sentences aligned first, then words.

use std::ops::Range;

use super::Span;
use super::atoms::{Atom, Sort, atoms};
use crate::alignment::{self, Hunk, Interner, SentenceKey, Side, Step};

/// Percentage of a sentence's words that may change before it is shown as replaced.
const SENTENCE_CHANGED_MAX: usize = 50;
/// Percentage of a text's words that may change before it is shown as replaced, unless a whole sentence
/// of it is still there.
const TEXT_CHANGED_MAX: usize = 60;
/// Most places of a sentence that are marked before it is shown as replaced.
const PLACES_MAX: usize = 6;
/// Most letters between two larger changes that are shown as changed with them.
const JOINED_LETTERS_MAX: usize = 3;

/// Returns a text that is new as a whole.
pub(super) fn come(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    push(&mut spans, Span::New(text.to_owned()));
    spans
}

/// Returns a text that went as a whole.
pub(super) fn gone(text: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    push(&mut spans, Span::Old(text.to_owned()));
    spans
}

/// Returns what became of `old` on its way to `new`.
pub(super) fn spans(old: &str, new: &str, language: &str) -> Vec<Span> {
    if old == new {
        let mut spans = Vec::new();
        push(&mut spans, Span::Same(old.to_owned()));
        return spans;
    }
    if old.is_empty() || new.is_empty() {
        return replaced(old, new);
    }
    let mut interner = Interner::default();
    let cut = |text| alignment::segment(language, text).into_iter().map(Sentence::new).collect::<Vec<_>>();
    let (before, after) = (cut(old), cut(new));
    let mut keys = |sentences: &[Sentence<'_>]| -> Vec<SentenceKey> {
        sentences.iter().map(|sentence| sentence.key(&mut interner)).collect()
    };
    let steps = alignment::steps(&keys(&before), &keys(&after));
    let mut spans = Vec::new();
    let mut changed = Share::default();
    let mut has_survivor = false;
    for step in steps {
        match step {
            Step::Both(left, right) if before[left].body == after[right].body => {
                has_survivor = true;
                pair(&mut spans, &mut changed, &before[left], &after[right]);
            }
            Step::Both(left, right) => pair(&mut spans, &mut changed, &before[left], &after[right]),
            Step::Old(left) => {
                changed.add_old(before[left].words(), before[left].words());
                push(&mut spans, Span::Old(before[left].text.to_owned()));
            }
            Step::New(right) => {
                changed.add_new(after[right].words(), after[right].words());
                push(&mut spans, Span::New(after[right].text.to_owned()));
            }
        }
    }
    if changed.is_above(TEXT_CHANGED_MAX) && !has_survivor { replaced(old, new) } else { ordered(spans) }
}

/// Adds a span to the end, joined to the last one if that is of the same sort; nothing if it is empty.
pub(super) fn push(spans: &mut Vec<Span>, span: Span) {
    match (spans.last_mut(), &span) {
        (_, Span::Same(text) | Span::Old(text) | Span::New(text)) if text.is_empty() => {}
        (Some(Span::Same(last)), Span::Same(text))
        | (Some(Span::Old(last)), Span::Old(text))
        | (Some(Span::New(last)), Span::New(text)) => last.push_str(text),
        _ => spans.push(span),
    }
}

fn replaced(old: &str, new: &str) -> Vec<Span> {
    let mut spans = gone(old);
    push(&mut spans, Span::New(new.to_owned()));
    spans
}

/// Returns the spans with what went before what came between any two spans that stayed.
fn ordered(spans: Vec<Span>) -> Vec<Span> {
    let (mut ordered, mut old, mut new) = (Vec::new(), String::new(), String::new());
    for span in spans {
        match span {
            Span::Old(text) => old.push_str(&text),
            Span::New(text) => new.push_str(&text),
            Span::Same(text) => {
                push(&mut ordered, Span::Old(std::mem::take(&mut old)));
                push(&mut ordered, Span::New(std::mem::take(&mut new)));
                push(&mut ordered, Span::Same(text));
            }
        }
    }
    push(&mut ordered, Span::Old(old));
    push(&mut ordered, Span::New(new));
    ordered
}

/// How many words of how many changed, on both sides.
#[derive(Debug, Default)]
struct Share {
    old: (usize, usize),
    new: (usize, usize),
}

impl Share {
    fn add_old(&mut self, changed: usize, all: usize) {
        self.old = (self.old.0 + changed, self.old.1 + all);
    }

    fn add_new(&mut self, changed: usize, all: usize) {
        self.new = (self.new.0 + changed, self.new.1 + all);
    }

    /// Returns whether more than `percentage` changed on either side: words only added replace nothing.
    fn is_above(&self, percentage: usize) -> bool {
        let above = |(changed, all): (usize, usize)| changed * 100 > all * percentage;
        above(self.old) && above(self.new)
    }
}

/// A sentence and its atoms, the white space at its end apart.
struct Sentence<'a> {
    text: &'a str,
    body: &'a str,
    tail: &'a str,
    atoms: Vec<Atom<'a>>,
}

impl<'a> Sentence<'a> {
    fn new(text: &'a str) -> Self {
        let body = text.trim_end();
        Self { text, body, tail: &text[body.len()..], atoms: atoms(body) }
    }

    fn words(&self) -> usize {
        self.atoms.iter().filter(|atom| atom.sort == Sort::Word).count()
    }

    fn key(&self, interner: &mut Interner<String>) -> SentenceKey {
        let words = self.atoms.iter().filter(|atom| atom.sort == Sort::Word);
        let mut words: Vec<u32> = words.map(|atom| interner.number(atom.text)).collect();
        words.sort_unstable();
        SentenceKey { whole: interner.number(self.body), words }
    }

    fn concat(&self, range: Range<usize>) -> String {
        self.atoms[range].iter().map(|atom| atom.text).collect()
    }
}

/// Adds one sentence that is in both, equal or edited.
fn pair(spans: &mut Vec<Span>, changed: &mut Share, old: &Sentence<'_>, new: &Sentence<'_>) {
    let mut hunks = if old.body == new.body { Vec::new() } else { joined(old, new, hunks(old, new)) };
    let mut share = count(old, new, &hunks);
    if hunks.len() > PLACES_MAX || share.is_above(SENTENCE_CHANGED_MAX) {
        hunks = vec![Hunk { old: 0..old.atoms.len(), new: 0..new.atoms.len() }];
        share = count(old, new, &hunks);
    }
    changed.add_old(share.old.0, share.old.1);
    changed.add_new(share.new.0, share.new.1);
    let mut next = 0;
    for hunk in hunks {
        push(spans, Span::Same(old.concat(next..hunk.old.start)));
        push(spans, Span::Old(old.concat(hunk.old.clone())));
        push(spans, Span::New(new.concat(hunk.new)));
        next = hunk.old.end;
    }
    push(spans, Span::Same(old.concat(next..old.atoms.len())));
    if old.tail == new.tail {
        push(spans, Span::Same(old.tail.to_owned()));
    } else {
        push(spans, Span::Old(old.tail.to_owned()));
        push(spans, Span::New(new.tail.to_owned()));
    }
}

fn count(old: &Sentence<'_>, new: &Sentence<'_>, hunks: &[Hunk]) -> Share {
    let words = |sentence: &Sentence<'_>, range: &Range<usize>| {
        sentence.atoms[range.clone()].iter().filter(|atom| atom.sort == Sort::Word).count()
    };
    let mut share = Share::default();
    share.add_old(hunks.iter().map(|hunk| words(old, &hunk.old)).sum(), old.words());
    share.add_new(hunks.iter().map(|hunk| words(new, &hunk.new)).sum(), new.words());
    share
}

fn hunks(old: &Sentence<'_>, new: &Sentence<'_>) -> Vec<Hunk> {
    let mut interner = Interner::<String>::default();
    let mut things = |sentence: &Sentence<'_>| {
        sentence.atoms.iter().map(|atom| interner.number(atom.text)).collect::<Vec<u32>>()
    };
    let (old_things, new_things) = (things(old), things(new));
    let weights = |sentence: &Sentence<'_>| sentence.atoms.iter().map(weight).collect::<Vec<u32>>();
    let (old_weights, new_weights) = (weights(old), weights(new));
    let pairs = alignment::matches(
        Side { things: &old_things, weights: &old_weights },
        Side { things: &new_things, weights: &new_weights },
    );
    alignment::hunks(&pairs, &Hunk { old: 0..old.atoms.len(), new: 0..new.atoms.len() })
}

fn weight(atom: &Atom<'_>) -> u32 {
    match atom.sort {
        Sort::Word => 6 + u32::try_from(atom.text.len().min(12)).unwrap_or(12),
        Sort::Mark => 2,
        Sort::Space => 1,
    }
}

/// Returns the hunks with those joined that a reader would take for one: nothing but marks and spaces
/// between them, or a few letters between two larger changes.
fn joined(old: &Sentence<'_>, new: &Sentence<'_>, hunks: Vec<Hunk>) -> Vec<Hunk> {
    let letters = |sentence: &Sentence<'_>, range: &Range<usize>| {
        sentence.atoms[range.clone()].iter().map(Atom::letters).sum::<usize>()
    };
    let size = |hunk: &Hunk| letters(old, &hunk.old) + letters(new, &hunk.new);
    let mut joined: Vec<Hunk> = Vec::with_capacity(hunks.len());
    for hunk in hunks {
        let is_one = joined.last().is_some_and(|last| {
            let gap = last.old.end..hunk.old.start;
            let between = letters(old, &gap);
            let has_words = old.atoms[gap].iter().any(|atom| atom.sort == Sort::Word);
            let is_small = between <= JOINED_LETTERS_MAX && between < size(last) && between < size(&hunk);
            if has_words { is_small } else { size(last) > 0 && size(&hunk) > 0 }
        });
        match joined.last_mut() {
            Some(last) if is_one => (last.old.end, last.new.end) = (hunk.old.end, hunk.new.end),
            _ => joined.push(hunk),
        }
    }
    joined
}
