//! A text as the rules read it: words, quantities and marks, each with what it carries.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::lexicon::{Entry, Listed, english};
use super::{Rules, fold, piece, quantity, quoted, shared};
use crate::alignment;

/// What a lexeme carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Class {
    /// A word with nothing special about it.
    Word,
    /// A name, by its capital letter.
    Name,
    /// A number, date, time, unit or currency.
    Quantity,
    /// A denial.
    Negation,
    /// How sure it is.
    Modality,
    /// Who says so.
    Attribution,
    /// A comma, full stop, dash or bracket: its change alone changes no meaning.
    Mark,
    /// A quotation mark.
    QuoteMark,
    /// Any other sign: question marks, emoji, mathematics.
    Symbol,
}

/// The smallest piece that the rules look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lexeme<'a> {
    /// Where it starts in the text.
    pub(super) at: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// What it is compared as: folded, in lower case, numbers in one form.
    pub(super) key: Cow<'a, str>,
    /// What the tables say of it as a word.
    pub(super) entry: Option<&'static Entry>,
    /// What it carries.
    pub(super) class: Class,
    /// Whether it opens a sentence or quotation, so that its capital letter says nothing.
    pub(super) initial: bool,
    /// Whether it stands between quotation marks.
    pub(super) quoted: bool,
}

impl Lexeme<'_> {
    /// Returns whether it is a hyphen or dash.
    pub(super) fn is_hyphen(&self) -> bool {
        self.class == Class::Mark && self.key == "-"
    }

    /// Returns whether it is a word of any sort, not a mark or sign.
    pub(super) fn is_word(&self) -> bool {
        !matches!(self.class, Class::Mark | Class::QuoteMark | Class::Symbol)
    }

    /// Returns its digits, if it is a run of digits that no rule has put together yet.
    pub(super) fn digits(&self) -> Option<&str> {
        let starts = self.key.starts_with(|letter: char| letter.is_ascii_digit());
        (self.class == Class::Quantity && starts).then_some(&*self.key)
    }
}

/// A text, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reading<'a> {
    /// The text.
    pub(super) text: &'a str,
    /// Its lexemes, in order; white space and what cannot be seen is none.
    pub(super) lexemes: Vec<Lexeme<'a>>,
    /// Its sentences, as ranges of lexemes.
    pub(super) sentences: Vec<Range<usize>>,
}

impl<'a> Reading<'a> {
    /// Reads `text`, in time linear in its length. Names are found by [`Reading::find_names`].
    pub(super) fn new(text: &'a str, language: &str, rules: Rules) -> Self {
        Self::of(text, language, lexemes(text, 0..text.len(), rules))
    }

    /// Reads two versions of a text, as [`Reading::new`] does; what stands in both is looked at once.
    pub(super) fn of_both(old: &'a str, new: &'a str, language: &str, rules: Rules) -> (Self, Self) {
        let old_lexemes = lexemes(old, 0..old.len(), rules);
        let (head, tail) = shared::ends(old, new);
        let first = old_lexemes.partition_point(|lexeme| lexeme.at < head);
        let last = old_lexemes.partition_point(|lexeme| lexeme.at < old.len() - tail);
        let mut new_lexemes = Vec::with_capacity(old_lexemes.len() + 8);
        new_lexemes.extend_from_slice(&old_lexemes[..first]);
        new_lexemes.extend(lexemes(new, head..new.len() - tail, rules));
        new_lexemes.extend(old_lexemes[last..].iter().map(|lexeme| Lexeme {
            at: lexeme.at + new.len() - old.len(),
            end: lexeme.end + new.len() - old.len(),
            ..lexeme.clone()
        }));
        (Self::of(old, language, old_lexemes), Self::of(new, language, new_lexemes))
    }

    fn of(text: &'a str, language: &str, mut lexemes: Vec<Lexeme<'a>>) -> Self {
        quoted::mark(text, &mut lexemes);
        let sentences = sentences(text, language, &mut lexemes);
        Self { text, lexemes, sentences }
    }

