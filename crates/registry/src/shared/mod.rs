//! One registry on several nodes: each has the whole of it in a file, and what any of them writes goes to
//! all of them over a stream, in one order.
//!
//! A write is decided on the newest state: the writer catches up with the stream, does what it is asked in a
//! transaction, tells the stream of the rows, and commits once the stream has taken them. If another node was
//! first, it undoes, catches up and decides again. So what [`crate::Registry`] promises for one process it
//! promises for all: no key is made twice, of many decisions on a request the first counts, whoever is told
//! that something is stored finds it everywhere.

mod peer;
mod rows;
mod stream;

pub(crate) use peer::{Peer, Told};
pub(crate) use rows::{forget, take};
pub use stream::{SharedError, SharedRegistry};
