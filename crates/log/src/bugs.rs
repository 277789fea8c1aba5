//! Bugs that are planted on purpose, to see that the suites of faults would find them.
//!
//! Nothing of it is in what is shipped: without the feature `seeded-bugs` the question whether a bug is
//! planted is a constant no. With it, none is, until a test plants one in its process.

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// Commits are not synced, and acknowledged all the same.
    CommitUnsynced = 1,
    /// Callers are answered before the commit.
    AnswerBeforeCommit,
    /// After a failed commit memory is believed, and not the file.
    MemoryBelieved,
    /// A commit that may have been stored is told as one that was not.
    UnknownToldAsRefused,
    /// A command that comes again is not known any more.
    RepeatForgotten,
    /// A reader goes on one record too far.
    ResumeTooFar,
    /// A reader goes on one record too early.
    ResumeTooEarly,
    /// Erased words stay in the write-ahead log.
    ErasureLeftInWriteAheadLog,
    /// The index's checkpoint is committed before its rows.
    CheckpointBeforeRows,
}

impl Bug {
    /// Every one.
    #[cfg(feature = "seeded-bugs")]
    pub const ALL: [Self; 9] = [
        Self::CommitUnsynced,
        Self::AnswerBeforeCommit,
        Self::MemoryBelieved,
        Self::UnknownToldAsRefused,
        Self::RepeatForgotten,
        Self::ResumeTooFar,
        Self::ResumeTooEarly,
        Self::ErasureLeftInWriteAheadLog,
        Self::CheckpointBeforeRows,
    ];

    /// Returns whether this process has it.
    #[cfg(feature = "seeded-bugs")]
    pub(crate) fn is_planted(self) -> bool {
        PLANTED.load(std::sync::atomic::Ordering::Relaxed) == self as u8
    }

    /// Returns whether this process has it: no.
    #[cfg(not(feature = "seeded-bugs"))]
    pub(crate) const fn is_planted(self) -> bool {
        false
    }
}

#[cfg(feature = "seeded-bugs")]
static PLANTED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Plants a bug in every log of this process, in place of the one before; `None` takes it out.
#[cfg(feature = "seeded-bugs")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.store(bug.map_or(0, |bug| bug as u8), std::sync::atomic::Ordering::Relaxed);
}
