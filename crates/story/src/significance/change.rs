//! What one change of words is: a matter of form, or of facts.
//!
//! A change is a matter of form only if every word in it is explained by a rule that cannot touch a
//! fact: the rules of form never look at a quantity, a name, a denial, a word of doubt, or a word
//! inside quotation marks.

use std::collections::HashSet;
use std::hash::Hash;

use super::lexeme::{Class, Lexeme, Reading};
use super::{Code, fold, spelling};
use crate::alignment::Hunk;
use crate::kind::Level;

/// The old and the new reading of one text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    /// The text before.
    pub(super) old: &'a Reading<'a>,
    /// The text after.
    pub(super) new: &'a Reading<'a>,
    /// Whether the rules of English run.
    pub(super) english: bool,
    /// Whether capital letters say nothing on one of the sides.
    pub(super) capitalised: bool,
}

/// A verdict of one rule.
pub(super) type Verdict = (Code, Level);

/// Returns the rule of form that explains all of `hunk`, if there is one.
pub(super) fn form(pair: Pair<'_>, hunk: &Hunk) -> Option<Code> {
    let (old, new) = (&pair.old.lexemes[hunk.old.clone()], &pair.new.lexemes[hunk.new.clone()]);
    let hard = |lexeme: &&Lexeme<'_>| matches!(lexeme.class, Class::QuoteMark | Class::Symbol);
    if old.iter().chain(new).any(|lexeme| hard(&lexeme)) || touches_quantity(pair, hunk) {
        return None;
    }
    let words = |side: &'_ [Lexeme<'_>]| side.iter().filter(|lexeme| lexeme.is_word()).count();
    if words(old) == 0 && words(new) == 0 {
        return Some(Code::Typographic);
    }
    let is_plain = |lexeme: &Lexeme<'_>| !lexeme.is_word() || (lexeme.class == Class::Word && !lexeme.quoted);
    if !pair.english || !old.iter().chain(new).all(is_plain) {
        return None;
    }
    if is_hyphenation(old, new) {
        return Some(Code::Variant);
    }
    let lefts = (hunk.old.clone()).filter(|place| pair.old.lexemes[*place].is_word());
    let rights = (hunk.new.clone()).filter(|place| pair.new.lexemes[*place].is_word());
    if words(old) != words(new) {
        return None;
    }
    let mut code = Code::Typographic;
    for (left, right) in lefts.zip(rights) {
        match same_word(pair, left, right)? {
            Code::Spelling => code = Code::Spelling,
            Code::Variant if code == Code::Typographic => code = Code::Variant,
            _ => {}
        }
    }
    Some(code)
}

/// Returns how the plain words at `left` and `right` are one word, if they are.
fn same_word(pair: Pair<'_>, left: usize, right: usize) -> Option<Code> {
    let (old, new) = (&pair.old.lexemes[left], &pair.new.lexemes[right]);
    let is_lower = |reading: &Reading<'_>, place: usize| {
        let raw = reading.raw_at(place);
        raw.chars().all(|letter| !letter.is_uppercase())
    };
    let both_lower = is_lower(pair.old, left) && is_lower(pair.new, right);
    if old.key == new.key {
        return (both_lower || (old.initial && new.initial)).then_some(Code::Typographic);
    }
    let may_vary = both_lower || (old.initial && new.initial && !pair.capitalised);
    if may_vary && spelling::are_variants(&old.key, &new.key) {
        return Some(Code::Variant);
    }
    (both_lower && spelling::is_slip(&old.key, &new.key)).then_some(Code::Spelling)
}