    /// Returns the text from the first to the last of `range`, as it stands.
    pub(super) fn raw(&self, range: Range<usize>) -> &'a str {
        match self.lexemes.get(range) {
            Some([first, .., last]) => &self.text[first.at..last.end],
            Some([only]) => &self.text[only.at..only.end],
            _ => "",
        }
    }

    /// Returns the text of the lexeme at `place`, as it stands.
    pub(super) fn raw_at(&self, place: usize) -> &'a str {
        self.raw(place..place + 1)
    }

    /// Returns whether capital letters say nothing here: nearly all letters are capitals, or nearly all
    /// words that could go without one have one, as in a title.
    pub(super) fn is_capitalised(&self) -> bool {
        let (lower, upper) = letter_cases(self.text);
        if upper >= 8 && upper * 10 >= (upper + lower) * 7 {
            return true;
        }
        let (mut words, mut capitals) = (0, 0);
        for lexeme in self.lexemes.iter().filter(|lexeme| lexeme.is_word() && lexeme.class != Class::Quantity)
        {
            if !lexeme.key.starts_with('\'') && !lexeme.entry.is_some_and(|entry| entry.is_function) {
                words += 1;
                capitals += usize::from(starts_upper(&self.text[lexeme.at..]));
            }
        }
        capitals >= 3 && capitals * 10 >= words * 9
    }

    /// Marks as names the words with a capital letter inside a sentence.
    pub(super) fn find_names(&mut self) {
        for lexeme in &mut self.lexemes {
            let may_be = matches!(lexeme.class, Class::Word | Class::Attribution) && !lexeme.initial;
            if may_be && lexeme.key != "i" && starts_upper(&self.text[lexeme.at..]) {
                lexeme.class = Class::Name;
            }
        }
    }

    /// Returns the places of words that open a sentence and are names: those that are names elsewhere
    /// (in `known`), run on into a name, own something, or say something; plurals say things without
    /// being names.
    pub(super) fn initial_names(&self, known: &HashSet<&str>) -> Vec<usize> {
        let is_name = |(place, lexeme): &(usize, &Lexeme<'_>)| {
            let may_be = matches!(lexeme.class, Class::Word | Class::Attribution)
                && lexeme.initial
                && starts_upper(&self.text[lexeme.at..]);
            if !may_be || lexeme.entry.is_some_and(Entry::is_opener) {
                return false;
            }
            let is_singular = !lexeme.key.ends_with('s');
            let runs_on = self.lexemes.get(place + 1).is_some_and(|next| {
                next.class == Class::Name
                    || next.key == "'s"
                    || (is_singular && next.class == Class::Attribution)
            });
            runs_on || known.contains(&*lexeme.key)
        };
        self.lexemes.iter().enumerate().filter(is_name).map(|(place, _)| place).collect()
    }

    /// Marks the lexemes at `places` as names.
    pub(super) fn name(&mut self, places: &[usize]) {
        for place in places {
            self.lexemes[*place].class = Class::Name;
        }
    }
}

/// Returns how many letters of `text` are small, and how many are capitals.
fn letter_cases(text: &str) -> (usize, usize) {
    if text.is_ascii() {
        let count = |is_one: fn(&u8) -> bool| text.bytes().filter(is_one).count();
        return (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
    }
    let count = |is_one: fn(&char) -> bool| text.chars().filter(is_one).count();
    (count(|letter| letter.is_lowercase()), count(|letter| letter.is_uppercase()))
}

/// Returns the lexemes of `range` of `text`, which no number and no word reaches across.
fn lexemes(text: &str, range: Range<usize>, rules: Rules) -> Vec<Lexeme<'_>> {
    let mut lexemes = Vec::with_capacity(range.len() / 4);
    for (at, piece) in piece::pieces(&text[range.clone()]) {
        if piece.chars().any(char::is_alphanumeric) {
            word(range.start + at, piece, rules, &mut lexemes);
        } else {
            signs(range.start + at, piece, rules, &mut lexemes);
        }
    }
    if rules == Rules::English {
        lexemes = quantity::compose(lexemes);
        classify(text, &mut lexemes);
    } else {
        for lexeme in &mut lexemes {
            if lexeme.digits().is_some() {
                lexeme.key = Cow::Owned(format!("#{}", lexeme.key));
            }
        }
    }
    lexemes
}

