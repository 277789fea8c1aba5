//! Lines as text: `[-old-]{+new+}`, as `git diff --word-diff` writes it, with long unchanged runs folded.
//!
//! This is a form for display. Control characters show as pictures, so that no article can steer a
//! terminal, and words written from right to left are isolated, so that the signs around them keep
//! their places; neither can be turned back into the text.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::{Happened, Line, Place, Span};

/// How much unchanged text is kept beside a change, in characters.
const CONTEXT: usize = 60;
/// Fewest characters worth folding away.
const FOLDED_MIN: usize = 20;

/// What a segment of the text form is, for whoever gives it a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// The name of a place and what happened there.
    Place,
    /// Words in both, and the line break behind each line.
    Same,
    /// Words only in the older, their signs included.
    Old,
    /// Words only in the newer, their signs included.
    New,
    /// The sign for words left out.
    Fold,
}

/// Returns `lines` as text, one line each; an empty string for no lines.
pub fn to_plain(lines: &[Line]) -> String {
    segments(lines).map(|(_, text)| text).collect()
}

/// Returns the segments of [`to_plain`], in order; joined, they are its text.
pub fn segments(lines: &[Line]) -> impl Iterator<Item = (Style, String)> + '_ {
    lines.iter().flat_map(|line| {
        let mut segments = vec![(Style::Place, format!("{}: ", heading(line)))];
        for (place, span) in line.spans.iter().enumerate() {
            match span {
                Span::Old(text) => segments.push((Style::Old, format!("[-{}-]", visible(text)))),
                Span::New(text) => segments.push((Style::New, format!("{{+{}+}}", visible(text)))),
                Span::Same(text) => {
                    // A line without a change shows how it begins.
                    let is_only = line.spans.len() == 1;
                    let behind = place > 0 || is_only;
                    let before = place + 1 < line.spans.len();
                    fold(&mut segments, text, [behind, before]);
                }
            }
        }
        segments.push((Style::Same, "\n".to_owned()));
        segments
    })
}

fn heading(line: &Line) -> String {
    let place = match &line.place {
        Place::Field(field) => field.as_str().replace('_', " "),
        Place::Block(_, _, number) => format!("\u{b6}{number}"),
    };
    let is_untouched = line.spans.iter().all(|span| matches!(span, Span::Same(_)));
    match line.happened {
        Happened::Added => format!("{place} added"),
        Happened::Removed => format!("{place} removed"),
        Happened::Moved(old) => format!("{place} moved from \u{b6}{old}"),
        Happened::Changed if is_untouched => format!("{place} mark-up only"),
        Happened::Changed | Happened::Same => place,
    }
}

/// Adds an unchanged run, keeping what stands at its start and end where asked: `[start, end]`.
fn fold(segments: &mut Vec<(Style, String)>, text: &str, keep: [bool; 2]) {
    let context = |is_kept: bool| if is_kept { CONTEXT } else { 0 };
    let (start, end) = (context(keep[0]), context(keep[1]));
    if text.graphemes(true).nth(start + end + FOLDED_MIN).is_none() {
        return segments.push((Style::Same, visible(text).into_owned()));
    }
    let (head, tail) = (head_end(text, start), tail_start(text, end));
    if head > 0 {
        segments.push((Style::Same, visible(&text[..head]).into_owned()));
    }
    segments.push((Style::Fold, "\u{2026}".to_owned()));
    if tail < text.len() {
        segments.push((Style::Same, visible(&text[tail..]).into_owned()));
    }
}

/// Returns where the first `characters` end, behind a word if one ends close by.
fn head_end(text: &str, characters: usize) -> usize {
    let end = text.grapheme_indices(true).nth(characters).map_or(text.len(), |(at, _)| at);
    let word_end = text[..end].rfind(' ').map(|at| at + 1);
    word_end.filter(|at| end - at <= FOLDED_MIN).unwrap_or(end)
}

