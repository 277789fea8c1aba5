//! A story's public past as RFC 7089 (Memento) has it, and the permanent address of every revision.
//!
//! The story is the original resource, its `TimeGate` leads to what readers had at `Accept-Datetime`, its
//! `TimeMap` lists every revision that they can reach, and each of these is a memento. Addresses are whole,
//! since clients ask for them as they are. Nothing here shows what the public may not see.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, LINK, LOCATION, VARY};
use axum::response::{IntoResponse, Response};
use formats::publication::OutFormat;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use projector::{PublicAround, PublicMoment, View};
use story::StoryId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::{ArticleView, Problem, ProblemKind};

use crate::commands::{Mementos, RevisionQuery, ShowQuery, Showing, TimeGateQuery, TimeMapQuery};
use crate::gateway::Gateway;
use crate::http::access::Asker;
use crate::http::openapi::ReadProblems;
use crate::http::reply::{Accepted, Asked, Named, Refused, add, answer, validated};
use crate::http::stories::{format_of, history_link};
use crate::limits::TIMEMAP_PAGE;

/// Where a client says which time it means (RFC 7089, 2.1.1).
const ACCEPT_DATETIME: HeaderName = HeaderName::from_static("accept-datetime");
/// Where a memento says when it was what readers had (RFC 7089, 2.1.1).
const MEMENTO_DATETIME: HeaderName = HeaderName::from_static("memento-datetime");
/// The type of a `TimeMap` (RFC 6690, 7.3).
const LINK_FORMAT: &str = "application/link-format";

/// Returns the routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(revision)).routes(routes!(timegate)).routes(routes!(timemap))
}

/// Shows a revision by its permanent address, in any format that there is.
///
/// For readers it is a memento (RFC 7089): it says when readers got it, and which ones are around it. It
/// says the same for ever, save that words can be taken out of it (a redaction) and it can be taken from
/// readers with its story; so caches keep it and ask again, which costs a 304.
#[utoipa::path(
    get, path = "/v1/stories/{story}/revisions/{revision}", tag = "stories", operation_id = "show_revision",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        ("revision" = u64, Path, description = "The revision's number", example = 12),
        RevisionQuery,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer"),
    ),
    responses(
        (status = 200, description = "The article as it was",
            content(
                (ArticleView = "application/json"),
                (String = "text/plain"),
                (Object = "application/vnd.iptc.ninjs+json"),
                (String = "application/vnd.iptc.g2.newsitem+xml"),
                (Object = "application/ld+json"),
            ),
            headers(
                ("ETag" = String, description = "The revision and a hash of the answer, another one in each format"),
                ("Vary" = String, description = "`Accept`: it may decide the format"),
                ("Memento-Datetime" = Option<String>, description = "For readers: when they got it"),
                ("Link" = String, description = "`rel=\"version-history\"`; for readers also `original`, `timegate`, `timemap` and the mementos around it"),
            )),
        (status = 304, description = "The caller has it already"),
        ReadProblems,
    )
)]
async fn revision(
    Asker(gateway, who): Asker,
    headers: HeaderMap,
    accepted: Accepted,
    Asked(query): Asked<RevisionQuery>,
    Path((story, revision)): Path<(String, String)>,
) -> Result<Response, Refused> {
    let number = revision.parse().ok().filter(|_| revision.bytes().all(|byte| byte.is_ascii_digit()));
    let number: u64 = number.ok_or_else(|| no_number(&revision))?;
    let format: OutFormat = format_of(query.format, &accepted)?;
    let view = query.view;
    gateway.may_read(&who, view, &story).await?;
    let query = ShowQuery::of(number, query);
    let Showing { story, revision, format, body, .. } = gateway.show(&story, query, format).await?;
    let mut response = validated(revision, format.media_type(), body, view, &headers);
    add(&mut response, LINK, &history_link(&story.to_string()));
    if view == View::Public
        && let Some(around) = gateway.public_around(story, revision).await?
    {
        add(&mut response, MEMENTO_DATETIME, &datetime(around.this.published));
        let places = Places::of(&gateway, story);
        add(&mut response, LINK, &format!("{}, {}", places.general(), places.around(&around)));
    }
    Ok(response)
}

fn no_number(given: &str) -> Problem {
    let detail = format!("{:?} is no revision: it is a number from 1 on", crate::parameters::shown(given));
    Problem::new(ProblemKind::BadRequest, detail).with("place", "path")
}

/// Leads to what readers had at a time: the `TimeGate` of the story (RFC 7089, pattern 2.1).
///
/// To the last revision that readers could see by the end of the second in `Accept-Datetime`, to their
/// first if they had none yet, and to the newest without that header.
#[utoipa::path(
    get, path = "/v1/stories/{story}/timegate", tag = "stories",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        TimeGateQuery,
        ("Accept-Datetime" = Option<String>, Header, description = "The time that is meant, as HTTP writes dates", example = "Thu, 17 Aug 2017 15:00:00 GMT"),
    ),
    responses(
        (status = 302, description = "Where that revision is", headers(
            ("Location" = String, description = "The revision's permanent address"),
            ("Vary" = String, description = "`accept-datetime`"),
            ("Link" = String, description = "`original`, `timemap` and the mementos around it"),
        )),
        ReadProblems,
    )
)]
async fn timegate(
    Asker(gateway, who): Asker,
    headers: HeaderMap,
    Asked(query): Asked<TimeGateQuery>,
    Named(story): Named,
) -> Result<Response, Refused> {
    let time = wanted(&headers)?;
    gateway.may_read(&who, View::Public, &story).await?;
    let (story, around) = gateway.public_at(&story, time, query).await?;
    let places = Places::of(&gateway, story);
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept-datetime"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    add(&mut response, LOCATION, &places.revision(around.this));
    add(&mut response, LINK, &format!("{}, {}", places.general(), places.around(&around)));
    Ok(response)
}

