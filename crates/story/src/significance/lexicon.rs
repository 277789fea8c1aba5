//! The rule tables: which words carry facts, doubt or denial, and which spellings are one word.
//!
//! The tables are data files beside this one, read once. Whoever changes a row also raises
//! [`RULES_VERSION`](super::RULES_VERSION): the same two texts must get the same answer under the same
//! version.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

/// How a number word takes part in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numeral {
    /// `zero` to `nine`.
    Unit(u64),
    /// `ten` to `nineteen`.
    Teen(u64),
    /// `twenty`, `thirty`, …
    Tens(u64),
    /// `hundred`, `thousand`, …: a power of ten.
    Scale(u32),
    /// `first`, `second`, …
    Ordinal(u64),
}

/// What a listed word carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    /// A month or weekday, when it has a capital letter; the form it is compared as.
    Date(&'static str),
    /// A unit, when it stands behind a quantity; the form it is compared as.
    Unit(&'static str),
    /// A quantity or time of its own, such as `dozens` or `tonight`.
    Quantity(&'static str),
    /// A denial.
    Negation,
    /// How sure it is.
    Modality,
    /// Who says so.
    Attribution,
}

/// Everything that the tables say of one word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// How it takes part in a number.
    pub(super) numeral: Option<Numeral>,
    /// What it carries.
    pub(super) listed: Option<Listed>,
    /// Whether it is a word of the language's grammar.
    pub(super) is_function: bool,
    /// Whether the tables say that it opens sentences without being a name.
    is_opener: bool,
}

impl Entry {
    /// Returns the form that the word is compared as behind a quantity.
    pub(super) fn unit(&self) -> Option<&'static str> {
        match self.listed {
            Some(Listed::Unit(form)) => Some(form),
            _ => None,
        }
    }

    /// Returns whether the word opens sentences without being a name.
    pub(super) fn is_opener(&self) -> bool {
        self.is_function || self.is_opener || self.numeral.is_some() || self.listed.is_some()
    }
}

/// Hashes the words of the tables, which no one can add to: quick, and no defence against chosen keys.
#[derive(Debug, Default)]
struct WordHasher(u64);

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..piece.len()].copy_from_slice(piece);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(byte.into());
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// The tables of English.
pub(super) struct Lexicon {
    entries: HashMap<&'static str, Entry, BuildHasherDefault<WordHasher>>,
    /// The length of the longest word with an entry.
    word_bytes_max: usize,
    confusables: HashSet<(&'static str, &'static str)>,
    variants: HashMap<&'static str, &'static str>,
}

static ENGLISH: LazyLock<Lexicon> = LazyLock::new(Lexicon::read);

/// Returns the tables of English.
pub(super) fn english() -> &'static Lexicon {
    &ENGLISH
}

