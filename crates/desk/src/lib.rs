//! The desk: takes an editor's command, decides it against the story as the log has it, and
//! appends what follows.
//!
//! A push is acknowledged once it is durable. The desk never answers from anything but the log:
//! what it keeps in memory is the fold of the log's records and can be dropped at any time.

mod blame;
mod directory;
mod due;
mod filing;
mod follow;
mod redaction;
mod rehearsal;
mod request;
mod scheduler;
mod service;
mod slug;
mod stories;
mod traced;

pub use blame::{Authored, Eyes};
pub use redaction::{Picked, RedactError, RedactRequest, Redacted, Selection};
pub use rehearsal::{Prospect, Rehearsal};
pub use request::{
    ActRequest, Answer, OpenError, Overlapping, Preview, PushError, PushRequest, Seed, Standing, StoryRef,
    Target,
};
pub use service::Desk;
