//! Commands: what an editor asks for.

use std::sync::Arc;

use crate::copy::Copy;
use crate::identity::{ActorId, Desk};
use crate::kind::{Kind, Level};
use crate::text::Text;

/// What an editor asks of one story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// File copy: a new story, or the next state of one.
    Push(Box<Push>),
}

/// A filing of copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The desk to file under; `None` keeps the story's (and is refused for a new story).
    pub desk: Option<Desk>,
    /// What sort of update it is; `None` means an update (an alert, for a headline alone).
    pub kind: Option<Kind>,
    /// The copy.
    pub copy: Copy,
    /// Whether readers are to see it.
    pub release: Release,
    /// The public note. Empty if none.
    pub note: Text,
    /// What a correction owes its readers; required for one, refused for any other kind.
    pub correction: Option<CorrectionNotice>,
    /// An editor's label of how much it matters.
    pub label: Option<Level>,
    /// When it happened in the world: RFC 3339, the offset kept.
    pub occurred: Option<Arc<str>>,
}

/// Whether a push goes to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Readers see it at once.
    Publish,
    /// It stays on the desk.
    Draft,
}

/// What a correction must say: the agencies' rule, and standards editors'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionNotice {
    /// What was wrong.
    pub what: Text,
    /// Where it stood, such as "third paragraph".
    pub place: Text,
    /// Who approved it.
    pub approver: ActorId,
}