/// Returns whether the sides differ only in a hyphen between the same letters. `re-sign` is not
/// `resign`: a short beginning keeps its hyphen for a reason.
fn is_hyphenation(old: &[Lexeme<'_>], new: &[Lexeme<'_>]) -> bool {
    const BEGINNING_MIN: usize = 3;
    let letters = |side: &[Lexeme<'_>]| {
        side.iter().filter(|lexeme| lexeme.is_word()).map(|lexeme| &*lexeme.key).collect::<String>()
    };
    let has_hyphen = |side: &[Lexeme<'_>]| side.iter().any(Lexeme::is_hyphen);
    let only_hyphens = |side: &[Lexeme<'_>]| side.iter().all(|lexeme| lexeme.is_word() || lexeme.is_hyphen());
    let begins = |side: &[Lexeme<'_>]| side.first().is_some_and(|first| first.key.len() >= BEGINNING_MIN);
    let joined = if old.len() == 1 { new } else { old };
    (old.len() == 1 || new.len() == 1)
        && has_hyphen(joined)
        && only_hyphens(joined)
        && begins(joined)
        && letters(old) == letters(new)
}

/// Returns whether a sign came or went right before a quantity: `-5`, `3:2`.
fn touches_quantity(pair: Pair<'_>, hunk: &Hunk) -> bool {
    let touches = |reading: &Reading<'_>, range: &std::ops::Range<usize>| {
        range.clone().any(|place| {
            let lexeme = &reading.lexemes[place];
            let next = reading.lexemes.get(place + 1);
            !lexeme.is_word()
                && next.is_some_and(|next| next.class == Class::Quantity && next.at == lexeme.end)
        })
    };
    touches(pair.old, &hunk.old) || touches(pair.new, &hunk.new)
}

/// Returns what a pair of lexemes with the same key makes of how they are written, if it differs.
pub(super) fn rewritten(pair: Pair<'_>, left: usize, right: usize) -> Option<Verdict> {
    let (old, new) = (&pair.old.lexemes[left], &pair.new.lexemes[right]);
    let (old_raw, new_raw) = (pair.old.raw_at(left), pair.new.raw_at(right));
    if old.is_word() && old.quoted != new.quoted {
        return Some((Code::Quote, Level::Substantive));
    }
    if old_raw == new_raw {
        return None;
    }
    if fold::look_alike(old_raw, new_raw) || !old.is_word() {
        return Some((Code::Typographic, Level::Minor));
    }
    if !pair.english {
        return Some((Code::Wording, Level::Notable));
    }
    if old_raw.to_lowercase() == new_raw.to_lowercase() {
        return Some(recased(pair, (old, old_raw), (new, new_raw)));
    }
    let has_case_change = super::lexeme::starts_upper(old_raw) != super::lexeme::starts_upper(new_raw);
    if has_case_change && !(old.initial || new.initial) && old.class != Class::Quantity {
        return Some((Code::Name, Level::Notable));
    }
    if old.quoted { Some((Code::Quote, Level::Notable)) } else { Some((Code::Variant, Level::Minor)) }
}

/// Returns what a change of capital letters alone is.
fn recased(pair: Pair<'_>, old: (&Lexeme<'_>, &str), new: (&Lexeme<'_>, &str)) -> Verdict {
    let rest = |raw: &str| raw.chars().skip(1).collect::<String>();
    let only_first = rest(old.1) == rest(new.1);
    if old.0.class == Class::Quantity && new.0.class == Class::Quantity {
        (Code::Typographic, Level::Minor)
    } else if pair.capitalised {
        (Code::Wording, Level::Notable)
    } else if only_first && (old.0.initial || new.0.initial) {
        (Code::Typographic, Level::Minor)
    } else {
        (Code::Name, Level::Notable)
    }
}

/// Returns what `hunk` is, when no rule of form explains it: at least one verdict, none minor.
pub(super) fn substance(pair: Pair<'_>, hunk: &Hunk) -> Vec<Verdict> {
    let (old, new) = (&pair.old.lexemes[hunk.old.clone()], &pair.new.lexemes[hunk.new.clone()]);
    let mut verdicts = Vec::new();
    if touches_quantity(pair, hunk) || !keys(old, Class::Quantity).eq(keys(new, Class::Quantity)) {
        verdicts.push((Code::Number, Level::Substantive));
    }
    verdicts.extend(name(pair, hunk));
    let quoted = |side: &[Lexeme<'_>]| {
        side.iter()
            .filter(|lexeme| (lexeme.quoted && lexeme.is_word()) || lexeme.class == Class::QuoteMark)
            .map(|lexeme| lexeme.key.clone().into_owned())
            .collect::<Vec<_>>()
    };
    if quoted(old) != quoted(new) {
        verdicts.push((Code::Quote, Level::Substantive));
    }
    if !same_bag(keys(old, Class::Negation), keys(new, Class::Negation)) || has_denial(old, new) {
        verdicts.push((Code::Negation, Level::Substantive));
    }
    if !same_bag(keys(old, Class::Modality), keys(new, Class::Modality)) {
        verdicts.push((Code::Modality, Level::Substantive));
    }
    if is_attribution(pair, hunk) {
        verdicts.push((Code::Attribution, Level::Notable));
    }
    if verdicts.is_empty() {
        verdicts.push((Code::Wording, Level::Notable));
    }
    verdicts
}

fn keys<'a>(side: &'a [Lexeme<'_>], class: Class) -> impl Iterator<Item = &'a str> {
    side.iter().filter(move |lexeme| lexeme.class == class).map(|lexeme| &*lexeme.key)
}

/// Returns whether both hold the same things as often, in whatever order.
pub(super) fn same_bag<T: Ord + Hash>(left: impl Iterator<Item = T>, right: impl Iterator<Item = T>) -> bool {
    let sorted = |things: &mut dyn Iterator<Item = T>| {
        let mut things: Vec<T> = things.collect();
        things.sort_unstable();
        things
    };
    let (mut left, mut right) = (left, right);
    sorted(&mut left) == sorted(&mut right)
}

fn has_denial(old: &[Lexeme<'_>], new: &[Lexeme<'_>]) -> bool {
    let words = |side: &[Lexeme<'_>]| side.iter().filter(|lexeme| lexeme.class == Class::Word).count();
    if words(old) != words(new) {
        return false;
    }
    let plain = |lexeme: &&Lexeme<'_>| lexeme.class == Class::Word;
    old.iter()
        .filter(plain)
        .zip(new.iter().filter(plain))
        .any(|(old, new)| spelling::is_denial(&old.key, &new.key))
}

/// Returns what the change does to names.
fn name(pair: Pair<'_>, hunk: &Hunk) -> Option<Verdict> {
    let (old, new) = (&pair.old.lexemes[hunk.old.clone()], &pair.new.lexemes[hunk.new.clone()]);
    if keys(old, Class::Name).eq(keys(new, Class::Name)) {
        return None;
    }
    let bare = |side: &'_ [Lexeme<'_>]| keys(side, Class::Name).map(without_accents).collect::<Vec<_>>();
    let only_more = |reading: &Reading<'_>, other: &[Lexeme<'_>], range: &std::ops::Range<usize>| {
        keys(other, Class::Name).next().is_none() && are_forenames(reading, range)
    };
    let is_slight =
        bare(old) == bare(new) || only_more(pair.new, old, &hunk.new) || only_more(pair.old, new, &hunk.old);
    Some((Code::Name, if is_slight { Level::Notable } else { Level::Substantive }))
}

fn without_accents(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    name.nfd().filter(|letter| !unicode_normalization::char::is_combining_mark(*letter)).collect()
}

/// Returns whether all names in `range` are titles or given names of the name behind it, which stays.
fn are_forenames(reading: &Reading<'_>, range: &std::ops::Range<usize>) -> bool {
    const OTHER_PLACES: [&str; 14] = [
        "north",
        "south",
        "east",
        "west",
        "northern",
        "southern",
        "eastern",
        "western",
        "new",
        "upper",
        "lower",
        "equatorial",
        "papua",
        "central",
    ];
    let names: HashSet<&str> = keys(&reading.lexemes[range.clone()], Class::Name).collect();
    let runs_on =
        reading.lexemes[range.clone()].iter().all(|lexeme| lexeme.class == Class::Name || !lexeme.is_word())
            && reading.lexemes.get(range.end).is_some_and(|next| next.class == Class::Name);
    runs_on && !OTHER_PLACES.iter().any(|place| names.contains(place))
}

/// Returns whether who said it changed: a word of saying, or words right beside one.
fn is_attribution(pair: Pair<'_>, hunk: &Hunk) -> bool {
    const REACH: usize = 2;
    let says = |lexeme: &Lexeme<'_>| lexeme.class == Class::Attribution;
    let (old, new) = (&pair.old.lexemes[hunk.old.clone()], &pair.new.lexemes[hunk.new.clone()]);
    if !same_bag(keys(old, Class::Attribution), keys(new, Class::Attribution)) {
        return true;
    }
    let has_words = old.iter().chain(new).any(|lexeme| lexeme.class == Class::Word);
    let behind = pair.new.lexemes.iter().skip(hunk.new.end).take(REACH).any(says);
    let before = pair.new.lexemes[hunk.new.start.saturating_sub(REACH)..hunk.new.start].iter().any(says);
    pair.english && has_words && (behind || before)
}
