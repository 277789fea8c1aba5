//! Where a text may be cut: whole words, and never inside a grapheme cluster (UAX #29).
//!
//! Words here serve differences, not linguistics: a number with its points and commas is one, so
//! is a word with its apostrophe, and each character of a script that writes no spaces.

use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

/// Returns where the token that begins at byte `at` ends; `at` is a grapheme boundary inside
/// `text`, and so is the end.
///
/// A token is a word, a run of spaces, or any other single grapheme cluster. All tokens of a text
/// together cost O(length).
pub(crate) fn token_end(text: &str, at: usize) -> usize {
    let mut end = grapheme_end(text, at);
    let Some(first) = text[at..].chars().next() else { return end };
    if first == ' ' {
        while text.as_bytes().get(end) == Some(&b' ') && grapheme_end(text, end) == end + 1 {
            end += 1;
        }
        return end;
    }
    if !is_word(first) {
        return end;
    }
    let mut last = first;
    while let Some(next) = text[end..].chars().next() {
        if is_word(next) {
            last = next;
            end = grapheme_end(text, end);
            continue;
        }
        let behind = end + next.len_utf8();
        let follower = text[behind..].chars().next();
        let joins = follower.is_some_and(|follower| joins(last, next, follower));
        if !joins || grapheme_end(text, end) != behind {
            break;
        }
        end = behind;
    }
    end
}

/// Returns whether a difference may begin or end at byte `at`: between two grapheme clusters, and
/// not inside a word. Every text may be cut at both its ends.
///
/// Between two regional indicators the answer is no, which spares a walk to the first of them.
pub(crate) fn may_cut(text: &str, at: usize) -> bool {
    if !text.is_char_boundary(at) {
        return false;
    }
    let (mut before, mut after) = (text[..at].chars().rev(), text[at..].chars());
    let (Some(last), Some(next)) = (before.next(), after.next()) else { return true };
    if last.is_ascii() && next.is_ascii() {
        if last == '\r' && next == '\n' {
            return false;
        }
    } else if is_regional(last) && is_regional(next) || !is_grapheme_boundary(text, at) {
        return false;
    }
    let word_ends = is_word(last) || is_combining_mark(last);
    let inside = match (word_ends, is_word(next)) {
        (true, true) => true,
        (true, false) => after.next().is_some_and(|follower| joins(last, next, follower)),
        (false, true) => before.next().is_some_and(|first| joins(first, last, next)),
        (false, false) => false,
    };
    !inside
}

/// Returns where the grapheme cluster that begins at byte `at` ends.
fn grapheme_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    match (bytes.get(at), bytes.get(at + 1)) {
        (Some(one), Some(next)) if one.is_ascii() && next.is_ascii() && *one != b'\r' => at + 1,
        _ => at + text[at..].graphemes(true).next().map_or(0, str::len),
    }
}

fn is_grapheme_boundary(text: &str, at: usize) -> bool {
    // With the whole text at hand the cursor never asks for more context.
    GraphemeCursor::new(at, text.len(), true).is_boundary(text, 0).unwrap_or(false)
}

/// Returns whether `letter` is part of a word of several characters.
fn is_word(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_alphanumeric() || letter == '_';
    }
    letter.is_alphanumeric() && !writes_no_spaces(letter)
}

/// Returns whether `joiner` between the two makes them one word: `3.5`, `1,200`, `10:30`, `don't`.
fn joins(last: char, joiner: char, next: char) -> bool {
    match joiner {
        '.' | '\'' | '\u{2019}' => is_word(last) && is_word(next),
        ',' | ':' => last.is_ascii_digit() && next.is_ascii_digit(),
        _ => false,
    }
}

const fn is_regional(letter: char) -> bool {
    matches!(letter, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Returns whether `letter` is of a script that puts no spaces between words: Thai, Lao, Burmese,
/// Khmer, kana, Chinese.
pub(crate) const fn writes_no_spaces(letter: char) -> bool {
    matches!(letter, '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<&str> {
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let end = token_end(text, at);
            tokens.push(&text[at..end]);
            at = end;
        }
        tokens
    }

    #[test]
    fn words_numbers_and_signs_are_tokens() {
        assert_eq!(
            tokens("At 10:30, it's 1,200.5%."),
            ["At", " ", "10:30", ",", " ", "it's", " ", "1,200.5", "%", "."]
        );
        assert_eq!(tokens("don\u{2019}t  stop"), ["don\u{2019}t", "  ", "stop"]);
        assert_eq!(tokens("caf\u{e9} cafe\u{301}s!"), ["caf\u{e9}", " ", "cafe\u{301}s", "!"]);
    }

    #[test]
    fn clusters_are_never_cut() {
        for text in ["👩‍👩‍👧‍👦👍🏽", "🇩🇪🇫🇷🇯🇵", "क्षत्रिय हिन्दी", "한국", "a\r\nb", " \u{301}x"]
        {
            let cuts: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).collect();
            let mut at = 0;
            while at < text.len() {
                assert!(cuts.contains(&at), "{text:?} at {at}");
                at = token_end(text, at);
            }
            assert!((0..text.len()).filter(|at| may_cut(text, *at)).all(|at| cuts.contains(&at)), "{text:?}");
        }
    }

    #[test]
    fn chinese_is_a_token_a_character() {
        assert_eq!(tokens("周报, 42"), ["周", "报", ",", " ", "42"]);
    }

    #[test]
    fn a_word_may_be_cut_only_at_its_ends() {
        let cuts = |text: &str| (0..=text.len()).filter(|at| may_cut(text, *at)).collect::<Vec<_>>();
        assert_eq!(cuts("it's 3.5"), [0, 4, 5, 8]);
        assert_eq!(cuts("ab, cd"), [0, 2, 3, 4, 6]);
        assert_eq!(cuts(""), [0]);
    }
}
