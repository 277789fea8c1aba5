//! Audits of a story over HTTP: its recalls and its embargoes.

use axum::extract::OriginalUri;
use axum::response::Response;
use wire::http::{EmbargoAudit, RecallStatus};

use super::{done, paged};
use crate::commands::registry::{AuditQuery, RecallsQuery};
use crate::http::access::Asker;
use crate::http::openapi::AuditProblems;
use crate::http::reply::{Accepted, Asked, Named, Refused};

/// Shows how far a story's recalls have come: who got what was called back, and who acknowledged.
#[utoipa::path(
    get, path = "/v1/stories/{story}/recalls", tag = "access", operation_id = "recall_status",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        RecallsQuery,
    ),
    responses(
        (status = 200, description = "The recalls, newest first", body = RecallStatus, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: older recalls"),
        )),
        AuditProblems,
    )
)]
pub(crate) async fn recalls(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Named(story): Named,
    Asked(query): Asked<RecallsQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let status = gateway.recalls(&by, &story, query).await?;
    Ok(paged(&status, &uri, status.next.as_deref()))
}

/// Shows a story's embargoes, when it first left by each door, and whether that was too early.
#[utoipa::path(
    get, path = "/v1/stories/{story}/embargo", tag = "access", operation_id = "embargo_audit",
    params(
        ("story" = String, Path, description = "The story's id or slug", example = "ceasefire-talks"),
        AuditQuery,
    ),
    responses((status = 200, description = "The audit", body = EmbargoAudit), AuditProblems)
)]
pub(crate) async fn embargo(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(story): Named,
    Asked(query): Asked<AuditQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.embargo_audit(&by, &story, &query).await?))
}
