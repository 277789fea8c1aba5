//! Bodies about webhooks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use story::{Desk, Kind, Level, Revision, StoryId};

use crate::cursor::Cursor;

/// Which changes a webhook is told of: those that fit all that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"desk": "world", "min_significance": "notable"})))]
pub struct WebhookFilter {
    /// Only of stories on this desk, or that leave it with the change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub desk: Option<Desk>,
    /// Only of stories with this tag, letter by letter, or that lose it with the change. A story that is
    /// taken from readers is told whatever its tags were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only of these kinds; of all if there are none. A recall (withhold, kill, takedown, correction) comes
    /// whatever the filter says to whoever was told of what it voids; an `unpublish` must be named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub kinds: Vec<Kind>,
    /// Only those that matter at least this much: `minor`, `notable` or `substantive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub min_significance: Option<Level>,
    /// Only those after which the headline is another one.
    #[serde(default)]
    pub headline_only: bool,
    /// Only of this story.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "uuid"))]
    pub story: Option<StoryId>,
}

/// A webhook to be added, or, where one is changed, what is to be another: what is left out stays. `url` is
/// needed to add one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "url": "https://example.com/hook", "description": "The app's push service",
    "filter": {"desk": "world", "min_significance": "notable"}, "payload": "thin"
})))]
pub struct WebhookBody {
    /// Where changes are posted: an address that begins with `https://`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it is, for people: up to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Which changes it is told of; all if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<WebhookFilter>,
    /// `full` (the default), or `thin`: without the words, and with `ref`, the address of the article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// `false`: it is told nothing until it is enabled again; what comes meanwhile is told then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// It is told of what comes behind this: a cursor, `earliest`, or `now`, which is where a new one begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookView {
    /// Its name.
    pub webhook: String,
    /// Where changes are posted.
    pub url: String,
    /// What it is, for people.
    pub description: String,
    /// Which changes it is told of.
    pub filter: WebhookFilter,
    /// `full` or `thin`.
    pub payload: String,
    /// `enabled`, `disabled`, or told nothing until it is enabled again: `gone` (it has answered 410) or
    /// `failed` (a delivery was given up after its last attempt).
    pub state: String,
    /// Everything up to here was queued for it, or is not asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub cursor: Cursor,
    /// Deliveries that wait.
    pub waiting: usize,
    /// When it was added.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub added: Timestamp,
    /// Why it is `gone` or `failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub changed: Timestamp,
    /// What its deliveries are signed with: only in the answer that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Every webhook, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookList {
    /// The webhooks.
    pub webhooks: Vec<WebhookView>,
}

/// A secret that was made in place of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookSecret {
    /// The webhook.
    pub webhook: String,
    /// The new secret; it is shown only here.
    pub secret: String,
    /// Until when the secret before signs too, beside this one.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub before_until: Timestamp,
}

/// A delivery to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryView {
    /// Its number.
    pub delivery: u64,
    /// Its `webhook-id`: the same whenever the same change goes to the same webhook.
    pub message: String,
    /// `change`, `replay` or `test`.
    pub origin: String,
    /// `waiting`, `delivered`, `given-up`, or `withdrawn`: readers may not see the change any more.
    pub state: String,
    /// The story; absent in a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "uuid"))]
    pub story: Option<StoryId>,
    /// The revision that the change leads to; absent in a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
    pub revision: Option<Revision>,
    /// What sort of update it is; absent in a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub kind: Option<Kind>,
    /// The change's cursor; absent in a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub cursor: Option<Cursor>,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was queued.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub queued: Timestamp,
    /// When the next attempt is due; absent once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub due: Option<Timestamp>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub ended: Option<Timestamp>,
    /// The status of the last answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What was wrong with the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Deliveries to a webhook, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeliveryList {
    /// The deliveries.
    pub deliveries: Vec<DeliveryView>,
    /// What to ask for the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What is to be sent again: `delivery`, or the range behind `after` and up to `upto`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"delivery": 7})))]
pub struct ReplayBody {
    /// The number of one delivery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<u64>,
    /// A cursor, or `earliest`: every change behind it that the webhook asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// A cursor, or `now`, as if left out: where the range ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upto: Option<String>,
}

/// What was queued to be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Replayed {
    /// The webhook.
    pub webhook: String,
    /// How many deliveries.
    pub queued: usize,
    /// Where the next replay goes on, as its `after`, if one replay is not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub next: Option<Cursor>,
}