/// Returns whether the first letter is a capital.
pub(super) fn starts_upper(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_uppercase)
}

fn push<'a>(lexemes: &mut Vec<Lexeme<'a>>, range: Range<usize>, key: Cow<'a, str>, class: Class) {
    let entry = if class == Class::Word { english().entry(&key) } else { None };
    lexemes.push(Lexeme {
        at: range.start,
        end: range.end,
        key,
        entry,
        class,
        initial: false,
        quoted: false,
    });
}

/// Reads one piece with letters or digits in it.
fn word<'a>(at: usize, piece: &'a str, rules: Rules, lexemes: &mut Vec<Lexeme<'a>>) {
    let key = fold::key(piece);
    let whole = at..at + piece.len();
    if key.starts_with(|letter: char| letter.is_ascii_digit()) {
        return number(at, piece, &key, rules, lexemes);
    }
    let is_number = key.chars().any(|letter| match letter {
        '\0'..='\x7f' => letter.is_ascii_digit(),
        _ => letter.is_numeric() || fold::is_han_numeral(letter),
    });
    if is_number {
        let key = Cow::Owned(format!("#{key}"));
        return push(lexemes, whole, key, Class::Quantity);
    }
    if rules == Rules::English && contraction(at, piece, &key, lexemes) {
        return;
    }
    push(lexemes, whole, key, Class::Word);
}

/// Reads a piece that starts with a digit: `1,200`, `21st`, `8pm`, `4x4`.
fn number<'a>(at: usize, piece: &'a str, key: &str, rules: Rules, lexemes: &mut Vec<Lexeme<'a>>) {
    let whole = at..at + piece.len();
    let digits = key.trim_end_matches(char::is_alphabetic);
    let suffix = &key[digits.len()..];
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
    // Folding may change lengths; only where it does not can the piece be cut like its key.
    if !is_plain || (!suffix.is_empty() && (rules != Rules::English || key.len() != piece.len())) {
        return push(lexemes, whole, Cow::Owned(format!("#{key}")), Class::Quantity);
    }
    if matches!(suffix, "st" | "nd" | "rd" | "th") {
        let key = format!("{}th", quantity::digits_key(digits, 0));
        return push(lexemes, whole, Cow::Owned(key), Class::Quantity);
    }
    let cut = at + if suffix.is_empty() { piece.len() } else { digits.len() };
    let digits =
        if piece.is_ascii() { Cow::Borrowed(&piece[..digits.len()]) } else { Cow::Owned(digits.to_owned()) };
    push(lexemes, at..cut, digits, Class::Quantity);
    if !suffix.is_empty() {
        let is_scale = english().numeral(suffix).is_some();
        let form = english().unit(suffix).unwrap_or(suffix);
        let (key, class) =
            if is_scale { (suffix.to_owned(), Class::Word) } else { (format!("#{form}"), Class::Quantity) };
        push(lexemes, cut..whole.end, Cow::Owned(key), class);
    }
}

/// Reads `isn't`, `cannot`, `she'll`, `Smith's` as the two words they are; false for any other word.
fn contraction<'a>(at: usize, piece: &'a str, key: &str, lexemes: &mut Vec<Lexeme<'a>>) -> bool {
    const ENDINGS: [(&str, &str); 7] = [
        ("n't", "not"),
        ("'ll", "will"),
        ("'re", "are"),
        ("'ve", "have"),
        ("'m", "am"),
        ("'s", "'s"),
        ("'d", "'d"),
    ];
    let (start, second) = if key == "cannot" {
        ("can", "not")
    } else if !key.contains('\'') {
        return false;
    } else {
        let found = ENDINGS.iter().find_map(|(end, second)| Some((key.strip_suffix(end)?, *second)));
        let Some(found) = found.filter(|(start, _)| !start.is_empty()) else { return false };
        found
    };
    let first = match (start, second) {
        ("ca", "not") => "can",
        ("wo", "not") => "will",
        ("sha", "not") => "shall",
        _ => start,
    };
    let cut_letters = start.chars().count();
    let cut = piece.char_indices().nth(cut_letters).map_or(piece.len(), |(cut, _)| cut);
    push(lexemes, at..at + cut, Cow::Owned(first.to_owned()), Class::Word);
    push(lexemes, at + cut..at + piece.len(), Cow::Borrowed(second), Class::Word);
    true
}

