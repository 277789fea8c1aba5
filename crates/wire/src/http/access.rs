//! Bodies about people, machines, their keys, and what they asked for or were refused.
//!
//! Texts of the registry (grants, scopes, acts) are texts here: the registry reads them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use story::{ActorId, Desk, Revision, StoryId};

/// A text that is for whoever asked and for nobody else, such as a secret or a person's name:
/// `Debug` does not show it, so no log line keeps it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unlogged(pub String);

impl fmt::Debug for Unlogged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unlogged(not shown)")
    }
}

/// A person or machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "id": "a-4f2a", "name": "Ana Diaz", "grants": ["editor@world"], "added": "2026-11-23T06:00:00Z"
})))]
pub struct ActorView {
    /// The pseudonym that the log knows.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: ActorId,
    /// The name, unless there is none or it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub name: Option<Unlogged>,
    /// What it may do: `role@desk`, or `role@*` for every desk.
    pub grants: Vec<String>,
    /// Since when it is known.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub added: Timestamp,
    /// When its name was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub name_erased: Option<Timestamp>,
    /// When it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub deactivated: Option<Timestamp>,
}

/// A page of actors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActorList {
    /// The actors, in the order of their ids; removed ones too.
    pub actors: Vec<ActorView>,
    /// What to ask for the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An actor to be added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"name": "Ana Diaz", "grants": ["editor@world"]})))]
pub struct NewActorBody {
    /// The pseudonym; without one, a random one is made. It enters the log and cannot be erased
    /// there: it must not be anybody's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name: kept in the registry only, and erasable there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub name: Option<Unlogged>,
    /// What it may do: `role@desk`, or `role@*` for every desk.
    pub grants: Vec<String>,
}

/// What is to become different about an actor; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"grants": ["editor@world", "reporter@sports"]})))]
pub struct ActorChangeBody {
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub name: Option<Unlogged>,
    /// The new grants, in place of all old ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<String>>,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "id": "0a1b2c3d4e5f", "actor": "a-4f2a", "scopes": "*", "desks": "world", "added": "2026-11-23T06:00:00Z"
})))]
pub struct KeyView {
    /// Its public name: the part between `wt_` and the next `_`.
    pub id: String,
    /// Whose it is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub actor: ActorId,
    /// The acts that it is for: `*`, or acts with spaces between.
    pub scopes: String,
    /// The desks that it is for: `*`, or desks with spaces between.
    pub desks: String,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub added: Timestamp,
    /// When it got its present secret, if not when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub rotated: Option<Timestamp>,
    /// Until when the secret before the present one is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub old_secret_until: Option<Timestamp>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub expires: Option<Timestamp>,
    /// When it was last used, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub revoked: Option<Timestamp>,
    /// What an admin wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub note: Option<Unlogged>,
}

/// A page of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyList {
    /// The keys, in the order of their ids; revoked ones too.
    pub keys: Vec<KeyView>,
    /// What to ask for the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"actor": "a-4f2a", "scopes": "read file", "desks": "world"})))]
pub struct NewKeyBody {
    /// Whose it is to be.
    pub actor: String,
    /// The acts that it is for: `*` (if absent), or acts with spaces between; `read` stands for
    /// `read-public read-desk`.
    #[serde(default = "every")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub scopes: String,
    /// The desks that it is for: `*` (if absent), or desks with spaces between.
    #[serde(default = "every")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub desks: String,
    /// When it ends (RFC 3339); without, it lasts until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// A line about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub note: Option<Unlogged>,
}

fn every() -> String {
    "*".to_owned()
}

/// How a key is rotated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"overlap_seconds": 3600})))]
pub struct RotationBody {
    /// For how long the old secret stays valid, up to 31 days; 0 if absent.
    pub overlap_seconds: u64,
}

/// A new secret: here, and never again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyIssued {
    /// The whole key, for the header `Authorization: Bearer …`. The service keeps a hash of it only.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub secret: Unlogged,
    /// The key as it is listed.
    pub key: KeyView,
}

/// A refused act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DenialView {
    /// Its number, rising in the order in which denials were kept.
    pub number: u64,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// Who asked, if a key said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub actor: Option<ActorId>,
    /// The key, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What was asked for.
    pub act: String,
    /// On which desk; absent for the house as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub desk: Option<Desk>,
    /// About which story.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "uuid"))]
    pub story: Option<StoryId>,
    /// Where it was asked: `http` or `nats`.
    pub door: String,
    /// Why it was refused.
    pub reason: String,
}

/// A page of denials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DenialList {
    /// The denials, newest first.
    pub denials: Vec<DenialView>,
    /// How many were never kept, because too many came at once or the disk refused.
    pub not_kept: u64,
    /// What to ask for the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What needs a second person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"second_person": ["kill", "takedown"]})))]
pub struct PolicyBody {
    /// Each of: `kill`, `takedown`, `correction`, `alert`, `redaction`.
    pub second_person: Vec<String>,
}

/// The answer to a command that needs a second person: nothing is done yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "request": 7, "act": "kill", "story": "0192f1f0-0000-7000-8000-000000000000", "expires": "2026-11-24T06:00:00Z"
})))]
pub struct Waiting {
    /// The number of the request that somebody else approves or refuses.
    pub request: u64,
    /// What was asked for: `kill`, `takedown`, `correction`, `alert` or `redaction`.
    pub act: String,
    /// The story; absent for one that is yet to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "uuid"))]
    pub story: Option<StoryId>,
    /// Until when somebody may approve it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires: Timestamp,
}

/// Why a request is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({"reason": "The quotation has been confirmed"})))]
pub struct RefusalBody {
    /// Why, for the record and for whoever asked. The first 500 characters are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a request asks for, for whoever decides: words of the desk.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestContent {
    /// Why, as the asker says; readers are not told.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The public note.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Of a correction: what was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// Of a correction: where it stood.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Of copy: how it would change the story as that is now, line by line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<String>,
    /// Why it could not be done now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl fmt::Debug for RequestContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestContent(not shown)")
    }
}

/// An act that waits, or waited, for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestView {
    /// Its number.
    pub request: u64,
    /// Who asked.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub actor: ActorId,
    /// For what: `kill`, `takedown`, `correction`, `alert` or `redaction`.
    pub act: String,
    /// About which story.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "uuid"))]
    pub story: Option<StoryId>,
    /// On which desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub desk: Option<Desk>,
    /// The revision that the story was at when it was asked; 0 for one that was yet to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
    pub seen: Option<Revision>,
    /// When it was asked.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub asked: Timestamp,
    /// Until when somebody may decide.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub expires: Timestamp,
    /// `pending`, `approved`, `executed`, `failed`, `refused` or `expired`.
    pub state: String,
    /// Who decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub approver: Option<ActorId>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub decided: Option<Timestamp>,
    /// When it was carried out, failed, or was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub ended: Option<Timestamp>,
    /// The revision that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
    pub revision: Option<Revision>,
    /// Why it failed or was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it asks for: of one request that is open, to whoever reads the desk's copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<RequestContent>,
}

/// A page of requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestList {
    /// The requests that the caller may know of, oldest first. May be empty though there is a next
    /// page.
    pub requests: Vec<RequestView>,
    /// What to ask for the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
