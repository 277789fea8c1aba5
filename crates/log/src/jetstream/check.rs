//! Proving that a whole log is as it was written: records, what stands beside them, erasures.
//!
//! It remembers a fingerprint of every command, so it needs about 32 bytes of memory a batch.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;

use super::core::Core;
use super::layout::{Entry, Extent, Fault};
use crate::contract::{CheckError, Checked, Position, ReadError, StoryKey, limits};

/// A check on its way through the log.
#[derive(Default)]
struct Walk {
    /// Revision of each story seen.
    stories: HashMap<StoryKey, u64>,
    /// First positions of batches, by fingerprint of story and command.
    commands: HashMap<u64, Vec<Position>>,
    fingerprints: RandomState,
    /// The batch being read, until its last record.
    open: Option<(StoryKey, Bytes, Extent)>,
    checked: Checked,
}

impl Core {
    /// Checks the log up to the head it has when the check begins; tells `progress` how far it is
    /// and how far it goes.
    pub(super) async fn check(
        &self,
        progress: &mut (impl FnMut(Position, Position) + Send),
    ) -> Result<Checked, CheckError> {
        let info = self.link.insist(|| self.link.records_info()).await.map_err(ReadError::from)?;
        let head = self.head();
        if info.deleted_count.unwrap_or_default() != 0 || info.first_sequence > 1 {
            return Err(Fault::at(Position(info.first_sequence), "the stream has lost records").into());
        }
        let mut walk = Walk::default();
        let mut next = Position(1);
        while next <= head {
            let entries = self.entries(next, head, limits::PAGE_RECORDS_MAX).await?;
            let last = entries.last().map_or(head, |(position, _)| *position);
            for (position, entry) in &entries {
                walk.step(*position, entry)?;
                self.check_command(&mut walk, *position, entry).await?;
                self.check_erasure(*position, entry).await?;
            }
            // Proves what stands beside the records.
            self.records(entries, None).await?;
            next = last.next();
            progress(last, head);
        }
        if walk.open.is_some() {
            return Err(Fault::at(head, "the last batch is not whole").into());
        }
        walk.checked.stories = walk.stories.len() as u64;
        Ok(walk.checked)
    }

    /// Proves that the command of a batch was not stored before.
    async fn check_command(
        &self,
        walk: &mut Walk,
        position: Position,
        entry: &Entry,
    ) -> Result<(), CheckError> {
        if entry.place != 0 {
            return Ok(());
        }
        let fingerprint = walk.fingerprints.hash_one((entry.story, &entry.command));
        let alike = walk.commands.entry(fingerprint).or_default();
        for earlier in &*alike {
            let other = self.entry(*earlier).await?;
            if (other.story, &other.command) == (entry.story, &entry.command) {
                return Err(Fault::at(position, "a command was stored twice").into());
            }
        }
        alike.push(position);
        Ok(())
    }

    /// Proves that an erasure took nothing but disclosures, and all that it was to take.
    async fn check_erasure(&self, position: Position, entry: &Entry) -> Result<(), CheckError> {
        let Some(erasure) = self.erasure(position) else { return Ok(()) };
        if erasure.left.bytes as usize > limits::ERASED_BYTES_MAX {
            return Err(Fault::at(position, "an erasure left more than it may").into());
        }
        if !erasure.finished {
            return Ok(());
        }
        for sequence in entry.disclosures.parts.iter().filter(|part| !erasure.left.parts.contains(part)) {
            let found = self.link.insist(|| self.link.leader_message(&self.link.parts, *sequence)).await;
            if found.map_err(ReadError::from)?.is_some() {
                return Err(Fault::at(position, "erased disclosures are still there").into());
            }
        }
        Ok(())
    }
}

impl Walk {
    /// Takes the entry at `position` behind those before it.
    fn step(&mut self, position: Position, entry: &Entry) -> Result<(), Fault> {
        let revision = self.stories.entry(entry.story).or_default();
        if entry.revision != *revision + 1 {
            let problem = format!("revision {} follows revision {revision}", entry.revision);
            return Err(Fault::at(position, problem));
        }
        *revision = entry.revision;
        let extent = entry.extent(position);
        let this = (entry.story, entry.command.clone(), extent);
        match &self.open {
            Some(open) if *open != this => {
                return Err(Fault::at(position, "a batch is interrupted by another"));
            }
            None if extent.first != position => return Err(Fault::at(position, "a batch has no beginning")),
            _ => {}
        }
        self.checked.records += 1;
        let whole = extent.last() == position;
        self.checked.batches += u64::from(whole);
        self.open = (!whole).then_some(this);
        Ok(())
    }
}
