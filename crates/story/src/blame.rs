//! Blame: which revision each word of an article first came with.
//!
//! The rule is `WikiWho`'s (Flöck and Acosta, WWW 2014): a word keeps its first author for as long as it
//! stands, wherever it is moved, and gets that author back when it returns after it was taken out. So who
//! reverts a text becomes the author of nothing, as they would in `git blame`. Sentences are looked for
//! first where they stood, then anywhere in what the revision takes out, then among all that were taken
//! out before; only what is left is compared word by word, with what is left where it stood.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{Hash, Hasher};

use crate::alignment::{Interner, Side, matches};
use crate::article::Article;
use crate::diff::words::token_end;
use crate::field::Field;
use crate::identity::Revision;
use crate::redaction::Place;
use crate::text::Text;

/// Most sentences that were taken out and are remembered, the newest: a sentence that comes back later
/// than that is taken for new.
pub const REMEMBERED_MAX: usize = 8_192;
/// Percentage of a text's letters that must be those of the text it took the place of, for any of them to
/// be: a word that two texts happen to share is no sign of an author.
const KEPT_MIN: usize = 30;
/// The fields that have authors.
const FIELDS: [Field; 2] = [Field::Headline, Field::Summary];

/// Who wrote what of one story, by revision.
///
/// Fed every article of the story in order. Deterministic. A step costs a look at each block, and work in
/// the text that changed.
#[derive(Debug, Clone, Default)]
pub struct Blame {
    /// In the order of the article: fields first.
    places: Vec<(Place, Lines)>,
    removed: Removed,
}

/// A stretch of a text that came with one revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlameSpan<'a> {
    /// The words.
    pub text: &'a str,
    /// The revision that they first came with.
    pub revision: Revision,
}

/// A text and where its words come from.
#[derive(Debug, Clone)]
struct Lines {
    text: Text,
    runs: Runs,
}

/// Stretches from the beginning of a text on: where each ends, in bytes, and the revision it came with.
type Runs = Vec<(u32, Revision)>;

impl Blame {
    /// Returns the blame of a story before its first revision.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in `article`, as `revision` has left it.
    pub fn advance(&mut self, article: &Article, revision: Revision) {
        let mut before: HashMap<Place, Lines> = std::mem::take(&mut self.places).into_iter().collect();
        let mut places: Vec<(Place, Option<Lines>)> = Vec::new();
        let mut changed = Vec::new();
        for (place, text) in texts(article) {
            match before.remove(&place) {
                Some(lines) if lines.text == *text => places.push((place, Some(lines))),
                other => {
                    before.extend(other.map(|lines| (place.clone(), lines)));
                    changed.push((places.len(), text));
                    places.push((place, None));
                }
            }
        }
        let mut pool = Pool::of(&before);
        let mut found: Vec<Vec<Option<Runs>>> = changed
            .iter()
            .map(|(at, text)| text.values().map(|value| pool.take_here(value, &places[*at].0)).collect())
            .collect();
        for ((_, text), runs) in changed.iter().zip(&mut found) {
            for (value, runs) in text.values().zip(runs) {
                let Some(value) = value else { continue };
                if runs.is_none() {
                    *runs = pool.take(value, None).or_else(|| self.removed.take(value));
                }
            }
        }
        for ((at, text), mut runs) in changed.into_iter().zip(found) {
            pool.compare(&places[at].0, text, &mut runs, revision);
            places[at].1 = Some(Lines { text: text.clone(), runs: joined(text, runs, revision) });
        }
        pool.left().for_each(|(text, runs)| self.removed.put(text, runs));
        self.places = places.into_iter().filter_map(|(place, lines)| Some((place, lines?))).collect();
    }

    /// Returns the stretches of the text at `place`, in order; joined, they are the text. None if there is
    /// no such text.
    pub fn spans(&self, place: &Place) -> Vec<BlameSpan<'_>> {
        let found = self.places.iter().find(|(known, _)| known == place);
        found.map_or_else(Vec::new, |(_, lines)| lines.spans().collect())
    }

    /// Returns every text with its stretches: the fields, then the blocks in order.
    pub fn all(&self) -> impl Iterator<Item = (&Place, Vec<BlameSpan<'_>>)> {
        self.places.iter().map(|(place, lines)| (place, lines.spans().collect()))
    }

    /// Returns every revision that something that stands came with, rising.
    pub fn revisions(&self) -> Vec<Revision> {
        let all: HashSet<Revision> =
            self.places.iter().flat_map(|(_, lines)| &lines.runs).map(|(_, revision)| *revision).collect();
        let mut all: Vec<Revision> = all.into_iter().collect();
        all.sort_unstable();
        all
    }
}

