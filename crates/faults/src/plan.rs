//! What goes wrong, and when.

use crate::dice::Dice;

/// What SQLite asks of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Reading bytes.
    Read,
    /// Writing bytes.
    Write,
    /// Syncing a file.
    Sync,
    /// Cutting a file.
    Truncate,
}

/// What happens instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing is done and the call fails (EIO).
    Fail,
    /// Half of it is written and the call fails.
    Short,
    /// The disk is full (ENOSPC) from here on until space returns; what a file holds can be overwritten.
    Full,
    /// The sync fails, and what was not synced is lost though the page cache shows it, as Linux does.
    Forget,
    /// The process is gone: no call after this one does anything. The page cache stays.
    Kill,
    /// The power is gone: no call after this one does anything, and unsynced bytes are at stake.
    PowerCut,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which calls are counted.
    pub operation: Operation,
    /// Calls that go well before.
    pub after: u64,
    /// What happens.
    pub effect: Effect,
    /// How many calls it meets; once for what stays by itself.
    pub times: u64,
}

impl Fault {
    /// Returns a fault that passes: the disk works again afterwards.
    pub(crate) fn passing(dice: &mut Dice) -> Self {
        use Effect::{Fail, Forget, Full, Short};
        use Operation::{Read, Sync, Truncate, Write};
        let (operation, effect, calls) = match dice.below(10) {
            0 => (Read, Fail, 40),
            1 | 2 => (Write, Fail, 60),
            3 => (Write, Short, 60),
            4 | 5 => (Write, Full, 60),
            6 => (Sync, Fail, 20),
            7 | 8 => (Sync, Forget, 20),
            _ => (Truncate, Fail, 3),
        };
        Self { operation, after: dice.below(calls), effect, times: 1 + dice.below(3) }
    }

    /// Returns what ends the life of a process.
    pub(crate) fn ending(dice: &mut Dice) -> Self {
        let (operation, calls) = match dice.below(8) {
            0 => (Operation::Truncate, 3),
            1..=3 => (Operation::Sync, 40),
            _ => (Operation::Write, 150),
        };
        let effect = if dice.once_in(3) { Effect::Kill } else { Effect::PowerCut };
        Self { operation, after: dice.below(calls), effect, times: 1 }
    }
}
