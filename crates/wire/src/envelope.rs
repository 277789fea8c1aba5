//! The log's record: an envelope that never changes and disclosures that can be erased.
//!
//! The envelope says who did what to which block, when, and by commitment to which words, without
//! holding one of them. The disclosures hold the words. [`Chain`] writes and reads both while it
//! folds a story's history; nothing here stores or sends.

mod disclosures;
mod form;
mod header;
mod json;
mod ledger;
mod marks;
mod masks;
mod open;
mod reader;
mod seal;
mod writer;

use bytes::Bytes;
use jiff::{Timestamp, Unit};
use proof::{Commitment, Hash, Seed};
use story::{ActorId, BlockId, CommandKey, Event, Field, IllegalEvent, Revision, Story, StoryId};
use uuid::Uuid;

pub use disclosures::{Disclosure, Disclosures, DisclosuresError};
pub use header::{Header, HeaderError};
pub use masks::{Masks, redaction_of};

/// One story's history, folded: the story, and what the next record must fit to.
///
/// A chain is advanced only by [`Chain::seal`] and [`Chain::open`]; a record that either refuses
/// leaves it as it was. Cloning costs a few reference counts a block.
#[derive(Debug, Clone)]
pub struct Chain {
    id: StoryId,
    story: Story,
    prev: Option<Hash>,
    state: Hash,
    ledger: ledger::Ledger,
    masks: Masks,
}

/// What an event's record holds beside the event.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The event's id (`UUIDv7`).
    pub event: Uuid,
    /// Who acted, by pseudonym.
    pub actor: ActorId,
    /// The idempotency key of the command that caused it.
    pub command: CommandKey,
    /// 32 fresh random bytes, used for this record only.
    pub seed: Seed,
}

/// A record as it goes into the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRecord {
    /// What is hashed and never changes.
    pub envelope: Bytes,
    /// What can be erased.
    pub disclosures: Bytes,
    /// Hash of the envelope.
    pub hash: Hash,
}

/// A record as it was read and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Everything the envelope says beside what it does to the article.
    pub header: Header,
    /// The event, erased values showing as redaction marks.
    pub event: Event,
    /// Hash of the envelope.
    pub hash: Hash,
    /// The commitments of the values that this record brought in, by their index in its
    /// disclosures.
    pub values: Vec<Commitment>,
}

/// Why an event was not sealed; the chain is as it was. Each is a fault of the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The event is not one that the domain writes: decide again.
    #[error("the event does not fit its story")]
    Illegal(#[from] IllegalEvent),
    /// Truncate the time with [`recordable`] before deciding.
    #[error("recorded time {recorded} is not in whole microseconds of the years 0 to 9999")]
    Recorded {
        /// The event's time.
        recorded: Timestamp,
    },
    /// Refuse such a time at intake.
    #[error("occurred time is not RFC 3339")]
    Occurred,
}

