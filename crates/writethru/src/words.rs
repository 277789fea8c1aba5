//! Readable differences: word by word, in colour or with `[-old-]{+new+}`.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Effects, Style};
use story::render::{Happened, Line, Place, Span};
use story::significance::Significance;
use story::{Article, BlockKind, Field, Text};

/// Unchanged words shown on either side of a change.
const CONTEXT_WORDS: usize = 8;
/// Reasons of a significance that are named; the rest is counted.
const REASONS_SHOWN: usize = 4;

const OLD: Style = AnsiColor::Red.on_default().effects(Effects::STRIKETHROUGH);
const NEW: Style = AnsiColor::Green.on_default().effects(Effects::BOLD);
const QUIET: Style = Style::new().dimmed();

/// How differences are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    /// Colours, in place of brackets.
    pub(crate) color: bool,
    /// Every unchanged word, in place of those around changes.
    pub(crate) whole: bool,
}

impl Words {
    /// Returns what changed between two articles, one line a place, each indented by two.
    pub(crate) fn difference(self, before: &Article, after: &Article) -> Vec<String> {
        let (before, after) = (before.public(), after.public());
        let diff = story::diff::diff(&before, &after);
        story::render::lines(&before, &after, &diff).iter().map(|line| self.line(line)).collect()
    }

    /// Returns `after` with what it changes in `before` marked, word by word.
    pub(crate) fn between(self, before: &str, after: &str) -> String {
        let of = |text: &str| {
            let mut article = Article::default();
            article.fields.set(Field::Summary, Text::uncut(text));
            article
        };
        let (old, new) = (of(before), of(after));
        let diff = story::diff::diff(&old, &new);
        let lines = story::render::lines(&old, &new, &diff);
        lines.first().map_or_else(|| after.to_owned(), |line| self.spans(&line.spans))
    }

    /// Returns one line of a difference.
    pub(crate) fn line(self, line: &Line) -> String {
        let mut text = String::from("  ");
        let place = place(line);
        if self.color {
            let _ = write!(text, "{QUIET}{place}{QUIET:#} ");
        } else {
            let _ = write!(text, "{place} ");
        }
        text.push_str(&self.spans(&line.spans));
        text
    }

    fn spans(self, spans: &[Span]) -> String {
        let mut text = String::new();
        let last = spans.len().saturating_sub(1);
        for (index, span) in spans.iter().enumerate() {
            match span {
                Span::Same(words) => text.push_str(&self.same(words, index == 0, index == last)),
                Span::Old(words) if self.color => {
                    let _ = write!(text, "{OLD}{words}{OLD:#}");
                }
                Span::New(words) if self.color => {
                    let _ = write!(text, "{NEW}{words}{NEW:#}");
                }
                Span::Old(words) => {
                    let _ = write!(text, "[-{words}-]");
                }
                Span::New(words) => {
                    let _ = write!(text, "{{+{words}+}}");
                }
            }
        }
        text
    }

    /// Returns unchanged words, cut to those next to a change.
    fn same(self, words: &str, first: bool, last: bool) -> String {
        if self.whole {
            return words.to_owned();
        }
        let starts = word_starts(words);
        let keep = if first || last { CONTEXT_WORDS } else { 2 * CONTEXT_WORDS };
        if starts.len() <= keep + 1 {
            return words.to_owned();
        }
        let tail = starts[starts.len() - CONTEXT_WORDS];
        let head = starts[CONTEXT_WORDS];
        match (first, last) {
            (true, true) => format!("{}…", &words[..head]),
            (true, false) => format!("…{}", &words[tail..]),
            (false, true) => format!("{}…", words[..head].trim_end()),
            (false, false) => format!("{}… {}", &words[..head], &words[tail..]),
        }
    }
}

/// Returns how much a change matters and why, such as `substantive (number, name)`.
pub(crate) fn matters(significance: &Significance) -> String {
    let mut codes: Vec<String> = Vec::new();
    for reason in &significance.reasons {
        let code = serde_json::to_value(reason.code).ok();
        let code = code.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    if codes.len() > REASONS_SHOWN {
        let more = codes.len() - REASONS_SHOWN;
        codes.truncate(REASONS_SHOWN);
        codes.push(format!("{more} more"));
    }
    if codes.is_empty() {
        significance.level.to_string()
    } else {
        format!("{} ({})", significance.level, codes.join(", "))
    }
}

/// Returns the byte offsets at which words begin.
fn word_starts(text: &str) -> Vec<usize> {
    let mut in_word = false;
    let starts = text.char_indices().filter_map(|(at, c)| {
        let starts = !c.is_whitespace() && !in_word;
        in_word = !c.is_whitespace();
        starts.then_some(at)
    });
    starts.collect()
}

fn place(line: &Line) -> String {
    let name = match &line.place {
        Place::Field(field) => field.as_str().to_owned(),
        Place::Block(_, kind, number) => format!("{} {number}", short(*kind)),
    };
    match line.happened {
        Happened::Same | Happened::Changed => format!("{name}:"),
        Happened::Added => format!("{name} added:"),
        Happened::Removed => format!("{name} removed:"),
        Happened::Moved(from) => format!("{name} moved from {from}:"),
    }
}

const fn short(kind: BlockKind) -> &'static str {
    match kind {
        BlockKind::Paragraph => "¶",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Words = Words { color: false, whole: false };

    fn line(happened: Happened, spans: Vec<Span>) -> Line {
        Line { place: Place::Field(Field::Headline), happened, spans }
    }

    #[test]
    fn without_colour_changes_stand_in_brackets() {
        let spans = vec![
            Span::Same("At least ".into()),
            Span::Old("three".into()),
            Span::New("four".into()),
            Span::Same(" dead".into()),
        ];
        let shown = PLAIN.line(&line(Happened::Changed, spans));
        assert_eq!(shown, "  headline: At least [-three-]{+four+} dead");
    }

    #[test]
    fn two_texts_are_shown_as_one() {
        let whole = Words { color: false, whole: true };
        assert_eq!(whole.between("Three ships.", "Four ships."), "[-Three-]{+Four+} ships.");
        assert_eq!(whole.between("Three ships.", "Three ships."), "Three ships.");
        assert_eq!(whole.between("", "Three"), "{+Three+}");
        assert_eq!(whole.between("Three", ""), "[-Three-]");
    }

    #[test]
    fn with_colour_there_are_no_brackets() {
        let words = Words { color: true, whole: false };
        let shown = words.line(&line(Happened::Added, vec![Span::New("four".into())]));
        assert!(shown.contains("\u{1b}[") && !shown.contains("{+"), "{shown:?}");
    }

    #[test]
    fn long_unchanged_runs_are_cut_at_words() {
        let run = "one two three four five six seven eight nine ten eleven twelve ";
        let spans = vec![Span::Same(run.into()), Span::New("thirteen".into())];
        let shown = PLAIN.line(&line(Happened::Changed, spans.clone()));
        assert_eq!(shown, "  headline: …five six seven eight nine ten eleven twelve {+thirteen+}");
        let whole = Words { color: false, whole: true }.line(&line(Happened::Changed, spans));
        assert!(whole.contains("one two three"), "{whole}");
    }

    #[test]
    fn text_without_spaces_is_never_cut_inside_a_character() {
        let spans = vec![Span::Same("速报".repeat(500)), Span::New("五".into())];
        let shown = PLAIN.line(&line(Happened::Changed, spans));
        assert!(shown.ends_with("{+五+}"));
    }
}
