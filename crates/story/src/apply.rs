//! What an event does to a story.

use crate::aggregate::Story;
use crate::event::Event;
use crate::identity::Revision;

/// The log holds a history that [`decide`](crate::decide) never writes: damage or a bug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {revision} is illegal in its story: {problem}")]
pub struct IllegalEvent {
    /// The event's revision.
    pub revision: Revision,
    /// What does not fit.
    pub problem: String,
}

/// Returns the story after `event`, which the log says has happened.
///
/// # Errors
/// [`IllegalEvent`] means damage or a bug, so the caller parks this story and goes on with the
/// others.
pub fn apply(story: Story, event: &Event) -> Result<Story, IllegalEvent> {
    let _ = (story, event);
    todo!("apply")
}
