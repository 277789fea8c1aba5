//! Pages of many stories: the front page, a desk's, a tag's.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::Response;
use projector::{Edition, Shelf};
use story::{BlockKind, Desk, Kind, Status};

use super::frame::{Frame, Moment, direction, in_path, not_written, nothing_here, taken};
use super::reply::page;
use super::{Place, Reader};
use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::http::reply::Refused;
use crate::limits::SHELF_PAGE;
use crate::problems::of_view;

#[derive(Template)]
#[template(path = "shelf.html")]
struct ShelfPage {
    frame: Frame,
    title: String,
    /// Desks to go to, on the front page.
    desks: Vec<DeskLink>,
    stories: Vec<Card>,
}

struct DeskLink {
    name: String,
    stories: u64,
}

/// A story in a list.
struct Card {
    /// Path of its page, behind the root.
    path: String,
    headline: String,
    summary: Option<String>,
    desk: String,
    language: String,
    direction: &'static str,
    updated: Moment,
    is_live: bool,
    is_corrected: bool,
    /// Whether it was taken from readers: then it has no words but those that say so.
    is_taken: bool,
}

/// Shows the front page: the desks, and the stories whose last news is newest.
pub(super) async fn house(Reader(gateway): Reader, headers: HeaderMap) -> Result<Response, Refused> {
    let desks = gateway.views().public_desks().await.map_err(|failed| of_view(&failed))?;
    let link = |line: projector::DeskLine| DeskLink { name: line.desk.to_string(), stories: line.stories };
    let origin = &gateway.inner.origin;
    let frame = Frame::new(&gateway, &origin.provider)
        .fed("/feed".to_owned())
        .canonical(format!("{}/", origin.root()));
    let title = "Latest stories".to_owned();
    let desks = desks.into_iter().map(link).collect();
    gateway.shelf_page(Shelf::House, ShelfPage { frame, title, desks, stories: Vec::new() }, &headers).await
}

/// Shows a desk.
pub(super) async fn desk(
    Reader(gateway): Reader,
    Place(desk): Place<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let desk: Desk = desk.parse().map_err(|_| nothing_here())?;
    let page = gateway.empty_shelf(desk.to_string(), &format!("/desks/{desk}"));
    gateway.shelf_page(Shelf::Desk(desk), page, &headers).await
}

/// Shows what stands under a tag.
pub(super) async fn tag(
    Reader(gateway): Reader,
    Place(tag): Place<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let page = gateway.empty_shelf(tag.clone(), &format!("/tags/{}", in_path(&tag)));
    gateway.shelf_page(Shelf::Tag(tag), page, &headers).await
}

impl Gateway {
    fn empty_shelf(&self, title: String, path: &str) -> ShelfPage {
        let origin = &self.inner.origin;
        let frame = Frame::new(self, &format!("{title} \u{b7} {}", origin.provider))
            .canonical(format!("{}{path}", origin.root()))
            .fed(format!("{path}/feed"));
        ShelfPage { frame, title, desks: Vec::new(), stories: Vec::new() }
    }

    async fn shelf_page(
        &self,
        shelf: Shelf,
        mut shown: ShelfPage,
        headers: &HeaderMap,
    ) -> Result<Response, Refused> {
        let editions = self.views().shelf(shelf, SHELF_PAGE).await;
        let editions = editions.map_err(|failed| of_view(&failed))?.ok_or_else(nothing_here)?;
        self.shows(PublicDoor::HttpPage, &editions);
        shown.stories = editions.iter().map(Card::of).collect();
        let body = shown.render().map_err(|error| not_written(&error))?;
        Ok(page(StatusCode::OK, body, headers))
    }
}

impl Card {
    fn of(edition: &Edition) -> Self {
        let article = &edition.article;
        let taken = taken(article.status);
        let language = article.language.clone().unwrap_or_else(|| "en".to_owned());
        let since = article.significant.or(edition.first_published).unwrap_or(article.recorded);
        let headline = if article.headline.is_empty() { "Untitled" } else { article.headline.as_str() };
        // A slug may say what its story may not say any more.
        let name = if taken.is_some() { article.story.to_string() } else { article.slug.clone() };
        Self {
            path: format!("/stories/{}", in_path(&name)),
            headline: taken.map_or(headline, |(title, _)| title).to_owned(),
            summary: article.summary.clone(),
            desk: article.desk.to_string(),
            direction: direction(&language),
            language: if taken.is_some() { "en".to_owned() } else { language },
            updated: since.into(),
            is_live: article.blocks.iter().any(|block| block.kind == BlockKind::Entry),
            is_corrected: edition.corrections.iter().any(|one| one.kind == Kind::Correction),
            is_taken: article.status != Status::Usable,
        }
    }
}
