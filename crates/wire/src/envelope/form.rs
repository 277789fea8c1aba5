//! The form of an envelope: what it says, with commitments where the words would be.

use proof::Commitment;
use story::{ActorId, BlockId, BlockKind, Field};

use super::Header;

/// Everything an envelope says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) header: Header,
    pub(super) steps: Vec<Step>,
    pub(super) note: Vec<Commitment>,
    pub(super) correction: Option<Notice>,
    pub(super) act: Option<Act>,
}

/// Why an act on the story was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Act {
    pub(super) approver: Option<ActorId>,
    pub(super) reason: Vec<Commitment>,
}

/// What a correction owes its readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) approver: ActorId,
    pub(super) place: Vec<Commitment>,
    pub(super) what: Vec<Commitment>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Delete { block: BlockId },
    Move { block: BlockId, after: Option<BlockId> },
    Insert { block: BlockId, after: Option<BlockId>, content: Content },
    Edit { block: BlockId, content: Content },
    Set { field: Field, values: Vec<Commitment> },
}

/// What a block holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) kind: BlockKind,
    pub(super) marks: Option<Commitment>,
    pub(super) values: Vec<Commitment>,
}
