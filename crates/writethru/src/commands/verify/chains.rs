//! Every story's envelopes, one after the other: each names the one before it.

use std::collections::{HashMap, HashSet};

use proof::entry::{Entry, Form};
use proof::{Hash, envelope_hash};
use story::StoryId;
use wire::Header;

use crate::failure::chain;

/// The newest envelope of every story.
#[derive(Debug, Default)]
pub(super) struct Chains {
    newest: HashMap<StoryId, (u64, Hash)>,
    /// Envelopes that are too long to be in the log, of which it has the hash only.
    long: HashSet<Hash>,
}

impl Chains {
    /// Takes the entry at `index`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn follow(&mut self, index: u64, entry: &[u8]) -> Result<(), String> {
        let wrong = |why: String| format!("entry {index}: {why}");
        let entry = Entry::from_bytes(entry).map_err(|error| wrong(chain(&error)))?;
        let envelope = match entry.form() {
            Form::Short(envelope) => envelope,
            Form::Long { hash, .. } => {
                self.long.insert(hash);
                return Ok(());
            }
        };
        let header = Header::parse(envelope).map_err(|error| wrong(chain(&error)))?;
        let (revision, story) = (header.revision.get(), header.story);
        let before = self.newest.get(&story);
        let follows = match (before, header.prev) {
            (None, None) => revision == 1,
            (Some((newest, hash)), Some(prev)) if *hash == prev => revision == newest + 1,
            // The envelope before it is a long one, of which only the hash is known.
            (before, Some(prev)) => {
                self.long.remove(&prev) && revision > before.map_or(1, |(newest, _)| newest + 1)
            }
            (Some(_), None) => false,
        };
        if !follows {
            let at = before.map_or(0, |(newest, _)| *newest);
            return Err(wrong(format!(
                "revision {revision} of story {story} does not follow on its revision {at}"
            )));
        }
        self.newest.insert(story, (revision, envelope_hash(envelope)));
        Ok(())
    }

    /// Returns how many stories there are.
    pub(super) fn stories(&self) -> usize {
        self.newest.len()
    }
}
