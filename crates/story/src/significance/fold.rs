//! Letters that look alike to a reader: one form for each, for comparison only.
//!
//! Narrower than NFKC on purpose: superscripts are not digits here (`10²` is not `102`), and nothing
//! folded is ever stored or shown.

use std::borrow::Cow;

/// First digit of each script whose digits news copy uses, beside ASCII.
const ZEROS: [char; 16] = [
    '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}', '\u{c66}',
    '\u{ce6}', '\u{d66}', '\u{e50}', '\u{ed0}', '\u{1040}', '\u{17e0}', '\u{ff10}',
];

/// Returns the form that `given` is compared as.
pub(super) fn fold(given: char) -> char {
    if given.is_ascii() {
        return given;
    }
    match given {
        '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' | '\u{2bc}' | '\u{b4}' | '\u{2032}' => '\'',
        '\u{201c}'..='\u{201f}'
        | '\u{ab}'
        | '\u{bb}'
        | '\u{2033}'
        | '\u{300c}'..='\u{300f}'
        | '\u{301d}'..='\u{301f}' => '"',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}' => '-',
        '\u{2026}' | '\u{3002}' => '.',
        '\u{3001}' => ',',
        '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff5e}' => {
            char::from_u32(u32::from(given) - 0xfee0).unwrap_or(given)
        }
        _ => digit(given).unwrap_or(given),
    }
}

fn digit(given: char) -> Option<char> {
    ZEROS.into_iter().find_map(|zero| {
        let value = u32::from(given).checked_sub(u32::from(zero))?;
        char::from_digit(value, 10)
    })
}

/// Returns whether a reader cannot see `given`: joiners, marks of direction, soft hyphens.
pub(super) fn is_invisible(given: char) -> bool {
    given.is_whitespace()
        || matches!(
            given,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

/// Returns `word` folded and in lower case, without its inner full stops (`U.S` as `us`) unless it
/// holds a digit.
pub(super) fn key(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Cow::Borrowed(word);
    }
    if word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Owned(word.to_ascii_lowercase());
    }
    let folded: String = visible(word).flat_map(char::to_lowercase).collect();
    if folded.contains('.') && !folded.contains(|letter: char| letter.is_numeric()) {
        return Cow::Owned(folded.replace('.', ""));
    }
    Cow::Owned(folded)
}

fn visible(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|letter| !is_invisible(*letter)).map(fold)
}

/// Returns whether both look the same to a reader once quotes, dashes and widths are folded.
pub(super) fn look_alike(old: &str, new: &str) -> bool {
    visible(old).eq(visible(new))
}

/// Returns whether `given` is a Chinese numeral: also in Japanese and Korean copy.
pub(super) fn is_han_numeral(given: char) -> bool {
    !given.is_ascii() && "〇零一二三四五六七八九十百千万亿萬億两兩廿卅".contains(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_are_one() {
        assert_eq!(key("１２３"), "123");
        assert_eq!(key("\u{661}\u{662}"), "12");
        assert_ne!(key("10²"), key("102"));
    }

    #[test]
    fn dotted_letters_are_one_word() {
        assert_eq!(key("U.S"), "us");
        assert_eq!(key("3.5"), "3.5");
    }

    #[test]
    fn curly_looks_like_straight() {
        assert!(look_alike("can’t", "can't"));
        assert!(!look_alike("cant", "can't"));
    }
}
