//! What an envelope says beside what it does to the article: enough for a listing.

use std::sync::Arc;

use jiff::Timestamp;
use proof::Hash;
use story::{ActorId, CommandKey, Desk, Kind, Level, Redaction, Revision, Status, StoryId};
use uuid::Uuid;

use super::{Damaged, reader};

/// An envelope without its operations, note and commitments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The event's id.
    pub event: Uuid,
    /// The story.
    pub story: StoryId,
    /// The revision it makes.
    pub revision: Revision,
    /// What sort of update it is.
    pub kind: Kind,
    /// When the service decided it.
    pub recorded: Timestamp,
    /// When it happened in the world, as given.
    pub occurred: Option<Arc<str>>,
    /// Who acted, by pseudonym.
    pub actor: ActorId,
    /// The idempotency key of the command that caused it.
    pub command: CommandKey,
    /// The desk that owns the story from this revision on.
    pub desk: Desk,
    /// Where the story stands after it.
    pub status: Status,
    /// Whether readers see the article as of this revision.
    pub public: bool,
    /// When the story goes out by itself.
    pub until: Option<Timestamp>,
    /// The revision that the editor saw, where the copy was carried over from it.
    pub rebased: Option<Revision>,
    /// An editor's label of how much it matters.
    pub label: Option<Level>,
    /// What a redaction does, and to which values, by commitment.
    pub redaction: Option<Redaction>,
    /// Hash of the story's envelope before; `None` for the first.
    pub prev: Option<Hash>,
    /// Hash of the state after it.
    pub state: Hash,
}

/// Why bytes are no envelope that this release reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A later release wrote it: read it with that one.
    #[error("the envelope is of version {found}, this release reads 1")]
    Version {
        /// Its version.
        found: u64,
    },
    /// It is not an envelope that was ever written.
    #[error("the envelope is damaged")]
    Damaged(#[from] Damaged),
}

impl Header {
    /// Returns the header of `envelope`, whose whole form is checked; no hash is.
    ///
    /// # Errors
    /// [`HeaderError`]. No bytes make it panic.
    pub fn parse(envelope: &[u8]) -> Result<Self, HeaderError> {
        reader::read(envelope).map(|form| form.header)
    }
}
