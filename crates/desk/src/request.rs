//! What is asked of the desk, and what it answers.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use log::Position;
use proof::Hash;
use story::diff::Diff;
use story::significance::{self, Significance};
use story::{
    ActorId, Article, BlockId, Command, CommandKey, Copy, Desk, IdentityError, Kind, Level, Overlap, Push,
    Refusal, Revision, Slug, Status, StoryId,
};

/// A story as people name it: by id or by slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoryRef {
    /// By its id.
    Id(StoryId),
    /// By its slug.
    Slug(Slug),
}

impl FromStr for StoryRef {
    type Err = IdentityError;

    /// Reads an id where the text is one, a slug otherwise.
    fn from_str(given: &str) -> Result<Self, Self::Err> {
        match given.parse::<StoryId>() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => given.parse().map(Self::Slug),
        }
    }
}

impl fmt::Display for StoryRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => slug.fmt(f),
        }
    }
}

/// Which story a push goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One that must exist.
    Existing(StoryRef),
    /// The one with this slug, or a new one with it.
    BySlug(Slug),
    /// A new story; without a slug, one is made from the headline.
    New(Option<Slug>),
}

/// A push, as an edge hands it over.
#[derive(Debug, Clone)]
pub struct PushRequest {
    /// Which story.
    pub target: Target,
    /// What is filed.
    pub push: Push,
    /// Who files it.
    pub actor: ActorId,
    /// The caller's idempotency key; without one, the push is its own.
    pub command: Option<CommandKey>,
    /// The revision that the story must be at, if the caller insists.
    pub expected: Option<Revision>,
    /// The revision that the copy was made from, if the caller knows: copy from an earlier one is
    /// carried over onto the present one, or answered with what overlaps.
    pub base: Option<Revision>,
}

/// An act on a story that exists, or a change to one of its entries.
#[derive(Debug, Clone)]
pub struct ActRequest {
    /// Which story.
    pub story: StoryRef,
    /// What is asked.
    pub command: Command,
    /// Who asks.
    pub actor: ActorId,
    /// The caller's idempotency key; without one, the act is its own.
    pub key: Option<CommandKey>,
    /// The revision that the story must be at, if the caller insists.
    pub expected: Option<Revision>,
}

/// Where a story stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The story.
    pub story: StoryId,
    /// The desk that owns it.
    pub desk: Desk,
    /// Its status.
    pub status: Status,
}

/// What the desk did. Durable when given.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The story.
    pub story: StoryId,
    /// Its slug.
    pub slug: Slug,
    /// The revision this push made, or the one it found unchanged.
    pub revision: Revision,
    /// Whether this push made a revision now.
    pub changed: bool,
    /// Whether the same command had been answered before; nothing was stored now.
    pub repeated: bool,
    /// What sort of update the revision is.
    pub kind: Kind,
    /// The desk that owns the story.
    pub desk: Desk,
    /// Where the story stands after it.
    pub status: Status,
    /// Whether readers are told of it.
    pub public: bool,
    /// When the story goes out by itself.
    pub until: Option<Timestamp>,
    /// The revision that the editor saw, where the copy was carried over from it.
    pub rebased: Option<Revision>,
    /// Place of the revision's record in the log; 0 for a push that changed nothing.
    pub position: Position,
    /// The articles around the revision; absent on a repeated answer.
    pub articles: Option<Step>,
}

/// The article before and after one revision: what readers see, of a public one, and otherwise what
/// the desk does.
#[derive(Debug, Clone)]
pub struct Step {
    /// Before; empty for the first.
    pub before: Article,
    /// After.
    pub after: Article,
    /// An editor's label.
    pub label: Option<Level>,
}

impl Step {
    /// Returns what changed for a reader of both. Cost: one diff.
    pub fn diff(&self) -> Diff {
        story::diff::diff(&self.before.public(), &self.after.public())
    }

    /// Returns how much the change matters, by the rules and the editor's label.
    pub fn significance(&self) -> Significance {
        significance::assess(&self.before.public(), &self.after.public(), &self.diff(), self.label)
    }