/// Returns where the last `characters` start, before a word if one starts close by.
fn tail_start(text: &str, characters: usize) -> usize {
    let start = match characters.checked_sub(1) {
        None => text.len(),
        Some(last) => text.grapheme_indices(true).rev().nth(last).map_or(0, |(at, _)| at),
    };
    let word_start = text[start..].find(' ').map(|at| start + at);
    word_start.filter(|at| at - start <= FOLDED_MIN).unwrap_or(start)
}

/// Returns `text` as it is safe to show.
fn visible(text: &str) -> Cow<'_, str> {
    let is_unsafe = |letter: char| letter.is_control() || is_direction(letter);
    let is_isolated = text.chars().any(is_right_to_left);
    if !is_isolated && !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 6);
    if is_isolated {
        shown.push('\u{2068}');
    }
    shown.extend(text.chars().filter(|letter| !is_direction(*letter)).map(picture));
    if is_isolated {
        shown.push('\u{2069}');
    }
    Cow::Owned(shown)
}

/// Returns whether `letter` sets the direction of what follows, and so could leave its span.
fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_right_to_left(letter: char) -> bool {
    matches!(
        letter,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
            | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'
    )
}

fn picture(letter: char) -> char {
    match letter {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(letter)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ if letter.is_control() => '\u{fffd}',
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{BlockId, BlockKind};
    use crate::field::Field;

    #[track_caller]
    fn check(happened: Happened, spans: &[Span], expected: &str) {
        let place = Place::Block(BlockId::minted(1), BlockKind::Paragraph, 3);
        let line = Line { place, happened, spans: spans.to_vec() };
        assert_eq!(to_plain(&[line]), format!("{expected}\n"));
    }

    fn same(text: &str) -> Span {
        Span::Same(text.to_owned())
    }

    #[test]
    fn changes_are_signed() {
        let spans = [same("At least "), Span::Old("four".into()), Span::New("five".into()), same(" died.")];
        check(Happened::Changed, &spans, "\u{b6}3: At least [-four-]{+five+} died.");
        check(Happened::Moved(7), &spans, "\u{b6}3 moved from \u{b6}7: At least [-four-]{+five+} died.");
        check(Happened::Added, &[Span::New("Hello.".into())], "\u{b6}3 added: {+Hello.+}");
        check(Happened::Removed, &[Span::Old("Hello.".into())], "\u{b6}3 removed: [-Hello.-]");
        check(Happened::Changed, &[same("Hello.")], "\u{b6}3 mark-up only: Hello.");
    }

    #[test]
    fn a_field_goes_by_its_name() {
        let line = Line {
            place: Place::Field(Field::Headline),
            happened: Happened::Added,
            spans: vec![Span::New("Quake".into())],
        };
        assert_eq!(to_plain(&[line]), "headline added: {+Quake+}\n");
    }

    #[test]
    fn long_unchanged_runs_are_folded_between_words() {
        let long = "word ".repeat(60);
        let spans = [same(&long), Span::New("new ".into()), same(&long)];
        let line =
            Line { place: Place::Field(Field::Summary), happened: Happened::Changed, spans: spans.to_vec() };
        let plain = to_plain(&[line]);
        assert!(plain.starts_with("summary: \u{2026} word"), "{plain}");
        assert!(plain.ends_with("word \u{2026}\n"), "{plain}");
        assert!(plain.chars().count() < 170, "{plain}");
    }

    #[test]
    fn no_article_steers_the_terminal() {
        let spans = [Span::New("\u{1b}[31mred\u{202e}\u{9b}".into())];
        check(Happened::Added, &spans, "\u{b6}3 added: {+\u{241b}[31mred\u{fffd}+}");
    }

    #[test]
    fn words_from_right_to_left_are_isolated() {
        let spans = [Span::Old("\u{5e9}\u{5dc}".into())];
        check(Happened::Removed, &spans, "\u{b6}3 removed: [-\u{2068}\u{5e9}\u{5dc}\u{2069}-]");
    }
}
