//! The publisher: relays every public change from the views to NATS, in order, until it is
//! acknowledged there.
//!
//! It only reads the views, at its own pace: NATS down never stops an editor. Nothing is dropped;
//! delivery is at least once, and per story in order. It refuses to decide anything about a story.

pub mod server;

/// Most bytes of one message, headers included: the default of nats-server, which is told so.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024;
