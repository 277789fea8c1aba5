//! Webhooks: added, changed, tried and looked at by whoever runs the service.

use bytes::Bytes;
use courier::{
    Change, Delivery, DeliveryFilter, DeliveryId, DeliveryState, Endpoint, EndpointId, NewEndpoint, Payload,
    Replay, StoreError, WebhookError, Webhooks,
};
use log::Position;
use registry::{Act, Principal};
use utoipa::IntoParams;
use wire::http::{
    DeliveryList, DeliveryView, ReplayBody, Replayed, WebhookBody, WebhookList, WebhookSecret, WebhookView,
};
use wire::{Problem, ProblemKind};

use crate::commands::After;
use crate::commands::read::limit;
use crate::commands::registry::{PAGE, PAGE_MAX, bad_body, body, page, unknown};
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};
use crate::problems::{of_view, refused, unavailable};

/// What the states of deliveries are called.
const STATES: &[(&str, Option<DeliveryState>)] = &[
    ("all", None),
    ("waiting", Some(DeliveryState::Waiting)),
    ("delivered", Some(DeliveryState::Delivered)),
    ("given-up", Some(DeliveryState::GivenUp)),
    ("withdrawn", Some(DeliveryState::Withdrawn)),
];

/// Which deliveries to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveriesQuery {
    /// Only in this state: `waiting`, `delivered`, `given-up` or `withdrawn`; `all` if absent.
    #[param(value_type = Option<String>, example = "given-up")]
    state: Option<DeliveryState>,
    /// `next` of the page before: only older ones.
    #[param(value_type = Option<u64>)]
    after: Option<u64>,
    /// At most this many; 100 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500)]
    limit: usize,
}

impl Query for DeliveriesQuery {
    const NAMES: &'static [&'static str] = &["state", "after", "limit"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            state: from.word("state", STATES)?,
            after: from.number("after", i64::MAX.unsigned_abs())?,
            limit: limit(from, PAGE, PAGE_MAX)?,
        })
    }
}

impl Gateway {
    /// Returns the webhooks of this process, if `by` runs the service.
    async fn webhooks(&self, by: &Principal) -> Result<&Webhooks, Problem> {
        self.allow(by, Act::Operate, None, None).await?;
        self.inner.controls.webhooks.as_ref().ok_or_else(|| {
            refused("no-courier", "this process carries no webhooks: ask the one that has the role courier")
        })
    }

    /// Adds a webhook; its secret is in the answer, and nowhere else.
    pub(crate) async fn add_webhook(&self, by: &Principal, given: &Bytes) -> Result<WebhookView, Problem> {
        let webhooks = self.webhooks(by).await?;
        let WebhookBody { url, description, filter, payload, enabled, since } = body(given)?;
        let url = url.ok_or_else(|| bad_body("url", "it is needed"))?;
        if enabled == Some(false) {
            return Err(bad_body("enabled", "a new webhook is enabled: leave it out"));
        }
        let new = NewEndpoint {
            url,
            description: description.unwrap_or_default(),
            filter: filter.unwrap_or_default(),
            payload: payload.as_deref().map_or(Ok(Payload::Full), read_payload)?,
            after: self.place("since", since.as_deref().unwrap_or("now"))?,
        };
        let (added, secret) = webhooks.add(new).await.map_err(|failed| of_webhook(&failed))?;
        Ok(WebhookView { secret: Some(secret.expose()), ..view(added, webhooks) })
    }

    /// Returns every webhook.
    pub(crate) async fn list_webhooks(&self, by: &Principal) -> Result<WebhookList, Problem> {
        let webhooks = self.webhooks(by).await?;
        let found = webhooks.list().await.map_err(|failed| of_webhook(&failed.into()))?;
        Ok(WebhookList { webhooks: found.into_iter().map(|one| view(one, webhooks)).collect() })
    }

    /// Returns one webhook.
    pub(crate) async fn show_webhook(&self, by: &Principal, id: &str) -> Result<WebhookView, Problem> {
        let webhooks = self.webhooks(by).await?;
        let found = webhooks.show(&named(id)?).await;
        found.map(|found| view(found, webhooks)).map_err(|failed| of_webhook(&failed))
    }

    /// Changes a webhook.
    pub(crate) async fn change_webhook(
        &self,
        by: &Principal,
        id: &str,
        given: &Bytes,
    ) -> Result<WebhookView, Problem> {
        let webhooks = self.webhooks(by).await?;
        let id = named(id)?;
        let WebhookBody { url, description, filter, payload, enabled, since } = body(given)?;
        let change = Change {
            url,
            description,
            filter,
            payload: payload.as_deref().map(read_payload).transpose()?,
            enabled,
            after: since.map(|since| self.place("since", &since)).transpose()?,
        };
        let changed = webhooks.change(&id, change).await;
        changed.map(|changed| view(changed, webhooks)).map_err(|failed| of_webhook(&failed))
    }

    /// Removes a webhook; returns it as it was.
    pub(crate) async fn remove_webhook(&self, by: &Principal, id: &str) -> Result<WebhookView, Problem> {
        let webhooks = self.webhooks(by).await?;
        let id = named(id)?;
        let known = webhooks.show(&id).await.map_err(|failed| of_webhook(&failed))?;
        webhooks.remove(&id).await.map_err(|failed| of_webhook(&failed))?;
        Ok(view(known, webhooks))
    }

    /// Gives a webhook another secret.
    pub(crate) async fn rotate_webhook(&self, by: &Principal, id: &str) -> Result<WebhookSecret, Problem> {
        let webhooks = self.webhooks(by).await?;
        let id = named(id)?;
        let (secret, before_until) = webhooks.rotate(&id).await.map_err(|failed| of_webhook(&failed))?;
        Ok(WebhookSecret { webhook: id.to_string(), secret: secret.expose(), before_until })
    }

