//! Acts on stories, and changes to live-blog entries.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::response::Response;
use story::BlockId;
use wire::http::{ActBody, ActName, Pushed};
use wire::{Problem, ProblemKind};

use crate::commands::{Acting, Doing, EntryParameters};
use crate::gateway::Gateway;
use crate::http::access::Asker;
use crate::http::filing::{CopyBody, Terms, filed, outcome};
use crate::http::openapi::{NeedsSecond, PushProblems};
use crate::http::reply::{Asked, Refused};
use crate::parameters::Nothing;

/// Acts on a story: holds it, kills it, puts it under an embargo.
///
/// `withhold`, `kill`, `takedown`, `unpublish` and `restore` need a `reason`; `embargo` needs `at`, its end; a
/// `release` may have `at`, and happens then. What an act makes of each status: `docs/LIFECYCLE.md`.
#[utoipa::path(
    post, path = "/v1/stories/{story}/acts/{act}", tag = "stories",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        ("act" = inline(ActName), Path, description = "What is done", example = "withhold"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters: the same key for the same story always gets the first answer"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that you saw, or a revision in quotation marks"),
    ),
    request_body(content = Option<ActBody>, content_type = "application/json", description = "What is said with it; may be left out"),
    responses((status = 200, description = "Done, or it was so already", body = Pushed), NeedsSecond, PushProblems),
)]
pub(crate) async fn act(
    Asker(gateway, who): Asker,
    Path((story, act)): Path<(String, String)>,
    Asked(Nothing): Asked<Nothing>,
    terms: Terms,
    body: CopyBody,
) -> Result<Response, Refused> {
    let act = act_named(&act)?;
    let takedowns = gateway.may_act(&who, act, &story).await?;
    let acting =
        Acting { story, act, body: body_of(&body.copy)?, if_match: terms.revision(), key: terms.key };
    Ok(outcome(gateway.act(acting, &who, takedowns).await?))
}

/// Adds an entry to a live blog.
#[utoipa::path(
    post, path = "/v1/stories/{story}/entries", tag = "entries",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        EntryParameters,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body(
        content((String = "text/plain", example = "Delegates have left the building."), (String = "text/markdown"), (Object = "application/json")),
        description = "The entry: one block as text, Markdown, or `{\"text\", \"marks\"?}`",
    ),
    responses((status = 200, description = "Added; `block` is its id", body = Pushed), PushProblems),
)]
pub(crate) async fn add(
    Asker(gateway, who): Asker,
    Path(story): Path<String>,
    terms: Terms,
    Asked(query): Asked<EntryParameters>,
    copy: CopyBody,
) -> Result<Response, Refused> {
    entry(&gateway, &who, (story, Doing::Add(copy.format, copy.copy), query), terms).await
}

/// Gives an entry other words; it keeps its id and its place.
#[utoipa::path(
    put, path = "/v1/stories/{story}/entries/{block}", tag = "entries",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        ("block" = String, Path, description = "The entry", example = "b3"),
        EntryParameters,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    request_body(
        content((String = "text/plain", example = "Delegates have left the building."), (String = "text/markdown"), (Object = "application/json")),
        description = "The entry: one block as text, Markdown, or `{\"text\", \"marks\"?}`",
    ),
    responses((status = 200, description = "Changed, or nothing had", body = Pushed), PushProblems),
)]
pub(crate) async fn edit(
    Asker(gateway, who): Asker,
    Entry(story, block): Entry,
    terms: Terms,
    Asked(query): Asked<EntryParameters>,
    copy: CopyBody,
) -> Result<Response, Refused> {
    entry(&gateway, &who, (story, Doing::Edit(block, copy.format, copy.copy), query), terms).await
}

