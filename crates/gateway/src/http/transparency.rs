//! The transparency log, as anyone may mirror and verify it (c2sp.org/tlog-tiles), and receipts from it.
//!
//! The files hold no word of any story; that a desk files, and how much, shows in them, for drafts too.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderValue};
use axum::response::Response;
use log::{Position, Record, StoryKey};
use notary::ProveError;
use proof::receipt::Receipt;
use story::Revision;
use utoipa::IntoParams;
use wire::{Cursor, Problem, ProblemKind};

use crate::commands::{at_least, view};
use crate::gateway::Gateway;
use crate::http::access::{Asker, Caller};
use crate::http::openapi::{FileProblems, ReceiptProblems};
use crate::http::reply::{Accepted, Asked, Refused, TEXT, answer};
use crate::parameters::{Nothing, Parameters, Query};
use crate::problems::{no_story, unavailable};

/// What tiles and bundles are.
const OCTETS: &str = "application/octet-stream";
/// How long a file that never changes may be kept.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The newest head is asked for again each time.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
/// How long a receipt is waited for: a record is under a head some milliseconds after it was filed.
const PATIENCE: Duration = Duration::from_secs(2);

/// Which receipt is asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReceiptQuery {
    /// Whether the envelope is put into the receipt, so that it can be verified by itself.
    #[param(value_type = Option<bool>)]
    envelope: bool,
    /// For whose eyes: `public` (only published revisions; the default) or `desk`.
    #[param(value_type = Option<String>, example = "public")]
    view: projector::View,
    /// The cursor of a push: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for ReceiptQuery {
    const NAMES: &'static [&'static str] = &["envelope", "view", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { envelope: from.truth("envelope")?, view: view(from)?, at_least: at_least(from)? })
    }
}

/// Gives the newest signed head of the transparency log (c2sp.org/tlog-checkpoint).
#[utoipa::path(
    get, path = "/log/checkpoint", tag = "transparency", operation_id = "checkpoint",
    responses(
        (status = 200, description = "The head, with its signatures", body = String, content_type = "text/plain"),
        FileProblems,
    )
)]
pub(crate) async fn checkpoint(
    State(gateway): State<Gateway>,
    Caller(who): Caller,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    gateway.allow(&who, registry::Act::ReadPublic, None, None).await?;
    accepted.best(&[TEXT])?;
    let status = gateway.notary()?.status();
    let head = status.checkpoint().ok_or_else(|| absent("no head is signed yet: the log is empty"))?;
    Ok(kept(answer(StatusCode::OK, TEXT, head.to_owned()), ASK_AGAIN))
}

/// Gives a file of the transparency log (c2sp.org/tlog-tiles): hashes, or the envelopes of `entries`.
///
/// A file never changes. A partial one (`.p/<width>`) stays, also once a wider one is there.
#[utoipa::path(
    get, path = "/log/tile/{level}/{*index}", tag = "transparency", operation_id = "tile",
    params(
        ("level" = String, Path, description = "0 to 7, or `entries`", example = "0"),
        ("*index" = String, Path, description = "The index in groups of three digits, all but the last behind an `x`; of a partial file also `.p/` and its width", example = "x001/x234/067.p/5"),
    ),
    responses(
        (status = 200, description = "The file", body = String, content_type = "application/octet-stream"),
        FileProblems,
    )
)]
pub(crate) async fn tile(
    State(gateway): State<Gateway>,
    Caller(who): Caller,
    accepted: Accepted,
    Path((level, index)): Path<(String, String)>,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    gateway.allow(&who, registry::Act::ReadPublic, None, None).await?;
    accepted.best(&[OCTETS])?;
    let path = format!("tile/{level}/{index}");
    let file = gateway.notary()?.file(&path).await;
    let file = file.map_err(|error| unreadable(&path, &error))?;
    let file =
        file.ok_or_else(|| absent("the log has no such file, or has it not yet: see c2sp.org/tlog-tiles"))?;
    Ok(kept(answer(StatusCode::OK, OCTETS, file.bytes), FOR_EVER))
}

/// Gives the receipt of a revision (c2sp.org/tlog-proof): that its envelope stands in the log, verified
/// without asking anyone.
#[utoipa::path(
    get, path = "/v1/stories/{story}/revisions/{revision}/receipt", tag = "transparency", operation_id = "receipt",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        ("revision" = u64, Path, description = "The revision", example = 3),
        ReceiptQuery,
    ),
    responses(
        (status = 200, description = "The receipt", body = String, content_type = "text/plain"),
        ReceiptProblems,
    )
)]
pub(crate) async fn receipt(
    Asker(gateway, who): Asker,
    accepted: Accepted,
    Path((story, revision)): Path<(String, String)>,
    Asked(query): Asked<ReceiptQuery>,
) -> Result<Response, Refused> {
    accepted.best(&[TEXT])?;
    gateway.may_read(&who, query.view, &story).await?;
    let record = gateway.logged(&story, &revision, &query).await?;
    let made = gateway.notary()?.receipt(record.position, PATIENCE).await;
    let text = made.map_err(|error| of_prove(&gateway, record.position, &error))?;
    let text = if query.envelope { with_envelope(&text, &record) } else { text };
    Ok(answer(StatusCode::OK, TEXT, text))
}

impl Gateway {
    fn notary(&self) -> Result<&notary::Reader, Problem> {
        let notary = self.inner.controls.notary.as_ref();
        notary.ok_or_else(|| absent("no transparency log is kept here"))
    }

    /// Returns the record of a revision that the view of `query` may see.
    async fn logged(&self, story: &str, revision: &str, query: &ReceiptQuery) -> Result<Record, Problem> {
        self.catch_up(query.at_least).await?;
        let id = self.resolve(story, query.view).await?;
        let missing = || {
            let detail = format!("story {story} has no revision {revision}");
            Problem::new(ProblemKind::RevisionNotFound, detail)
        };
        let number = revision.parse().ok().filter(|number| (1..i64::MAX.unsigned_abs()).contains(number));
        let revision = Revision(number.ok_or_else(missing)?);
        let seen = self.revisions_before(id, revision.get() + 1, 1, query.view).await?;
        if seen.first().is_none_or(|line| line.revision != revision) {
            return Err(missing());
        }
        let key = StoryKey(*id.as_bytes());
        let read = self.inner.log.read_story(key, revision.get(), 1).await;
        let read = read.map_err(|_| unavailable("the event log cannot be read"))?;
        read.into_iter().next().ok_or_else(|| no_story(story))
    }
}

/// Puts the envelope into the receipt, unless it is longer than fits.
fn with_envelope(text: &str, record: &Record) -> String {
    let receipt = Receipt::parse(text.as_bytes()).ok();
    let whole = receipt.and_then(|receipt| receipt.with_extra(record.envelope.to_vec()).ok());
    whole.map_or_else(|| text.to_owned(), |receipt| receipt.to_text())
}

fn of_prove(gateway: &Gateway, position: Position, error: &ProveError) -> Problem {
    match error {
        ProveError::NotYet => {
            let detail = gateway.notary_detail().unwrap_or_default();
            unavailable(format!("{error}; the notary {detail}"))
        }
        ProveError::Unreadable(source) => unreadable(&format!("the path of position {position}"), source),
    }
}

fn unreadable(what: &str, error: &std::io::Error) -> Problem {
    tracing::error!(%error, what, "The transparency log cannot be read");
    unavailable("the transparency log cannot be read")
}

fn absent(detail: &str) -> Problem {
    Problem::new(ProblemKind::NoSuchFile, detail)
}

fn kept(mut response: Response, how: HeaderValue) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, how);
    response
}
