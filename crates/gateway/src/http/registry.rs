//! The routes over the registry: actors, keys, denials, the policy, requests, audits of stories.
//!
//! They turn requests into commands and answers into JSON. Nothing is decided here, and nothing
//! here logs a body: it may hold a name or a secret.

mod actors;
mod audits;
mod exports;
mod holds;
mod house;
mod keys;
mod requests;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_TYPE, LINK};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::{Problem, ProblemKind};

use crate::gateway::Gateway;
use crate::http::reply::{JSON, Refused, add, answer, json, next_page};
use crate::media::essence;
use crate::problems::too_large;

/// Most bytes of a body.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Returns the routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(actors::list, actors::create))
        .routes(routes!(actors::show, actors::change, actors::remove))
        .routes(routes!(actors::erase_name))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(keys::rotate))
        .routes(routes!(house::denials))
        .routes(routes!(house::policy, house::set_policy))
        .routes(routes!(requests::list))
        .routes(routes!(requests::show))
        .routes(routes!(requests::approve))
        .routes(routes!(requests::refuse))
        .routes(routes!(audits::recalls))
        .routes(routes!(audits::embargo))
        .routes(routes!(exports::list, exports::record))
        .routes(routes!(holds::list, holds::place))
        .routes(routes!(holds::lift))
}

/// A body of JSON, not read yet: it is read once the caller is allowed to send it.
pub(crate) struct JsonBody(Bytes);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let declared = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if declared.is_some_and(|given| essence(given) != JSON) {
            let problem =
                Problem::new(ProblemKind::UnsupportedMediaType, "header Content-Type: a body here is JSON");
            return Err(problem.with("supported", vec![JSON]).with("place", "header Content-Type").into());
        }
        let body = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| {
            let detail = format!("the body has more than {BODY_BYTES_MAX} bytes, or broke off");
            too_large(detail, BODY_BYTES_MAX + 1, BODY_BYTES_MAX).with("place", "body")
        })?;
        Ok(Self(body))
    }
}

impl JsonBody {
    /// Reads it; none at all is an empty object.
    pub(crate) fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        crate::commands::registry::body(&self.0)
    }
}

/// Returns `value` as the answer of something done.
pub(crate) fn done(value: &impl Serialize) -> Response {
    answer(StatusCode::OK, JSON, json(value))
}

/// Returns one page, with the address of the next one.
pub(crate) fn paged(page: &impl Serialize, uri: &Uri, next: Option<&str>) -> Response {
    let mut response = done(page);
    if let Some(next) = next {
        add(&mut response, LINK, &format!("<{}>; rel=\"next\"", next_page(uri, "after", next)));
    }
    response
}
