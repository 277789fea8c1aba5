//! Live streams of what readers see: server-sent events, or one JSON object a line.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::connect_info::ConnectInfo;
use axum::http::header::{HeaderName, HeaderValue, LINK};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use log::Position;
use projector::View;
use registry::Principal;
use story::StoryId;
use wire::{Cursor, Problem, ProblemKind};

use crate::commands::After;
use crate::gateway::Gateway;
use crate::http::access::Asker;
use crate::http::openapi::{ReadProblems, StreamProblems};
use crate::http::reply::{Accepted, Asked, Named, Refused, add, answer};
use crate::places;
use crate::stream::{EventsQuery, Framing, Outlet, Reader, STORIES, Start};

/// The routes of streams.
pub(crate) const PATHS: [&str; 2] = [ALL, "/v1/stories/{story}/events"];
/// The stream of all public changes.
const ALL: &str = "/v1/events";
/// Where a reader says what it had last (WHATWG HTML, 9.2.4).
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells a proxy in front (nginx) to pass on what comes as it comes.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Returns the address of a story's stream.
pub(crate) fn address(story: StoryId) -> String {
    format!("{STORIES}/{story}/events")
}

/// The connection that a request came in by; none where the router is called without one.
pub(crate) struct Beneath(Option<Outlet>);

impl<S: Sync> FromRequestParts<S> for Beneath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<ConnectInfo<Outlet>>().map(|ConnectInfo(outlet)| outlet.clone())))
    }
}

/// What a stream is asked for beside its story and its query.
pub(crate) struct Call {
    who: Principal,
    framing: Framing,
    last: Option<Cursor>,
    is_head: bool,
    outlet: Option<Outlet>,
}

impl FromRequestParts<Gateway> for Call {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Refused> {
        let Ok(Asker(_, who)) = Asker::from_request_parts(parts, gateway).await;
        let Ok(Beneath(outlet)) = Beneath::from_request_parts(parts, gateway).await;
        let accepted = Accepted::from_request_parts(parts, gateway).await?;
        let framings = [Framing::Sse, Framing::Ndjson];
        let best = accepted.best(&framings.map(Framing::media_type))?;
        let framing = framings.into_iter().find(|framing| framing.media_type() == best);
        Ok(Self {
            who,
            framing: framing.unwrap_or(Framing::Sse),
            last: last_event_id(&parts.headers)?,
            is_head: parts.method == Method::HEAD,
            outlet,
        })
    }
}

/// Returns what the reader says it had last; an empty one is none.
fn last_event_id(headers: &HeaderMap) -> Result<Option<Cursor>, Problem> {
    let Some(given) = headers.get(&LAST_EVENT_ID).filter(|given| !given.is_empty()) else { return Ok(None) };
    let cursor = given.to_str().ok().and_then(|given| given.trim().parse().ok());
    let bad = || {
        let detail = "header Last-Event-ID is not a cursor that an earlier answer gave";
        Problem::new(ProblemKind::BadRequest, detail).with("place", "header Last-Event-ID")
    };
    cursor.map(Some).ok_or_else(bad)
}

/// Follows every public change, live.
///
/// `text/event-stream` (the default): each change is an event without a name whose `id` is its cursor
/// and whose data is the CloudEvent that goes out over NATS, byte for byte. `application/x-ndjson`: each
/// line is `{"event","id","data"}`. Control events: `up-to-date`, `must-refetch`, `closing`.
#[utoipa::path(
    get, path = "/v1/events", tag = "changes",
    params(
        EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` that the reader had last: what comes behind it is sent"),
    ),
    responses(
        (status = 200, description = "A stream that stays open",
            content((String = "text/event-stream"), (Object = "application/x-ndjson")),
            headers(
                ("Link" = String, description = "`rel=\"self\"`: the stream"),
                ("X-Accel-Buffering" = String, description = "`no`: a proxy passes on what comes as it comes"),
            )),
        StreamProblems,
    )
)]
pub(crate) async fn all(
    Asker(gateway, _): Asker,
    call: Call,
    Asked(query): Asked<EventsQuery>,
) -> Result<Response, Refused> {
    gateway.may_list(&call.who, View::Public, None).await?;
    let start = match query.since(call.last) {
        Some(after) => Start::Behind(behind(&gateway, after, STORIES)?),
        None => Start::Behind(gateway.views().position()),
    };
    open(gateway, None, call, (query, start)).await
}

/// Follows one story, live.
///
/// Without a cursor it begins with control event `snapshot`: the article as `GET /v1/stories/{story}`
/// gives it. Then as `/v1/events`, with the changes of the story alone. A story of which nothing has
/// been published is not there.
#[utoipa::path(
    get, path = "/v1/stories/{story}/events", tag = "changes",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` that the reader had last: what comes behind it is sent"),
    ),
    responses(
        (status = 200, description = "A stream that stays open",
            content((String = "text/event-stream"), (Object = "application/x-ndjson")),
            headers(
                ("Link" = String, description = "`rel=\"self\"`: the stream"),
                ("X-Accel-Buffering" = String, description = "`no`: a proxy passes on what comes as it comes"),
            )),
        ReadProblems,
    )
)]
pub(crate) async fn story(
    Asker(gateway, _): Asker,
    call: Call,
    Named(story): Named,
    Asked(query): Asked<EventsQuery>,
) -> Result<Response, Refused> {
    gateway.may_read(&call.who, View::Public, &story).await?;
    let story = gateway.resolve(&story, View::Public).await?;
    let start = match query.since(call.last) {
        Some(after) => Start::Behind(behind(&gateway, after, &format!("{STORIES}/{story}"))?),
        None => Start::Snapshot,
    };
    open(gateway, Some(story), call, (query, start)).await
}

/// Returns the position to begin behind; where it is gone, `snapshot` says what to read instead.
fn behind(gateway: &Gateway, after: After, snapshot: &str) -> Result<Position, Problem> {
    match after {
        After::Earliest => Ok(Position::ZERO),
        After::Now => Ok(gateway.views().position()),
        After::Cursor(cursor) => gateway.position(cursor).map_err(|gone| gone.with("snapshot", snapshot)),
    }
}

/// Opens a stream: from here on it lives as long as its connection.
async fn open(
    gateway: Gateway,
    story: Option<StoryId>,
    call: Call,
    (query, start): (EventsQuery, Start),
) -> Result<Response, Refused> {
    let Call { framing, is_head, outlet, .. } = call;
    let hub = gateway.inner.hub.clone();
    let place = places::take(&hub.places, "live streams").await?;
    let body = if is_head {
        Body::empty()
    } else {
        if let Some(outlet) = &outlet {
            outlet.begin();
        }
        let follow = (hub.follow(story), place);
        Body::from_stream(Reader::new(gateway, follow, (query, framing), start, outlet).into_stream())
    };
    let mut response = answer(StatusCode::OK, framing.media_type(), body);
    response.headers_mut().insert(UNBUFFERED, HeaderValue::from_static("no"));
    let own = story.map_or_else(|| ALL.to_owned(), address);
    add(&mut response, LINK, &format!("<{own}>; rel=\"self\""));
    Ok(response)
}
