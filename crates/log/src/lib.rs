//! The event log: an append-only, gapless, totally ordered sequence of records, grouped by story.
//!
//! The log knows no story: a record is bytes. It promises what everything else stands on:
//!
//! - **Atomic**: a batch is stored whole or not at all.
//! - **Durable**: an acknowledged append survives kill -9 and power loss.
//! - **Ordered**: positions rise by one, from 1, without gaps; readers see a record only once it
//!   is durable, never out of order, never a hole.
//! - **Idempotent**: the same command for the same story gets the first answer, for ever.
//!
//! It refuses to interpret, change or (except by [`EventLog::erase`]) forget a record.

#[cfg(feature = "bench")]
pub mod bench;
#[cfg(feature = "seeded-bugs")]
pub mod bugs;
#[cfg(not(feature = "seeded-bugs"))]
mod bugs;
pub mod conformance;
mod contract;
mod event_log;
mod jetstream;
mod sqlite;
mod tail;

pub use contract::{
    AppendError, Appended, Batch, Cause, CheckError, Checked, Command, Epoch, EraseError, ImportError, Moved,
    NameHash, NewRecord, OpenError, Pending, Position, ReadError, Record, StoryKey, limits,
};
pub use event_log::{EventLog, Options};
pub use jetstream::{ConnectError, JetStreamOptions, LogName, LogNameError, Replicas, Stage};
pub use sqlite::{Copied, copy, renew};
pub use tail::Tail;
