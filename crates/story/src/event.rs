//! Events: what has happened to a story.

use std::sync::Arc;

use jiff::Timestamp;

use crate::block::{Block, BlockId, BlockKind, Mark};
use crate::command::CorrectionNotice;
use crate::field::Field;
use crate::identity::{Desk, Revision};
use crate::kind::{Kind, Status};
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
    /// Whether readers see the article as of this revision. An event with `public` false changes
    /// only the desk's working article.
    pub public: bool,
    /// When the service decided it.
    pub recorded: Timestamp,
    /// When it happened in the world, RFC 3339 as given, offset kept.
    pub occurred: Option<Arc<str>>,
    /// The public note: what changed, in an editor's words. Empty if none.
    pub note: Text,
    /// What a correction owes its readers.
    pub correction: Option<CorrectionNotice>,
    /// An editor's label of how much it matters, over the rules'.
    pub label: Option<crate::kind::Level>,
    /// What it does to the article, in the fixed order: deletes; moves and inserts in target
    /// order; edits; sets.
    pub operations: Vec<Operation>,
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
