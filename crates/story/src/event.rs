//! Events: what has happened to a story.

use std::sync::Arc;

use jiff::Timestamp;

use crate::block::{Block, BlockId, BlockKind, Mark};
use crate::command::CorrectionNotice;
use crate::field::Field;
use crate::identity::{ActorId, Desk, Revision};
use crate::kind::{Kind, Status};
use crate::redaction::{Redaction, RedactionKind};
use crate::text::Text;

/// One fact about a story: the content of one revision.
///
/// Identity, actor, hashes and commitments are the envelope's business, not the domain's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The revision it makes.
    pub revision: Revision,
    /// What sort of update it is.
    pub kind: Kind,
    /// The desk that owns the story from this revision on.
    pub desk: Desk,
    /// Where the story stands after it.
    pub status: Status,
    /// Whether readers see what the story is as of this revision: its article if the status is
    /// usable, a tombstone otherwise. An event with `public` false is the desk's business.
    pub public: bool,
    /// When the service decided it.
    pub recorded: Timestamp,
    /// When it happened in the world, RFC 3339 as given, offset kept.
    pub occurred: Option<Arc<str>>,
    /// The public note: what changed, in an editor's words. Empty if none.
    pub note: Text,
    /// What a correction owes its readers.
    pub correction: Option<CorrectionNotice>,
    /// Why an act on the story was done; `None` for copy.
    pub act: Option<ActNotice>,
    /// What a redaction does, and to which values; `None` for every other kind.
    pub redaction: Option<Redaction>,
    /// When the story goes out by itself: the end of its embargo, or its schedule. A held story
    /// keeps the end of its embargo.
    pub until: Option<Timestamp>,
    /// The revision that the editor saw, where the copy was carried over from it onto the one
    /// before this.
    pub rebased: Option<Revision>,
    /// An editor's label of how much it matters, over the rules'.
    pub label: Option<crate::kind::Level>,
    /// What it does to the article, in the fixed order: deletes; moves and inserts in target
    /// order; edits; sets.
    pub operations: Vec<Operation>,
}

impl Event {
    /// Returns whether it calls back what readers have: an annotation does not, though it is a redaction.
    pub fn recalls(&self) -> bool {
        let annotates = self.redaction.as_ref().is_some_and(|said| said.kind == RedactionKind::Annotate);
        self.kind.recalls() && !annotates
    }
}

/// Why an act on a story was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActNotice {
    /// Why, in the desk's words; not for readers. May be empty.
    pub reason: Text,
    /// Who approved it, where two people had to agree.
    pub approver: Option<ActorId>,
}

/// One step of an event. Steps are applied in order, each to what the one before left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Takes a block out.
    Delete {
        /// The block.
        block: BlockId,
    },
    /// Puts a present block behind another.
    Move {
        /// The block.
        block: BlockId,
        /// The one it now follows; `None` puts it first.
        after: Option<BlockId>,
    },
    /// Puts a new block behind another.
    Insert {
        /// The block.
        block: Arc<Block>,
        /// The one it follows; `None` puts it first.
        after: Option<BlockId>,
    },
    /// Gives a present block other content.
    Edit {
        /// The block.
        block: BlockId,
        /// Its whole new text.
        text: Text,
        /// What it is from now on.
        kind: BlockKind,
        /// Its whole new mark-up.
        marks: Arc<[Mark]>,
    },
    /// Gives a field another text; an empty one clears it.
    Set {
        /// The field.
        field: Field,
        /// Its whole new text.
        text: Text,
    },
}
