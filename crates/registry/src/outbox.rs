//! What requests leave for the writer without waiting for it: denials, departures, and when keys were
//! used.
//!
//! Bounded: a flood of them costs a count, never memory, disk or a request's time.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::denials::Denial;
use crate::departures::Noted;
use crate::limits::{DENIALS_WAITING_MAX, DEPARTURES_WAITING_MAX};
use crate::secret::KeyId;

/// What waits.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Denials, oldest first.
    pub(crate) denials: VecDeque<Denial>,
    /// Denials that found no room.
    pub(crate) not_kept: u64,
    /// Departures, oldest first.
    pub(crate) departures: VecDeque<Noted>,
    /// Departures that found no room.
    pub(crate) departures_not_kept: u64,
    /// Last uses in microseconds; at most one a key.
    pub(crate) used: HashMap<KeyId, i64>,
}

impl Waiting {
    pub(crate) fn is_empty(&self) -> bool {
        self.denials.is_empty()
            && self.not_kept == 0
            && self.departures.is_empty()
            && self.departures_not_kept == 0
            && self.used.is_empty()
    }
}

/// Where it waits.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    /// Whether the writer has been told since it looked last.
    told: AtomicBool,
}

impl Outbox {
    /// Adds a denial; returns whether the writer must be told.
    pub(crate) fn deny(&self, denial: Denial) -> bool {
        let mut waiting = self.waiting();
        if waiting.denials.len() < DENIALS_WAITING_MAX {
            waiting.denials.push_back(denial);
        } else {
            waiting.not_kept += 1;
        }
        drop(waiting);
        !self.told.swap(true, Ordering::SeqCst)
    }

    /// Adds a departure; returns whether there was room, and whether the writer must be told.
    pub(crate) fn depart(&self, noted: Noted) -> (bool, bool) {
        let mut waiting = self.waiting();
        let has_room = waiting.departures.len() < DEPARTURES_WAITING_MAX;
        if has_room {
            waiting.departures.push_back(noted);
        } else {
            waiting.departures_not_kept += 1;
        }
        drop(waiting);
        (has_room, !self.told.swap(true, Ordering::SeqCst))
    }

    /// Notes that `key` was used; returns whether the writer must be told.
    pub(crate) fn used(&self, key: KeyId, micros: i64) -> bool {
        self.waiting().used.insert(key, micros);
        !self.told.swap(true, Ordering::SeqCst)
    }

    /// Takes everything; the next addition tells the writer again.
    pub(crate) fn take(&self) -> Waiting {
        self.told.store(false, Ordering::SeqCst);
        std::mem::take(&mut *self.waiting())
    }

    /// Counts the denials of `taken`, which could not be written, and has its departures wait again: the
    /// first of each stands, however often it is written.
    pub(crate) fn put_back(&self, taken: Waiting) {
        let mut waiting = self.waiting();
        waiting.not_kept += taken.denials.len() as u64 + taken.not_kept;
        waiting.departures_not_kept += taken.departures_not_kept;
        let mut departures = taken.departures;
        departures.append(&mut waiting.departures);
        waiting.departures_not_kept += departures.len().saturating_sub(DEPARTURES_WAITING_MAX) as u64;
        departures.truncate(DEPARTURES_WAITING_MAX);
        waiting.departures = departures;
    }

    /// Returns how many denials were not kept and are not counted in the file yet.
    pub(crate) fn not_kept(&self) -> u64 {
        self.waiting().not_kept
    }

    /// Returns how many departures were not kept and are not counted in the file yet.
    pub(crate) fn departures_not_kept(&self) -> u64 {
        self.waiting().departures_not_kept
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::denials::tests::denial;

    #[test]
    fn a_flood_of_denials_is_counted_and_takes_no_more_room() {
        let outbox = Outbox::default();
        assert!(outbox.deny(denial(0)), "the first wakes the writer");
        for second in 1..i64::try_from(DENIALS_WAITING_MAX).unwrap() + 10 {
            assert!(!outbox.deny(denial(second)), "one wake is enough");
        }
        let waiting = outbox.take();
        assert_eq!((waiting.denials.len(), waiting.not_kept), (DENIALS_WAITING_MAX, 10));
        assert!(outbox.take().is_empty());
        assert!(outbox.deny(denial(0)), "after a look, the writer is woken again");
    }

    #[test]
    fn departures_that_could_not_be_written_wait_again_and_those_without_room_are_counted() {
        let outbox = Outbox::default();
        let noted = |revision| Noted {
            story: story::StoryId::from_bytes([1; 16]),
            departure: crate::Departure {
                revision: story::Revision(revision),
                door: "http".parse().unwrap(),
                at: jiff::Timestamp::UNIX_EPOCH,
            },
        };
        let most = DEPARTURES_WAITING_MAX as u64;
        for revision in 1..=most {
            assert!(outbox.depart(noted(revision)).0);
        }
        assert!(!outbox.depart(noted(most + 1)).0, "no room");
        let taken = outbox.take();
        assert!(outbox.depart(noted(most + 2)).0);
        outbox.put_back(taken);
        let waiting = outbox.take();
        assert_eq!((waiting.departures.len() as u64, waiting.departures_not_kept), (most, 2));
        assert_eq!(waiting.departures[0].departure.revision.get(), 1, "the oldest are kept");
    }
}
