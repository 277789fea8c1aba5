//! Commands: what an editor asks for.

use std::sync::Arc;

use jiff::Timestamp;

use crate::block::BlockId;
use crate::copy::{Copy, CopyBlock};
use crate::identity::{ActorId, Desk, Revision};
use crate::kind::{Kind, Level};
use crate::redaction::Redact;
use crate::text::Text;

/// What an editor asks of one story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// File copy: a new story, or the next state of one.
    Push(Box<Push>),
    /// Change one entry of a live blog.
    Entry(Box<Entry>),
    /// Act on the story: hold it, kill it, put it under an embargo.
    Act(Box<Act>),
    /// Take words out of its record.
    Redact(Box<Redact>),
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
    /// Whether readers are to see it, and when.
    pub release: Release,
    /// The public note. Empty if none.
    pub note: Text,
    /// What a correction owes its readers; required for one, refused for any other kind.
    pub correction: Option<CorrectionNotice>,
    /// An editor's label of how much it matters.
    pub label: Option<Level>,
    /// When it happened in the world: RFC 3339, the offset kept.
    pub occurred: Option<Arc<str>>,
    /// The earlier revision that the editor saw, where the copy was carried over from it onto the
    /// present one: for the record.
    pub rebased: Option<Revision>,
}

/// Whether and when a push goes to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Readers see it at once, or as soon as the story's embargo or schedule lets them.
    Publish,
    /// It stays on the desk.
    Draft,
    /// Secret until then, and then published.
    Embargo(Timestamp),
    /// Published then.
    Schedule(Timestamp),
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

/// A change to one entry of a live blog. It touches nothing else, so it fits on any revision that
/// still has the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is done.
    pub step: EntryStep,
    /// The public note. Empty if none.
    pub note: Text,
    /// When it happened in the world: RFC 3339, the offset kept.
    pub occurred: Option<Arc<str>>,
}

/// What is done to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryStep {
    /// Puts a new entry above or below the others.
    Add {
        /// Its words and mark-up; an id is refused, the service mints it.
        content: CopyBlock,
        /// Where it goes.
        place: EntryPlace,
    },
    /// Gives an entry other words; it keeps its id and its place.
    Edit {
        /// The entry.
        block: BlockId,
        /// Its words and mark-up from now on.
        content: CopyBlock,
    },
    /// Puts an entry before the others for readers, where it stays until it is unpinned.
    Pin {
        /// The entry.
        block: BlockId,
    },
    /// Takes the pin off.
    Unpin {
        /// The entry.
        block: BlockId,
    },
    /// Takes the entry out; readers are told that it is gone.
    Delete {
        /// The entry.
        block: BlockId,
    },
}

/// Where a new entry goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryPlace {
    /// Before every other entry: the newest first, as live blogs run.
    Top,
    /// Behind the whole body.
    Bottom,
}

/// An act on a story: no copy, but what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What is done.
    pub deed: Deed,
    /// Why, for the record; readers are not told. Withhold, kill, takedown, unpublish and restore
    /// need one.
    pub reason: Text,
    /// The public note, for readers and subscribers. Empty if none.
    pub note: Text,
    /// Who approved it, where two people must agree.
    pub approver: Option<ActorId>,
}

/// What an act does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Holds the story: do not use it until it is released.
    Withhold,
    /// Publishes the desk's working article of a story that is held, scheduled or a draft.
    Release,
    /// Publishes it at a time to come.
    ReleaseAt(Timestamp),
    /// Publishes what is due: the clock has passed the embargo's or the schedule's end.
    Lapse,
    /// Do not use the story, ever.
    Kill,
    /// Takes the story down for legal reasons.
    Takedown,
    /// Takes the story away from readers, quietly.
    Unpublish,
    /// Brings back what was killed, taken down or unpublished.
    Restore {
        /// Whether readers see it again at once.
        to: Restored,
        /// Whether who asks may lift a takedown.
        takedowns: Takedowns,
    },
    /// Puts the story under an embargo until then, or moves its end.
    Embargo(Timestamp),
    /// Ends the embargo now, by a person.
    LiftEmbargo,
}

/// What a restored story becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// What readers saw before: the desk's working article, public.
    Usable,
    /// A draft to work on: readers see it when it is published again.
    Draft,
}

/// Whether a restore may lift a takedown: only who answers for the law may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takedowns {
    /// It may.
    Lift,
    /// It may not.
    Stay,
}

impl Deed {
    /// Returns the kind of the event that the act makes.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Withhold => Kind::Withhold,
            Self::Release | Self::ReleaseAt(_) | Self::Lapse => Kind::Release,
            Self::Kill => Kind::Kill,
            Self::Takedown => Kind::Takedown,
            Self::Unpublish => Kind::Unpublish,
            Self::Restore { .. } => Kind::Restore,
            Self::Embargo(_) | Self::LiftEmbargo => Kind::Embargo,
        }
    }

    /// Returns whether the act needs a reason.
    pub const fn needs_reason(self) -> bool {
        matches!(self.kind(), Kind::Withhold | Kind::Kill | Kind::Takedown | Kind::Unpublish | Kind::Restore)
    }
}
