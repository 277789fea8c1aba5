//! Filing copy.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, LINK,
    LOCATION,
};
use axum::http::request::Parts;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use formats::Format;
use futures::StreamExt;
use registry::Principal;
use story::{CommandKey, Revision};
use wire::http::{Previewed, Pushed};
use wire::{Problem, ProblemKind};

use crate::commands::{Filed, Filing, PushParameters};
use crate::gateway::Gateway;
use crate::http::access::Asker;
use crate::http::openapi::{NeedsSecond, NewProblems, PushProblems};
use crate::http::reply::{Accepted, Asked, JSON, Named, Refused, add, answer, json};
use crate::http::stories::history_link;
use crate::limits::{COPY_BYTES_MAX, DRAIN_BYTES_MAX};
use crate::media::{Declared, unsupported};
use crate::parameters::shown;
use crate::problems::too_large;

/// What a repeated answer says.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The caller's name for a push.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Files copy for a new story, or for the one that its slug names.
///
/// Without a slug in the query or in the copy, one is made from the headline. With an
/// `Idempotency-Key`, the same request may be sent again: it is carried out once.
#[utoipa::path(
    post, path = "/v1/stories", tag = "stories",
    params(
        PushParameters,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters: the same key for the same story always gets the first answer"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that you saw, or a revision in quotation marks"),
    ),
    request_body(
        content(
            (String = "text/plain", example = "Ceasefire talks resume\n\nDelegates returned to Cairo on Sunday."),
            (String = "text/markdown", example = "# Ceasefire talks resume\n\nDelegates returned to **Cairo** on Sunday."),
            (Object = "application/json", example = json!({"headline": "Ceasefire talks resume", "blocks": [{"text": "Delegates returned to Cairo on Sunday."}]})),
            (Object = "application/vnd.iptc.ninjs+json"),
            (String = "application/octet-stream"),
        ),
        description = "The copy, up to 8 MiB of UTF-8: plain text, Markdown, the service's JSON, or ninjs. `application/json` may be either of the last two; any other is found out by looking if it comes as `application/octet-stream` or without a type.",
    ),
    responses(
        (status = 200, description = "Filed as a further revision, or nothing had changed; of a dry run, what would change",
            body = inline(Outcome),
            headers(
                ("Link" = Option<String>, description = "`rel=\"version-history\"`: the history (RFC 5829)"),
                ("Idempotency-Replayed" = Option<bool>, description = "`true`: the kept answer to an earlier request with this key"),
            )),
        (status = 201, description = "Filed as the first revision of a new story", body = Pushed,
            headers(
                ("Location" = String, description = "The story"),
                ("Link" = String, description = "`rel=\"version-history\"`: the history (RFC 5829)"),
                ("Idempotency-Replayed" = Option<bool>, description = "`true`: the kept answer to an earlier request with this key"),
            )),
        NeedsSecond,
        NewProblems,
    )
)]
pub(crate) async fn push_new(
    Asker(gateway, who): Asker,
    terms: Terms,
    Asked(query): Asked<PushParameters>,
    copy: CopyBody,
) -> Result<Response, Refused> {
    if terms.if_match == IfMatch::Any {
        let detail = "* is for a story that is there: push to its own address, /v1/stories/{story}";
        return Err(bad_header("If-Match", detail).into());
    }
    Box::pin(push(&gateway, &who, terms, (None, query, copy))).await
}

