//! Denials and the policy over HTTP.

use axum::extract::OriginalUri;
use axum::response::Response;
use wire::http::{DenialList, PolicyBody};

use super::{JsonBody, done, paged};
use crate::commands::registry::DenialsQuery;
use crate::http::access::Asker;
use crate::http::openapi::{RegistryProblems, RegistryReadProblems};
use crate::http::reply::{Accepted, Asked, Refused};
use crate::parameters::Nothing;

/// Lists what was refused to whom, newest first.
#[utoipa::path(
    get, path = "/v1/denials", tag = "access", operation_id = "list_denials", params(DenialsQuery),
    responses(
        (status = 200, description = "One page of denials", body = DenialList, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        RegistryReadProblems,
    )
)]
pub(crate) async fn denials(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<DenialsQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.denials(&by, &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Shows what needs a second person.
#[utoipa::path(
    get, path = "/v1/policy", tag = "access", operation_id = "show_policy",
    responses((status = 200, description = "The policy", body = PolicyBody), RegistryReadProblems)
)]
pub(crate) async fn policy(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.policy(&by).await?))
}

/// Sets what needs a second person. Requests that wait already stay as they are.
#[utoipa::path(
    put, path = "/v1/policy", tag = "access", operation_id = "set_policy", request_body = PolicyBody,
    responses((status = 200, description = "The policy after it", body = PolicyBody), RegistryProblems)
)]
pub(crate) async fn set_policy(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.set_policy(&by, &body).await?))
}