    /// Returns the block that the later article has and the earlier one has not, if there is just
    /// one.
    pub fn only_new_block(&self) -> Option<BlockId> {
        let known: HashSet<&BlockId> = self.before.blocks.iter().map(|block| &block.id).collect();
        let mut new = self.after.blocks.iter().map(|block| &block.id).filter(|id| !known.contains(id));
        new.next().filter(|_| new.next().is_none()).cloned()
    }

    /// Returns the hash of the public form of the later article.
    pub fn hash(&self) -> Hash {
        wire::article_hash(&self.after.public())
    }
}

/// What a push would do.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The story, if it exists.
    pub story: Option<StoryId>,
    /// The revision it is at.
    pub revision: Revision,
    /// The kind it would be filed as; `None` if nothing would change.
    pub kind: Option<Kind>,
    /// The articles before and after.
    pub step: Step,
}

/// What the desk need not read again at start.
#[derive(Debug, Clone, Default)]
pub struct Seed {
    /// Every story created by a record at or before `upto`.
    pub slugs: Vec<(Slug, StoryId)>,
    /// The items that copy came from, and the stories they became.
    pub sources: Vec<(String, StoryId)>,
    /// Every story that is embargoed or scheduled, and until when.
    pub due: Vec<(StoryId, Timestamp)>,
    /// How far in the log this is known.
    pub upto: Position,
}

/// Two editors changed the same words: every version, so that a person can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlapping {
    /// The story.
    pub story: StoryId,
    /// The revision that the copy was made from, and the desk's article at it.
    pub base: (Revision, Article),
    /// Where the story is, and its article there.
    pub theirs: (Revision, Article),
    /// The copy as it was filed.
    pub mine: Copy,
    /// What overlaps, and what the two come to otherwise.
    pub overlap: Overlap,
}

/// Why the desk could not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log cannot be read.
    #[error("cannot read the event log")]
    Log(#[from] log::ReadError),
}

/// Why a push was not acknowledged. Unless it says so, nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// No story has this name.
    #[error("there is no story {story}")]
    NotFound {
        /// What was asked for.
        story: String,
    },
    /// A new story was asked for with a slug that another one has.
    #[error("slug {slug} belongs to story {story}")]
    SlugTaken {
        /// The slug.
        slug: Slug,
        /// Who has it.
        story: StoryId,
    },
    /// The domain says no, and why.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The story is not at the revision that the caller insists on.
    #[error("story is at revision {actual}, expected {expected}")]
    Conflict {
        /// What the caller expected.
        expected: Revision,
        /// Where the story is.
        actual: Revision,
    },
    /// What the copy changes has been changed since the revision that it was made from, in another
    /// way: choose, and file against the newest.
    #[error("{}", .0.overlap)]
    Overlap(Box<Overlapping>),
    /// The idempotency key was used before, for something else: send it with a new key.
    #[error("the idempotency key was used before for something else, which made revision {revision}")]
    KeyReused {
        /// The story.
        story: StoryId,
        /// What it made then.
        revision: Revision,
    },
    /// The revision would be larger than a record may be.
    #[error("the revision would take {actual} bytes, the limit is {limit}")]
    TooLarge {
        /// How large it would be.
        actual: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The same push may be repeated.
    #[error("the event log is unavailable")]
    Unavailable {
        /// Why.
        #[source]
        source: log::Cause,
    },
    /// The revision may be stored: repeat the push with the same idempotency key.
    #[error("whether the push was stored is unknown")]
    OutcomeUnknown {
        /// Why.
        #[source]
        source: log::Cause,
    },
    /// The log holds a history of this story that was never written so: a person must look.
    #[error("the history of story {story} is damaged: {problem}")]
    Damaged {
        /// The story.
        story: StoryId,
        /// What does not fit.
        problem: String,
    },
}

impl PushError {
    /// Returns whether it says how the story stands, which may be otherwise by now.
    pub(crate) fn is_of_the_story(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::SlugTaken { .. }
            | Self::Refused(_)
            | Self::Conflict { .. }
            | Self::Overlap(_)
            | Self::Damaged { .. } => true,
            Self::KeyReused { .. }
            | Self::TooLarge { .. }
            | Self::Unavailable { .. }
            | Self::OutcomeUnknown { .. } => false,
        }
    }

    /// Returns whether the story is certainly as it was before, and may be named anew.
    pub(crate) fn stored_nothing(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Conflict { .. } | Self::Overlap(_))
    }
}
