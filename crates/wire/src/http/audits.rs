//! Bodies about where a story's recalls and embargoes stand.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use story::{ActorId, Kind, Revision, Status, StoryId};

/// How far a story's recalls have come, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecallStatus {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// Its recalls.
    pub recalls: Vec<RecallView>,
    /// What to ask for older recalls with; absent if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How far one recall has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecallView {
    /// The revision that calls back.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// Withhold, kill, takedown or correction.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: Kind,
    /// When it was recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub recorded: Timestamp,
    /// The revisions that it calls back.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
    pub voids: Vec<Revision>,
    /// Subscribers who got one of those.
    pub got: u64,
    /// Those of them who have acknowledged the recall.
    pub acknowledged: u64,
    /// One page of subscribers, in the order of their ids.
    pub subscribers: Vec<RecallSubscriber>,
    /// `subscribers_after` of the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscribers_next: Option<String>,
}

/// Where one subscriber stands with a recall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecallSubscriber {
    /// Who.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub subscriber: ActorId,
    /// The highest voided revision that it is known to have got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
    pub got: Option<Revision>,
    /// When it acknowledged the recall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub acknowledged: Option<Timestamp>,
}

/// Whether a story's embargoes were kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbargoAudit {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// Its embargoes, oldest first; one whose end was moved is followed by the one that it became.
    pub embargoes: Vec<EmbargoView>,
    /// When the story first went out after its last embargo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub released: Option<Timestamp>,
    /// When a revision from the first embargo on first left by each door.
    pub first_departures: Vec<DepartureView>,
    /// Whether any left before its embargo's end.
    pub breach: bool,
    /// Those that did, at most 100.
    #[serde(default)]
    pub breaches: Vec<DepartureView>,
    /// Whether all of the story was looked at; if not, there may be more than is said here.
    pub complete: bool,
    /// Departures, of any story, that were never noted because too many came at once: if there are
    /// some, one of this story may be among them.
    #[serde(default)]
    pub not_noted: u64,
}

/// One embargo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EmbargoView {
    /// The revision that set it.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// When it was set.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub set: Timestamp,
    /// Its end, as set.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub until: Timestamp,
    /// Who set it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub actor: ActorId,
    /// When it was over: lapsed, lifted, moved, or gone with the story.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub ended: Option<Timestamp>,
    /// Who ended it; `scheduler` is the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub ended_by: Option<ActorId>,
    /// Where the story stood then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub status_after: Option<Status>,
}

/// A revision that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DepartureView {
    /// By which door.
    pub door: String,
    /// Which one.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// When it first did.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
}
