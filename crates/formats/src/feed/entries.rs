//! What of a story stands in a feed.

use std::fmt::Write as _;

use jiff::Timestamp;
use story::render::Line;
use story::{BlockKind, Kind, Revision, Status};
use uuid::Uuid;

use super::{ENTRY_HTML_BYTES_MAX, FeedEntry};
use crate::publication::{Aloud, Edition, PublicCorrection, difference_html, reader_html, shown_time};

/// Most characters of a title that is made of a text's first words.
const TITLE_CHARACTERS_MAX: usize = 110;

/// A revision that was worth a reader's while.
#[derive(Debug, Clone, Copy)]
pub struct News<'a> {
    /// Its number.
    pub revision: Revision,
    /// What sort of update it was.
    pub kind: Kind,
    /// When readers could see it.
    pub recorded: Timestamp,
    /// Its public note. Empty if none.
    pub note: &'a str,
    /// Its headline.
    pub headline: &'a str,
    /// What changed, as people read it.
    pub lines: &'a [Line],
}

impl FeedEntry {
    /// Returns the story of `edition` as an entry: its words, with its corrections before them, or that it
    /// was taken from readers.
    pub fn of_story(edition: &Edition<'_>) -> Self {
        let article = edition.article;
        let published = edition.first_published.or(article.published).unwrap_or(article.recorded);
        let updated = article.significant.unwrap_or(published).max(published);
        let mut entry = Self {
            id: format!("urn:uuid:{}", article.story),
            title: String::new(),
            address: edition.origin.page(article.story),
            published,
            updated,
            summary: String::new(),
            html: String::new(),
            authors: article.bylines.clone(),
            tags: article.tags.clone(),
            language: article.language.clone(),
            status: article.status,
        };
        if let Some((title, what)) = taken(article.status) {
            title.clone_into(&mut entry.title);
            [what, edition.note].join(" ").trim().clone_into(&mut entry.summary);
            entry.html = format!("<p><strong>{what}</strong></p>{}", paragraph(edition.note));
            return entry;
        }
        let is_corrected = edition.corrections.iter().any(|one| one.kind == Kind::Correction);
        let headline = if article.headline.is_empty() { "Untitled" } else { article.headline.as_str() };
        entry.title = if is_corrected { format!("Corrected: {headline}") } else { headline.to_owned() };
        let notes: Vec<String> = edition.corrections.iter().rev().map(notice).collect();
        entry.summary = notes.iter().cloned().chain(article.summary.clone()).collect::<Vec<_>>().join(" ");
        entry.html = notes.iter().map(|note| strong(note)).collect();
        entry.html += &article.summary.as_deref().map(paragraph).unwrap_or_default();
        entry.html += &bounded(reader_html(edition), &entry.address);
        entry
    }

    /// Returns what happened in the story of `edition`, newest first and at most `count`: the entries of a
    /// live blog and the corrections of it; of another story `news`, which is newest first.
    pub fn of_events(edition: &Edition<'_>, news: &[News<'_>], count: usize) -> Vec<Self> {
        let article = edition.article;
        if article.status != Status::Usable {
            return vec![Self::of_story(edition)];
        }
        let is_live = article.blocks.iter().any(|block| block.kind == BlockKind::Entry);
        let mut entries: Vec<Self> = if is_live {
            let corrections = edition.corrections.iter().map(|one| of_correction(edition, one));
            live(edition).chain(corrections).collect()
        } else {
            news.iter().map(|one| of_news(edition, one)).collect()
        };
        entries.sort_by(|one, other| other.updated.cmp(&one.updated).then_with(|| other.id.cmp(&one.id)));
        entries.truncate(count);
        entries
    }
}

/// Returns the entries of a live blog.
fn live<'a>(edition: &'a Edition<'a>) -> impl Iterator<Item = FeedEntry> + 'a {
    edition.entries.iter().filter_map(move |times| {
        let block = edition.article.blocks.iter().find(|block| block.id == times.block)?;
        let mut entry = part(edition, &format!("entry/{}", times.block), times.published);
        entry.updated = times.significant.max(times.published);
        entry.title = first_words(&block.text);
        entry.address = format!("{}#{}", entry.address, times.block);
        entry.html = bounded(paragraph(&block.text), &entry.address);
        Some(entry)
    })
}

