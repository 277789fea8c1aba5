//! What a command causes.

use jiff::Timestamp;

use crate::aggregate::Story;
use crate::command::Command;
use crate::event::Event;
use crate::kind::{Kind, Status};

/// Why a command was refused: an answer for the editor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A new story needs a desk.
    #[error("a new story needs a desk: name one")]
    DeskMissing,
    /// A published article needs a headline.
    #[error("headline is empty: a story needs one before it is published")]
    HeadlineMissing,
    /// A published article needs a body, unless it is an alert.
    #[error("the copy has no text: only an alert may be a headline alone")]
    BodyMissing,
    /// A new story needs a slug.
    #[error("a new story needs a slug: name one")]
    SlugMissing,
    /// The kind is not one that copy can be filed as.
    #[error(
        "{kind} is not a kind that copy is filed as: use alert, update, correction, clarification, refile or advisory"
    )]
    KindNotForCopy {
        /// The kind.
        kind: Kind,
    },
    /// A correction must say what was wrong, where, to the public, and who approved.
    #[error("a correction needs {missing}")]
    CorrectionIncomplete {
        /// The part that is missing.
        missing: &'static str,
    },
    /// Only a correction carries a correction notice.
    #[error("{kind} carries a correction notice: file it as a correction")]
    NoticeWithoutCorrection {
        /// The kind.
        kind: Kind,
    },
    /// The story's status does not allow it.
    #[error("a {status} story takes no {kind}")]
    StatusForbids {
        /// Where the story stands.
        status: Status,
        /// What was asked.
        kind: Kind,
    },
    /// Two blocks of the copy claim the same id.
    #[error("blocks[{index}].id: block {block} is in the copy twice")]
    BlockTwice {
        /// Place in the copy, from 0.
        index: usize,
        /// The id.
        block: String,
    },
    /// A block of the copy claims an id that the story never had.
    #[error("blocks[{index}].id: the story has no block {block}; leave the id out for a new block")]
    BlockUnknown {
        /// Place in the copy, from 0.
        index: usize,
        /// The id.
        block: String,
    },
    /// The resulting article would pass a limit.
    #[error("the article would have {actual} {what}; the limit is {limit}")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// How many there would be.
        actual: usize,
        /// How many there may be.
        limit: usize,
    },
}

/// Returns the events that `command` causes, given the story so far; none, if nothing would
/// change.
///
/// # Errors
/// A [`Refusal`] is an answer for the editor, not a fault of the service.
pub fn decide(story: &Story, command: &Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
    let _ = (story, command, now);
    todo!("decide")
}
