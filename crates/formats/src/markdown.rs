//! Markdown, the part of it that newsrooms type: headings, quotes, list items, and inline strong,
//! emphasis, links and code.
//!
//! Anything else is literal text: this is not `CommonMark`, and it never guesses at mark-up that it
//! does not know.

mod inline;

use story::{BlockKind, CopyBuilder, Field, GivenBlock};

use crate::intake::{Format, Intake, IntakeError};
use crate::plain::headline_and_body;

pub(crate) fn read(text: &str) -> Result<Intake, IntakeError> {
    if text.trim_start().lines().next().is_some_and(|line| line.trim_end() == "---") {
        let next = "take the lines between --- out, or send them as JSON";
        return Err(IntakeError::not_a_story("it begins with front matter, which is not read", next));
    }
    let (headline, body) = headline_and_body(text);
    let mut copy = CopyBuilder::new();
    copy.field(Field::Headline, &inline::read(headline).text)?;
    let mut unit = Unit::default();
    for line in body.lines() {
        let (kind, words) = kind_and_words(line);
        // A line goes on where the one before left off, if nothing says otherwise.
        let goes_on = match kind {
            None => !words.is_empty(),
            Some(kind) => kind == BlockKind::Quote && unit.kind == kind && !words.is_empty(),
        };
        if !goes_on || unit.kind == BlockKind::Heading {
            unit.finish(&mut copy)?;
        }
        if unit.lines.is_empty() {
            unit.kind = kind.unwrap_or(BlockKind::Paragraph);
        }
        unit.lines.push_str(words);
        unit.lines.push('\n');
    }
    unit.finish(&mut copy)?;
    Ok(Intake::new(Format::Markdown, copy.finish()))
}

struct Unit {
    kind: BlockKind,
    lines: String,
}

impl Default for Unit {
    fn default() -> Self {
        Self { kind: BlockKind::Paragraph, lines: String::new() }
    }
}

impl Unit {
    fn finish(&mut self, copy: &mut CopyBuilder) -> Result<(), IntakeError> {
        let Self { kind, lines } = std::mem::take(self);
        if !lines.trim().is_empty() {
            let inline::Marked { text, marks } = inline::read(&lines);
            copy.block(GivenBlock { id: None, kind, text: &text, marks: &marks })?;
        }
        Ok(())
    }
}

/// Returns what the start of a line says it is, and the words behind that.
fn kind_and_words(line: &str) -> (Option<BlockKind>, &str) {
    let line = line.trim();
    let heading = line.trim_start_matches('#');
    if (1..=6).contains(&(line.len() - heading.len())) && heading.starts_with([' ', '\t']) {
        return (Some(BlockKind::Heading), heading.trim().trim_end_matches('#').trim_end());
    }
    if let Some(words) = line.strip_prefix('>') {
        return (Some(BlockKind::Quote), words.trim());
    }
    if let Some(words) = ["- ", "* "].into_iter().find_map(|bullet| line.strip_prefix(bullet)) {
        return (Some(BlockKind::List), words.trim());
    }
    (None, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_line_says_what_it_is() {
        let given = "# Talks **resume**\n\n## What we know\nOne\nline.\n> Said\n> she.\n\n- a\n* b\n  goes on\n#tag\n";
        let intake = read(given).expect("it is a story");
        assert_eq!(intake.copy.fields.get(Field::Headline).as_str(), "Talks resume");
        let blocks = intake.copy.blocks.expect("it has a body");
        let blocks: Vec<_> = blocks.iter().map(|block| (block.kind, block.text.as_str())).collect();
        assert_eq!(
            blocks,
            [
                (BlockKind::Heading, "What we know"),
                (BlockKind::Paragraph, "One line."),
                (BlockKind::Quote, "Said she."),
                (BlockKind::List, "a"),
                (BlockKind::List, "b goes on #tag"),
            ]
        );
    }

    #[test]
    fn front_matter_is_refused() {
        let refused = read("---\ntitle: x\n---\nText").expect_err("front matter");
        assert!(refused.to_string().contains("front matter"), "{refused}");
    }
}
