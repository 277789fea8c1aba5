//! What every part of an open log works with.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};

use tokio::sync::watch;

use super::lanes::Lanes;
use super::layout::Erasure;
use super::link::{Link, Unanswered};
use crate::contract::{CheckError, Position, ReadError, StoryKey};
use crate::tail::Live;

/// Stories of which one place is remembered.
const PLACES_MAX: usize = 16 * 1024;

/// Shared by readers, lanes, and the task that follows the stream.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) link: Link,
    pub(super) lanes: Lanes,
    live: watch::Sender<Live>,
    /// What is known to be left of the records that were erased: as many as ever were.
    erasures: RwLock<HashMap<Position, Erasure>>,
    /// A revision of a story and its position: where to begin to look for another.
    places: Mutex<HashMap<StoryKey, (u64, Position)>>,
}

impl Core {
    pub(super) fn new(link: Link, head: Position, erasures: HashMap<Position, Erasure>) -> Self {
        Self {
            link,
            lanes: Lanes::default(),
            live: watch::Sender::new(Live { head, ended: false }),
            erasures: RwLock::new(erasures),
            places: Mutex::default(),
        }
    }

    pub(super) fn head(&self) -> Position {
        self.live.borrow().head
    }

    pub(super) fn ended(&self) -> bool {
        self.live.borrow().ended
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Live> {
        self.live.subscribe()
    }

    /// Takes note that everything up to `head` is durable. Acknowledgements come in any order, so
    /// an older one changes nothing.
    pub(super) fn advance(&self, head: Position) {
        self.live.send_if_modified(|live| {
            let newer = head > live.head;
            live.head = live.head.max(head);
            newer
        });
    }

    pub(super) fn end(&self) {
        self.live.send_modify(|live| live.ended = true);
    }

    /// Returns what is known to be left of the disclosures at `position`, if they were erased.
    pub(super) fn erasure(&self, position: Position) -> Option<Erasure> {
        self.erasures.read().unwrap_or_else(PoisonError::into_inner).get(&position).cloned()
    }

    pub(super) fn note_erasure(&self, erasure: Erasure) {
        let mut erasures = self.erasures.write().unwrap_or_else(PoisonError::into_inner);
        erasures.insert(erasure.position, erasure);
    }

    /// Returns a revision of `story` at or before `revision`, and its position.
    pub(super) fn place_before(&self, story: StoryKey, revision: u64) -> Option<(u64, Position)> {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.get(&story).copied().filter(|(known, _)| *known <= revision)
    }

    pub(super) fn note_place(&self, story: StoryKey, revision: u64, position: Position) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES_MAX && !places.contains_key(&story) {
            places.clear();
        }
        places.insert(story, (revision, position));
    }
}

impl From<Unanswered> for ReadError {
    fn from(unanswered: Unanswered) -> Self {
        Self::Unavailable { source: Box::new(unanswered) }
    }
}

impl From<ReadError> for CheckError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable { source } => Self::Unavailable { source },
            ReadError::Damaged { position, problem } => Self::Damaged { position, problem },
        }
    }
}
