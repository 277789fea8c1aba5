//! Bodies about where a phrase stood, and when readers had it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use story::{Desk, Revision, StoryId};

/// One page of stories that contain, or contained, a phrase.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhrasePage {
    /// The stories, oldest first. A page may be empty and have a next one: each looks through so much.
    pub stories: Vec<PhraseStory>,
    /// What to ask for the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A story that contains, or contained, a phrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhraseStory {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// Its desk.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub desk: Desk,
    /// Every revision that contained it, in stretches, the first one first: for readers the public
    /// ones that they can reach.
    pub revisions: Vec<PhraseStretch>,
    /// When readers had it, the first time first; empty if they never had.
    pub public: Vec<PhraseTime>,
    /// The first moment at which readers could see it; absent if they never could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub first_public: Option<Timestamp>,
    /// The moment from which readers could not see it any more; absent if they still can, or never could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_public: Option<Timestamp>,
    /// Whether readers see it now.
    pub is_public: bool,
    /// Whether there are more stretches than are listed: the oldest are. The moments count all of them.
    pub more: bool,
}

/// Revisions, one after the other, that contain a phrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhraseStretch {
    /// The first.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub from: Revision,
    /// The last.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub to: Revision,
    /// When the first was recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub since: Timestamp,
    /// When the revision was recorded that did not contain it any more; absent if the newest does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Timestamp>,
    /// Where it stood: ids of blocks, `headline`, `summary`; some of them, if there are many.
    pub places: Vec<String>,
}

/// A time during which readers had a phrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhraseTime {
    /// The public revision that brought it.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub from: Revision,
    /// The last public revision that had it.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub to: Revision,
    /// From when on.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub since: Timestamp,
    /// Until when; absent if they have it still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Timestamp>,
}
