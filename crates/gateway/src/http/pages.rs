//! Pages and feeds for readers: what the public sees, without a script and without a key.
//!
//! Everything here is asked for as the public and read with the public's eyes, whatever key is shown; it
//! refuses to know of a story that the API would not show to a stranger.

mod assets;
mod failure;
mod feeds;
mod frame;
mod history;
mod reply;
mod shelves;
mod story;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::routing::get;
use projector::Edition;
use registry::{Act, Principal};
use serde::de::DeserializeOwned;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::http::reply::Refused;

pub(crate) use failure::failure;
pub use feeds::feed_paths;

/// Where pages and feeds are.
const PATHS: [&str; 14] = [
    "/",
    "/assets/{file}",
    "/feed.atom",
    "/feed.rss",
    "/feed.json",
    "/desks/{desk}",
    "/desks/{desk}/{feed}",
    "/tags/{tag}",
    "/tags/{tag}/{feed}",
    "/stories/{story}",
    "/stories/{story}/history",
    "/stories/{story}/{feed}",
    "/stories/{story}/diff/{range}",
    "/stories/{story}/revisions/{revision}",
];

/// Returns the routes of feeds, which programs read: they are in the description of the API.
pub(crate) fn feeds() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(feeds::house_atom))
        .routes(routes!(feeds::house_rss))
        .routes(routes!(feeds::house_json))
        .routes(routes!(feeds::desk))
        .routes(routes!(feeds::tag))
        .routes(routes!(feeds::story))
}

/// Returns the routes of pages.
pub(crate) fn routes() -> Router<Gateway> {
    Router::new()
        .route("/", get(shelves::house))
        .route("/assets/{file}", get(assets::asset))
        .route("/desks/{desk}", get(shelves::desk))
        .route("/tags/{tag}", get(shelves::tag))
        .route("/stories/{story}", get(story::story))
        .route("/stories/{story}/history", get(history::history))
        .route("/stories/{story}/diff/{range}", get(history::difference))
        .route("/stories/{story}/revisions/{revision}", get(story::revision))
}

/// Returns whether `route` is one of a page: who asked for it wants to be answered with a page.
pub(crate) fn is_page(route: &str) -> bool {
    PATHS.contains(&route)
}

/// The service, asked by the public.
#[derive(Debug)]
pub(crate) struct Reader(Gateway);

impl FromRequestParts<Gateway> for Reader {
    type Rejection = Refused;

    async fn from_request_parts(_: &mut Parts, gateway: &Gateway) -> Result<Self, Refused> {
        gateway.allow(&Principal::Public, Act::ReadPublic, None, None).await?;
        Ok(Self(gateway.clone()))
    }
}

/// The parts of a page's address that name something. An address that cannot be read names nothing.
#[derive(Debug)]
pub(crate) struct Place<T>(T);

impl<T: DeserializeOwned + Send> FromRequestParts<Gateway> for Place<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Refused> {
        let read = Path::<T>::from_request_parts(parts, gateway).await;
        read.map(|Path(place)| Self(place)).map_err(|_| frame::nothing_here())
    }
}

impl Gateway {
    /// Notes that each of `editions` leaves by `door`.
    fn shows<'a>(&self, door: PublicDoor, editions: impl IntoIterator<Item = &'a Edition>) {
        for edition in editions {
            self.leaves((door, door), projector::View::Public, edition.leaving);
        }
    }
}