/// Returns the time that the caller means; none if it names none.
fn wanted(headers: &HeaderMap) -> Result<Option<Timestamp>, Problem> {
    let mut given = headers.get_all(ACCEPT_DATETIME).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let read = value.to_str().ok().filter(|_| given.next().is_none());
    let read = read.and_then(|text| rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
    read.map(Some).ok_or_else(|| {
        let detail = "header Accept-Datetime is no date as HTTP writes it: Thu, 17 Aug 2017 15:00:00 GMT";
        Problem::new(ProblemKind::BadRequest, detail).with("place", "header Accept-Datetime")
    })
}

/// Lists every revision that readers can reach, oldest first, and when they got each: the `TimeMap` of the
/// story (RFC 7089, 5).
///
/// A long one is in parts: each links to the next as another `timemap`.
#[utoipa::path(
    get, path = "/v1/stories/{story}/timemap", tag = "stories",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        TimeMapQuery,
    ),
    responses(
        (status = 200, description = "The links", body = String, content_type = "application/link-format"),
        ReadProblems,
    )
)]
async fn timemap(
    Asker(gateway, who): Asker,
    accepted: Accepted,
    Asked(query): Asked<TimeMapQuery>,
    Named(story): Named,
) -> Result<Response, Refused> {
    accepted.best(&[LINK_FORMAT])?;
    gateway.may_read(&who, View::Public, &story).await?;
    let after = query.after;
    let mementos = gateway.mementos(&story, query).await?;
    let text = Places::of(&gateway, mementos.story).list(&mementos, after);
    let mut response = answer(StatusCode::OK, LINK_FORMAT, text);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Returns the links from a story to its past, for who reads it as it is.
pub(crate) fn links(gateway: &Gateway, story: StoryId) -> String {
    Places::of(gateway, story).general()
}

/// Returns `time` as HTTP writes it (RFC 9110, 5.6.7): whole seconds.
fn datetime(time: Timestamp) -> String {
    let printed = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time);
    printed.expect("a time of the log has a year of four digits")
}

/// The addresses of a story and its past.
#[derive(Debug)]
struct Places {
    /// The story's own.
    original: String,
}

impl Places {
    fn of(gateway: &Gateway, story: StoryId) -> Self {
        Self { original: format!("{}/v1/stories/{story}", gateway.inner.origin.base) }
    }

    fn revision(&self, moment: PublicMoment) -> String {
        format!("{}/revisions/{}", self.original, moment.revision)
    }

    fn general(&self) -> String {
        let original = &self.original;
        format!(
            "<{original}>; rel=\"original\", <{original}/timegate>; rel=\"timegate\", <{original}/timemap>; rel=\"timemap\"; type=\"{LINK_FORMAT}\""
        )
    }

    /// Returns the links to the mementos around one: each once, with all that it is.
    fn around(&self, around: &PublicAround) -> String {
        let PublicAround { this, first, last, before, after } = *around;
        let named = [(Some(first), "first"), (before, "prev"), (Some(this), "")];
        let behind = [(after, "next"), (Some(last), "last")];
        let mut links: Vec<(PublicMoment, String)> = Vec::new();
        for (moment, name) in named.into_iter().chain(behind) {
            let Some(moment) = moment else { continue };
            match links.iter_mut().find(|(known, _)| *known == moment) {
                Some((_, names)) => *names = format!("{names} {name}"),
                None => links.push((moment, name.to_owned())),
            }
        }
        let links = links.iter().map(|(moment, names)| self.memento(*moment, names));
        links.collect::<Vec<_>>().join(", ")
    }

    /// Returns the link to a memento, with what else it is.
    fn memento(&self, moment: PublicMoment, names: &str) -> String {
        let relations: Vec<&str> = names.split_whitespace().chain(["memento"]).collect();
        let (address, relations) = (self.revision(moment), relations.join(" "));
        format!("<{address}>; rel=\"{relations}\"; datetime=\"{}\"", datetime(moment.published))
    }

    /// Returns the part of the list behind `after`.
    fn list(&self, mementos: &Mementos, after: Option<u64>) -> String {
        let Mementos { moments, last, .. } = mementos;
        let original = &self.original;
        let this = after.map_or_else(String::new, |after| format!("?after={after}"));
        let (from, until) = (moments.first().unwrap_or(last), moments.last().unwrap_or(last));
        let mut lines = vec![
            format!("<{original}>; rel=\"original\""),
            format!("<{original}/timegate>; rel=\"timegate\""),
            format!(
                "<{original}/timemap{this}>; rel=\"self\"; type=\"{LINK_FORMAT}\"; from=\"{}\"; until=\"{}\"",
                datetime(from.published),
                datetime(until.published)
            ),
        ];
        if until.revision < last.revision && moments.len() == TIMEMAP_PAGE {
            let next = until.revision;
            lines.push(format!(
                "<{original}/timemap?after={next}>; rel=\"timemap\"; type=\"{LINK_FORMAT}\"; from=\"{}\"; until=\"{}\"",
                datetime(until.published),
                datetime(last.published)
            ));
        }
        for moment in moments {
            let is_first = after.unwrap_or(0) == 0 && moment == from;
            let names = match (is_first, moment == last) {
                (true, true) => "first last",
                (true, false) => "first",
                (false, true) => "last",
                (false, false) => "",
            };
            lines.push(self.memento(*moment, names));
        }
        lines.join(",\n") + "\n"
    }
}
