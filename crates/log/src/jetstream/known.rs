//! What is known of one story: how far it is, and which commands it had.
//!
//! It is true up to the message it names. Another process may have written behind that; then the
//! server refuses what was decided from it, and it is brought up to date.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;

use super::core::Core;
use super::layout::{Entry, Extent, Fault};
use super::link::{FETCH_BYTES, FETCH_MESSAGES_MAX, Unanswered, Wanted};
use crate::contract::{Position, ReadError, StoryKey};

/// Commands of a single story that are remembered; in a story with more, each is looked for from
/// the beginning.
const STORY_COMMANDS_MAX: usize = 256 * 1024;

/// A story as of its newest known record.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) revision: u64,
    /// Where its newest record stands, 0 without one.
    pub(super) last: Position,
    commands: Commands,
}

/// The commands of a story.
#[derive(Debug, Clone)]
enum Commands {
    /// By fingerprint, the first position of each one's batch. One that is not here is new.
    All { first: HashMap<u64, Position>, fingerprints: RandomState },
    /// There are too many.
    Uncounted,
}

impl Default for Commands {
    fn default() -> Self {
        Self::All { first: HashMap::new(), fingerprints: RandomState::new() }
    }
}

impl Known {
    /// Takes the entry at `position` behind all that is known.
    pub(super) fn take(&mut self, story: StoryKey, position: Position, entry: &Entry) -> Result<(), Fault> {
        if entry.story != story || entry.revision != self.revision + 1 {
            let problem = format!("revision {} follows revision {}", entry.revision, self.revision);
            return Err(Fault::at(position, problem));
        }
        self.revision = entry.revision;
        self.last = position;
        if entry.place == 0 {
            self.commands.insert(&entry.command, position);
        }
        Ok(())
    }

    /// Takes a batch that was just stored.
    pub(super) fn advance(&mut self, command: &[u8], extent: Extent) {
        self.revision = extent.last_revision();
        self.last = extent.last();
        self.commands.insert(command, extent.first);
    }

    /// Returns about how much memory this takes, in commands.
    pub(super) fn weight(&self) -> usize {
        match &self.commands {
            Commands::All { first, .. } => 1 + first.len(),
            Commands::Uncounted => 1,
        }
    }
}

impl Commands {
    fn insert(&mut self, command: &[u8], position: Position) {
        let Self::All { first, fingerprints } = self else { return };
        let taken = first.insert(fingerprints.hash_one(command), position).is_some();
        // Two commands with one fingerprint cannot both be remembered.
        if taken || first.len() > STORY_COMMANDS_MAX {
            *self = Self::Uncounted;
        }
    }
}

impl Core {
    /// Brings what is known of `story` up to what the leader has.
    pub(super) async fn catch_up(&self, story: StoryKey, known: &mut Known) -> Result<(), ReadError> {
        let subject = self.link.names.story(story);
        let newest = self.link.insist(|| self.link.leader_last(&self.link.records, &subject)).await?;
        let Some(newest) = newest else {
            if known.revision == 0 {
                return Ok(());
            }
            return Err(behind());
        };
        let newest_position = Position(newest.sequence);
        if newest_position < known.last {
            return Err(behind());
        }
        if newest_position == known.last {
            return Ok(());
        }
        self.each_entry(story, known.last.next(), newest_position, |position, entry| {
            known.take(story, position, &entry).map(|()| true)
        })
        .await?;
        self.advance(newest_position);
        Ok(())
    }

    /// Returns where the batch of `command` lies in `story`, of which `known` is up to date.
    pub(super) async fn find(
        &self,
        story: StoryKey,
        known: &Known,
        command: &Bytes,
    ) -> Result<Option<Extent>, ReadError> {
        match &known.commands {
            Commands::All { first, fingerprints } => {
                let Some(&position) = first.get(&fingerprints.hash_one(command)) else { return Ok(None) };
                let entry = self.entry(position).await?;
                Ok((entry.story == story && entry.command == *command).then(|| entry.extent(position)))
            }
            Commands::Uncounted => {
                let mut found = None;
                self.each_entry(story, Position(1), known.last, |position, entry| {
                    if entry.command == *command {
                        found = Some(entry.extent(position));
                    }
                    Ok(found.is_none())
                })
                .await?;
                Ok(found)
            }
        }
    }

    /// Gives `take` the entries of `story` from `from` to `to`, where one stands, until it wants
    /// no more. The envelopes come along: a story is read whole.
    pub(super) async fn each_entry(
        &self,
        story: StoryKey,
        mut from: Position,
        to: Position,
        mut take: impl FnMut(Position, Entry) -> Result<bool, Fault>,
    ) -> Result<(), ReadError> {
        let subject = self.link.names.story(story);
        let mut patience = self.link.patience();
        while from <= to {
            let wanted = Wanted {
                stream: &self.link.names.records,
                from: from.0,
                subject: Some(&subject),
                messages_max: FETCH_MESSAGES_MAX,
                bytes: FETCH_BYTES,
            };
            let fetched = match self.link.fetch(wanted).await {
                Ok(fetched) if !fetched.is_empty() => fetched,
                // Nothing: the replica is behind, for the leader has one at `to`.
                _ if patience.allows_another().await => continue,
                Ok(_) => return Err(behind()),
                Err(unanswered) => return Err(unanswered.into()),
            };
            for message in fetched {
                let position = Position(message.sequence);
                if position > to || !take(position, Entry::decode(position, &message.body)?)? {
                    return Ok(());
                }
                from = position.next();
            }
        }
        Ok(())
    }
}

/// The leader that answered does not know what another has acknowledged.
fn behind() -> ReadError {
    ReadError::from(Unanswered::because("the server that answers is behind: it has lost its cluster"))
}