/// Why a record was not opened; the chain is as it was. Park the story and go on with the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A later release wrote it: read it with that one.
    #[error("the envelope is of version {found}, this release reads 1")]
    Version {
        /// Its version.
        found: u64,
    },
    /// The envelope is not one that was ever written.
    #[error("the envelope is damaged")]
    Envelope(#[source] Damaged),
    /// The disclosures are not some that were ever written.
    #[error("the disclosures are damaged")]
    Disclosures(#[source] Damaged),
    /// It belongs to another story.
    #[error("the envelope is of story {found}")]
    Story {
        /// Its story.
        found: StoryId,
    },
    /// It is not the next revision.
    #[error("the envelope is of revision {found}, expected {expected}")]
    Revision {
        /// The next revision.
        expected: Revision,
        /// Its revision.
        found: Revision,
    },
    /// It does not name the envelope before it: that one or this one was changed.
    #[error("the envelope does not follow the one before it")]
    Prev {
        /// Hash of the envelope before.
        expected: Option<Hash>,
        /// The hash it names.
        found: Option<Hash>,
    },
    /// A disclosed value is not the one that the envelope commits to.
    #[error("disclosed value {index} is not the one that was committed to")]
    Value {
        /// Its index in the disclosures.
        index: usize,
    },
    /// The envelope brings in another number of values than the disclosures hold places for.
    #[error("the envelope brings in {committed} values, the disclosures hold {disclosed}")]
    Values {
        /// How many new commitments the envelope holds.
        committed: usize,
        /// How many values there are in the disclosures, erased ones counted.
        disclosed: usize,
    },
    /// A mark-up value is no list of marks.
    #[error("the marks of block {block} cannot be read")]
    Marks {
        /// The block.
        block: String,
    },
    /// The event does not fit the story before it.
    #[error("the event does not fit its story")]
    Illegal(#[from] IllegalEvent),
    /// What comes out is not what was written.
    #[error("the resulting state is {actual}, the envelope says {expected}")]
    State {
        /// What the envelope says.
        expected: Hash,
        /// What comes out.
        actual: Hash,
    },
}

/// Where bytes stop being what was ever written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: expected {expected}")]
pub struct Damaged {
    /// Offset of the first byte that does not fit.
    pub at: usize,
    /// What was expected there.
    pub expected: &'static str,
}

/// Returns `now` as a record can hold it: truncated to microseconds.
///
/// Decide with the result, so that the event in memory is the event that will be read back.
pub fn recordable(now: Timestamp) -> Timestamp {
    let rounding = jiff::TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc);
    now.round(rounding).unwrap_or(now)
}

impl Chain {
    /// Returns the chain of a story before its first event.
    pub fn new(id: StoryId) -> Self {
        Self::masked(id, Masks::default())
    }

    /// Returns the chain of a story before its first event that reads the values of `masks` as erased.
    /// Every hash is the same with and without.
    pub fn masked(id: StoryId, masks: Masks) -> Self {
        let ledger = ledger::Ledger::default();
        let state = proof::state_hash([].iter());
        Self { id, story: Story::default(), prev: None, state, ledger, masks }
    }

    /// Returns what is read as erased.
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Returns which story it is.
    pub fn id(&self) -> StoryId {
        self.id
    }

    /// Returns the story after the last record.
    pub fn story(&self) -> &Story {
        &self.story
    }

    /// Returns the hash of the last envelope; `None` before the first.
    pub fn prev(&self) -> Option<Hash> {
        self.prev
    }

    /// Returns the hash of the state after the last record.
    pub fn state(&self) -> Hash {
        self.state
    }

    /// Returns the record of `event` and advances past it.
    ///
    /// A value that stood there before keeps its commitment, as does one that the event takes out
    /// elsewhere; the others get new ones with salts from the stamp's seed. The event must be the
    /// next one, with a [`recordable`] time.
    ///
    /// # Errors
    /// [`SealError`], and the chain is as it was.
    pub fn seal(&mut self, event: &Event, stamp: &Stamp) -> Result<SealedRecord, SealError> {
        seal::seal(self, event, stamp)
    }

    /// Returns what a record says, verified, and advances past it.
    ///
    /// Verified are the form, the story, the revision, the envelope before, every disclosed value
    /// and the resulting state. Erased values are no error: they show as redaction marks.
    ///
    /// # Errors
    /// [`OpenError`], and the chain is as it was. No bytes make it panic.
    pub fn open(&mut self, envelope: &[u8], disclosures: &[u8]) -> Result<Opened, OpenError> {
        open::open(self, envelope, disclosures)
    }

    /// Returns the commitments of `field`'s values, in order; none if it is absent.
    pub fn field_commitments(&self, field: Field) -> &[Commitment] {
        self.ledger.field(field).map_or(&[], |entry| &entry.commitments)
    }

    /// Returns the commitments of a block's values, in order; none if the story has no such block.
    pub fn block_commitments(&self, block: &BlockId) -> &[Commitment] {
        self.ledger.block(block).map_or(&[], |entry| &entry.text.commitments)
    }

    /// Returns the commitment of a block's mark-up, if it has any.
    pub fn marks_commitment(&self, block: &BlockId) -> Option<Commitment> {
        self.ledger.block(block)?.marks.as_ref().map(|marks| marks.commitment)
    }

    fn advance(&mut self, story: Story, updates: ledger::Updates, (prev, state): (Hash, Hash)) {
        self.story = story;
        self.ledger.put(updates);
        (self.prev, self.state) = (Some(prev), state);
    }
}
