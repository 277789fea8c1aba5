//! Atoms: the pieces of a sentence that are shown whole or not at all.
//!
//! `8 p.m.`, `3.5 million`, `ninety-five`, `$1,200`, `20:00` and a quotation mark with the word it
//! stands at are one atom each, so that no reader sees half a number change.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::significance::{continues_quantity, starts_quantity};

/// What an atom is, where it matters for joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// At least one letter, digit or picture.
    Word,
    /// White space only.
    Space,
    /// Marks only.
    Mark,
}

/// A piece of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Atom<'a> {
    pub(super) text: &'a str,
    pub(super) sort: Sort,
}

impl Atom<'_> {
    /// Returns how many letters and digits it has.
    pub(super) fn letters(&self) -> usize {
        self.text.chars().filter(|letter| letter.is_alphanumeric()).count()
    }
}

/// Returns the atoms of `text`; joined, they are the text.
pub(super) fn atoms(text: &str) -> Vec<Atom<'_>> {
    let pieces: Vec<(usize, &str)> = text.split_word_bound_indices().collect();
    let mut atoms = Vec::with_capacity(pieces.len());
    let mut place = 0;
    while place < pieces.len() {
        let end = atom_end(&pieces, place);
        let start_byte = pieces[place].0;
        let end_byte = pieces.get(end).map_or(text.len(), |piece| piece.0);
        let piece = &text[start_byte..end_byte];
        atoms.push(Atom { text: piece, sort: sort(piece) });
        place = end;
    }
    atoms
}

fn sort(text: &str) -> Sort {
    let is_mark = |letter: char| letter.is_ascii_punctuation() || is_typographic(letter);
    if text.chars().all(char::is_whitespace) {
        Sort::Space
    } else if text.chars().all(|letter| is_mark(letter) || letter.is_whitespace()) {
        Sort::Mark
    } else {
        Sort::Word
    }
}

fn is_typographic(letter: char) -> bool {
    matches!(letter, '\u{2010}'..='\u{2027}' | '\u{ab}' | '\u{bb}' | '\u{b7}' | '\u{3000}'..='\u{301f}')
}

fn is_word(piece: &str) -> bool {
    piece.chars().any(char::is_alphanumeric)
}

fn starts_with_digit(piece: &str) -> bool {
    piece.starts_with(char::is_numeric)
}

fn is_quote(piece: &str) -> bool {
    matches!(
        piece,
        "\"" | "'" | "\u{201c}" | "\u{201d}" | "\u{2018}" | "\u{2019}" | "\u{ab}" | "\u{bb}" | "\u{201e}"
    )
}

fn is_currency(piece: &str) -> bool {
    matches!(piece, "$" | "\u{a3}" | "\u{20ac}" | "\u{a5}" | "\u{20b9}" | "#" | "\u{b1}")
}

/// Returns the place behind the last piece of the atom that starts at `start`.
fn atom_end(pieces: &[(usize, &str)], start: usize) -> usize {
    let piece = |place: usize| pieces.get(place).map_or("", |piece| piece.1);
    let mut end = start;
    while is_quote(piece(end)) || is_currency(piece(end)) {
        end += 1;
    }
    if !is_word(piece(end)) {
        return end.max(start + 1);
    }
    let mut is_quantity = starts_quantity(piece(end));
    end += 1;
    loop {
        let (mark, behind) = (piece(end), piece(end + 1));
        let joins = matches!(mark, "-" | "\u{2010}" | "\u{2011}" | "/" | "&") && is_word(behind);
        let is_time = mark == ":" && starts_with_digit(behind) && is_quantity;
        let goes_on = mark == " " && is_quantity && continues_quantity(behind);
        if joins || is_time || goes_on {
            is_quantity |= starts_quantity(behind);
            end += 2;
            // `p.m` ends in a full stop of its own.
            end += usize::from(goes_on && behind.contains('.') && piece(end) == ".");
        } else if matches!(mark, "%" | "\u{b0}") {
            end += 1;
        } else {
            break;
        }
    }
    closing(pieces, end)
}

/// Returns `end`, or the place behind the quotation marks that close right there, perhaps behind a
/// full stop or comma.
fn closing(pieces: &[(usize, &str)], end: usize) -> usize {
    let piece = |place: usize| pieces.get(place).map_or("", |piece| piece.1);
    let stop = usize::from(matches!(piece(end), "." | "," | "!" | "?"));
    let quotes: Range<usize> = end + stop..pieces.len();
    let behind = quotes.clone().take_while(|place| is_quote(piece(*place))).count();
    let is_closed = behind > 0 && !is_word(piece(end + stop + behind));
    if is_closed { end + stop + behind } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> =
            atoms(text).iter().filter(|atom| atom.sort == Sort::Word).map(|atom| atom.text).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(atoms(text).iter().map(|atom| atom.text).collect::<String>(), text);
    }

    #[test]
    fn quantities_are_whole() {
        check("at 8 p.m. on", &["at", "8 p.m.", "on"]);
        check("about 3.5 million people", &["about", "3.5 million", "people"]);
        check("ninety-five of 1,200", &["ninety-five", "of", "1,200"]);
        check("$1,200 or 5% by 20:00", &["$1,200", "or", "5%", "by", "20:00"]);
    }

    #[test]
    fn quotation_marks_stay_with_their_words() {
        check("“We won,” she said.", &["“We", "won,”", "she", "said"]);
        check("the 'big' lie", &["the", "'big'", "lie"]);
    }
}
