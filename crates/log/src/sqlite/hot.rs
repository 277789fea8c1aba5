//! What the writer remembers of the stories it has lately written to, so that it need not ask the
//! index before each append: the revision, and a fingerprint of every command.
//!
//! A fingerprint that is absent proves that a command is new; one that is present proves nothing,
//! so the caller then looks the command up. Memory is bounded by two generations: what was not
//! touched while the younger one filled is forgotten, and read from the index when it is wanted.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use super::index::Lookup;
use crate::contract::{Position, StoryKey};

/// Commands of a single story that are remembered; a story with more is looked up each time.
const STORY_COMMANDS_MAX: usize = 1024;
/// Stories and commands that a generation holds.
const GENERATION_WEIGHT_MAX: usize = 512 * 1024;

/// What is known of one story.
#[derive(Debug)]
pub(super) struct HotStory {
    /// The revision after the newest batch that was decided.
    pub(super) revision: u64,
    /// None when there are too many.
    commands: Option<HashSet<u64>>,
}

/// What is known of the stories written to of late.
#[derive(Debug, Default)]
pub(super) struct Hot {
    young: HashMap<StoryKey, HotStory>,
    old: HashMap<StoryKey, HotStory>,
    /// Stories and commands in `young`.
    weight: usize,
    /// Whether this group has made room: a second time would forget what the group itself decided.
    made_room: bool,
    fingerprints: RandomState,
}

impl Hot {
    /// Begins a group: until the next one, nothing that is decided is forgotten.
    pub(super) const fn begin_group(&mut self) {
        self.made_room = false;
    }

    /// Returns what is known of `story`, asking `lookup` if it is nothing.
    pub(super) fn story(
        &mut self,
        story: StoryKey,
        lookup: &Lookup,
        head: Position,
    ) -> rusqlite::Result<&mut HotStory> {
        if !self.young.contains_key(&story) {
            let known = match self.old.remove(&story) {
                Some(known) => known,
                None => HotStory::load(story, lookup, head, &self.fingerprints)?,
            };
            self.make_room(known.weight());
            self.young.insert(story, known);
        }
        Ok(self.young.get_mut(&story).expect("it was there or put there"))
    }

    /// Returns the fingerprint of `command`.
    pub(super) fn fingerprint(&self, command: &[u8]) -> u64 {
        self.fingerprints.hash_one(command)
    }

    /// Records that `command` takes `story` to `revision`.
    pub(super) fn advance(&mut self, story: StoryKey, fingerprint: u64, revision: u64) {
        let Some(known) = self.young.get_mut(&story) else { return };
        known.revision = revision;
        let before = known.weight();
        if let Some(commands) = &mut known.commands {
            commands.insert(fingerprint);
            if commands.len() > STORY_COMMANDS_MAX {
                known.commands = None;
            }
        }
        self.weight = (self.weight + known.weight()).saturating_sub(before);
    }

    /// Forgets everything, for when what was decided was not stored.
    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
        self.weight = 0;
    }

    fn make_room(&mut self, weight: usize) {
        if self.weight + weight > GENERATION_WEIGHT_MAX && !self.made_room {
            self.made_room = true;
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += weight;
    }
}

impl HotStory {
    fn load(
        story: StoryKey,
        lookup: &Lookup,
        head: Position,
        fingerprints: &RandomState,
    ) -> rusqlite::Result<Self> {
        let revision = lookup.revision(story, head)?;
        let mut commands = HashSet::new();
        // A story without a record has no command either: most first appends end here.
        let whole = revision == 0
            || lookup.each_command(story, STORY_COMMANDS_MAX, |command| {
                commands.insert(fingerprints.hash_one(command));
            })?;
        let whole = whole && commands.len() <= STORY_COMMANDS_MAX;
        Ok(Self { revision, commands: whole.then_some(commands) })
    }

    /// Returns whether a command with this fingerprint may have been stored.
    pub(super) fn may_hold(&self, fingerprint: u64) -> bool {
        self.commands.as_ref().is_none_or(|commands| commands.contains(&fingerprint))
    }

    fn weight(&self) -> usize {
        1 + self.commands.as_ref().map_or(0, HashSet::len)
    }
}