impl Lines {
    fn spans(&self) -> impl Iterator<Item = BlameSpan<'_>> {
        let mut start = 0;
        self.runs.iter().map(move |(end, revision)| {
            let text = &self.text.as_str()[start..*end as usize];
            start = *end as usize;
            BlameSpan { text, revision: *revision }
        })
    }
}

/// Returns the texts of `article` that have authors.
fn texts(article: &Article) -> impl Iterator<Item = (Place, &Text)> {
    let fields = FIELDS.iter().map(|field| (Place::Field(*field), article.fields.get(*field)));
    let blocks = article.blocks.iter().map(|block| (Place::Block(block.id.clone()), &block.text));
    fields.filter(|(_, text)| !text.is_empty()).chain(blocks)
}

/// Joins what was found of each value of `text`; what was not found came with `revision`.
fn joined(text: &Text, found: Vec<Option<Runs>>, revision: Revision) -> Runs {
    let (mut runs, mut start) = (Runs::new(), 0_u32);
    for (value, found) in text.shown_values().zip(found) {
        let end = start + bytes(value);
        for (run, from) in found.unwrap_or_else(|| vec![(bytes(value), revision)]) {
            push(&mut runs, start + run, from);
        }
        start = end;
    }
    runs
}

fn push(runs: &mut Runs, end: u32, revision: Revision) {
    match runs.last_mut() {
        Some((last, same)) if *same == revision => *last = end,
        _ => runs.push((end, revision)),
    }
}

fn bytes(text: &str) -> u32 {
    u32::try_from(text.len()).expect("a text is far below 4 GiB, by limits::ARTICLE_TEXT_BYTES_MAX")
}

/// One sentence that stood before, in a text that is other now.
#[derive(Debug)]
struct Sentence<'a> {
    place: &'a Place,
    text: &'a str,
    runs: Runs,
    is_taken: bool,
}

/// Every sentence of the texts that a revision changes or takes out.
#[derive(Debug, Default)]
struct Pool<'a> {
    sentences: Vec<Sentence<'a>>,
    by_text: HashMap<&'a str, Vec<usize>>,
    by_place: HashMap<&'a Place, Vec<usize>>,
    erased: HashMap<&'a Place, VecDeque<Runs>>,
}

impl<'a> Pool<'a> {
    fn of(before: &'a HashMap<Place, Lines>) -> Self {
        let mut pool = Self::default();
        let mut places: Vec<_> = before.iter().collect();
        places.sort_unstable_by_key(|(place, _)| *place); // What is found does not depend on the hasher.
        for (place, lines) in places {
            let mut start = 0_u32;
            for (shown, value) in lines.text.shown_values().zip(lines.text.values()) {
                let end = start + bytes(shown);
                let number = pool.sentences.len();
                let runs = part(&lines.runs, start, end);
                // By its mark an erased sentence is found in its own text and in no other.
                let is_taken = value.is_none();
                if is_taken {
                    pool.erased.entry(place).or_default().push_back(runs.clone());
                }
                pool.sentences.push(Sentence { place, text: shown, runs, is_taken });
                pool.by_text.entry(shown).or_default().push(number);
                pool.by_place.entry(place).or_default().push(number);
                start = end;
            }
        }
        pool
    }

    /// Takes the first sentence of these words at `place`; the first erased one there if they are erased.
    fn take_here(&mut self, words: Option<&str>, place: &Place) -> Option<Runs> {
        match words {
            Some(words) => self.take(words, Some(place)),
            None => self.erased.get_mut(place)?.pop_front(),
        }
    }

    /// Takes the first sentence of these words, at `place` if one is named.
    fn take(&mut self, words: &str, place: Option<&Place>) -> Option<Runs> {
        let numbers = self.by_text.get(words)?;
        let fits = |number: &&usize| {
            let sentence = &self.sentences[**number];
            !sentence.is_taken && place.is_none_or(|place| place == sentence.place)
        };
        let number = *numbers.iter().find(fits)?;
        self.sentences[number].is_taken = true;
        Some(self.sentences[number].runs.clone())
    }

