//! What readers can reach of a story's earlier revisions. Pure.
//!
//! Who takes a story from readers takes its history from them too. A release or a restore brings it
//! back. A story that was restored as a draft is worked on: what is released then is a substitute,
//! and only a restore, which means what was there before, brings back what it stands for.

use crate::event::Event;
use crate::identity::Revision;
use crate::kind::{Kind, Status};

/// What readers can reach of what was published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// What they see is usable, or they have never seen anything.
    #[default]
    Whole,
    /// A tombstone stands since this revision, which hides what was before it.
    Lost(Revision),
    /// As before, and the story has been restored as a draft since.
    Redrafted(Revision),
}

/// What a revision does to the reach of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Hides every public one that is not hidden yet, by this revision.
    Hides(Revision),
    /// Brings back every one that this revision hides.
    BringsBack(Revision),
}

impl Reach {
    /// Returns the reach after `event`, and what that does to earlier revisions.
    #[must_use]
    pub fn after(self, event: &Event) -> (Self, Effect) {
        let is_loss = event.status != Status::Usable;
        match (self, event.kind) {
            (Self::Lost(by), Kind::Restore) if !event.public => (Self::Redrafted(by), Effect::None),
            _ if !event.public => (self, Effect::None),
            (Self::Whole, _) if is_loss => (Self::Lost(event.revision), Effect::Hides(event.revision)),
            (Self::Lost(by) | Self::Redrafted(by), _) if is_loss => (self, Effect::Hides(by)),
            (Self::Lost(by), Kind::Release) | (Self::Lost(by) | Self::Redrafted(by), Kind::Restore) => {
                (Self::Whole, Effect::BringsBack(by))
            }
            _ => (Self::Whole, Effect::None),
        }
    }
}
