//! Redactions over HTTP.

use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::ArticleView;
use wire::http::{RedactBody, Redacted, RedactionList, RedactionPreview};

use crate::commands::{Filed, RecordQuery, RedactOutcome, RedactQuery, Redacting, RedactionsQuery};
use crate::gateway::Gateway;
use crate::http::access::Asker;
use crate::http::filing::{Terms, outcome};
use crate::http::openapi::{AuditProblems, NeedsSecond, ReadProblems, RedactProblems, RegistryReadProblems};
use crate::http::registry::{JsonBody, done, paged};
use crate::http::reply::{Accepted, Asked, JSON, Named, Refused, answer, json};

/// Returns the routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(redact, of_story)).routes(routes!(all)).routes(routes!(record))
}

/// Takes words out of a story's record, in every revision that has them, or says something about them.
///
/// `erase` and `anonymise` remove the words from the log, the views, the streams and their files;
/// `withdraw` hides them from every reader and keeps them in the record; `annotate` leaves them. No
/// envelope and no hash changes, and every other sentence stays provable. The redaction is itself a
/// revision, whose envelope says what was redacted, by whom and by what right. Answered once the words
/// are gone from our files. Needs the right to redact, and a second person as approver: named here, or,
/// where the policy says so for `redaction`, one who approves the request that this then becomes (202). A
/// legal hold on the story forbids it (423). With `dry_run` nothing is done, and the answer is a list of the sentences.
#[utoipa::path(
    post, path = "/v1/stories/{story}/redactions", tag = "redactions", operation_id = "redact",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        RedactQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` that you saw, or a revision in quotation marks"),
    ),
    request_body = RedactBody,
    responses(
        (status = 200, description = "Redacted; of a dry run, what would be", body = inline(Outcome)),
        NeedsSecond,
        RedactProblems,
    )
)]
async fn redact(
    Asker(gateway, who): Asker,
    Named(story): Named,
    terms: Terms,
    Asked(query): Asked<RedactQuery>,
    body: JsonBody,
) -> Result<Response, Refused> {
    gateway.may_do(&who, registry::Act::Redact, &story).await?;
    let body: RedactBody = body.read()?;
    let redacting = Redacting { story, body, if_match: terms.revision(), key: terms.key };
    if query.dry_run {
        return Ok(done(&Box::pin(gateway.would_redact(redacting, &who)).await?));
    }
    Ok(match Box::pin(gateway.redact(redacting, &who)).await? {
        RedactOutcome::Redacted(redacted) => answer(StatusCode::OK, JSON, json(&redacted)),
        RedactOutcome::Waits(waiting) => outcome(Filed::Waits(waiting)),
    })
}

/// What a redaction is answered.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it describes the answers, which are made elsewhere")]
#[schema(as = RedactionOutcome)]
#[serde(untagged)]
enum Outcome {
    /// What was done.
    Redacted(Redacted),
    /// What a dry run would be about.
    Preview(RedactionPreview),
}

/// Shows a story as the record has it: what redactions have withdrawn from every reader is there, what they
/// have erased is nowhere. Needs the right to the record.
#[utoipa::path(
    get, path = "/v1/stories/{story}/record", tag = "redactions", operation_id = "show_record",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        RecordQuery,
    ),
    responses((status = 200, description = "The desk's article", body = ArticleView), ReadProblems)
)]
async fn record(
    Asker(gateway, who): Asker,
    accepted: Accepted,
    Named(story): Named,
    Asked(query): Asked<RecordQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.record(&who, &story, &query).await?))
}

/// Lists the redactions of a story, newest first: what was done, when, by whom and by what right.
#[utoipa::path(
    get, path = "/v1/stories/{story}/redactions", tag = "redactions", operation_id = "story_redactions",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        RedactionsQuery,
    ),
    responses(
        (status = 200, description = "One page of redactions", body = RedactionList, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        AuditProblems,
    )
)]
async fn of_story(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Named(story): Named,
    Asked(query): Asked<RedactionsQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.redactions(&by, Some(&story), &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Lists every redaction of the house, newest first.
#[utoipa::path(
    get, path = "/v1/redactions", tag = "redactions", operation_id = "list_redactions", params(RedactionsQuery),
    responses(
        (status = 200, description = "One page of redactions", body = RedactionList, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        RegistryReadProblems,
    )
)]
async fn all(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<RedactionsQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.redactions(&by, None, &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}
