//! Legal holds over HTTP.

use axum::extract::OriginalUri;
use axum::response::Response;
use wire::http::{HoldBody, HoldList, HoldView, LiftBody};

use super::{JsonBody, done, paged};
use crate::commands::registry::HoldsQuery;
use crate::http::access::Asker;
use crate::http::openapi::{HoldProblems, RegistryProblems, RegistryReadProblems};
use crate::http::reply::{Accepted, Asked, Named, Refused};
use crate::parameters::Nothing;

/// Lists legal holds, newest first.
#[utoipa::path(
    get, path = "/v1/holds", tag = "redactions", operation_id = "list_holds", params(HoldsQuery),
    responses(
        (status = 200, description = "One page of holds", body = HoldList, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        RegistryReadProblems,
    )
)]
pub(crate) async fn list(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<HoldsQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.holds(&by, &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Places a legal hold: nothing of the story is redacted until it is lifted.
#[utoipa::path(
    post, path = "/v1/holds", tag = "redactions", operation_id = "place_hold", request_body = HoldBody,
    responses((status = 200, description = "The hold", body = HoldView), HoldProblems)
)]
pub(crate) async fn place(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.place_hold(&by, &body).await?))
}

/// Lifts a legal hold.
#[utoipa::path(
    post, path = "/v1/holds/{hold}/lift", tag = "redactions", operation_id = "lift_hold",
    params(("hold" = String, Path, description = "The hold's number", example = "3")),
    request_body(content = Option<LiftBody>, description = "Why; may be left out"),
    responses((status = 200, description = "The hold after it", body = HoldView), RegistryProblems)
)]
pub(crate) async fn lift(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(hold): Named,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.lift_hold(&by, &hold, &body).await?))
}
