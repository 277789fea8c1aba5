//! Exports: who took text out of the house in a file.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use story::{ActorId, StoryId};

/// An export that is about to be handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportBody {
    /// How much it tells: `public`, `redacted` or `full`.
    pub level: String,
    /// Of which stories, by their ids.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub stories: Vec<StoryId>,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: String,
    /// How many bytes the file has.
    pub bytes: u64,
    /// Who gets it: 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportView {
    /// Its number: 1 for the first ever.
    pub export: u64,
    /// When it was recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Timestamp,
    /// Who made it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub by: ActorId,
    /// Who gets it, in the words of who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// How much it tells.
    pub level: String,
    /// Of which stories.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub stories: Vec<StoryId>,
    /// SHA-256 of the file.
    pub sha256: String,
    /// How many bytes the file has.
    pub bytes: u64,
}

/// A page of exports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExportList {
    /// The exports, newest first.
    pub exports: Vec<ExportView>,
    /// What to ask for the next page with; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
