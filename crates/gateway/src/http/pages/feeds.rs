//! Feeds of the house, a desk, a tag and a story.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HeaderMap, LINK};
use axum::response::Response;
use formats::feed::{Feed, FeedEntry, FeedFormat, News};
use projector::{AsOf, ChangeRow, Edition, Shelf, View};
use story::render::Line;
use story::{Article, BlockKind, Level, Revision, Status, StoryId};
use wire::http::RevisionLine;

use super::frame::{in_path, nothing_here};
use super::reply::{dated, set};
use super::{Place, Reader};
use crate::commands::{Around, large};
use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::http::openapi::FeedAnswers;
use crate::http::reply::{Refused, add};
use crate::limits::{FEED_ENTRIES_MAX, FEED_REVISIONS_MAX};
use crate::problems::of_view;

/// Revisions that are looked at for those that mattered.
const REVISIONS_LOOKED_AT: usize = 200;

/// Feeds everything, as Atom.
#[utoipa::path(
    get,
    path = "/feed.atom",
    tag = "feeds",
    operation_id = "house_atom_feed",
    responses(FeedAnswers)
)]
pub(super) async fn house_atom(reader: Reader, headers: HeaderMap) -> Result<Response, Refused> {
    house(reader, headers, FeedFormat::Atom).await
}

/// Feeds everything, as RSS.
#[utoipa::path(
    get,
    path = "/feed.rss",
    tag = "feeds",
    operation_id = "house_rss_feed",
    responses(FeedAnswers)
)]
pub(super) async fn house_rss(reader: Reader, headers: HeaderMap) -> Result<Response, Refused> {
    house(reader, headers, FeedFormat::Rss).await
}

/// Feeds everything, as JSON Feed.
#[utoipa::path(
    get,
    path = "/feed.json",
    tag = "feeds",
    operation_id = "house_json_feed",
    responses(FeedAnswers)
)]
pub(super) async fn house_json(reader: Reader, headers: HeaderMap) -> Result<Response, Refused> {
    house(reader, headers, FeedFormat::Json).await
}

async fn house(Reader(gateway): Reader, headers: HeaderMap, format: FeedFormat) -> Result<Response, Refused> {
    let about = About { title: "All stories".to_owned(), page: "/".to_owned(), path: "/feed".to_owned() };
    gateway.shelf_feed(Shelf::House, about, format, &headers).await
}

/// Feeds a desk's stories.
#[utoipa::path(
    get, path = "/desks/{desk}/{feed}", tag = "feeds", operation_id = "desk_feed",
    params(
        ("desk" = String, Path, description = "The desk", example = "world"),
        ("feed" = String, Path, description = "`feed.atom`, `feed.rss` or `feed.json`", example = "feed.atom"),
    ),
    responses(FeedAnswers)
)]
pub(super) async fn desk(
    Reader(gateway): Reader,
    Place((desk, feed)): Place<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let (desk, format) = (desk.parse::<story::Desk>().map_err(|_| nothing_here())?, format(&feed)?);
    let page = format!("/desks/{desk}");
    let about = About { title: format!("Desk {desk}"), path: format!("{page}/feed"), page };
    gateway.shelf_feed(Shelf::Desk(desk), about, format, &headers).await
}

/// Feeds the stories under a tag.
#[utoipa::path(
    get, path = "/tags/{tag}/{feed}", tag = "feeds", operation_id = "tag_feed",
    params(
        ("tag" = String, Path, description = "The tag, letter by letter", example = "economy"),
        ("feed" = String, Path, description = "`feed.atom`, `feed.rss` or `feed.json`", example = "feed.atom"),
    ),
    responses(FeedAnswers)
)]
pub(super) async fn tag(
    Reader(gateway): Reader,
    Place((tag, feed)): Place<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let format = format(&feed)?;
    let page = format!("/tags/{}", in_path(&tag));
    let about = About { title: tag.clone(), path: format!("{page}/feed"), page };
    gateway.shelf_feed(Shelf::Tag(tag), about, format, &headers).await
}

/// Feeds what happens in a story.
#[utoipa::path(
    get, path = "/stories/{story}/{feed}", tag = "feeds", operation_id = "story_feed",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        ("feed" = String, Path, description = "`feed.atom`, `feed.rss` or `feed.json`", example = "feed.atom"),
    ),
    responses(FeedAnswers)
)]
pub(super) async fn story(
    Reader(gateway): Reader,
    Place((story, feed)): Place<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let format = format(&feed)?;
    let id = gateway.resolve(&story, View::Public).await?;
    let edition = gateway.views().edition(id, AsOf::Latest, View::Public).await;
    let edition = edition.map_err(|failed| of_view(&failed))?.ok_or_else(nothing_here)?;
    gateway.shows(PublicDoor::HttpFeed, [&edition]);
    let told = if is_told_by_revisions(&edition) {
        gateway.news_of(id, edition.article.revision).await?
    } else {
        Vec::new()
    };
    let news: Vec<News<'_>> = told.iter().map(Told::news).collect();
    let around = Around::of(&edition);
    let entries =
        FeedEntry::of_events(&around.edition(&edition, &gateway.inner.origin), &news, FEED_ENTRIES_MAX);
    let headline = &edition.article.headline;
    let title =
        if edition.article.status == Status::Usable { headline.clone() } else { "A story".to_owned() };
    let page = format!("/stories/{id}");
    let about = About { title, path: format!("{page}/feed"), page };
    gateway.answer(about, edition.article.language.clone(), entries, (format, &headers)).await
}

/// Returns whether a story is told revision by revision, not entry by entry.
fn is_told_by_revisions(edition: &Edition) -> bool {
    let is_live = edition.article.blocks.iter().any(|block| block.kind == BlockKind::Entry);
    edition.article.status == Status::Usable && !is_live
}

