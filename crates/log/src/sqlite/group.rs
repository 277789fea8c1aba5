//! Deciding a group of appends in order, before any of it is stored.
//!
//! Appends of one group see each other: a second one behind the same revision is a conflict, a
//! second one with the same command a repeat. Nothing here writes; nothing here is told to a
//! caller before the group is durable.

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::hot::Hot;
use super::index::Lookup;
use super::record::{self, Extent};
use crate::bugs::Bug;
use crate::contract::{AppendError, Appended, Position, StoryKey};

/// An append that waits for the writer.
#[derive(Debug)]
pub(super) struct Append {
    pub(super) story: StoryKey,
    pub(super) expected: u64,
    pub(super) command: Box<[u8]>,
    /// Drafts of the bodies: see [`record::draft`].
    pub(super) bodies: Vec<Vec<u8>>,
    pub(super) answer: oneshot::Sender<Result<Appended, AppendError>>,
    /// Its share of what may wait.
    pub(super) permit: OwnedSemaphorePermit,
}

/// A batch that this group stores.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) story: StoryKey,
    pub(super) command: Box<[u8]>,
    pub(super) extent: Extent,
}

/// What is decided and not yet stored.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) first: Position,
    /// Sealed bodies, from `first` on without a hole.
    pub(super) bodies: Vec<Vec<u8>>,
    pub(super) batches: Vec<Staged>,
    pub(super) answers: Vec<Answer>,
}

/// What a caller is told once the group is durable.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) to: oneshot::Sender<Result<Appended, AppendError>>,
    pub(super) told: Result<Appended, AppendError>,
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Group {
    /// Returns a group whose first record would stand at `first`.
    pub(super) const fn new(first: Position) -> Self {
        Self { first, bodies: Vec::new(), batches: Vec::new(), answers: Vec::new() }
    }

    /// Returns the place behind the group's last record.
    pub(super) fn next(&self) -> Position {
        Position(self.first.0 + self.bodies.len() as u64)
    }

    /// Decides `append` behind everything decided before.
    pub(super) fn decide(&mut self, append: Append, hot: &mut Hot, lookup: &Lookup) {
        let Append { story, expected, command, bodies, answer, permit } = append;
        let told =
            self.answer_without_storing(story, expected, &command, (hot, lookup)).unwrap_or_else(|| {
                let fingerprint = hot.fingerprint(&command);
                let extent = self.stage(story, expected, command, bodies);
                hot.advance(story, fingerprint, extent.last_revision());
                Ok(appended(extent, false))
            });
        self.answers.push(Answer { to: answer, told, _permit: permit });
    }

    /// Returns what an append is told that stores nothing: a repeat, a conflict, a failure.
    fn answer_without_storing(
        &self,
        story: StoryKey,
        expected: u64,
        command: &[u8],
        (hot, lookup): (&mut Hot, &Lookup),
    ) -> Option<Result<Appended, AppendError>> {
        let unavailable = |source| Some(Err(AppendError::Unavailable { source: Box::new(source) }));
        let head = Position(self.first.0 - 1);
        let fingerprint = hot.fingerprint(command);
        let known = match hot.story(story, lookup, head) {
            Ok(known) => known,
            Err(source) => return unavailable(source),
        };
        if known.may_hold(fingerprint) && !Bug::RepeatForgotten.is_planted() {
            match self.find(story, command, lookup) {
                Ok(Some(extent)) => return Some(Ok(appended(extent, true))),
                Ok(None) => {}
                Err(source) => return unavailable(source),
            }
        }
        let actual = known.revision;
        (actual != expected).then_some(Err(AppendError::Conflict { expected, actual }))
    }

    /// Adds a batch behind `revision` of `story`.
    fn stage(&mut self, story: StoryKey, revision: u64, command: Box<[u8]>, bodies: Vec<Vec<u8>>) -> Extent {
        let extent = Extent { revision: revision + 1, first: self.next(), records: bodies.len() as u64 };
        for (at, mut body) in (0..).zip(bodies) {
            record::seal(&mut body, Position(extent.first.0 + at), extent.revision + at);
            self.bodies.push(body);
        }
        self.batches.push(Staged { story, command, extent });
        extent
    }

    fn find(&self, story: StoryKey, command: &[u8], lookup: &Lookup) -> rusqlite::Result<Option<Extent>> {
        let staged = self.batches.iter().find(|batch| batch.story == story && *batch.command == *command);
        match staged {
            Some(staged) => Ok(Some(staged.extent)),
            None => lookup.command(story, command),
        }
    }
}

/// Returns the acknowledgement of the batch at `extent`.
pub(super) fn appended(extent: Extent, repeated: bool) -> Appended {
    Appended { first: extent.first, last: extent.last(), revision: extent.last_revision(), repeated }
}
