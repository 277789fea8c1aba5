//! Plain text: the first line is the headline, blank lines stand between paragraphs, and every
//! character is literal.

use story::{BlockKind, CopyBuilder, CopyError, Field, GivenBlock};

use crate::intake::{Format, Intake, IntakeError};

pub(crate) fn read(text: &str) -> Result<Intake, IntakeError> {
    let (headline, body) = headline_and_body(text);
    let mut copy = CopyBuilder::new();
    copy.field(Field::Headline, headline)?;
    add_paragraphs(&mut copy, body)?;
    Ok(Intake::new(Format::Plain, copy.finish()))
}

/// Adds the runs of lines between blank lines as paragraphs.
pub(crate) fn add_paragraphs(copy: &mut CopyBuilder, text: &str) -> Result<(), CopyError> {
    paragraphs(text).try_for_each(|text| copy.block(GivenBlock::plain(BlockKind::Paragraph, text)))
}

/// Returns the first line that has words, without a leading `# `, and all lines below it.
pub(crate) fn headline_and_body(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (headline, body) = text.split_once('\n').unwrap_or((text, ""));
    (headline.strip_prefix("# ").unwrap_or(headline), body)
}

/// Returns the runs of lines that have words.
fn paragraphs(body: &str) -> impl Iterator<Item = &str> {
    let mut rest = body;
    std::iter::from_fn(move || {
        let mut end = 0;
        let mut start = None;
        for line in rest.split_inclusive('\n') {
            let blank = line.trim().is_empty();
            if blank && start.is_some() {
                break;
            }
            if !blank {
                start.get_or_insert(end);
            }
            end += line.len();
        }
        let paragraph = &rest[start?..end];
        rest = &rest[end..];
        Some(paragraph)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_headline_and_blank_lines_part_paragraphs() {
        let given = "\n# Talks resume\r\n\r\nOne *line*\nand another.\n \nTwo.\n";
        let intake = read(given).expect("it is a story");
        assert_eq!(intake.copy.fields.get(Field::Headline).as_str(), "Talks resume");
        let blocks = intake.copy.blocks.expect("it has a body");
        let texts: Vec<_> = blocks.iter().map(|block| block.text.as_str()).collect();
        assert_eq!(texts, ["One *line* and another.", "Two."]);
    }

    #[test]
    fn a_headline_alone_leaves_the_body_as_it_is() {
        assert_eq!(read("Talks resume").expect("it is a story").copy.blocks, None);
    }
}
