//! The pieces of a text: words and signs by the word boundaries of UAX #29.
//!
//! Most copy is ASCII, where those rules are few: they are written out here, and the tables of Unicode
//! are asked only about the rest. Nothing here knows what a piece means.

use unicode_segmentation::UnicodeSegmentation;

use super::fold;

/// Returns the pieces of `text` in order with the place of each; what cannot be seen is none.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut next = 0;
    std::iter::from_fn(move || {
        while next < text.len() {
            let at = next;
            next = ascii_end(text.as_bytes(), at).unwrap_or_else(|| {
                // At a boundary the rules look ahead only, so they can begin here.
                at + text[at..].split_word_bounds().next().map_or(text.len() - at, str::len)
            });
            let piece = &text[at..next];
            if !piece.chars().all(fold::is_invisible) {
                return Some((at, piece));
            }
        }
        None
    })
}

/// Returns where the piece that begins at `at` ends, if only ASCII has a say in it.
fn ascii_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut last = *bytes.get(at)?;
    let mut end = at + 1;
    if !is_word(last) {
        while last == b' ' && bytes.get(end) == Some(&b' ') {
            end += 1;
        }
        let is_alone = last.is_ascii() && bytes.get(end).is_none_or(u8::is_ascii);
        return is_alone.then_some(end);
    }
    while let Some(next) = bytes.get(end).copied() {
        if is_word(next) {
            (last, end) = (next, end + 1);
            continue;
        }
        if !next.is_ascii() {
            return None;
        }
        let follower = bytes.get(end + 1).copied().unwrap_or(b' ');
        if !joins(last, next, follower) {
            let is_ascii = follower.is_ascii() || !is_joiner(next);
            return is_ascii.then_some(end);
        }
        (last, end) = (follower, end + 2);
    }
    Some(end)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_joiner(byte: u8) -> bool {
    matches!(byte, b'.' | b'\'' | b':' | b',' | b';')
}

/// Returns whether `joiner` between the two makes them one piece (WB6, WB7, WB11, WB12).
fn joins(last: u8, joiner: u8, next: u8) -> bool {
    let letters = last.is_ascii_alphabetic() && next.is_ascii_alphabetic();
    let digits = last.is_ascii_digit() && next.is_ascii_digit();
    match joiner {
        b'.' | b'\'' => letters || digits,
        b':' => letters,
        b',' | b';' => digits,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str) {
        let by_unicode = text.split_word_bound_indices();
        let visible = by_unicode.filter(|(_, piece)| !piece.chars().all(fold::is_invisible));
        assert_eq!(pieces(text).collect::<Vec<_>>(), visible.collect::<Vec<_>>(), "{text:?}");
    }

    #[test]
    fn pieces_end_where_unicode_says() {
        for text in [
            "He said: \"We won't.\" At 10:30, 1,200.5% of e.g. Smith's.",
            "don\u{2019}t a.\u{301} b'\u{e9}c 1,\u{662} x_1._2 '_' a:b 1:2 a;b 1;2",
            " \u{301}\r\n\t..  --\u{200d}a",
        ] {
            check(text);
        }
    }

    proptest! {
        #[test]
        fn every_text_is_cut_as_unicode_says(
            text in proptest::collection::vec(
                prop_oneof![
                    8 => prop::sample::select(vec![
                        'a', 'Z', '0', '9', '_', ' ', '.', '\'', ':', ',', ';', '"', '-', '\r', '\n', '\t', '%',
                    ]),
                    2 => prop::sample::select(vec![
                        '\u{2019}', '\u{301}', '\u{e9}', '\u{200d}', '\u{ad}', '\u{662}', '\u{5d0}', '\u{3042}',
                        '\u{1f1e6}', '\u{1f642}', '\u{ff0e}', '\u{b7}', '\u{3000}',
                    ]),
                ],
                0..24,
            ),
        ) {
            check(&text.into_iter().collect::<String>());
        }
    }
}