/// What a feed is about.
struct About {
    title: String,
    page: String,
    path: String,
}

/// A revision that mattered, with what it changed.
struct Told {
    line: RevisionLine,
    headline: String,
    lines: Vec<Line>,
}

impl Told {
    fn of((line, before): (RevisionLine, Revision), states: &HashMap<Revision, Article>) -> Self {
        let (before, after) = (&states[&before], &states[&line.revision]);
        let lines = story::render::lines(before, after, &story::diff::diff(before, after));
        Self { headline: after.headline().to_owned(), line, lines }
    }

    fn news(&self) -> News<'_> {
        News {
            revision: self.line.revision,
            kind: self.line.kind,
            recorded: self.line.recorded,
            note: &self.line.note,
            headline: &self.headline,
            lines: &self.lines,
        }
    }
}

impl Gateway {
    async fn shelf_feed(
        &self,
        shelf: Shelf,
        about: About,
        format: FeedFormat,
        headers: &HeaderMap,
    ) -> Result<Response, Refused> {
        let editions = self.views().shelf(shelf, FEED_ENTRIES_MAX).await;
        let editions = editions.map_err(|failed| of_view(&failed))?.ok_or_else(nothing_here)?;
        self.shows(PublicDoor::HttpFeed, &editions);
        let entry = |edition: &Edition| {
            FeedEntry::of_story(&Around::of(edition).edition(edition, &self.inner.origin))
        };
        let entries: Vec<FeedEntry> = editions.iter().map(entry).collect();
        let first = entries.first().and_then(|entry| entry.language.clone());
        let language = first.filter(|one| entries.iter().all(|entry| entry.language.as_ref() == Some(one)));
        self.answer(about, language, entries, (format, headers)).await
    }

    /// Returns the newest revisions of a story that mattered, newest first, each with what it changed.
    async fn news_of(&self, story: StoryId, newest: Revision) -> Result<Vec<Told>, Refused> {
        let lines = self.revisions_before(story, newest.get() + 1, REVISIONS_LOOKED_AT, View::Public).await?;
        let mattered = |line: &RevisionLine| {
            line.kind.amends() || line.significance.as_ref().is_some_and(|one| one.level > Level::Minor)
        };
        let before = lines.iter().skip(1).map(|line| line.revision).chain([Revision::ZERO]);
        let pairs: Vec<(RevisionLine, Revision)> = lines
            .iter()
            .zip(before)
            .filter(|(line, _)| mattered(line))
            .take(FEED_REVISIONS_MAX)
            .map(|(line, before)| (line.clone(), before))
            .collect();
        let door = (PublicDoor::HttpFeed, PublicDoor::HttpFeed);
        // The state before one revision is mostly that after the next: each is read once.
        let mut states: HashMap<Revision, Article> = HashMap::new();
        for (line, before) in &pairs {
            self.leaves_at(door, View::Public, (story, Some(line.revision))).await?;
            for revision in [line.revision, *before] {
                if let Entry::Vacant(unknown) = states.entry(revision) {
                    let state = self.views().state(story, revision, View::Public).await;
                    let state = state.map_err(|failed| of_view(&failed))?;
                    // It may have been taken from readers a moment ago.
                    unknown.insert(state.ok_or_else(nothing_here)?);
                }
            }
        }
        let bytes = states.values().map(Article::text_bytes).sum();
        Ok(large(bytes, move || pairs.into_iter().map(|pair| Told::of(pair, &states)).collect()).await)
    }

    async fn answer(
        &self,
        about: About,
        language: Option<String>,
        entries: Vec<FeedEntry>,
        (format, headers): (FeedFormat, &HeaderMap),
    ) -> Result<Response, Refused> {
        let About { title, page, path } = about;
        let hub = self.inner.websub_hub.as_deref();
        let feed = Feed { title, page, path, language, hub, origin: &self.inner.origin, entries };
        let last_told = self.views().last_told().await.map_err(|failed| of_view(&failed))?;
        let media_type = format!("{}; charset=utf-8", format.media_type());
        let mut response = dated(&media_type, format.write(&feed), headers, last_told);
        add(&mut response, LINK, &format!("<{}>; rel=\"self\"", feed.address(format)));
        if let Some(hub) = hub {
            add(&mut response, LINK, &format!("<{hub}>; rel=\"hub\""));
        }
        // Anybody may read it, with nobody's rights: so may a reader that lives in a browser.
        set(&mut response, ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        Ok(response)
    }
}

/// Returns the paths of every feed whose content `change` changes, in every format; `tags` are those that the
/// story is found under now.
pub fn feed_paths(change: &ChangeRow, tags: &[String]) -> Vec<String> {
    let desks = std::iter::once(&change.desk).chain(&change.desk_before);
    let desks = desks.map(|desk| format!("/desks/{desk}"));
    let tags: BTreeSet<&String> = change.tags.iter().chain(tags).collect();
    let tags = tags.into_iter().map(|tag| format!("/tags/{}", in_path(tag)));
    let story = format!("/stories/{}", change.story);
    let pages: Vec<String> = [String::new(), story].into_iter().chain(desks).chain(tags).collect();
    let formats = [FeedFormat::Atom, FeedFormat::Rss, FeedFormat::Json];
    pages.iter().flat_map(|page| formats.map(|format| format!("{page}/feed.{}", format.as_str()))).collect()
}

/// Returns the format that the last part of a feed's address names.
fn format(file: &str) -> Result<FeedFormat, Refused> {
    file.strip_prefix("feed.").and_then(|name| name.parse().ok()).ok_or_else(nothing_here)
}
