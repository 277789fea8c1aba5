//! The page of a story as it stands, and of each revision as it was.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, LINK};
use axum::response::Response;
use formats::publication::{jsonld, reader_html};
use projector::{AsOf, Corrected, Edition, View};
use story::{Revision, Status, StoryId};

use super::frame::{Frame, Moment, direction, in_path, kind_name, not_written, nothing_here, taken};
use super::reply::page;
use super::{Place, Reader};
use crate::commands::{Around, large};
use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::http::reply::{Refused, add};
use crate::problems::of_view;

#[derive(Template)]
#[template(path = "story.html")]
struct StoryPage {
    frame: Frame,
    story: StoryId,
    /// Where changes after this page are told, behind the root; of an old revision none.
    events: Option<String>,
    revision: Revision,
    /// What is said of an old revision.
    old: Option<Old>,
    /// What is said of a story that was taken from readers: a title and a sentence.
    taken: Option<(&'static str, &'static str)>,
    note: String,
    desk: String,
    language: String,
    direction: &'static str,
    headline: String,
    summary: Option<String>,
    byline: String,
    dateline: Option<String>,
    published: Option<Moment>,
    updated: Option<Moment>,
    recorded: Moment,
    notices: Vec<Notice>,
    body: String,
    links: Vec<Link>,
    tags: Vec<Tag>,
    data: String,
}

/// What is said of a revision that is not the newest.
struct Old {
    newest: Revision,
    /// What was put right since.
    later: Vec<Notice>,
}

/// A correction or a clarification.
struct Notice {
    name: &'static str,
    when: Moment,
    note: String,
    what: String,
    place: String,
}

struct Link {
    address: String,
    title: String,
}

struct Tag {
    name: String,
    path: String,
}

/// Shows a story as it stands.
pub(super) async fn story(
    Reader(gateway): Reader,
    Place(story): Place<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let id = gateway.resolve(&story, View::Public).await?;
    let newest = gateway.public_edition(id, AsOf::Latest).await?;
    gateway.shows(PublicDoor::HttpPage, [&newest]);
    let cursor = newest.article.cursor;
    let events = format!("/v1/stories/{id}/events?since={cursor}");
    let monitor = format!("<{}{events}>; rel=\"monitor\"", Frame::new(&gateway, "").root);
    let mut response = shown(gateway, newest, None, &headers).await?;
    add(&mut response, LINK, &monitor);
    Ok(response)
}

/// Shows a revision of a story as it was.
pub(super) async fn revision(
    Reader(gateway): Reader,
    Place((story, revision)): Place<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let revision = number(&revision).ok_or_else(nothing_here)?;
    let id = gateway.resolve(&story, View::Public).await?;
    let newest = gateway.public_edition(id, AsOf::Latest).await?;
    let then = gateway.public_edition(id, AsOf::Revision(revision)).await?;
    gateway.shows(PublicDoor::HttpPage, [&then]);
    let later = |one: &&Corrected| one.revision > then.article.revision;
    let later = newest.corrections.iter().rev().filter(later).map(Notice::of).collect();
    let old = Old { newest: newest.article.revision, later };
    shown(gateway, then, Some(old), &headers).await
}

/// Returns the number of a revision as an address has it: digits alone, so that there is one address.
pub(super) fn number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|number| is_plain && i64::try_from(*number).is_ok())
}

async fn shown(
    gateway: Gateway,
    edition: Edition,
    old: Option<Old>,
    headers: &HeaderMap,
) -> Result<Response, Refused> {
    let status = match edition.article.status {
        _ if old.is_some() => StatusCode::OK,
        Status::Usable | Status::Withheld => StatusCode::OK,
        Status::Takendown => StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
        Status::Killed | Status::Draft | Status::Embargoed | Status::Scheduled => StatusCode::GONE,
    };
    let bytes = edition.article.blocks.iter().map(|block| block.text.len()).sum();
    let body = large(bytes, move || StoryPage::of(&gateway, &edition, old).render()).await;
    Ok(page(status, body.map_err(|error| not_written(&error))?, headers))
}

impl Gateway {
    /// Returns what readers see of a story at a moment, with what goes around it.
    pub(super) async fn public_edition(&self, story: StoryId, at: AsOf) -> Result<Edition, Refused> {
        let edition = self.views().edition(story, at, View::Public).await;
        edition.map_err(|failed| of_view(&failed))?.ok_or_else(nothing_here)
    }
}

impl StoryPage {
    fn of(gateway: &Gateway, edition: &Edition, old: Option<Old>) -> Self {
        let (article, origin) = (&edition.article, &gateway.inner.origin);
        let around = Around::of(edition);
        let told = around.edition(edition, origin);
        let taken = taken(article.status);
        let language = article.language.clone().unwrap_or_else(|| "en".to_owned());
        let headline = taken.map_or(article.headline.as_str(), |(title, _)| title);
        let headline = if headline.is_empty() { "Untitled" } else { headline }.to_owned();
        let mut frame = Frame::new(gateway, &format!("{headline} \u{b7} {}", origin.provider))
            .canonical(origin.page(article.story))
            .fed(format!("/stories/{}/feed", article.story));
        if old.is_some() || taken.is_some() {
            frame = frame.not_indexed();
        }
        let events = format!("/v1/stories/{}/events?since={}", article.story, article.cursor);
        let tag = |name: &String| Tag { name: name.clone(), path: format!("/tags/{}", in_path(name)) };
        // An old revision says what stood then of corrections; a taken story has none to show.
        let notices = edition.corrections.iter().rev().map(Notice::of).collect();
        let significant = article.significant.filter(|time| Some(*time) > edition.first_published);
        Self {
            story: article.story,
            events: old.is_none().then_some(events),
            revision: article.revision,
            old,
            taken,
            note: edition.note.clone(),
            desk: article.desk.to_string(),
            direction: direction(&language),
            language: if taken.is_some() { "en".to_owned() } else { language },
            headline,
            summary: article.summary.clone(),
            byline: article.bylines.join(", "),
            dateline: article.dateline.clone(),
            published: edition.first_published.map(Moment::from),
            updated: significant.map(Moment::from),
            recorded: article.recorded.into(),
            notices,
            body: reader_html(&told),
            links: article.links.iter().filter_map(|link| Link::of(link)).collect(),
            tags: article.tags.iter().map(tag).collect(),
            data: jsonld(&told),
            frame,
        }
    }
}

impl Notice {
    fn of(one: &Corrected) -> Self {
        Self {
            name: kind_name(one.kind),
            when: one.recorded.into(),
            note: one.note.clone(),
            what: one.what.clone(),
            place: one.place.clone(),
        }
    }
}

impl Link {
    /// Reads an address, a space and a title; what is no address on the web is no link.
    fn of(link: &str) -> Option<Self> {
        let (address, title) = link.split_once(' ').unwrap_or((link, link));
        let lower = address.to_ascii_lowercase();
        let is_safe = lower.starts_with("https://") || lower.starts_with("http://");
        is_safe.then(|| Self { address: address.to_owned(), title: title.to_owned() })
    }
}
