//! Keys over HTTP.

use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::Response;
use wire::http::{KeyIssued, KeyList, KeyView, NewKeyBody, RotationBody};

use super::{JsonBody, done, paged};
use crate::commands::registry::KeysQuery;
use crate::http::access::Asker;
use crate::http::filing::Terms;
use crate::http::openapi::{RegistryProblems, RegistryReadProblems};
use crate::http::reply::{Accepted, Asked, JSON, Named, Refused, add, answer, json};
use crate::parameters::Nothing;

/// Lists keys by id, revoked ones too; never their secrets.
#[utoipa::path(
    get, path = "/v1/keys", tag = "access", operation_id = "list_keys", params(KeysQuery),
    responses(
        (status = 200, description = "One page of keys", body = KeyList, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        RegistryReadProblems,
    )
)]
pub(crate) async fn list(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<KeysQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.keys(&by, &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Makes a key. Its secret is in this answer, and never again: sent again under its `Idempotency-Key`,
/// the request is refused and names the key that it made, to be rotated.
#[utoipa::path(
    post, path = "/v1/keys", tag = "access", operation_id = "add_key", request_body = NewKeyBody,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 visible ASCII characters: the same key makes one key"),
    ),
    responses(
        (status = 201, description = "The key and its secret", body = KeyIssued, headers(
            ("Location" = String, description = "Where it is revoked"),
        )),
        RegistryProblems,
    )
)]
pub(crate) async fn create(
    Asker(gateway, by): Asker,
    terms: Terms,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    let issued = gateway.add_key(&by, &body, terms.key).await?;
    let mut response = answer(StatusCode::CREATED, JSON, json(&issued));
    add(&mut response, LOCATION, &format!("/v1/keys/{}", issued.key.id));
    Ok(response)
}

/// Revokes a key: it is refused from this answer on, for ever.
#[utoipa::path(
    delete, path = "/v1/keys/{key}", tag = "access", operation_id = "revoke_key",
    params(("key" = String, Path, description = "The key's id", example = "0a1b2c3d4e5f")),
    responses((status = 200, description = "The key after it", body = KeyView), RegistryProblems)
)]
pub(crate) async fn revoke(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(key): Named,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.revoke_key(&by, &key).await?))
}

/// Gives a key a new secret; the old one stays valid for as long as asked.
#[utoipa::path(
    post, path = "/v1/keys/{key}/rotate", tag = "access", operation_id = "rotate_key",
    params(("key" = String, Path, description = "The key's id", example = "0a1b2c3d4e5f")),
    request_body = RotationBody,
    responses((status = 200, description = "The key and its new secret", body = KeyIssued), RegistryProblems)
)]
pub(crate) async fn rotate(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(key): Named,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.rotate_key(&by, &key, &body).await?))
}
