//! Webhooks over HTTP. Nothing here logs a body: an answer may hold a secret.

use axum::extract::OriginalUri;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::http::{
    DeliveryList, DeliveryView, ReplayBody, Replayed, WebhookBody, WebhookList, WebhookSecret, WebhookView,
};

use crate::commands::webhooks::DeliveriesQuery;
use crate::gateway::Gateway;
use crate::http::access::Asker;
use crate::http::openapi::{WebhookProblems, WebhookReadProblems};
use crate::http::registry::{JsonBody, done, paged};
use crate::http::reply::{Accepted, Asked, Named, Refused};
use crate::parameters::Nothing;

/// Returns the routes.
pub(crate) fn routes() -> OpenApiRouter<Gateway> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
        .routes(routes!(rotate))
        .routes(routes!(test))
        .routes(routes!(deliveries))
        .routes(routes!(replay))
}

/// Lists the webhooks, by name. Needs the right to operate, as all of these do.
#[utoipa::path(
    get, path = "/v1/webhooks", tag = "webhooks", operation_id = "list_webhooks",
    responses((status = 200, description = "Every webhook", body = WebhookList), WebhookReadProblems)
)]
async fn list(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.list_webhooks(&by).await?))
}

/// Adds a webhook: changes that it asks for are posted to its address, signed as Standard Webhooks 1.0 says,
/// each story in order, at least once.
///
/// The secret is in this answer, and nowhere else.
#[utoipa::path(
    post, path = "/v1/webhooks", tag = "webhooks", operation_id = "add_webhook",
    request_body = WebhookBody,
    responses((status = 200, description = "The webhook and its secret", body = WebhookView), WebhookProblems)
)]
async fn add(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.add_webhook(&by, &body).await?))
}

/// Shows a webhook.
#[utoipa::path(
    get, path = "/v1/webhooks/{webhook}", tag = "webhooks", operation_id = "show_webhook",
    params(("webhook" = String, Path, description = "The webhook's name", example = "wh_0123456789abcdef")),
    responses((status = 200, description = "The webhook", body = WebhookView), WebhookReadProblems)
)]
async fn show(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(webhook): Named,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.show_webhook(&by, &webhook).await?))
}

/// Changes a webhook, disables it, or enables it again: what is left out stays.
#[utoipa::path(
    patch, path = "/v1/webhooks/{webhook}", tag = "webhooks", operation_id = "change_webhook",
    params(("webhook" = String, Path, description = "The webhook's name", example = "wh_0123456789abcdef")),
    request_body = WebhookBody,
    responses((status = 200, description = "The webhook after it", body = WebhookView), WebhookProblems)
)]
async fn change(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(webhook): Named,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.change_webhook(&by, &webhook, &body).await?))
}

/// Removes a webhook, with its secrets, its deliveries and what waits for it.
#[utoipa::path(
    delete, path = "/v1/webhooks/{webhook}", tag = "webhooks", operation_id = "remove_webhook",
    params(("webhook" = String, Path, description = "The webhook's name", example = "wh_0123456789abcdef")),
    responses((status = 200, description = "The webhook as it was", body = WebhookView), WebhookProblems)
)]
async fn remove(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(webhook): Named,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.remove_webhook(&by, &webhook).await?))
}

/// Gives a webhook another secret. The one before signs too for 24 hours, beside the new one.
#[utoipa::path(
    post, path = "/v1/webhooks/{webhook}/secret/rotate", tag = "webhooks", operation_id = "rotate_webhook",
    params(("webhook" = String, Path, description = "The webhook's name", example = "wh_0123456789abcdef")),
    responses((status = 200, description = "The new secret: only here", body = WebhookSecret), WebhookProblems)
)]
async fn rotate(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(webhook): Named,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.rotate_webhook(&by, &webhook).await?))
}

/// Sends a test to a webhook: a message that has no word of any story. What came of it is among the deliveries.
#[utoipa::path(
    post, path = "/v1/webhooks/{webhook}/test", tag = "webhooks", operation_id = "test_webhook",
    params(("webhook" = String, Path, description = "The webhook's name", example = "wh_0123456789abcdef")),
    responses((status = 200, description = "The delivery that is queued", body = DeliveryView), WebhookProblems)
)]
async fn test(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(webhook): Named,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.test_webhook(&by, &webhook).await?))
}

/// Lists the deliveries to a webhook, newest first: the last 10,000 that are over, and those that wait.
#[utoipa::path(
    get, path = "/v1/webhooks/{webhook}/deliveries", tag = "webhooks", operation_id = "list_deliveries",
    params(("webhook" = String, Path, description = "The webhook's name", example = "wh_0123456789abcdef"), DeliveriesQuery),
    responses(
        (status = 200, description = "One page of deliveries", body = DeliveryList, headers(
            ("Link" = Option<String>, description = "`rel=\"next\"`: the next page"),
        )),
        WebhookReadProblems,
    )
)]
async fn deliveries(
    Asker(gateway, by): Asker,
    OriginalUri(uri): OriginalUri,
    accepted: Accepted,
    Named(webhook): Named,
    Asked(query): Asked<DeliveriesQuery>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let page = gateway.deliveries(&by, &webhook, &query).await?;
    Ok(paged(&page, &uri, page.next.as_deref()))
}

/// Sends one delivery again, or every change of a range that the webhook asks for, under the ids that they
/// had: a receiver that keeps them knows that they came before.
#[utoipa::path(
    post, path = "/v1/webhooks/{webhook}/replay", tag = "webhooks", operation_id = "replay_webhook",
    params(("webhook" = String, Path, description = "The webhook's name", example = "wh_0123456789abcdef")),
    request_body = ReplayBody,
    responses((status = 200, description = "What is queued", body = Replayed), WebhookProblems)
)]
async fn replay(
    Asker(gateway, by): Asker,
    accepted: Accepted,
    Named(webhook): Named,
    Asked(Nothing): Asked<Nothing>,
    JsonBody(body): JsonBody,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(done(&gateway.replay_webhook(&by, &webhook, &body).await?))
}
