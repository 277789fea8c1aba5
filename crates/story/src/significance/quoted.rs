//! Quotations: which words of a text stand between quotation marks.

use super::lexeme::{Class, Lexeme};

/// Farthest closing mark that a single opening mark is paired with, in lexemes.
const SINGLE_QUOTED_MAX: usize = 400;

/// Marks every lexeme that stands inside a quotation.
///
/// A quotation that the text opens and never closes reaches to its end, as in copy where each
/// paragraph of a long quotation opens anew. Single marks count where they come in pairs; the rest are
/// apostrophes.
pub(super) fn mark(text: &str, lexemes: &mut [Lexeme<'_>]) {
    mark_single(text, lexemes);
    let mut opened_by: Option<char> = None;
    for place in 0..lexemes.len() {
        let is_inside = opened_by.is_some();
        lexemes[place].quoted |= is_inside;
        if lexemes[place].class != Class::QuoteMark {
            continue;
        }
        let Some(mark) = text[lexemes[place].at..].chars().next() else { continue };
        opened_by = match opened_by {
            None => starts_quotation(text, &lexemes[place], mark).then_some(mark),
            Some(opener) => (!ends_quotation(opener, mark)).then_some(opener),
        };
    }
}

/// Returns whether `mark`, outside any quotation, opens one: not inches, not a stray closing mark.
fn starts_quotation(text: &str, lexeme: &Lexeme<'_>, mark: char) -> bool {
    match mark {
        '"' => !follows_digit(text, lexeme.at),
        '\u{201d}' | '\u{bb}' | '\u{300d}' | '\u{300f}' => opens(text, lexeme),
        '\'' | '\u{2018}' | '\u{2019}' => false,
        _ => true,
    }
}

/// Returns whether `mark` closes what `opener` opened; an opening or single mark inside does not.
fn ends_quotation(opener: char, mark: char) -> bool {
    match mark {
        '\u{201c}' => opener == '\u{201e}',
        '\u{ab}' => opener == '\u{bb}',
        '\u{201e}' | '\u{300c}' | '\u{300e}' | '\'' | '\u{2018}' | '\u{2019}' => false,
        _ => true,
    }
}

fn follows_digit(text: &str, at: usize) -> bool {
    text[..at].ends_with(|letter: char| letter.is_ascii_digit())
}

/// Returns whether a mark stands where one opens: behind a space and before a letter.
fn opens(text: &str, mark: &Lexeme<'_>) -> bool {
    let is_free = |letter: char| letter.is_whitespace() || "([{-\u{2013}\u{2014}\"\u{201c}".contains(letter);
    text[..mark.at].chars().next_back().is_none_or(is_free)
        && text[mark.end..].chars().next().is_some_and(char::is_alphanumeric)
}

fn closes(text: &str, mark: &Lexeme<'_>) -> bool {
    text[..mark.at].chars().next_back().is_some_and(|letter| !letter.is_whitespace())
        && !text[mark.end..].chars().next().is_some_and(char::is_alphanumeric)
}

fn mark_single(text: &str, lexemes: &mut [Lexeme<'_>]) {
    let closers: Vec<usize> = (0..lexemes.len())
        .filter(|place| lexemes[*place].key == "'" && closes(text, &lexemes[*place]))
        .collect();
    let mut place = 0;
    while place < lexemes.len() {
        let is_opener = lexemes[place].key == "'" && opens(text, &lexemes[place]);
        let closer = closers.get(closers.partition_point(|closer| *closer <= place)).copied();
        let Some(closer) = closer.filter(|closer| is_opener && closer - place <= SINGLE_QUOTED_MAX) else {
            place += 1;
            continue;
        };
        lexemes[place].class = Class::QuoteMark;
        lexemes[closer].class = Class::QuoteMark;
        for inside in &mut lexemes[place + 1..closer] {
            inside.quoted = true;
        }
        place = closer + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::super::lexeme::{Class, Reading};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let reading = Reading::new(text, "en", Rules::English);
        let found: Vec<&str> = reading
            .lexemes
            .iter()
            .filter(|lexeme| lexeme.quoted && !matches!(lexeme.class, Class::QuoteMark | Class::Mark))
            .map(|lexeme| &text[lexeme.at..lexeme.end])
            .collect();
        assert_eq!(found.join(" "), expected, "{text}");
    }

    #[test]
    fn words_between_marks_are_quoted() {
        check("He said: \"We won.\" Then he left.", "We won");
        check("He said: “We won.” Then he left.", "We won");
        check("Er sagte: „Wir siegen“ und ging.", "Wir siegen");
        check("Il dit : « On gagne » et part.", "On gagne");
        check("He said ‘we won’ and left.", "we won");
        check("他说「我们赢了」走了", "我 们 赢 了");
    }

    #[test]
    fn an_open_quotation_reaches_the_end() {
        check("“We will go on, she said", "We will go on she said");
    }

    #[test]
    fn apostrophes_and_inches_quote_nothing() {
        check("The workers' union isn't the miners' union", "");
        check("A 6\" pipe and a 4\" pipe", "");
    }
}
