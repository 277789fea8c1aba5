//! What became of a story: its public revisions, and what changed between any two of them.

use askama::Template;
use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::Response;
use formats::publication::{Aloud, difference_html, reason_words};
use projector::{AsOf, View};
use story::{Level, Revision, Status, StoryId};
use wire::http::RevisionLine;

use super::frame::{Frame, Moment, kind_name, level_name, not_written, nothing_here};
use super::reply::page;
use super::story::number;
use super::{Place, Reader};
use crate::commands::{DiffQuery, large};
use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::http::reply::Refused;
use crate::limits::HISTORY_PAGE;

/// The door by which pages leave.
const DOOR: (PublicDoor, PublicDoor) = (PublicDoor::HttpPage, PublicDoor::HttpPage);

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    frame: Frame,
    story: StoryId,
    headline: String,
    newest: Revision,
    revisions: Vec<Entry>,
    /// The revision before which older ones are, if there are some.
    older: Option<Revision>,
}

/// A revision in a history.
struct Entry {
    revision: Revision,
    /// The public revision before it; 0 for the first.
    before: Revision,
    kind: &'static str,
    /// How its kind looks: a loss of the story, a correction, or nothing of note.
    tone: &'static str,
    level: Option<&'static str>,
    when: Moment,
    note: String,
    reasons: String,
}

#[derive(Template)]
#[template(path = "difference.html")]
struct DifferencePage {
    frame: Frame,
    story: StoryId,
    headline: String,
    from: Revision,
    to: Revision,
    newest: Revision,
    entry: Option<Entry>,
    changes: String,
}

/// Shows every public revision of a story, newest first.
pub(super) async fn history(
    Reader(gateway): Reader,
    Place(story): Place<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let id = gateway.resolve(&story, View::Public).await?;
    let newest = gateway.newest(id, View::Public).await?.ok_or_else(nothing_here)?;
    let before = uri.query().and_then(|query| query.strip_prefix("before=")).map(number);
    let before = before.unwrap_or(Some(newest.get() + 1)).ok_or_else(nothing_here)?.min(newest.get() + 1);
    // One more than is shown: what changed in the last is told from the one before.
    let lines = gateway.revisions_before(id, before, HISTORY_PAGE + 1, View::Public).await?;
    let shown = lines.iter().take(HISTORY_PAGE);
    gateway.leaves_at(DOOR, View::Public, (id, lines.first().map(|line| line.revision))).await?;
    let previous = lines.iter().skip(1).map(|line| line.revision).chain([Revision::ZERO]);
    let revisions: Vec<Entry> = shown.zip(previous).map(|(line, before)| Entry::of(line, before)).collect();
    let older = revisions.last().filter(|_| lines.len() > HISTORY_PAGE).map(|entry| entry.revision);
    let headline = gateway.headline(id).await?;
    let frame = gateway.about_story(id, &format!("History of \u{201c}{headline}\u{201d}"));
    let shown = HistoryPage { frame, story: id, headline, newest, revisions, older };
    Ok(page(StatusCode::OK, shown.render().map_err(|error| not_written(&error))?, &headers))
}

/// Shows what changed between two public revisions of a story, word by word.
pub(super) async fn difference(
    Reader(gateway): Reader,
    Place((story, range)): Place<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let (from, to) = range.split_once("..").ok_or_else(nothing_here)?;
    let (from, to) = number(from).zip(number(to)).filter(|(from, to)| from < to).ok_or_else(nothing_here)?;
    let id = gateway.resolve(&story, View::Public).await?;
    let newest = gateway.newest(id, View::Public).await?.ok_or_else(nothing_here)?;
    let name = id.to_string();
    let difference = gateway.difference_by(DOOR, &name, DiffQuery::between(from, to)).await?;
    let lines = gateway.revisions_before(id, to + 1, 2, View::Public).await?;
    let before = lines.get(1).map_or(Revision::ZERO, |line| line.revision);
    // The note is about one step: between others it would say too little.
    let entry = lines.first().filter(|_| before.get() == from).map(|line| Entry::of(line, before));
    let bytes = difference.before.text_bytes() + difference.after.text_bytes();
    let changes = large(bytes, move || difference_html(&difference.lines(), Aloud::Yes)).await;
    let headline = gateway.headline(id).await?;
    let frame = gateway.about_story(id, &format!("What changed in \u{201c}{headline}\u{201d}"));
    let (from, to) = (Revision(from), Revision(to));
    let shown = DifferencePage { frame, story: id, headline, from, to, newest, entry, changes };
    Ok(page(StatusCode::OK, shown.render().map_err(|error| not_written(&error))?, &headers))
}

impl Gateway {
    /// Returns the frame of a page about a story that is not the story's own.
    fn about_story(&self, story: StoryId, title: &str) -> Frame {
        let title = format!("{title} \u{b7} {}", self.inner.origin.provider);
        Frame::new(self, &title).not_indexed().fed(format!("/stories/{story}/feed"))
    }

    /// Returns what a story is called now, to readers.
    async fn headline(&self, story: StoryId) -> Result<String, Refused> {
        let newest = self.public_edition(story, AsOf::Latest).await?;
        self.shows(PublicDoor::HttpPage, [&newest]);
        let article = newest.article;
        let has_words = article.status == Status::Usable && !article.headline.is_empty();
        Ok(if has_words { article.headline } else { "a story".to_owned() })
    }
}

impl Entry {
    fn of(line: &RevisionLine, before: Revision) -> Self {
        let mut reasons: Vec<&str> = Vec::new();
        for reason in line.significance.iter().flat_map(|one| &one.reasons) {
            if let Some(words) = reason_words(reason.code)
                && !reasons.contains(&words)
            {
                reasons.push(words);
            }
        }
        reasons.truncate(4);
        let is_loss = line.kind.recalls() && line.kind != story::Kind::Correction;
        Self {
            revision: line.revision,
            before,
            kind: kind_name(line.kind),
            tone: match line.kind {
                _ if is_loss => "loss",
                story::Kind::Correction | story::Kind::Clarification => "correction",
                _ => "plain",
            },
            level: line.significance.as_ref().map(|one| one.level).map(level_name),
            when: line.recorded.into(),
            note: line.note.clone(),
            reasons: reasons.join(", "),
        }
    }

    /// Returns whether the change was worth a reader's while.
    fn matters(&self) -> bool {
        self.level.is_some_and(|level| level != level_name(Level::Minor))
    }
}
