//! What the log was asked and what it answered: the callers' side of the story.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use bytes::Bytes;
use log::{AppendError, Appended, Batch, Command, NewRecord, Position, StoryKey};

use crate::dice::Dice;

/// What must be true whatever failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// What was acknowledged is there, as it was given.
    NothingAcknowledgedIsLost,
    /// No command is stored twice.
    NothingIsDoubled,
    /// What was answered as not stored is not there, and nothing is there that nobody gave.
    NothingRefusedIsStored,
    /// Positions and revisions rise in the order of the answers.
    OrderIsKept,
    /// No position and no revision is missing.
    NoHole,
    /// What a reader was shown stays, and stays the same.
    NothingShownIsLost,
    /// Words that were erased are in no file, and come back by no power cut.
    ErasedWordsAreGone,
    /// An answer is the one that the contract names.
    AnswersAreRight,
    /// When the disk works again, the log does, without a restart.
    TheLogHeals,
    /// A log opens whatever happened to the process or the power.
    TheLogOpens,
    /// `check` passes where nothing was damaged.
    CheckPasses,
    /// The index says what the log says.
    TheIndexAgrees,
}

/// An invariant that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub seen: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.seen)
    }
}

impl Violation {
    pub(crate) fn of(invariant: Invariant, seen: impl Into<String>) -> Self {
        Self { invariant, seen: seen.into() }
    }
}

/// What is known of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// It may be there.
    Unknown,
    /// It is not there.
    Refused,
    /// It is there.
    Acknowledged { first: Position, last: Position },
}

/// A batch that was given to the log.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) story: StoryKey,
    pub(crate) expected: u64,
    pub(crate) records: Vec<NewRecord>,
    pub(crate) told: Told,
    /// The highest position acknowledged before it was given.
    pub(crate) behind: Position,
}

/// What is left of a record's disclosures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Erased {
    pub(crate) words: Bytes,
    pub(crate) remaining: Bytes,
    /// Whether the erasure was acknowledged; else either may be there.
    pub(crate) surely: bool,
}

/// Everything that was asked and answered, over every life of the log.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) given: HashMap<Bytes, Given>,
    /// Stories' revisions as far as acknowledged, and the batch that is not settled.
    pub(crate) stories: BTreeMap<StoryKey, (u64, Option<Bytes>)>,
    pub(crate) erased: BTreeMap<Position, Erased>,
    /// Command and envelope of each record that a reader saw, from position 1 on.
    pub(crate) shown: Vec<(Bytes, Bytes)>,
    pub(crate) acknowledged: u64,
    head: Position,
}

/// Returns the `number`th story.
pub(crate) fn story(number: usize) -> StoryKey {
    let mut key = [0x5a; 16];
    key[8..].copy_from_slice(&(number as u64).to_be_bytes());
    StoryKey(key)
}

impl Ledger {
    /// Returns what is asked next of `story`: what is not settled once more, or something new of up to `bytes_max` bytes a
    /// record.
    pub(crate) fn next(&mut self, story: StoryKey, bytes_max: usize, dice: &mut Dice) -> (u64, Batch) {
        let (revision, unsettled) = self.stories.entry(story).or_default().clone();
        if let Some(given) = unsettled.as_ref().and_then(|name| self.given.get(name)) {
            let command = Command(unsettled.expect("it was looked up"));
            return (given.expected, Batch { command, records: given.records.clone() });
        }
        let name = Bytes::from(format!("c{}", self.given.len()));
        let records: Vec<_> = (0..=dice.size(3)).map(|at| record(&name, at, bytes_max, dice)).collect();
        let told = Told::Refused;
        let given = Given { story, expected: revision, records: records.clone(), told, behind: self.head };
        self.given.insert(name.clone(), given);
        self.stories.insert(story, (revision, Some(name.clone())));
        (revision, Batch { command: Command(name), records })
    }

    /// Takes the answer to the batch `name`; after the end of a process only what was acknowledged counts.
    pub(crate) fn answered(
        &mut self,
        name: &Bytes,
        answer: &Result<Appended, AppendError>,
        over: bool,
    ) -> Result<(), Violation> {
        let given = self.given.get_mut(name).expect("what is answered was asked");
        let wrong = |seen| Err(Violation::of(Invariant::AnswersAreRight, format!("{name:?}: {seen}")));
        match answer {
            Ok(appended) => {
                if appended.repeated && given.told == Told::Refused {
                    let seen = format!("{name:?} was answered as not stored, and then as a repeat");
                    return Err(Violation::of(Invariant::NothingRefusedIsStored, seen));
                }
                let records = given.records.len() as u64;
                if appended.last.0 + 1 - appended.first.0 != records
                    || appended.revision != given.expected + records
                {
                    return wrong(format!("{records} records behind {}: {appended:?}", given.expected));
                }
                given.told = Told::Acknowledged { first: appended.first, last: appended.last };
                self.head = self.head.max(appended.last);
                self.stories.insert(given.story, (appended.revision, None));
                self.acknowledged += 1;
                Ok(())
            }
            Err(AppendError::Unavailable { .. }) if !over => Ok(()),
            Err(AppendError::OutcomeUnknown { .. } | AppendError::Unavailable { .. }) => {
                given.told = Told::Unknown;
                Ok(())
            }
            Err(error) => wrong(error.to_string()),
        }
    }

    /// Takes what a reader was shown at `position`.
    pub(crate) fn show(&mut self, record: &log::Record) -> Result<(), Violation> {
        let at = usize::try_from(record.position.0 - 1).expect("small");
        let saw = (record.command.0.clone(), record.envelope.clone());
        match self.shown.get(at) {
            Some(before) if *before == saw => Ok(()),
            Some((before, _)) => {
                let seen = format!("position {}: {before:?} became {:?}", record.position, record.command.0);
                Err(Violation::of(Invariant::NothingShownIsLost, seen))
            }
            None if at == self.shown.len() => {
                self.shown.push(saw);
                Ok(())
            }
            None => {
                let seen = format!("a reader was shown {} behind {}", record.position, self.shown.len());
                Err(Violation::of(Invariant::NoHole, seen))
            }
        }
    }
}

fn record(name: &Bytes, at: usize, bytes_max: usize, dice: &mut Dice) -> NewRecord {
    let name = std::str::from_utf8(name).expect("a short name");
    let mut envelope = format!("{{\"envelope\":\"{name}/{at}\"}}").into_bytes();
    envelope.resize(envelope.len() + dice.size(bytes_max), b'e');
    let mut disclosures = words(name, at).into_bytes();
    disclosures.resize(disclosures.len() + dice.size(bytes_max), b'd');
    NewRecord { envelope: envelope.into(), disclosures: disclosures.into() }
}

/// Returns words that are in one record only.
pub(crate) fn words(name: &str, at: usize) -> String {
    format!("<words of {name}/{at}>")
}
