//! Looking for phrases.

use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::http::header::LINK;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::http::PhrasePage;

use crate::commands::PhraseQuery;
use crate::gateway::Gateway;
use crate::http::access::Asker;
use crate::http::openapi::ReadProblems;
use crate::http::reply::{Accepted, Asked, JSON, Refused, add, answer, json, next_page};

/// Returns the route.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new().routes(routes!(search))
}

/// Finds every revision whose headline, summary or body contained a phrase, and the times during which
/// readers had it.
///
/// For readers, only what they can reach counts: no draft, and nothing that was taken from them. Each page
/// looks through so much and may find nothing: there is more as long as there is a `next`.
#[utoipa::path(
    get, path = "/v1/search", tag = "stories", params(PhraseQuery),
    responses(
        (status = 200, description = "One page of stories", body = PhrasePage, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        ReadProblems,
    )
)]
async fn search(
    Asker(gateway, who): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<PhraseQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = Box::pin(gateway.search(&who, query)).await?;
    let mut response = answer(StatusCode::OK, JSON, json(&page));
    if let Some(next) = &page.next {
        add(&mut response, LINK, &format!("<{}>; rel=\"next\"", next_page(&uri, "after", next)));
    }
    Ok(response)
}
