//! The stories that the desk has in memory: folds of the log, each behind its own lock.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use log::{EventLog, Record, StoryKey};
use lru::LruCache;
use story::{Revision, StoryId};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use wire::{Chain, Masks, redaction_of};

use crate::request::PushError;

/// Most stories kept in memory when no one is using them.
const STORIES_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("not zero");
/// Records read at a time while a story is loaded.
const LOAD_PAGE_RECORDS: usize = 512;
/// Further than any story goes.
const LAST: Revision = Revision(u64::MAX);

/// One story's place: the fold of its records, once it has been loaded.
type Place = Arc<AsyncMutex<Option<Chain>>>;

/// A story that the holder alone works on.
pub(crate) type Held = OwnedMutexGuard<Option<Chain>>;

/// The loaded stories.
#[derive(Debug)]
pub(crate) struct Stories {
    log: EventLog,
    places: Mutex<LruCache<StoryId, Place>>,
}

impl Stories {
    pub(crate) fn new(log: EventLog) -> Self {
        Self { log, places: Mutex::new(LruCache::unbounded()) }
    }

    /// Returns `story`, loaded, for the caller alone; waits for whoever works on it now.
    pub(crate) async fn hold(&self, story: StoryId) -> Result<Held, PushError> {
        let place = self.place(story);
        let mut held = place.lock_owned().await;
        if held.is_none() {
            *held = Some(load(&self.log, story, LAST).await?);
        }
        Ok(held)
    }

    /// Like [`Self::hold`], with what other processes have written of it until now.
    pub(crate) async fn hold_newest(&self, story: StoryId) -> Result<Held, PushError> {
        let mut held = self.hold(story).await?;
        if !self.log.is_shared() {
            return Ok(held);
        }
        let mut chain = held.take().expect("a held story is loaded");
        let is_whole = extend(&self.log, story, &mut chain).await?;
        // Else what is in memory was never stored, or may not be shown any more: from the beginning.
        *held = Some(if is_whole { chain } else { load(&self.log, story, LAST).await? });
        Ok(held)
    }

    /// Forgets what is in memory of `story`: the log knows better.
    pub(crate) async fn forget(&self, story: StoryId) {
        let place = self.place(story);
        *place.lock().await = None;
    }

    /// Forgets what is in memory of `story` if it is older than `revision`, unless somebody works on it
    /// now: they find out by themselves.
    pub(crate) fn outdated(&self, story: StoryId, revision: Revision) {
        let places = self.places.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(place) = places.peek(&story) else { return };
        if let Ok(mut held) = place.try_lock()
            && held.as_ref().is_some_and(|chain| chain.story().revision < revision)
        {
            *held = None;
        }
    }

    fn place(&self, story: StoryId) -> Place {
        let mut places = self.places.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let place = Arc::clone(places.get_or_insert(story, Place::default));
        // A place that someone holds is never evicted: two places for one story would be two
        // histories. The oldest is looked at first, so at most a few held ones are passed over.
        let mut held_count = 0;
        while places.len() > STORIES_CACHED_MAX.get() + held_count {
            match places.pop_lru() {
                Some((id, oldest)) if Arc::strong_count(&oldest) > 1 => {
                    places.put(id, oldest);
                    held_count += 1;
                }
                _ => {}
            }
        }
        place
    }
}

/// Returns the fold of the records of `story` up to `upto`, or of all if there are fewer. What any
/// redaction of the story hides, a later one too, is read as erased.
pub(crate) async fn load(log: &EventLog, story: StoryId, upto: Revision) -> Result<Chain, PushError> {
    let mut masks = Masks::default();
    loop {
        if let Some(chain) = fold(log, story, upto, &mut masks).await? {
            return Ok(chain);
        }
    }
}

/// Folds what the log has behind `chain`; returns whether that could be done: not behind what was never
/// stored, and not over a redaction, which hides what is folded already.
async fn extend(log: &EventLog, story: StoryId, chain: &mut Chain) -> Result<bool, PushError> {
    let mut pages = Pages::behind(log, story, chain.story().revision);
    while let Some(records) = pages.next().await? {
        for record in &records {
            let redaction = redaction_of(&record.envelope).map_err(|error| damaged(story, &error))?;
            if redaction.is_some() || chain.open(&record.envelope, &record.disclosures).is_err() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Folds with `masks`; returns `None` if a redaction asks for more, which are then in there.
async fn fold(
    log: &EventLog,
    story: StoryId,
    upto: Revision,
    masks: &mut Masks,
) -> Result<Option<Chain>, PushError> {
    let mut chain = Some(Chain::masked(story, masks.clone()));
    let mut pages = Pages::of(log, story);
    while let Some(records) = pages.next().await? {
        for record in &records {
            let redaction = redaction_of(&record.envelope).map_err(|error| damaged(story, &error))?;
            if redaction.is_some_and(|redaction| masks.add(&redaction)) {
                chain = None;
            }
            if let Some(chain) = chain.as_mut().filter(|_| record.revision <= upto.get()) {
                chain.open(&record.envelope, &record.disclosures).map_err(|error| damaged(story, &error))?;
            }
        }
    }
    Ok(chain)
}

/// The records of one story, page by page.
pub(crate) struct Pages<'a> {
    log: &'a EventLog,
    story: StoryId,
    next: u64,
}

impl<'a> Pages<'a> {
    pub(crate) fn of(log: &'a EventLog, story: StoryId) -> Self {
        Self::behind(log, story, Revision::ZERO)
    }

    pub(crate) fn behind(log: &'a EventLog, story: StoryId, revision: Revision) -> Self {
        Self { log, story, next: revision.next().get() }
    }

    /// Returns the next records; `None` behind the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Record>>, PushError> {
        let records = self
            .log
            .read_story(StoryKey(*self.story.as_bytes()), self.next, LOAD_PAGE_RECORDS)
            .await
            .map_err(|error| PushError::Unavailable { source: error.into() })?;
        let Some(last) = records.last() else { return Ok(None) };
        self.next = last.revision + 1;
        Ok(Some(records))
    }
}

pub(crate) fn damaged(story: StoryId, problem: &dyn std::error::Error) -> PushError {
    PushError::Damaged { story, problem: problem.to_string() }
}