/// Files copy for a story that exists.
#[utoipa::path(
    post, path = "/v1/stories/{story}", tag = "stories",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        PushParameters,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters: the same key for the same story always gets the first answer"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that you saw, or a revision in quotation marks"),
    ),
    request_body(
        content(
            (String = "text/plain", example = "Ceasefire talks resume\n\nDelegates returned to Cairo on Sunday."),
            (String = "text/markdown", example = "# Ceasefire talks resume\n\nDelegates returned to **Cairo** on Sunday."),
            (Object = "application/json", example = json!({"headline": "Ceasefire talks resume", "blocks": [{"text": "Delegates returned to Cairo on Sunday."}]})),
            (Object = "application/vnd.iptc.ninjs+json"),
            (String = "application/octet-stream"),
        ),
        description = "The copy, as for `POST /v1/stories`.",
    ),
    responses(
        (status = 200, description = "Filed, or nothing had changed; of a dry run, what would change",
            body = inline(Outcome),
            headers(
                ("Link" = Option<String>, description = "`rel=\"version-history\"`: the history (RFC 5829)"),
                ("Idempotency-Replayed" = Option<bool>, description = "`true`: the kept answer to an earlier request with this key"),
            )),
        (status = 201, description = "The kept answer to the request that made the story", body = Pushed,
            headers(
                ("Location" = String, description = "The story"),
                ("Link" = String, description = "`rel=\"version-history\"`: the history (RFC 5829)"),
                ("Idempotency-Replayed" = bool, description = "`true`"),
            )),
        NeedsSecond,
        PushProblems,
    )
)]
pub(crate) async fn push_to(
    Asker(gateway, who): Asker,
    Named(story): Named,
    terms: Terms,
    Asked(query): Asked<PushParameters>,
    copy: CopyBody,
) -> Result<Response, Refused> {
    Box::pin(push(&gateway, &who, terms, (Some(story), query, copy))).await
}

/// Either answer of a push.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it describes the answers, which are made elsewhere")]
#[schema(as = PushOutcome)]
#[serde(untagged)]
pub(crate) enum Outcome {
    /// What was filed.
    Pushed(Pushed),
    /// What a dry run would file.
    Previewed(Previewed),
}

/// What the headers of a push say beside its copy.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(super) if_match: IfMatch,
    pub(super) key: Option<CommandKey>,
}

/// What `If-Match` insists on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfMatch {
    Nothing,
    /// That the story is there.
    Any,
    At(Revision),
}

impl<S: Sync> FromRequestParts<S> for Terms {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        Accepted::from_request_parts(parts, state).await?.json()?;
        Ok(Self { if_match: if_match(&parts.headers)?, key: key(&parts.headers)? })
    }
}

async fn push(
    gateway: &Gateway,
    who: &Principal,
    terms: Terms,
    (story, query, copy): (Option<String>, PushParameters, CopyBody),
) -> Result<Response, Refused> {
    let if_match = match terms.if_match {
        IfMatch::At(revision) => Some(revision),
        IfMatch::Nothing | IfMatch::Any => None,
    };
    let CopyBody { format, copy } = copy;
    let filing = Filing { story, query, if_match, key: terms.key, format, copy };
    Ok(outcome(gateway.file(filing, who).await?))
}

/// Returns the answer to a command.
pub(super) fn outcome(what: Filed) -> Response {
    match what {
        Filed::Previewed(preview) => answer(StatusCode::OK, JSON, json(&preview)),
        Filed::Pushed(pushed) => filed(&pushed),
        Filed::Waits(waiting) => {
            let mut response = answer(StatusCode::ACCEPTED, JSON, json(&waiting));
            add(&mut response, LOCATION, &format!("/v1/requests/{}", waiting.request));
            response
        }
    }
}

pub(crate) fn filed(pushed: &Pushed) -> Response {
    let is_new = pushed.changed && pushed.revision == Revision(1);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = answer(status, JSON, json(pushed));
    let story = pushed.story.to_string();
    if is_new {
        add(&mut response, LOCATION, &format!("/v1/stories/{story}"));
    }
    add(&mut response, LINK, &history_link(&story));
    if pushed.repeated {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

fn bad_header(name: &str, detail: impl std::fmt::Display) -> Problem {
    Problem::new(ProblemKind::BadRequest, format!("header {name}: {detail}"))
        .with("place", format!("header {name}"))
}

/// Returns the one value of a header.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName, shown: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad_header(shown, "it is given twice: give it once"));
    }
    value.to_str().map(Some).map_err(|_| bad_header(shown, "it is not visible ASCII"))
}