/// Takes an entry out; readers are told.
#[utoipa::path(
    delete, path = "/v1/stories/{story}/entries/{block}", tag = "entries",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        ("block" = String, Path, description = "The entry", example = "b3"),
        EntryParameters,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    responses((status = 200, description = "Deleted", body = Pushed), PushProblems),
)]
pub(crate) async fn delete(
    Asker(gateway, who): Asker,
    Entry(story, block): Entry,
    terms: Terms,
    Asked(query): Asked<EntryParameters>,
) -> Result<Response, Refused> {
    entry(&gateway, &who, (story, Doing::Delete(block), query), terms).await
}

/// Pins an entry: it stands before the others.
#[utoipa::path(
    put, path = "/v1/stories/{story}/entries/{block}/pin", tag = "entries",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        ("block" = String, Path, description = "The entry", example = "b3"),
        EntryParameters,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    responses((status = 200, description = "Pinned, or it was so already", body = Pushed), PushProblems),
)]
pub(crate) async fn pin(
    Asker(gateway, who): Asker,
    Entry(story, block): Entry,
    terms: Terms,
    Asked(query): Asked<EntryParameters>,
) -> Result<Response, Refused> {
    entry(&gateway, &who, (story, Doing::Pin(block), query), terms).await
}

/// Takes the pin off an entry.
#[utoipa::path(
    delete, path = "/v1/stories/{story}/entries/{block}/pin", tag = "entries",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        ("block" = String, Path, description = "The entry", example = "b3"),
        EntryParameters,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
    ),
    responses((status = 200, description = "Unpinned, or it was so already", body = Pushed), PushProblems),
)]
pub(crate) async fn unpin(
    Asker(gateway, who): Asker,
    Entry(story, block): Entry,
    terms: Terms,
    Asked(query): Asked<EntryParameters>,
) -> Result<Response, Refused> {
    entry(&gateway, &who, (story, Doing::Unpin(block), query), terms).await
}

async fn entry(
    gateway: &Gateway,
    who: &registry::Principal,
    asked: (String, Doing, EntryParameters),
    terms: Terms,
) -> Result<Response, Refused> {
    let actor = gateway.acting_as(who, None).await?;
    gateway.may_edit(who, &asked.0).await?;
    Ok(filed(&gateway.entry(asked, actor, terms.key).await?))
}

/// The entry that an address names.
#[derive(Debug)]
pub(crate) struct Entry(String, BlockId);

impl FromRequestParts<Gateway> for Entry {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Refused> {
        let bad = |detail: String| Problem::new(ProblemKind::BadRequest, detail).with("place", "path");
        let Path((story, block)) = Path::<(String, String)>::from_request_parts(parts, gateway)
            .await
            .map_err(|_| bad("the address is not UTF-8".to_owned()))?;
        let block = block.parse().map_err(|error: story::IdentityError| bad(error.to_string()))?;
        Ok(Self(story, block))
    }
}

/// Returns the act that is called `name`.
pub(crate) fn act_named(name: &str) -> Result<ActName, Problem> {
    ActName::ALL.into_iter().find(|act| act.as_str() == name).ok_or_else(|| {
        let known = ActName::ALL.map(ActName::as_str).join(", ");
        let detail = format!("{:?} is no act: use one of {known}", crate::parameters::shown(name));
        Problem::new(ProblemKind::BadRequest, detail).with("place", "act")
    })
}

/// Returns what is said with an act; nothing is fine.
pub(crate) fn body_of(body: &[u8]) -> Result<ActBody, Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(ActBody::default());
    }
    serde_json::from_slice(body).map_err(|error| {
        let place = format!("line {} column {}", error.line(), error.column());
        Problem::new(ProblemKind::BadRequest, format!("the act's body: {error}")).with("place", place)
    })
}

impl Terms {
    /// Returns the revision that a header insists on.
    pub(crate) fn revision(&self) -> Option<story::Revision> {
        match self.if_match {
            crate::http::filing::IfMatch::At(revision) => Some(revision),
            crate::http::filing::IfMatch::Nothing | crate::http::filing::IfMatch::Any => None,
        }
    }
}
