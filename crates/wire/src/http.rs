//! Bodies of the API: what the gateway, the command line and the NATS service say to each other.
//!
//! Requests refuse what they do not know; answers may grow, so readers let unknown members pass.

use jiff::Timestamp;
use proof::Hash;
use serde::{Deserialize, Serialize};
use story::diff::{Observation, Op};
use story::significance::Significance;
use story::{ActorId, BlockId, Desk, Kind, Level, Revision, Status, StoryId};

use crate::cursor::Cursor;

/// The answer to a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pushed {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// Its revision after the push.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// Whether anything changed; if not, nothing was stored.
    pub changed: bool,
    /// The kind it was filed as, or that of the story's last revision if nothing changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: Kind,
    /// The desk that owns the story.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub desk: Desk,
    /// Where the story stands.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: Status,
    /// When it goes out by itself: the end of its embargo, or its schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Timestamp>,
    /// The revision that the copy was made from, where it was carried over onto the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
    pub rebased: Option<Revision>,
    /// The block that the command added, if it added one and no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub block: Option<BlockId>,
    /// How much it matters to readers; absent if they cannot see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub significance: Option<Significance>,
    /// Hash of the desk's article, by the public hash.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub hash: Hash,
    /// Where the push stands in the log; absent if nothing was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub cursor: Option<Cursor>,
    /// Whether this is the kept answer to an earlier request with the same key.
    pub repeated: bool,
    /// What an editor should know of, such as stripped characters or a rebase.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// What is done to a story: the last part of an act's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ActName {
    /// Holds it.
    Withhold,
    /// Publishes what is held, scheduled or a draft; with `at`, at that time.
    Release,
    /// Do not use, ever.
    Kill,
    /// Takes it down for legal reasons.
    Takedown,
    /// Takes it from readers, quietly.
    Unpublish,
    /// Brings back what was killed, taken down or unpublished.
    Restore,
    /// Puts it under an embargo until `at`, or moves its end.
    Embargo,
    /// Ends the embargo now.
    Lift,
}

impl ActName {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Withhold,
        Self::Release,
        Self::Kill,
        Self::Takedown,
        Self::Unpublish,
        Self::Restore,
        Self::Embargo,
        Self::Lift,
    ];

    /// Returns its name in addresses and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Withhold => "withhold",
            Self::Release => "release",
            Self::Kill => "kill",
            Self::Takedown => "takedown",
            Self::Unpublish => "unpublish",
            Self::Restore => "restore",
            Self::Embargo => "embargo",
            Self::Lift => "lift",
        }
    }
}

/// What is said with an act: the body of its request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActBody {
    /// Why, for the record; readers are not told. All but release, embargo and lift need one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The public note.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Of a release or an embargo: the time (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Of a restore: whether it comes back as a draft and not to readers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
    /// Who approved it, where two people had to agree and did so elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub approver: Option<ActorId>,
    /// The revision that the story must be at, if you insist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
}

/// What a push would do: the answer to a dry run. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Previewed {
    /// The story; absent if the push would make a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = "uuid"))]
    pub story: Option<StoryId>,
    /// Whether anything would change.
    pub changed: bool,
    /// The kind it would be filed as; absent if nothing would change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub kind: Option<Kind>,
    /// The story's revision now; 0 for a new one.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub from: Revision,
    /// The revision that the push would make; the present one if nothing would change.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub to: Revision,
    /// Hash of the article now.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub base: Hash,
    /// Hash of the article after.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub target: Hash,
    /// What takes the one to the other.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub ops: Vec<Op>,
    /// What a person would say beside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub observations: Vec<Observation>,
    /// How much it would matter.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub significance: Significance,
    /// The difference as people read it, line by line.
    pub text: String,
    /// What an editor should know of, such as stripped characters.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// What a rebuild of the views found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RebuiltViews {
    /// The position that both copies stood at.
    pub position: u64,
    /// Whether the old views were what the log says.
    pub equal: bool,
    /// Each table.
    pub tables: Vec<RebuiltTable>,
}

