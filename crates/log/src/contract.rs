//! What every back end promises: the words of the contract.

use std::fmt;

use bytes::Bytes;

/// The limits of one append, each refused by name when it is passed.
pub mod limits {
    /// Most records in one batch.
    pub const BATCH_RECORDS_MAX: usize = 1_000;
    /// Most bytes of one record, envelope and disclosures together.
    pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;
    /// Most bytes of disclosures that an erasure leaves: more than were written, where what all salts
    /// came from goes and each salt that stays is written out.
    pub const ERASED_BYTES_MAX: usize = 64 * 1024 * 1024;
    /// Most bytes of one batch, all its records together.
    pub const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;
    /// Most bytes of a command key.
    pub const COMMAND_BYTES_MAX: usize = 128;
    /// Most appends waiting for the writer; one more waits at the caller.
    pub const QUEUE_MAX: usize = 4_096;
    /// Most bytes waiting for the writer; an append that would pass it waits at the caller.
    pub const QUEUE_BYTES_MAX: usize = 256 * 1024 * 1024;
    /// Most records that one read returns.
    pub const PAGE_RECORDS_MAX: usize = 4_096;
    /// Bytes after which a read returns what it has; a single record may be larger.
    pub const PAGE_BYTES: usize = 1024 * 1024;
}

/// Which story a record belongs to: 16 opaque bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoryKey(pub [u8; 16]);

/// A record's place in the log, from 1. 0 stands before the first record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(pub u64);

impl Position {
    /// The place before the first record.
    pub const ZERO: Self = Self(0);

    /// Returns the next place.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which life of the log this is: drawn when a log is created and again when one is restored, so
/// that a cursor from another life is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

/// A caller's idempotency key, 1 to [`limits::COMMAND_BYTES_MAX`] bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Command(pub Bytes);

/// One record as it goes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// What is hashed and never changes.
    pub envelope: Bytes,
    /// What can be erased.
    pub disclosures: Bytes,
}

/// What one append stores: all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The idempotency key of the whole batch.
    pub command: Command,
    /// 1 to [`limits::BATCH_RECORDS_MAX`] records.
    pub records: Vec<NewRecord>,
}

/// A batch on its way from one log into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Its story.
    pub story: StoryKey,
    /// The revision of the story before it.
    pub expected: u64,
    /// The batch, whole, with its command.
    pub batch: Batch,
}

/// The hash of a name that one story can have, such as a slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NameHash(pub [u8; 32]);

/// One record as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the log.
    pub position: Position,
    /// Its story.
    pub story: StoryKey,
    /// Its number within the story, from 1.
    pub revision: u64,
    /// The command that caused it.
    pub command: Command,
    /// What is hashed and never changes.
    pub envelope: Bytes,
    /// What can be erased.
    pub disclosures: Bytes,
}

/// The acknowledgement of an append: the records are durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Place of the batch's first record.
    pub first: Position,
    /// Place of its last.
    pub last: Position,
    /// Revision of the story after the batch's last record.
    pub revision: u64,
    /// Whether this command had been answered before, and nothing was stored now.
    pub repeated: bool,
}

/// The underlying cause of an error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an append was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another writer came first and nothing was stored: read again, decide again.
    #[error("story is at revision {actual}, expected {expected}")]
    Conflict {
        /// What the caller expected.
        expected: u64,
        /// Where the story is.
        actual: u64,
    },
    /// The batch has no records, or its command no bytes, and nothing was stored: send some.
    #[error("batch has no {what}")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
    /// The batch passes a limit and nothing was stored: send less.
    #[error("batch has {actual} {what}, the limit is {limit}")]
    TooLarge {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        actual: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Nothing was stored: the same call may be repeated (on a closed log: once it is open again).
    #[error("event log is unavailable")]
    Unavailable {
        /// Why.
        #[source]
        source: Cause,
    },
    /// The records may be stored: read the story before trying again.
    #[error("append outcome is unknown")]
    OutcomeUnknown {
        /// Why.
        #[source]
        source: Cause,
    },
}

/// An append that has been given to the writer and not been answered.
///
/// Appends that one caller submits one after the other are decided in that order. Dropping it
/// forgets the answer, not the append.
#[derive(Debug)]
pub struct Pending {
    pub(crate) answer: tokio::sync::oneshot::Receiver<Result<Appended, AppendError>>,
}

/// Why the log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the log open for writing.
    #[error("event log {path} is in use by another process")]
    InUse {
        /// The log's file.
        path: String,
    },
    /// The file is not an event log, or one of a later format.
    #[error("{path} is not an event log this version can read: {problem}")]
    Foreign {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What is stored is not what was written: restore it, or look with `check`.
    #[error("event log {path} is damaged at position {position}: {problem}")]
    Damaged {
        /// The log's file.
        path: String,
        /// Where.
        position: Position,
        /// What is wrong.
        problem: String,
    },
    /// The file system or SQLite refused.
    #[error("cannot open event log {path}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: Cause,
    },
}

/// Why a read gave no answer. The same call may be repeated.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The back end did not answer.
    #[error("cannot read the event log")]
    Unavailable {
        /// Why.
        #[source]
        source: Cause,
    },
    /// What is stored is not what was written.
    #[error("event log is damaged at position {position}: {problem}")]
    Damaged {
        /// Where.
        position: Position,
        /// What is wrong.
        problem: String,
    },
}

/// Why batches of another log were not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The log does not end where the batches begin, so that none was stored: somebody else writes
    /// it. Stop that one, and look what is there.
    #[error("event log ends at position {actual}, expected {expected}")]
    Elsewhere {
        /// Where the batches were to begin behind.
        expected: Position,
        /// Where the log ends.
        actual: Position,
    },
    /// A batch was refused; those before it may be stored: go on behind the head.
    #[error("event log does not take the batches")]
    Refused {
        /// Why.
        #[from]
        source: AppendError,
    },
}

/// Why an erasure was not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// No record is there.
    #[error("there is no record at position {position}")]
    NotFound {
        /// Where.
        position: Position,
    },
    /// What was to remain is more than a record may hold.
    #[error("erasure at position {position} would leave {actual} bytes, the limit is {limit}")]
    TooLarge {
        /// Where.
        position: Position,
        /// How many bytes were to remain.
        actual: usize,
        /// How many may.
        limit: usize,
    },
    /// The words may still be there: repeat the call.
    #[error("erasure outcome is unknown")]
    OutcomeUnknown {
        /// Why.
        #[source]
        source: Cause,
    },
}

/// What a check of a whole log found to be right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Records read and found as they were written.
    pub records: u64,
    /// Batches they came in.
    pub batches: u64,
    /// Stories they belong to.
    pub stories: u64,
}

/// Why a check found no whole log.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The log could not be read to its end: repeat the check.
    #[error("cannot read the event log")]
    Unavailable {
        /// Why.
        #[source]
        source: Cause,
    },
    /// The first fault in the log itself: restore it from a copy.
    #[error("event log is damaged at position {position}: {problem}")]
    Damaged {
        /// The first position that is not as it was written.
        position: Position,
        /// What is wrong.
        problem: String,
    },
    /// The log is whole up to here, but an index beside it says something else: delete the index,
    /// it is rebuilt from the log.
    #[error("index disagrees with the event log at position {position}: {problem}")]
    Index {
        /// The first position they disagree about.
        position: Position,
        /// What is wrong.
        problem: String,
    },
}
