//! The publisher: relays every public change from the views to NATS, in order, until it is
//! acknowledged there.
//!
//! It only reads the views, at its own pace: NATS down never stops an editor. Nothing is dropped;
//! delivery is at least once, and per story in order. What was taken from readers is taken out of the
//! streams too. Acknowledgements of subscribers come the other way, to whoever stores them. It refuses
//! to decide anything about a story.

mod acks;
mod checkpoint;
mod connection;
mod leaving;
mod message;
mod order;
mod publisher;
mod relay;
pub mod server;
mod streams;
mod trouble;
mod waiting;

pub use acks::Acknowledged;
pub use connection::{NatsTarget, TargetError};
pub use leaving::Stream;
pub use publisher::{Options, Publisher, PublisherStatus};
pub use streams::Retention;
pub use trouble::Trouble;

/// Most bytes of one message, headers included: the default of nats-server, which ours is told.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;

/// Names of the headers that our messages carry beside those of NATS.
pub mod headers {
    /// Cursor of the log's record that the message is about.
    pub const POSITION: &str = "Writethru-Position";
    /// Cursor up to which everything had been acknowledged when the message was sent: where a
    /// publisher that lost its own notes goes on.
    pub const RELAYED: &str = "Writethru-Relayed";
    /// The trace of whoever pushed the change (W3C Trace Context), where it is known.
    pub const TRACE: &str = trace::HEADER;
}
