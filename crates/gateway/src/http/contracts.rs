//! What programs are made from: the schemas of messages, and the description of the message interface.
//!
//! A schema never changes under its name, so it may be kept for ever; anybody may read it, from any page.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, HeaderValue};
use axum::response::Response;
use wire::schema::Schema;
use wire::{Problem, ProblemKind};

use crate::gateway::Gateway;
use crate::http::asyncapi;
use crate::http::openapi::{PlainProblems, SchemaProblems};
use crate::http::reply::{Accepted, Asked, JSON, Refused, answer};
use crate::parameters::Nothing;

/// How long a schema may be kept.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// Anybody may read it, with nobody's rights.
const ANYBODY: HeaderValue = HeaderValue::from_static("*");
/// Media type of the description (AsyncAPI 3.0, "Media types").
const ASYNCAPI: &str = "application/vnd.aai.asyncapi+json";

/// Gives the schema of a message (JSON Schema, draft 2020-12).
///
/// The `dataschema` of every message is such an address, and `/asyncapi.json` refers to all of them. A schema
/// never changes.
#[utoipa::path(
    get, path = "/schemas/{schema}", tag = "service", operation_id = "schema",
    params(("schema" = String, Path, description = "Its name", example = "change.v1.json")),
    responses(
        (status = 200, description = "The schema", body = Object, content_type = "application/schema+json"),
        SchemaProblems,
    )
)]
pub(crate) async fn schema(
    accepted: Accepted,
    Path(name): Path<String>,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.best(&[Schema::MEDIA_TYPE, JSON])?;
    let schema = Schema::named(&name).ok_or_else(|| {
        Problem::new(
            ProblemKind::NoSuchAddress,
            "there is no such schema: /asyncapi.json refers to every one",
        )
        .with("place", "path")
    })?;
    let mut response = answer(StatusCode::OK, Schema::MEDIA_TYPE, schema.text);
    response.headers_mut().insert(CACHE_CONTROL, FOR_EVER);
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
    Ok(response)
}

/// Describes the messages (AsyncAPI 3.0): what goes out over NATS and live streams, and what is taken.
#[utoipa::path(
    get, path = "/asyncapi.json", tag = "service", operation_id = "messages",
    responses(
        (status = 200, description = "The description (AsyncAPI 3.0)",
            content((Object = "application/vnd.aai.asyncapi+json"), (Object = "application/json"))),
        PlainProblems,
    )
)]
pub(crate) async fn messages(
    State(gateway): State<Gateway>,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    let media_type = accepted.best(&[JSON, ASYNCAPI])?;
    let document = asyncapi::document(&gateway.inner.origin.base);
    let document = serde_json::to_vec_pretty(&document).expect("the document is texts and lists");
    let mut response = answer(StatusCode::OK, media_type, document);
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYBODY);
    Ok(response)
}
