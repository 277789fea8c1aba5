//! Exports over HTTP.

use axum::extract::OriginalUri;
use axum::response::Response;
use wire::http::{ExportBody, ExportList, ExportView};

use super::{JsonBody, done, paged};
use crate::commands::registry::ExportsQuery;
use crate::http::access::Asker;
use crate::http::openapi::{RegistryProblems, RegistryReadProblems};
use crate::http::reply::{Accepted, Asked, Refused};
use crate::parameters::Nothing;

/// Lists who took text out of the house in a file, newest first.
#[utoipa::path(
    get, path = "/v1/audit/exports", tag = "access", operation_id = "list_exports", params(ExportsQuery),
    responses(
        (status = 200, description = "One page of exports", body = ExportList, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        RegistryReadProblems,
    )
)]
pub(crate) async fn list(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<ExportsQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.exports(&by, &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Records an export that is about to be handed out: who takes what, and for whom.
#[utoipa::path(
    post, path = "/v1/audit/exports", tag = "access", operation_id = "record_export", request_body = ExportBody,
    responses((status = 200, description = "The export as it is recorded", body = ExportView), RegistryProblems)
)]
pub(crate) async fn record(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.record_export(&by, &body).await?))
}