fn rows(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

fn cells(row: &'static str) -> (&'static str, &'static str, &'static str) {
    let mut cells = row.split(' ');
    let mut next = || cells.next().unwrap_or_default();
    (next(), next(), next())
}

impl Lexicon {
    fn read() -> Self {
        let function_rows = include_str!("en/function.txt");
        let (function, openers) = function_rows.split_once("\nopeners\n").unwrap_or((function_rows, ""));
        let mut entries = HashMap::<_, Entry, _>::default();
        let mut enter =
            |word: &'static str, tell: &dyn Fn(&mut Entry)| tell(entries.entry(word).or_default());
        for (word, numeral) in rows(include_str!("en/numbers.txt")).filter_map(numeral) {
            enter(word, &|entry| entry.numeral = Some(numeral));
        }
        for (word, listed) in rows(include_str!("en/words.txt")).filter_map(listed) {
            enter(word, &|entry| entry.listed = Some(listed));
        }
        rows(function)
            .flat_map(str::split_whitespace)
            .for_each(|word| enter(word, &|entry| entry.is_function = true));
        rows(openers)
            .flat_map(str::split_whitespace)
            .for_each(|word| enter(word, &|entry| entry.is_opener = true));
        Self {
            word_bytes_max: entries.keys().map(|word| word.len()).max().unwrap_or_default(),
            entries,
            confusables: rows(include_str!("en/confusables.txt"))
                .filter_map(|row| row.split_once(' '))
                .collect(),
            variants: rows(include_str!("en/variants.txt")).filter_map(|row| row.split_once(' ')).collect(),
        }
    }

    /// Returns what the tables say of `word`, in lower case.
    pub(super) fn entry(&self, word: &str) -> Option<&Entry> {
        if word.len() > self.word_bytes_max { None } else { self.entries.get(word) }
    }

    /// Returns how `word`, in lower case, takes part in a number.
    pub(super) fn numeral(&self, word: &str) -> Option<Numeral> {
        self.entry(word)?.numeral
    }

    /// Returns the form that `word`, in lower case, is compared as behind a quantity.
    pub(super) fn unit(&self, word: &str) -> Option<&'static str> {
        self.entry(word)?.unit()
    }

    /// Returns whether `word`, in lower case, is a word of the language's grammar.
    pub(super) fn is_function(&self, word: &str) -> bool {
        self.entry(word).is_some_and(|entry| entry.is_function)
    }

    /// Returns whether both are right and mean different things, whatever endings they share.
    pub(super) fn are_confusable(&self, left: &str, right: &str) -> bool {
        const ENDINGS: [&str; 11] = ["", "s", "es", "d", "ed", "ing", "ly", "al", "er", "ers", "ation"];
        ENDINGS.iter().any(|ending| {
            let (Some(left), Some(right)) = (left.strip_suffix(ending), right.strip_suffix(ending)) else {
                return false;
            };
            self.confusables.contains(&(left, right)) || self.confusables.contains(&(right, left))
        })
    }

    /// Returns whether both are spellings of one word by the table: its beginnings, and the same
    /// letters after them.
    pub(super) fn are_variants(&self, left: &str, right: &str) -> bool {
        let one_way = |british: &str, american: &str| {
            british.char_indices().skip(3).map(|(at, _)| at).chain([british.len()]).any(|at| {
                let known = british.get(..at).and_then(|start| self.variants.get(start));
                known.is_some_and(|start| american.strip_prefix(start) == british.get(at..))
            })
        };
        one_way(left, right) || one_way(right, left)
    }
}

fn numeral(row: &'static str) -> Option<(&'static str, Numeral)> {
    let (word, role, value) = cells(row);
    let value: u64 = value.parse().ok()?;
    let numeral = match role {
        "unit" => Numeral::Unit(value),
        "teen" => Numeral::Teen(value),
        "tens" => Numeral::Tens(value),
        "scale" => Numeral::Scale(u32::try_from(value).ok()?),
        "ordinal" => Numeral::Ordinal(value),
        _ => return None,
    };
    Some((word, numeral))
}

fn listed(row: &'static str) -> Option<(&'static str, Listed)> {
    let (word, class, form) = cells(row);
    let form = if form.is_empty() { word } else { form };
    let listed = match class {
        "date" => Listed::Date(form),
        "unit" => Listed::Unit(form),
        "time" | "count" => Listed::Quantity(form),
        "negation" => Listed::Negation,
        "modality" => Listed::Modality,
        "attribution" => Listed::Attribution,
        _ => return None,
    };
    Some((word, listed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_every_table_is_read() {
        let lexicon = Lexicon::read();
        let count = |table| rows(table).count();
        let entries =
            |is_one: fn(&Entry) -> bool| lexicon.entries.values().filter(|entry| is_one(entry)).count();
        assert_eq!(entries(|entry| entry.numeral.is_some()), count(include_str!("en/numbers.txt")));
        assert_eq!(entries(|entry| entry.listed.is_some()), count(include_str!("en/words.txt")));
        assert_eq!(lexicon.variants.len(), count(include_str!("en/variants.txt")));
        assert_eq!(lexicon.confusables.len(), count(include_str!("en/confusables.txt")));
        assert!(lexicon.is_function("the") && !lexicon.is_function("openers"));
        assert!(lexicon.entry("residents").is_some_and(Entry::is_opener));
    }

    #[test]
    fn shared_endings_are_taken_off_before_a_look_up() {
        let lexicon = english();
        assert!(lexicon.are_confusable("trails", "trials"));
        assert!(lexicon.are_confusable("skilled", "killed"));
        assert!(lexicon.are_variants("colours", "colors") && lexicon.are_variants("honored", "honoured"));
        assert!(!lexicon.are_variants("colours", "color"));
    }
}