    /// Queues a test.
    pub(crate) async fn test_webhook(&self, by: &Principal, id: &str) -> Result<DeliveryView, Problem> {
        let webhooks = self.webhooks(by).await?;
        let queued = webhooks.test(&named(id)?).await;
        queued.map(|queued| delivery(queued, webhooks)).map_err(|failed| of_webhook(&failed))
    }

    /// Returns one page of deliveries, newest first.
    pub(crate) async fn deliveries(
        &self,
        by: &Principal,
        id: &str,
        query: &DeliveriesQuery,
    ) -> Result<DeliveryList, Problem> {
        let webhooks = self.webhooks(by).await?;
        let filter = DeliveryFilter { state: query.state, before: query.after.map(DeliveryId) };
        let found = webhooks.deliveries(&named(id)?, filter, query.limit + 1).await;
        let mut found = found.map_err(|failed| of_webhook(&failed))?;
        let next = page(&mut found, query.limit, |one| one.id.0.to_string());
        let deliveries = found.into_iter().map(|one| delivery(one, webhooks)).collect();
        Ok(DeliveryList { deliveries, next })
    }

    /// Queues again what was delivered, or was not.
    pub(crate) async fn replay_webhook(
        &self,
        by: &Principal,
        id: &str,
        given: &Bytes,
    ) -> Result<Replayed, Problem> {
        let webhooks = self.webhooks(by).await?;
        let id = named(id)?;
        let replay = match body(given)? {
            ReplayBody { delivery: Some(one), after: None, upto: None } => Replay::One(DeliveryId(one)),
            ReplayBody { delivery: None, after: Some(after), upto } => {
                let upto = self.place("upto", upto.as_deref().unwrap_or("now"))?;
                Replay::Range(self.place("after", &after)?, upto)
            }
            _ => return Err(bad_body("delivery", "either delivery or after is needed, and not both")),
        };
        let queued = webhooks.replay(&id, replay, self.views()).await;
        let queued = queued.map_err(|failed| of_webhook(&failed))?;
        let next = queued.next.map(|next| self.cursor(next));
        Ok(Replayed { webhook: id.to_string(), queued: queued.count, next })
    }

    /// Returns the position that a member of a body names.
    fn place(&self, member: &str, given: &str) -> Result<Position, Problem> {
        match given.parse().map_err(|error| bad_body(member, error))? {
            After::Earliest => Ok(Position::ZERO),
            After::Now => Ok(self.views().position()),
            After::Cursor(cursor) => self.position(cursor),
        }
    }
}

fn named(id: &str) -> Result<EndpointId, Problem> {
    id.parse().map_err(|_| unknown("webhook", id))
}

fn read_payload(given: &str) -> Result<Payload, Problem> {
    match given {
        "full" => Ok(Payload::Full),
        "thin" => Ok(Payload::Thin),
        _ => Err(bad_body("payload", "it is neither full nor thin")),
    }
}

fn view(endpoint: Endpoint, webhooks: &Webhooks) -> WebhookView {
    WebhookView {
        webhook: endpoint.id.to_string(),
        url: endpoint.url,
        description: endpoint.description,
        filter: endpoint.filter,
        payload: endpoint.payload.as_str().to_owned(),
        state: endpoint.state.as_str().to_owned(),
        cursor: wire::Cursor { epoch: webhooks.epoch().0, position: endpoint.cursor.0 },
        waiting: endpoint.waiting,
        reason: endpoint.reason,
        added: endpoint.added,
        changed: endpoint.changed,
        secret: None,
    }
}

fn delivery(one: Delivery, webhooks: &Webhooks) -> DeliveryView {
    let is_waiting = one.state == DeliveryState::Waiting;
    let cursor = |position: Position| wire::Cursor { epoch: webhooks.epoch().0, position: position.0 };
    DeliveryView {
        delivery: one.id.0,
        message: one.message,
        origin: one.origin.as_str().to_owned(),
        state: one.state.as_str().to_owned(),
        story: one.change.map(|change| change.story),
        revision: one.change.map(|change| change.revision),
        kind: one.change.map(|change| change.kind),
        cursor: one.change.map(|change| cursor(change.position)),
        attempts: one.attempts,
        queued: one.queued,
        due: is_waiting.then_some(one.due),
        ended: one.ended,
        status: one.status,
        error: one.error,
    }
}

/// Returns the problem of a webhook about which nothing was done. None holds a secret.
fn of_webhook(failed: &WebhookError) -> Problem {
    match failed {
        WebhookError::Store(failed) => of_store(failed),
        WebhookError::Views(failed) => of_view(failed),
        WebhookError::Address(wrong) => bad_body("url", wrong),
        WebhookError::Unknown(id) => unknown("webhook", id),
        WebhookError::UnknownDelivery(id) => unknown("delivery", &id.to_string()),
        WebhookError::Disabled => refused("webhook-disabled", failed.to_string()),
        WebhookError::TooMany { .. } | WebhookError::Full => refused("too-many", failed.to_string()),
    }
}

fn of_store(failed: &StoreError) -> Problem {
    tracing::error!(error = %failed, "The file of webhooks gave no answer");
    match failed {
        StoreError::Unavailable(_) | StoreError::Untold(_) => unavailable(failed.to_string()),
        StoreError::Damaged(_) => Problem::new(ProblemKind::Internal, failed.to_string()),
        StoreError::Lost => Problem::new(ProblemKind::OutcomeUnknown, failed.to_string()),
    }
}
