//! Bodies about redactions and legal holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use story::{ActorId, Basis, BlockId, Field, RedactionKind, Revision, StoryId};

use crate::cursor::Cursor;

/// What is to be redacted: sentences of a story, in any of its revisions. At least one of `block`,
/// `field` and `words` says which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "kind": "erase", "basis": "GDPR-Art.17", "block": "b2", "sentence": 1,
    "reason": "The conviction is spent.", "note": "A name was removed for legal reasons.", "approver": "chief-1"
})))]
pub struct RedactBody {
    /// `anonymise`, `withdraw`, `annotate` or `erase`.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: RedactionKind,
    /// By what right: 1 to 64 characters out of A-Z a-z 0-9 . _ : / -
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub basis: Basis,
    /// Only of this block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub block: Option<BlockId>,
    /// Only of this field, such as `headline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub field: Option<Field>,
    /// Only the sentence of this number there, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentence: Option<u64>,
    /// Only sentences that hold these words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// Only as they stand in these revisions: `A..B`. A sentence that also stands in another is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revisions: Option<String>,
    /// What stands in their place in the article of now; only to anonymise. With `words`, it takes the
    /// place of those words alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// Why, for the record; readers are not told.
    pub reason: String,
    /// Public note, for readers and subscribers. An annotation needs one.
    #[serde(default)]
    pub note: String,
    /// Who approved it: another actor, who may approve on the story's desk.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub approver: ActorId,
    /// The revision that you saw; if the story has moved on, nothing is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
}

/// What a redaction did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Redacted {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// The revision that the redaction made: its envelope is the receipt.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// What was done.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: RedactionKind,
    /// How many sentences it is about; 0 in the kept answer to an earlier request.
    pub values: u64,
    /// How many records of the log were rewritten without them.
    pub records: u64,
    /// Whether readers and subscribers are told.
    pub public: bool,
    /// Whether this is the kept answer to an earlier request with the same key.
    pub repeated: bool,
    /// Where it stands in the log.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub cursor: Cursor,
}

/// What a redaction would be about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedactionPreview {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// Every sentence, once.
    pub values: Vec<RedactedValue>,
}

/// One sentence that a redaction would be about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedactedValue {
    /// Its words.
    pub text: String,
    /// Where it stands, such as `block b2` or `headline`; absent for a note and for addresses of links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The revision in which it was found first.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub since: Revision,
}

/// The redactions of a story, or of the house, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedactionList {
    /// The redactions.
    pub redactions: Vec<RedactionView>,
    /// What to ask for the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A redaction: what was done, when, by whom and by what right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedactionView {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// The revision that it made.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// When it was recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub recorded: Timestamp,
    /// What was done.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: RedactionKind,
    /// By what right.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub basis: Basis,
    /// How many sentences it is about.
    pub values: u64,
    /// Who asked for it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub actor: ActorId,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub approver: Option<ActorId>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The public note; empty if none.
    pub note: String,
}

/// A hold to be placed: nothing of the story is redacted until it is lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(example = json!({
    "story": "ceasefire-talks", "basis": "court:2026/1234", "reason": "Disclosure in the case of A against B."
})))]
pub struct HoldBody {
    /// The story's id or slug.
    pub story: String,
    /// By what right: 1 to 64 characters out of A-Z a-z 0-9 . _ : / -
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub basis: Basis,
    /// Why.
    pub reason: String,
}

/// Why a hold is lifted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiftBody {
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HoldView {
    /// Its number.
    pub hold: u64,
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// By what right.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub basis: Basis,
    /// Why.
    pub reason: String,
    /// When it was placed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub placed: Timestamp,
    /// By whom.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub placed_by: ActorId,
    /// When it was lifted; absent while it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub lifted: Option<Timestamp>,
    /// By whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub lifted_by: Option<ActorId>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lift_reason: Option<String>,
}

/// Legal holds, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HoldList {
    /// The holds.
    pub holds: Vec<HoldView>,
    /// What to ask for the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
