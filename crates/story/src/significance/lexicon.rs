//! The rule tables: which words carry facts, doubt or denial, and which spellings are one word.
//!
//! The tables are data files beside this one, read once. Whoever changes a row also raises
//! [`RULES_VERSION`](super::RULES_VERSION): the same two texts must get the same answer under the same
//! version.

use std::collections::{HashMap, HashSet};
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

/// The tables of English.
pub(super) struct Lexicon {
    numerals: HashMap<&'static str, Numeral>,
    words: HashMap<&'static str, Listed>,
    function: HashSet<&'static str>,
    openers: HashSet<&'static str>,
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
        let split = |table| rows(table).flat_map(str::split_whitespace).collect();
        Self {
            numerals: rows(include_str!("en/numbers.txt")).filter_map(numeral).collect(),
            words: rows(include_str!("en/words.txt")).filter_map(listed).collect(),
            function: split(function),
            openers: split(openers),
            confusables: rows(include_str!("en/confusables.txt"))
                .filter_map(|row| row.split_once(' '))
                .collect(),
            variants: rows(include_str!("en/variants.txt")).filter_map(|row| row.split_once(' ')).collect(),
        }
    }

    /// Returns how `word`, in lower case, takes part in a number.
    pub(super) fn numeral(&self, word: &str) -> Option<Numeral> {
        self.numerals.get(word).copied()
    }

    /// Returns what `word`, in lower case, carries.
    pub(super) fn listed(&self, word: &str) -> Option<Listed> {
        self.words.get(word).copied()
    }

    /// Returns the form that `word`, in lower case, is compared as behind a quantity.
    pub(super) fn unit(&self, word: &str) -> Option<&'static str> {
        match self.words.get(word) {
            Some(Listed::Unit(form)) => Some(form),
            _ => None,
        }
    }

    /// Returns whether `word`, in lower case, is a word of the language's grammar.
    pub(super) fn is_function(&self, word: &str) -> bool {
        self.function.contains(word)
    }

    /// Returns whether `word`, in lower case, opens sentences without being a name.
    pub(super) fn is_opener(&self, word: &str) -> bool {
        self.is_function(word)
            || self.openers.contains(word)
            || self.numerals.contains_key(word)
            || self.words.contains_key(word)
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
        assert_eq!(lexicon.numerals.len(), count(include_str!("en/numbers.txt")));

        assert_eq!(lexicon.words.len(), count(include_str!("en/words.txt")));
        assert_eq!(lexicon.variants.len(), count(include_str!("en/variants.txt")));
        assert_eq!(lexicon.confusables.len(), count(include_str!("en/confusables.txt")));
        assert!(lexicon.is_function("the") && !lexicon.is_function("openers"));
        assert!(lexicon.is_opener("residents"));
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
