//! The domain of a breaking story: what an article is, how it changes, and how much a change
//! matters.
//!
//! Everything here is pure. Nothing in this crate reads a clock, draws a random number, or does
//! IO: time and ids are arguments, answers are values. The log, the network and the disk belong to
//! the crates that use this one.

mod aggregate;
mod alignment;
mod apply;
mod article;
pub mod blame;
mod block;
mod command;
mod copy;
mod decide;
pub mod diff;
mod event;
mod field;
mod identity;
mod kind;
mod lifecycle;
mod matching;
mod merge;
mod reach;
mod redaction;
pub mod render;
mod revisions;
pub mod significance;
mod text;

pub use aggregate::{Published, Story};
pub use apply::{IllegalEvent, apply};
pub use article::Article;
pub use blame::{Blame, BlameSpan};
pub use block::{Block, BlockId, BlockKind, Mark, MarkKind};
pub use command::{
    Act, Command, CorrectionNotice, Deed, Entry, EntryPlace, EntryStep, Push, Release, Restored, Takedowns,
};
pub use copy::{Copy, CopyBlock, CopyBuilder, CopyError, GivenBlock, note_text};
pub use decide::{Refusal, decide};
pub use event::{ActNotice, Event, Operation};
pub use field::{Field, Fields};
pub use identity::{ActorId, CommandKey, Desk, IdentityError, Revision, Slug, StoryId};
pub use kind::{Kind, Level, Status};
pub use matching::carry_ids;
pub use merge::{Clash, Overlap, Sides, merge};
pub use reach::{Effect, Reach};
pub use redaction::{Basis, Place, Redact, Redaction, RedactionKind, Replacement, ValueId};
pub use revisions::Revisions;
pub use text::{IntakeReport, Text, normalise};

/// The limits of what a story may hold, each refused by name when it is passed.
pub mod limits {
    /// Most bytes of UTF-8 in one block's text.
    pub const BLOCK_TEXT_BYTES_MAX: usize = 256 * 1024;
    /// Most blocks in one article.
    pub const BLOCKS_MAX: usize = 10_000;
    /// Most bytes of UTF-8 in all texts of one article together.
    pub const ARTICLE_TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;
    /// Most bytes of UTF-8 in a headline, summary, dateline, editor's note or public note.
    pub const FIELD_TEXT_BYTES_MAX: usize = 16 * 1024;
    /// Most items in a list field (bylines, tags, links).
    pub const LIST_ITEMS_MAX: usize = 200;
    /// Most bytes in the address of a link.
    pub const LINK_BYTES_MAX: usize = 2 * 1024;
    /// Most marks on one block.
    pub const MARKS_MAX: usize = 2_000;
    /// Most bytes in a block id.
    pub const BLOCK_ID_BYTES_MAX: usize = 64;
    /// Most bytes in a desk, actor or slug.
    pub const TOKEN_BYTES_MAX: usize = 64;
    /// Most bytes in a command's idempotency key.
    pub const COMMAND_KEY_BYTES_MAX: usize = 128;
}
