//! The stories that the desk has in memory: folds of the log, each behind its own lock.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use log::{EventLog, StoryKey};
use lru::LruCache;
use story::{Revision, StoryId};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use wire::Chain;

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
        *held = Some(match extend(&self.log, &mut chain, LAST).await {
            Ok(()) => chain,
            // What is in memory was never stored, or the history is damaged: from the beginning.
            Err(PushError::Damaged { .. }) => load(&self.log, story, LAST).await?,
            Err(error) => return Err(error),
        });
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

/// Returns the fold of the records of `story` up to `upto`, or of all if there are fewer.
pub(crate) async fn load(log: &EventLog, story: StoryId, upto: Revision) -> Result<Chain, PushError> {
    let mut chain = Chain::new(story);
    extend(log, &mut chain, upto).await?;
    Ok(chain)
}

/// Folds what the log has behind `chain`, up to the revision `upto`.
async fn extend(log: &EventLog, chain: &mut Chain, upto: Revision) -> Result<(), PushError> {
    let story = chain.id();
    loop {
        let known = chain.story().revision;
        let wanted = usize::try_from(upto.get() - known.get()).unwrap_or(usize::MAX).min(LOAD_PAGE_RECORDS);
        if wanted == 0 {
            return Ok(());
        }
        let records = log
            .read_story(StoryKey(*story.as_bytes()), known.next().get(), wanted)
            .await
            .map_err(|error| PushError::Unavailable { source: error.into() })?;
        if records.is_empty() {
            return Ok(());
        }
        for record in &records {
            chain
                .open(&record.envelope, &record.disclosures)
                .map_err(|error| PushError::Damaged { story, problem: error.to_string() })?;
        }
    }
}