    /// Compares what was not found of `text` with what was not taken of the text that stood at `place`,
    /// word by word.
    fn compare(&self, place: &Place, text: &Text, found: &mut [Option<Runs>], revision: Revision) {
        let old = self.by_place.get(place).into_iter().flatten().map(|number| &self.sentences[*number]);
        let old: Vec<&Sentence<'_>> = old.filter(|sentence| !sentence.is_taken).collect();
        let new: Vec<usize> = (0..found.len()).filter(|index| found[*index].is_none()).collect();
        if old.is_empty() || new.is_empty() {
            return;
        }
        let values: Vec<&str> = text.shown_values().collect();
        let mut interner = Interner::default();
        let (mut before, mut after) = (Words::default(), Words::default());
        for sentence in &old {
            before.add(sentence.text, &mut interner);
        }
        for index in &new {
            after.add(values[*index], &mut interner);
        }
        let origins: Vec<Revision> =
            old.iter().flat_map(|sentence| ends(sentence.text).map(|end| at(&sentence.runs, end))).collect();
        let mut from = vec![revision; after.things.len()];
        let pairs = matches(before.side(), after.side());
        if !after.is_mostly_new(&pairs) {
            for (left, right) in pairs {
                from[right] = origins[left];
            }
        }
        // A space has no author of its own: between two words of one, it is theirs.
        for space in 1..from.len().saturating_sub(1) {
            if after.is_space[space] && from[space - 1] == from[space + 1] {
                from[space] = from[space - 1];
            }
        }
        let mut from = from.into_iter();
        for index in new {
            let mut runs = Runs::new();
            for end in ends(values[index]) {
                push(&mut runs, end, from.next().unwrap_or(revision));
            }
            found[index] = Some(runs);
        }
    }

    /// Returns the sentences that stand nowhere any more, and their authors.
    fn left(self) -> impl Iterator<Item = (&'a str, Runs)> {
        let left = self.sentences.into_iter().filter(|sentence| !sentence.is_taken);
        left.map(|sentence| (sentence.text, sentence.runs))
    }
}

/// Words of some sentences, one after the other, ready to be aligned.
#[derive(Debug, Default)]
struct Words {
    things: Vec<u32>,
    weights: Vec<u32>,
    is_space: Vec<bool>,
}

impl Words {
    fn add<'t>(&mut self, text: &'t str, interner: &mut Interner<String>) {
        let mut start = 0;
        for end in ends(text) {
            let word: &'t str = &text[start..end as usize];
            self.things.push(interner.number(word));
            self.is_space.push(word.trim().is_empty());
            // Letters weigh: a comma or a space alone is no sign that words are the same.
            self.weights.push(if word.chars().any(char::is_alphanumeric) {
                1 + bytes(word).min(16)
            } else {
                1
            });
            start = end as usize;
        }
    }

    /// Returns whether the words of `pairs`, seen from this side, are too few to say that this text was made
    /// of the other one.
    fn is_mostly_new(&self, pairs: &[(usize, usize)]) -> bool {
        let letters = |weight: u32| usize::try_from(weight).unwrap_or(0).saturating_sub(1);
        let all: usize = self.weights.iter().map(|weight| letters(*weight)).sum();
        let kept: usize = pairs.iter().map(|(_, right)| letters(self.weights[*right])).sum();
        kept * 100 < all * KEPT_MIN
    }

    fn side(&self) -> Side<'_> {
        Side { things: &self.things, weights: &self.weights }
    }
}

/// Returns where each word of `text` ends.
fn ends(text: &str) -> impl Iterator<Item = u32> {
    let mut at = 0;
    std::iter::from_fn(move || {
        (at < text.len()).then(|| {
            at = token_end(text, at);
            bytes(&text[..at])
        })
    })
}

/// Returns the revision of the byte before `end`.
fn at(runs: &Runs, end: u32) -> Revision {
    let run = runs.partition_point(|(until, _)| *until < end);
    runs.get(run).map_or(Revision::ZERO, |(_, revision)| *revision)
}

/// Returns the runs from `start` to `end`, counted from `start`.
fn part(runs: &Runs, start: u32, end: u32) -> Runs {
    let mut part = Runs::new();
    for (until, revision) in runs.iter().skip(runs.partition_point(|(until, _)| *until <= start)) {
        push(&mut part, (*until).min(end) - start, *revision);
        if *until >= end {
            break;
        }
    }
    part
}

/// Sentences that were taken out, by their words' hash: whoever brings one back is not its author.
#[derive(Debug, Clone, Default)]
struct Removed {
    known: HashMap<u128, Runs>,
    /// The oldest first; one that came back in between is looked up in vain.
    order: VecDeque<u128>,
}

impl Removed {
    fn put(&mut self, text: &str, runs: Runs) {
        let key = key(text);
        if self.known.insert(key, runs).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > REMEMBERED_MAX {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    /// Returns the authors of a sentence that was taken out. It stays known: it may be brought back twice.
    fn take(&self, text: &str) -> Option<Runs> {
        self.known.get(&key(text)).cloned()
    }
}

/// Returns 128 bits of the words' hash: two that differ are never taken for one another in practice.
fn key(text: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, text).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