fn of_correction(edition: &Edition<'_>, correction: &PublicCorrection) -> FeedEntry {
    let name = format!("revision/{}", correction.revision);
    let mut entry = part(edition, &name, correction.published);
    entry.title = format!("{}: {}", label(correction.kind), edition.article.headline);
    entry.summary = notice(correction);
    entry.html = strong(&entry.summary);
    entry
}

fn of_news(edition: &Edition<'_>, news: &News<'_>) -> FeedEntry {
    let mut entry = part(edition, &format!("revision/{}", news.revision), news.recorded);
    entry.title = match news.kind {
        Kind::Update => news.headline.to_owned(),
        kind => format!("{}: {}", label(kind), news.headline),
    };
    entry.address = format!("{}/revisions/{}", entry.address, news.revision);
    news.note.clone_into(&mut entry.summary);
    let changes = difference_html(news.lines, Aloud::No);
    entry.html = paragraph(news.note) + &bounded(changes, &entry.address);
    entry
}

/// Returns an entry about a part of a story, named `name` for ever.
fn part(edition: &Edition<'_>, name: &str, published: Timestamp) -> FeedEntry {
    let article = edition.article;
    let story = Uuid::from_bytes(*article.story.as_bytes());
    FeedEntry {
        id: format!("urn:uuid:{}", Uuid::new_v5(&story, name.as_bytes())),
        title: String::new(),
        address: edition.origin.page(article.story),
        published,
        updated: published,
        summary: String::new(),
        html: String::new(),
        authors: article.bylines.clone(),
        tags: article.tags.clone(),
        language: article.language.clone(),
        status: article.status,
    }
}

/// Returns the title of what was taken from readers, and what they are told of it.
const fn taken(status: Status) -> Option<(&'static str, &'static str)> {
    Some(match status {
        Status::Usable => return None,
        Status::Withheld => (
            "Withheld: a story is being checked",
            "This story is withheld while it is checked: do not rely on earlier versions of it.",
        ),
        Status::Killed => {
            ("Killed: a story was withdrawn", "This story was killed: do not rely on any version of it.")
        }
        Status::Takendown => ("Taken down: a story was removed", "This story was removed for legal reasons."),
        Status::Draft | Status::Embargoed | Status::Scheduled => {
            ("A story is not available", "This story is not available now.")
        }
    })
}

/// Returns what an update of `kind` is called to readers.
const fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Alert => "Alert",
        Kind::Correction => "Correction",
        Kind::Clarification => "Clarification",
        Kind::Release => "Released",
        Kind::Restore => "Restored",
        Kind::Withhold => "Withheld",
        Kind::Kill => "Killed",
        Kind::Takedown => "Taken down",
        Kind::Update | Kind::Refile | Kind::Advisory | Kind::Unpublish | Kind::Redaction | Kind::Embargo => {
            "Update"
        }
    }
}

fn notice(correction: &PublicCorrection) -> String {
    let words = if correction.note.is_empty() { &correction.what } else { &correction.note };
    format!("{} ({}): {words}", label(correction.kind), shown_time(correction.published))
}

fn strong(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<p><strong>{}</strong></p>", escaped(text)) }
}

fn paragraph(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<p>{}</p>", escaped(text)) }
}

fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

/// Returns `html`, or where it is to be read if there is too much of it.
fn bounded(html: String, address: &str) -> String {
    if html.len() <= ENTRY_HTML_BYTES_MAX {
        return html;
    }
    let mut link = String::new();
    // Writing to a string cannot fail.
    let _ = write!(link, "<p><a href=\"{}\">Read all of it</a></p>", escaped(address));
    link
}

/// Returns the first words of `text`, cut between words where there are too many.
fn first_words(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(TITLE_CHARACTERS_MAX) else { return text.to_owned() };
    let begin = &text[..end];
    let begin = begin.rsplit_once(' ').map_or(begin, |(begin, _)| begin);
    format!("{begin}\u{2026}")
}
