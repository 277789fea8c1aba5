//! An auditor's questions over HTTP.

use axum::extract::OriginalUri;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::http::{CorrectionPage, EmbargoPage, PublicPage, RecallPage, SilentPage};

use crate::commands::QuestionQuery;
use crate::gateway::Gateway;
use crate::http::access::Asker;
use crate::http::openapi::QuestionProblems;
use crate::http::registry::paged;
use crate::http::reply::{Accepted, Asked, Refused};

/// Returns the routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(stealth))
        .routes(routes!(corrections))
        .routes(routes!(recalls))
        .routes(routes!(embargo))
        .routes(routes!(public))
}

/// Lists changes after publication that readers were told nothing of, oldest first.
///
/// Those that are substantive, by the rules or by their editor's label, and have no public note; and
/// stories that were unpublished without one. No answer holds a word of an article.
#[utoipa::path(
    get, path = "/v1/audit/stealth", tag = "access", operation_id = "audit_stealth", params(QuestionQuery),
    responses(
        (status = 200, description = "One page of changes", body = SilentPage, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        QuestionProblems,
    )
)]
async fn stealth(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<QuestionQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.silent_changes(&by, &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Lists corrections and clarifications that lack a note, an approver or what a correction says, oldest first.
#[utoipa::path(
    get, path = "/v1/audit/corrections", tag = "access", operation_id = "audit_corrections",
    params(QuestionQuery),
    responses(
        (status = 200, description = "One page of corrections", body = CorrectionPage, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        QuestionProblems,
    )
)]
async fn corrections(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<QuestionQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.lacking_corrections(&by, &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Lists recalls of every story, oldest first: who got what was called back, and who acknowledged.
///
/// Of the subscribers of one recall the first hundred are told; the story's own recalls have them all.
#[utoipa::path(
    get, path = "/v1/audit/recalls", tag = "access", operation_id = "audit_recalls", params(QuestionQuery),
    responses(
        (status = 200, description = "One page of recalls", body = RecallPage, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        QuestionProblems,
    )
)]
async fn recalls(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<QuestionQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = Box::pin(gateway.house_recalls(&by, &query)).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Lists the stories that were under embargo at any time of a period, and whether each embargo was kept.
#[utoipa::path(
    get, path = "/v1/audit/embargo", tag = "access", operation_id = "audit_embargo", params(QuestionQuery),
    responses(
        (status = 200, description = "One page of stories", body = EmbargoPage, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        QuestionProblems,
    )
)]
async fn embargo(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<QuestionQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = Box::pin(gateway.house_embargoes(&by, &query)).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Lists what readers had at any time of a period: each revision, from when and until when.
///
/// What was taken from readers since is listed too. `desk` counts by where a story belongs now.
#[utoipa::path(
    get, path = "/v1/audit/public", tag = "access", operation_id = "audit_public", params(QuestionQuery),
    responses(
        (status = 200, description = "One page of revisions", body = PublicPage, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        QuestionProblems,
    )
)]
async fn public(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<QuestionQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.public_between(&by, &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}