fn key(headers: &HeaderMap) -> Result<Option<CommandKey>, Problem> {
    let Some(text) = one(headers, &KEY, "Idempotency-Key")? else { return Ok(None) };
    text.parse().map(Some).map_err(|error: story::IdentityError| bad_header("Idempotency-Key", error))
}

fn if_match(headers: &HeaderMap) -> Result<IfMatch, Problem> {
    let Some(text) = one(headers, &IF_MATCH, "If-Match")? else { return Ok(IfMatch::Nothing) };
    if text.trim() == "*" {
        return Ok(IfMatch::Any);
    }
    if text.trim_start().starts_with("W/") {
        // RFC 9110, 13.1.1: a weak validator never matches.
        return Err(Problem::new(
            ProblemKind::PreconditionFailed,
            "header If-Match: a weak validator (W/) never matches: send it as the service gave it",
        )
        .with("place", "header If-Match"));
    }
    let malformed = || {
        let given = shown(text);
        bad_header(
            "If-Match",
            format_args!(
                "{given:?} is not one ETag of the story, or a revision such as \"12\" with its quotation marks"
            ),
        )
    };
    let tag = text.trim().strip_prefix('"').and_then(|text| text.strip_suffix('"')).ok_or_else(malformed)?;
    let digits = tag.split('-').next().unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(malformed());
    }
    digits.parse().map(|number| IfMatch::At(Revision(number))).map_err(|_| malformed())
}

/// Copy as it came: within the limit, and of a type that can be read.
#[derive(Debug)]
pub(crate) struct CopyBody {
    /// `None` where looking decides.
    pub(super) format: Option<Format>,
    pub(super) copy: Bytes,
}

impl<S: Sync> FromRequest<S> for CopyBody {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let declared = declared(&parts.headers);
        let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        // Read even where the type is refused: the sender hears the answer only once it has sent.
        let copy = read(body, length.and_then(|length| length.parse().ok())).await?;
        let format = declared?.format(&copy);
        Ok(Self { format, copy })
    }
}

fn declared(headers: &HeaderMap) -> Result<Declared, Problem> {
    if let Some(encoding) = one(headers, &CONTENT_ENCODING, "Content-Encoding")?
        && !encoding.trim().eq_ignore_ascii_case("identity")
    {
        let encoding = shown(encoding);
        return Err(unsupported(format!("copy encoded as {encoding:?} cannot be read: send it as it is")));
    }
    one(headers, &CONTENT_TYPE, "Content-Type")?.map_or(Ok(Declared::Unknown), Declared::of)
}

/// Reads the body. One over the limit is read on and dropped, within bounds, so that its sender
/// hears why.
async fn read(body: Body, length: Option<usize>) -> Result<Bytes, Problem> {
    let expected = length.unwrap_or(0);
    if expected > DRAIN_BYTES_MAX {
        return Err(over(expected));
    }
    let mut stream = body.into_data_stream();
    let is_kept = expected <= COPY_BYTES_MAX;
    let mut copy = BytesMut::with_capacity(if is_kept { expected } else { 0 });
    let mut bytes = 0_usize;
    while let Some(part) = stream.next().await {
        let part = part.map_err(|_| {
            Problem::new(ProblemKind::BadRequest, "the body broke off before its end").with("place", "body")
        })?;
        bytes += part.len();
        if bytes > DRAIN_BYTES_MAX {
            return Err(over(bytes));
        }
        if is_kept && bytes <= COPY_BYTES_MAX {
            copy.extend_from_slice(&part);
        } else {
            copy = BytesMut::new();
        }
    }
    if bytes > COPY_BYTES_MAX { Err(over(bytes)) } else { Ok(copy.freeze()) }
}

fn over(bytes: usize) -> Problem {
    let detail = format!("the copy has {bytes} bytes or more; the limit is {COPY_BYTES_MAX}");
    too_large(detail, bytes, COPY_BYTES_MAX).with("place", "body")
}
