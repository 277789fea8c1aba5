//! Bodies that answer an auditor's questions about the whole house. None holds a word of an article.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use story::significance::Code;
use story::{ActorId, Desk, Kind, Level, Revision, Status, StoryId};

use crate::http::{EmbargoAudit, RecallView};

/// What a correction says where its source does not say what was wrong.
pub const NOT_STATED: &str = "not stated by the source";
/// Who approved a correction whose source does not say.
pub const NOBODY_NAMED: &str = "not-stated";

/// A public change, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeName {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// The desk that it went out from.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub desk: Desk,
    /// What readers had before; 0 for nothing.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub from: Revision,
    /// What they have had after it.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// What sort of update it is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: Kind,
    /// When it was recorded, and readers had it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub recorded: Timestamp,
    /// Who made it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub actor: ActorId,
}

/// A change of what readers had, of which no public note tells them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SilentChange {
    /// Which.
    #[serde(flatten)]
    pub change: ChangeName,
    /// In what way it is silent.
    pub silence: Silence,
    /// How much it matters, by the rules or by its editor's label.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub level: Level,
    /// The rules by which it is substantive, each once.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub reasons: Vec<Code>,
}

/// In what way a change is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Silence {
    /// It is substantive and has no public note.
    NoNote,
    /// The rules call it substantive, its editor's label does not, and it has no public note.
    LabelledLower,
    /// The story was taken from readers without a word.
    Gone,
}

impl Silence {
    /// Returns its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoNote => "no-note",
            Self::LabelledLower => "labelled-lower",
            Self::Gone => "gone",
        }
    }
}

/// A correction or clarification that lacks something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CorrectionFinding {
    /// Which.
    #[serde(flatten)]
    pub change: ChangeName,
    /// What it lacks; at least one.
    pub lacks: Vec<Lack>,
}

/// What a correction can lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Lack {
    /// A public note.
    Note,
    /// Who approved it.
    Approver,
    /// Somebody else than who made it, to approve it.
    SecondPerson,
    /// What was wrong.
    What,
    /// Where it stood.
    Where,
}

impl Lack {
    /// Returns its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Approver => "approver",
            Self::SecondPerson => "second-person",
            Self::What => "what",
            Self::Where => "where",
        }
    }
}

/// A recall, of any story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecallFinding {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// How far it has come.
    #[serde(flatten)]
    pub recall: RecallView,
}

/// A revision that readers had, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublicStretch {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// The desk that it went out from.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub desk: Desk,
    /// What readers had.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// What sort of update it is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: Kind,
    /// Where the story stood: if not `usable`, readers had no word of it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: Status,
    /// From when.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub since: Timestamp,
    /// Until when; absent if they have it still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Timestamp>,
    /// Whether they can still reach it by its address.
    pub reachable: bool,
}

/// Declares the pages of an answer: all alike, each with a name in the description of the API.
macro_rules! pages {
    ($($(#[$doc:meta])* $page:ident of $finding:ty;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $page {
            /// What was found. A page may be empty and have a next one: each looks at so much.
            pub findings: Vec<$finding>,
            /// What to ask for the next page with; absent on the last.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub next: Option<String>,
        }
    )+};
}

pages! {
    /// One page of silent changes, oldest first.
    SilentPage of SilentChange;
    /// One page of corrections that lack something, oldest first.
    CorrectionPage of CorrectionFinding;
    /// One page of recalls, oldest first.
    RecallPage of RecallFinding;
    /// One page of stories under embargo, in the order of their ids.
    EmbargoPage of EmbargoAudit;
    /// One page of what readers had, story by story in the order of their ids.
    PublicPage of PublicStretch;
}
