//! Where the newest signed head is written down before anybody sees it: a file of ours, or a place that
//! several processes share.

use log::Epoch;
use proof::Hash;
use proof::checkpoint::SignedCheckpoint;
use tokio::runtime::Handle;

use crate::heads::Heads;
use crate::sequencer::{Trouble, park};
use crate::shared::SharedHeads;

/// The second place.
#[derive(Debug)]
pub(crate) enum Ledger {
    /// A file of ours, which nobody else writes.
    Own(Heads),
    /// A place on NATS. What this process has seen there is in its file, so that it notices a place
    /// that was put back to an earlier state.
    Shared {
        /// Our file.
        seen: Heads,
        /// The place.
        place: Box<SharedHeads>,
        /// The newest revision of it that we know.
        revision: u64,
    },
}

impl Ledger {
    /// Returns the newest revision that we know of a shared place.
    pub(crate) fn revision(&self) -> u64 {
        match self {
            Self::Own(_) => 0,
            Self::Shared { revision, .. } => *revision,
        }
    }

    /// Notes what somebody else put there.
    pub(crate) fn saw(&mut self, newer: u64) {
        if let Self::Shared { revision, .. } = self {
            *revision = newer;
        }
    }

    /// Puts `new` in the place of the head `old`, or of none, and returns once that is durable. Blocks.
    pub(crate) fn swap(
        &mut self,
        epoch: Epoch,
        old: Option<(u64, Hash)>,
        new: &SignedCheckpoint,
    ) -> Result<(), Trouble> {
        match self {
            Self::Own(heads) => {
                if heads.swap(epoch, old, new)? {
                    return Ok(());
                }
                let why = "notary.db holds another head than was read: another process signs with it";
                Err(park(why, "stop the other process and start this one again"))
            }
            Self::Shared { place, revision, .. } => {
                let swapped = Handle::current().block_on(place.swap(*revision, new.to_text()));
                *revision = swapped.map_err(|error| Trouble::Again(error.to_string()))?;
                Ok(())
            }
        }
    }

    /// Remembers that `head` was there, where others write too. Blocks.
    pub(crate) fn remember(&mut self, epoch: Epoch, head: &SignedCheckpoint) -> Result<(), Trouble> {
        match self {
            Self::Own(_) => Ok(()),
            Self::Shared { seen, .. } => Ok(seen.put(epoch, head)?),
        }
    }
}
