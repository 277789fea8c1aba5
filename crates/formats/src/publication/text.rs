//! Plain text: what one would paste into a terminal or an e-mail.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use story::{BlockId, BlockKind, Status};
use wire::BlockView;

use super::{Edition, EntryTimes, PublicCorrection, printable};

/// Returns `edition` as plain text: what must be known first (that it is not for use, what was
/// corrected), then headline, summary, byline, dateline and the body, with empty lines between.
pub fn text(edition: &Edition<'_>) -> String {
    let article = edition.article;
    let times: HashMap<&BlockId, &EntryTimes> =
        edition.entries.iter().map(|entry| (&entry.block, entry)).collect();
    let mut paragraphs: Vec<String> = Vec::new();
    paragraphs.extend(status(edition));
    paragraphs.extend(edition.corrections.iter().rev().map(correction));
    paragraphs.push(article.headline.clone());
    paragraphs.extend(article.summary.clone());
    let by = edition.byline().map(|by| format!("By {by}"));
    let lines: Vec<String> = by.into_iter().chain(article.dateline.clone()).collect();
    paragraphs.push(lines.join("\n"));
    let mut text = String::new();
    for paragraph in paragraphs.iter().filter(|paragraph| !paragraph.is_empty()) {
        push(&mut text, paragraph, "\n\n");
    }
    let mut before = None;
    for block in &article.blocks {
        let is_next_item = block.kind == BlockKind::List && before == Some(BlockKind::List);
        push(
            &mut text,
            &shown(block, times.get(&block.id).copied()),
            if is_next_item { "\n" } else { "\n\n" },
        );
        before = Some(block.kind);
    }
    text.push('\n');
    printable(&text)
}

fn push(text: &mut String, paragraph: &str, between: &str) {
    if !text.is_empty() {
        text.push_str(between);
    }
    text.push_str(paragraph);
}

fn status(edition: &Edition<'_>) -> Option<String> {
    Some(match edition.article.status {
        Status::Usable => return None,
        Status::Killed | Status::Takendown => {
            format!("{}: do not use any version.", edition.article.status.as_str().to_ascii_uppercase())
        }
        Status::Withheld => "WITHHELD: do not use until it is released.".to_owned(),
        Status::Draft | Status::Embargoed | Status::Scheduled => match edition.embargoed_until {
            Some(until) => format!("EMBARGOED until {}.", shown_time(until)),
            None => "NOT FOR PUBLICATION.".to_owned(),
        },
    })
}

fn correction(correction: &PublicCorrection) -> String {
    let kind = correction.kind.as_str().to_ascii_uppercase();
    format!("{kind} ({}): {}", shown_time(correction.published), correction.words())
}

fn shown(block: &BlockView, times: Option<&EntryTimes>) -> String {
    let text = &block.text;
    match block.kind {
        BlockKind::Paragraph | BlockKind::Heading => text.clone(),
        BlockKind::Quote => format!("> {text}"),
        BlockKind::List => format!("- {text}"),
        BlockKind::Media => format!("[{text}]"),
        BlockKind::Entry => match times {
            Some(entry) => format!("{}\n{text}", shown_time(entry.published)),
            None => text.clone(),
        },
    }
}

fn shown_time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string()
}
