//! Actors over HTTP.

use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::Response;
use wire::http::{ActorChangeBody, ActorList, ActorView, NewActorBody};

use super::{JsonBody, done, paged};
use crate::commands::registry::ActorsQuery;
use crate::http::access::Asker;
use crate::http::openapi::{RegistryProblems, RegistryReadProblems};
use crate::http::reply::{Accepted, Asked, JSON, Named, Refused, add, answer, json};
use crate::parameters::Nothing;

/// Lists actors by id, removed ones too.
#[utoipa::path(
    get, path = "/v1/actors", tag = "access", operation_id = "list_actors", params(ActorsQuery),
    responses(
        (status = 200, description = "One page of actors", body = ActorList, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        RegistryReadProblems,
    )
)]
pub(crate) async fn list(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Asked(query): Asked<ActorsQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.actors(&by, &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Adds an actor. Its id enters the log for ever: it must not be a name.
#[utoipa::path(
    post, path = "/v1/actors", tag = "access", operation_id = "add_actor", request_body = NewActorBody,
    responses(
        (status = 201, description = "The actor", body = ActorView, headers(
            ("Location" = String, description = "Where it is"),
        )),
        RegistryProblems,
    )
)]
pub(crate) async fn create(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    accepted.json()?;
    let actor = gateway.add_actor(&by, &body).await?;
    let mut response = answer(StatusCode::CREATED, JSON, json(&actor));
    add(&mut response, LOCATION, &format!("/v1/actors/{}", actor.id));
    Ok(response)
}

/// Shows an actor, removed or not.
#[utoipa::path(
    get, path = "/v1/actors/{actor}", tag = "access", operation_id = "show_actor",
    params(("actor" = String, Path, description = "The actor's id", example = "a-4f2a")),
    responses((status = 200, description = "The actor", body = ActorView), RegistryReadProblems)
)]
pub(crate) async fn show(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(actor): Named,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.actor(&by, &actor).await?))
}

/// Changes an actor's name, its grants, or both; its keys follow at once.
#[utoipa::path(
    patch, path = "/v1/actors/{actor}", tag = "access", operation_id = "change_actor",
    params(("actor" = String, Path, description = "The actor's id", example = "a-4f2a")),
    request_body = ActorChangeBody,
    responses((status = 200, description = "The actor after it", body = ActorView), RegistryProblems)
)]
pub(crate) async fn change(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(actor): Named,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.change_actor(&by, &actor, &body).await?))
}

/// Removes an actor: its keys are revoked at once and for ever, its id stays taken.
#[utoipa::path(
    delete, path = "/v1/actors/{actor}", tag = "access", operation_id = "remove_actor",
    params(("actor" = String, Path, description = "The actor's id", example = "a-4f2a")),
    responses((status = 200, description = "The actor after it", body = ActorView), RegistryProblems)
)]
pub(crate) async fn remove(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(actor): Named,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.remove_actor(&by, &actor).await?))
}

/// Erases an actor's name and the notes on its keys; what the log proves stays proved.
#[utoipa::path(
    delete, path = "/v1/actors/{actor}/name", tag = "access", operation_id = "erase_actor_name",
    params(("actor" = String, Path, description = "The actor's id", example = "a-4f2a")),
    responses((status = 200, description = "The actor after it", body = ActorView), RegistryProblems)
)]
pub(crate) async fn erase_name(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(actor): Named,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.erase_name(&by, &actor).await?))
}
