//! The log under a disk that fails: errors, a full disk, short writes, failed syncs, kills, power cuts.
//!
//! For tests only; nothing that is shipped depends on it. The log runs as it is, unchanged: SQLite is
//! given a file system of ours, [`vfs`], which asks a simulated [`Disk`] at every call. A [`run`] is told
//! by its seed: what is appended, what fails and when, and what of the unsynced bytes a power cut leaves.
//! Threads may still take turns as they like, so a seed repeats the plan, not each interleaving.

mod dice;
mod disk;
mod ledger;
mod load;
mod plan;
mod run;
mod verify;
mod vfs;

pub use dice::Dice;
pub use disk::{Counts, Disk, End};
pub use ledger::{Invariant, Violation};
pub use plan::{Effect, Fault, Operation};
pub use run::{Outcome, run};