/// Reads one piece without letters or digits: marks and signs, one by one; an emoji stays whole.
fn signs<'a>(at: usize, piece: &'a str, rules: Rules, lexemes: &mut Vec<Lexeme<'a>>) {
    let whole = piece.len() == 1;
    let graphemes = piece.grapheme_indices(true).filter(|_| !whole);
    for (start, sign) in graphemes.chain(whole.then_some((0, piece))) {
        let range = at + start..at + start + sign.len();
        let mut letters = sign.chars();
        let (first, is_single) = (letters.next().unwrap_or_default(), letters.next().is_none());
        if fold::is_invisible(first) && is_single {
            continue;
        }
        let folded = if is_single { fold::fold(first) } else { '\u{fffd}' };
        let (class, key) = match folded {
            ',' | ';' | ':' | '.' | '-' | '(' | ')' | '[' | ']' | '*' | '\u{2022}' | '\u{b7}' => {
                (Class::Mark, one(folded, sign))
            }
            '"' => (Class::QuoteMark, Cow::Borrowed("\"")),
            '&' if rules == Rules::English => (Class::Word, Cow::Borrowed("and")),
            '%' | '$' | '\u{a2}'..='\u{a5}' | '\u{20a0}'..='\u{20cf}' | '\u{b0}' => {
                (Class::Quantity, Cow::Owned(format!("#{folded}")))
            }
            _ if is_single => (Class::Symbol, one(folded, sign)),
            _ => (Class::Symbol, Cow::Borrowed(sign)),
        };
        push(lexemes, range, key, class);
    }
}

/// Returns `folded`, which `sign` folds to, as a key.
fn one(folded: char, sign: &str) -> Cow<'_, str> {
    if sign.len() == 1 { Cow::Borrowed(sign) } else { Cow::Owned(folded.to_string()) }
}

/// Gives words the class that the tables list them under.
fn classify(text: &str, lexemes: &mut [Lexeme<'_>]) {
    for lexeme in lexemes.iter_mut().filter(|lexeme| lexeme.class == Class::Word) {
        let is_capital = starts_upper(&text[lexeme.at..]);
        if is_capital && lexeme.key == "may" {
            (lexeme.class, lexeme.key) = (Class::Quantity, Cow::Borrowed("#may"));
            continue;
        }
        lexeme.class = match lexeme.entry.and_then(|entry| entry.listed) {
            Some(Listed::Date(form)) if is_capital => {
                lexeme.key = Cow::Owned(format!("#{form}"));
                Class::Quantity
            }
            Some(Listed::Quantity(form)) => {
                lexeme.key = Cow::Owned(format!("#{form}"));
                Class::Quantity
            }
            Some(Listed::Negation) => Class::Negation,
            Some(Listed::Modality) => Class::Modality,
            Some(Listed::Attribution) => Class::Attribution,
            Some(Listed::Date(_) | Listed::Unit(_)) | None => Class::Word,
        };
    }
}

/// Returns the sentences as ranges of lexemes and marks the words that open one, or a quotation.
fn sentences(text: &str, language: &str, lexemes: &mut [Lexeme<'_>]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut end_byte) = (0, 0);
    for sentence in alignment::segment(language, text) {
        end_byte += sentence.len();
        let end = lexemes.partition_point(|lexeme| lexeme.at < end_byte);
        if end > start {
            ranges.push(start..end);
        }
        if let Some(first) = lexemes[start..end].iter_mut().find(|lexeme| lexeme.is_word()) {
            first.initial = true;
        }
        start = end;
    }
    for place in 1..lexemes.len() {
        let (before, at) = (&lexemes[place - 1], lexemes[place].at);
        let opens = before.class == Class::QuoteMark && before.end == at && !before.quoted;
        lexemes[place].initial |= opens || (before.class == Class::Mark && before.key == ":");
    }
    ranges
}
