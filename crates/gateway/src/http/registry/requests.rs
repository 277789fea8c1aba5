//! Requests that wait for a second person, over HTTP.

use axum::extract::OriginalUri;
use axum::response::Response;
use wire::http::{Pushed, RefusalBody, RequestList, RequestView};

use super::{JsonBody, done, paged};
use crate::commands::registry::RequestsQuery;
use crate::http::access::Asker;
use crate::http::filing::filed;
use crate::http::openapi::{ApprovalProblems, RegistryProblems, RegistryReadProblems};
use crate::http::reply::{Accepted, Asked, Named, Refused};
use crate::parameters::Nothing;

/// Lists the requests that the caller made, may decide or may audit, oldest first.
#[utoipa::path(
    get, path = "/v1/requests", tag = "access", operation_id = "list_requests", params(RequestsQuery),
    responses(
        (status = 200, description = "One page of requests", body = RequestList, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        RegistryReadProblems,
    )
)]
pub(crate) async fn list(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<RequestsQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.requests(&by, &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Shows a request.
#[utoipa::path(
    get, path = "/v1/requests/{request}", tag = "access", operation_id = "show_request",
    params(("request" = String, Path, description = "The request's number", example = "12")),
    responses((status = 200, description = "The request", body = RequestView), RegistryReadProblems)
)]
pub(crate) async fn show(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(request): Named,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.request(&by, &request).await?))
}

/// Says yes to a request that somebody else made: it is carried out.
///
/// Needs the right to approve and the right to what is asked for. The answer is the one that the
/// command would have had. What cannot be done any more fails, and is answered with why.
#[utoipa::path(
    post, path = "/v1/requests/{request}/approve", tag = "access", operation_id = "approve_request",
    params(("request" = String, Path, description = "The request's number", example = "12")),
    responses(
        (status = 200, description = "Carried out", body = Pushed),
        (status = 201, description = "Carried out: a new story", body = Pushed, headers(
            ("Location" = String, description = "The story"),
        )),
        ApprovalProblems,
    )
)]
pub(crate) async fn approve(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(request): Named,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(filed(&gateway.approve_request(&by, &request).await?))
}

/// Says no to a request: what was to be done is erased, and never done.
#[utoipa::path(
    post, path = "/v1/requests/{request}/refuse", tag = "access", operation_id = "refuse_request",
    params(("request" = String, Path, description = "The request's number", example = "12")),
    request_body(content = Option<RefusalBody>, description = "Why; may be left out"),
    responses((status = 200, description = "The request after it", body = RequestView), RegistryProblems)
)]
pub(crate) async fn refuse(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(request): Named,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.refuse_request(&by, &request, &body).await?))
}
