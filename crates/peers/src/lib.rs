//! One SQLite file on several nodes: each has the whole of it, and what any of them writes goes to all of
//! them over a stream on NATS, in one order.
//!
//! A write is decided on the newest state: the writer catches up with the stream, does what it is asked in a
//! transaction, tells the stream of the rows, and commits once the stream has taken them. If another node was
//! first, it undoes, catches up and decides again. So what a file promises on one node it promises on all:
//! nothing is decided twice, and whoever is told that something is stored finds it everywhere.
//!
//! It knows rows and no meaning. Which tables are shared is said by whose file it is.

mod peer;
mod rows;
mod stream;

pub use peer::{CaughtUp, Peer, PeerError, Told};
pub use rows::{RowError, Schema, Table};
pub use stream::{SharedError, SharedFile};
