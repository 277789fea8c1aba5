//! What a replica tells its owner.

use std::fmt;
use std::sync::Arc;

use story::{Desk, Revision, StoryId};
use wire::{ArticleView, Change, Recall};

/// Something happened to a story. Per story, updates come in the order of its revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Update {
    /// The next change was applied.
    Changed {
        /// What changed, and why.
        change: Arc<Change>,
        /// The article after it.
        article: Arc<ArticleView>,
    },
    /// The article was taken as a whole: forget what you derived from the one before.
    Reset {
        /// The story.
        story: StoryId,
        /// Why.
        reason: ResetReason,
        /// The article as it is now.
        article: Arc<ArticleView>,
    },
    /// Revisions of the story were called back: it was withheld, killed, taken down or corrected. Do
    /// not use them any more, and take away what you made of them. It follows the update that shows
    /// what stands in their place.
    Recalled {
        /// Which revisions, why (its kind and note), and where the story stands now.
        recall: Arc<Recall>,
    },
    /// The story is no longer among those that are followed.
    Removed {
        /// The story.
        story: StoryId,
        /// The desk it went to, if that is known.
        desk: Option<Desk>,
    },
    /// There is a newer revision that could not be had; what is shown is older. Another attempt is
    /// made when the story changes again.
    Unavailable {
        /// The story.
        story: StoryId,
        /// The newer revision.
        revision: Revision,
        /// Why.
        reason: Unavailable,
    },
}

impl Update {
    /// Returns the story that the update is about.
    pub fn story(&self) -> StoryId {
        match self {
            Self::Changed { change, .. } => change.story,
            Self::Recalled { recall } => recall.story,
            Self::Reset { story, .. } | Self::Removed { story, .. } | Self::Unavailable { story, .. } => {
                *story
            }
        }
    }
}

/// Why an article was taken as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetReason {
    /// The replica begins with it.
    Start,
    /// Changes in between were lost and are kept no longer.
    Hole,
    /// A change did not lead to the promised hash and was refused.
    Mismatch,
    /// The change was too large for a message.
    Large,
    /// The owner was slower than the updates: those in between were left out.
    Behind,
}

impl fmt::Display for ResetReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "the replica begins",
            Self::Hole => "changes were missing",
            Self::Mismatch => "a change was not what it promised",
            Self::Large => "the change was too large for a message",
            Self::Behind => "the reader was slower than the updates",
        })
    }
}

/// Why an article cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// It is too large for a message, and the service's address is not known: give it to the builder.
    #[error("the article must be fetched from {path}, but the builder was given no address of the service")]
    NoService {
        /// Its path at the service.
        path: String,
    },
    /// Neither stream nor service gave an article that could be verified.
    #[error("no article that can be verified was found: {problem}")]
    NotFound {
        /// What was tried last.
        problem: String,
    },
}

/// How often what happened, since the replica began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Changes applied.
    pub applied: u64,
    /// Changes passed over, because they had been applied before.
    pub repeated: u64,
    /// Changes that did not start where the article stood.
    pub holes: u64,
    /// Changes and articles refused, because they were not what they promised or could not be read.
    pub refused: u64,
    /// Recalls that the owner was told of.
    pub recalls: u64,
    /// Articles taken as a whole after the beginning.
    pub resets: u64,
    /// Times that messages were lost because they came faster than they could be taken.
    pub overruns: u64,
}
