//! The recall: what calls back revisions that readers have, to everyone who got one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use story::{Desk, Kind, Revision, Status, StoryId};

use crate::change::{Change, ChangeMeta, newest};
use crate::cursor::Cursor;

/// What calls revisions of a story back: a withhold, kill, takedown or correction.
///
/// It holds no word of the article. What stands in their place comes with the change of the same
/// revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recall {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its desk.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub desk: Desk,
    /// Its slug.
    pub slug: String,
    /// Withhold, kill, takedown or correction.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: Kind,
    /// The revision that calls back.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// Where the story stands after it: usable means that this revision stands in the place of those
    /// called back, anything else that nothing does.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: Status,
    /// The revisions that must not be used any more, rising; at most
    /// [`VOIDS_MAX`](crate::VOIDS_MAX). Empty if all of them had been called back before.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
    pub voids: Vec<Revision>,
    /// When it was recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub recorded: Timestamp,
    /// The public note; empty if none.
    #[serde(default)]
    pub note: String,
    /// From where to follow the story after this.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub cursor: Cursor,
}

/// Returns whether an update is a recall. A redaction that voids nothing only annotates.
fn calls_back(kind: Kind, voids: &[Revision]) -> bool {
    kind.recalls() && (kind != Kind::Redaction || !voids.is_empty())
}

impl Recall {
    /// Returns the recall that the update `revision` is; `None` if its kind calls nothing back.
    pub fn of_update(meta: &ChangeMeta, slug: &str, revision: Revision) -> Option<Self> {
        calls_back(meta.kind, &meta.voids).then(|| Self {
            story: meta.story,
            desk: meta.desk.clone(),
            slug: slug.to_owned(),
            kind: meta.kind,
            revision,
            status: meta.status,
            voids: newest(meta.voids.clone()),
            recorded: meta.recorded,
            note: meta.note.clone(),
            cursor: meta.cursor,
        })
    }

    /// Returns the recall that goes with `change`; `None` if its kind calls nothing back.
    pub fn of_change(change: &Change) -> Option<Self> {
        calls_back(change.kind, &change.voids).then(|| Self {
            story: change.story,
            desk: change.desk.clone(),
            slug: change.slug.clone(),
            kind: change.kind,
            revision: change.to,
            status: change.status,
            voids: change.voids.clone(),
            recorded: change.recorded,
            note: change.note.clone(),
            cursor: change.cursor,
        })
    }
}
