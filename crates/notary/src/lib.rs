//! The notary: a consumer of the event log that keeps the transparency log over it.
//!
//! Every record's envelope is a leaf, in the order of positions. The leaves are kept as static files
//! (c2sp.org/tlog-tiles), the head is signed, and witnesses are asked to cosign it. The files can be
//! deleted: the same bytes come again from the event log. What cannot be made again is the key and
//! the newest head that was signed.
//!
//! It refuses to sign a head that does not continue every one it signed before. What was signed last
//! is written down, synced, in a second place before anybody can see it. Where the event log or the
//! files say something else, the notary parks: it signs nothing more, says why and what to do, and the
//! rest of the service goes on.
//!
//! Where several processes share a log, each keeps the files, and one at a time signs. The second place is
//! then a key on NATS, [`SharedHeads`]: whoever signs writes it by compare-and-swap, everybody else follows
//! it, makes the same files from the log, and serves them up to that head once they have its root.

mod gathering;
mod heads;
mod key;
mod ledger;
mod notary;
mod opening;
mod options;
mod reader;
mod sequencer;
mod shared;
mod sharing;
mod shelf;
mod status;
mod witness;

pub use key::{KeyFileError, read_or_make};
pub use notary::{Notary, SetupError};
pub use options::{NameError, Options, WitnessAt, origin_of};
pub use reader::{Audited, ProveError, Reader, Served, Snapshot, check_files, snapshot, verifier_key};
pub use shared::{SharedError, SharedHeads};
pub use sharing::Turn;
pub use status::{Parked, State, Status};
