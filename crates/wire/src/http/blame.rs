//! Bodies about who wrote what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use story::{ActorId, BlockId, BlockKind, Kind, Revision, StoryId};

/// Who wrote what of an article, stretch by stretch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlameView {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// The revision shown.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// The headline.
    pub headline: Vec<BlameSpan>,
    /// The standfirst; empty if there is none.
    pub summary: Vec<BlameSpan>,
    /// The body in order.
    pub blocks: Vec<BlameBlock>,
}

/// Who wrote a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlameBlock {
    /// Its identity within the story.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: BlockId,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: BlockKind,
    /// Its stretches in order; joined, their texts are the block's.
    pub spans: Vec<BlameSpan>,
}

/// A stretch of a text, and the revision that its words first came with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlameSpan {
    /// The words.
    pub text: String,
    /// The revision.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// Who filed it, by pseudonym.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub actor: ActorId,
    /// When it was recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub recorded: Timestamp,
    /// What sort of update it was.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: Kind,
    /// Its public note; empty if none.
    pub note: String,
}