/// How one table of the views fared in a rebuild.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RebuiltTable {
    /// Its name.
    pub table: String,
    /// Rows in the old views.
    pub rows: u64,
    /// Rows in the new ones.
    pub rebuilt_rows: u64,
    /// Whether every value of every row is equal.
    pub equal: bool,
}

/// Whether the service can take requests: the answer of `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Readiness {
    /// Whether it can.
    pub ready: bool,
    /// Each thing that was looked at.
    pub checks: Vec<ReadinessCheck>,
}

/// One thing that readiness looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReadinessCheck {
    /// `log`, `views` or `nats`.
    pub name: String,
    /// Whether it is well.
    pub ok: bool,
    /// Whether the service is not ready without it.
    pub required: bool,
    /// What was seen.
    pub detail: String,
}

/// A page of stories.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoryList {
    /// The stories, last changed first.
    pub stories: Vec<StoryLine>,
    /// What to ask for the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One story in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoryLine {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// Its desk.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub desk: Desk,
    /// Where it stands.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: Status,
    /// Its revision.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// Its headline.
    pub headline: String,
    /// When its last event was recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub recorded: Timestamp,
    /// When readers could see what they see; absent if they see nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub published: Option<Timestamp>,
    /// When the story goes out by itself: for the desk only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Timestamp>,
    /// The level of the last public change; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub significance: Option<Level>,
}

/// A page of a story's revisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryPage {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its revisions, newest first.
    pub revisions: Vec<RevisionLine>,
    /// What to ask for the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One revision in a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevisionLine {
    /// Its number.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// What sort of update it was.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: Kind,
    /// Whether readers saw it.
    pub public: bool,
    /// When it was recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub recorded: Timestamp,
    /// When it happened in the world, as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred: Option<String>,
    /// Who filed it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub actor: ActorId,
    /// The public note; empty if none.
    #[serde(default)]
    pub note: String,
    /// How much it mattered to readers; absent if they did not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub significance: Option<Significance>,
    /// Its place in the log.
    pub position: u64,
    /// Hash of the public article at it; absent if readers saw nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub hash: Option<Hash>,
    /// Where the story stood after it: for the desk only, as is everything below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub status: Option<Status>,
    /// When the story was to go out by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Timestamp>,
    /// The revision that the editor saw, where the copy was carried over from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u64>))]
    pub rebased: Option<Revision>,
    /// Why an act on the story was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who approved it, where two people had to agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub approver: Option<ActorId>,
}

/// The difference of two revisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DiffView {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// The earlier revision; 0 for "before the first".
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub from: Revision,
    /// The later revision.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub to: Revision,
    /// Hash of the earlier article.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub base: Hash,
    /// Hash of the later article.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub target: Hash,
    /// What takes the one to the other.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub ops: Vec<Op>,
    /// What a person would say beside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub observations: Vec<Observation>,
    /// How much it matters.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub significance: Significance,
}

/// What the service is and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Info {
    /// `writethru`.
    pub name: String,
    /// Its release.
    pub version: String,
    /// The log's life, as in a cursor: 16 hexadecimal digits.
    pub epoch: String,
    /// The last position in the log.
    pub head: u64,
    /// The last position that the views show.
    pub viewed: u64,
    /// The last position that has gone to NATS; absent where nothing publishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<u64>,
}

mod access;
mod audits;
mod blame;
mod exports;
mod redaction;
mod search;

pub use access::{
    ActorChangeBody, ActorList, ActorView, DenialList, DenialView, KeyIssued, KeyList, KeyView, NewActorBody,
    NewKeyBody, PolicyBody, RefusalBody, RequestContent, RequestList, RequestView, RotationBody, Unlogged,
    Waiting,
};
pub use audits::{DepartureView, EmbargoAudit, EmbargoView, RecallStatus, RecallSubscriber, RecallView};
pub use blame::{BlameBlock, BlameSpan, BlameView};
pub use exports::{ExportBody, ExportList, ExportView};
pub use redaction::{
    HoldBody, HoldList, HoldView, LiftBody, RedactBody, Redacted, RedactedValue, RedactionList,
    RedactionPreview, RedactionView,
};
pub use search::{PhrasePage, PhraseStory, PhraseStretch, PhraseTime};
