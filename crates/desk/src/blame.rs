//! Who wrote what, kept ready in memory for the stories that were asked about last.
//!
//! Two answers a story: of the desk's working article, and of what readers see, in which no draft is
//! named. Both are folds of the log and can be dropped at any time; a story that was asked about before
//! is only taken on from where it was.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use log::EventLog;
use lru::LruCache;
use story::{Blame, BlameSpan, Place, Revision, StoryId};
use wire::{Chain, Masks, redaction_of};

use crate::request::{PushError, StoryRef};
use crate::service::Desk;
use crate::stories::{Pages, damaged};

/// Most stories kept ready.
const STORIES_MAX: NonZeroUsize = NonZeroUsize::new(128).expect("not zero");

/// For whose eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eyes {
    /// What readers see.
    Public,
    /// The desk's working article.
    Desk,
}

/// A text, and which revision each stretch of it first came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authored {
    /// Where it stands.
    pub place: Place,
    /// Its stretches in order; joined, they are the text.
    pub spans: Vec<(String, Revision)>,
}

/// The stories that were asked about last.
#[derive(Debug)]
pub(crate) struct Blames(Mutex<LruCache<StoryId, Arc<Blamed>>>);

/// A story as far as it has been blamed.
#[derive(Debug, Clone)]
struct Blamed {
    chain: Chain,
    desk: Blame,
    public: Blame,
}

impl Default for Blames {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(STORIES_MAX)))
    }
}

impl Blamed {
    fn new(story: StoryId, masks: Masks) -> Self {
        Self { chain: Chain::masked(story, masks), desk: Blame::new(), public: Blame::new() }
    }

    fn revision(&self) -> Revision {
        self.chain.story().revision
    }

    fn advance(&mut self, record: &log::Record) -> Result<(), PushError> {
        let story = self.chain.id();
        let opened = self.chain.open(&record.envelope, &record.disclosures);
        let event = opened.map_err(|error| damaged(story, &error))?.event;
        let story = self.chain.story();
        self.desk.advance(&story.article, event.revision);
        if let Some(published) = story.published.as_ref().filter(|_| event.public) {
            self.public.advance(&published.article, event.revision);
        }
        Ok(())
    }
}

impl Desk {
    /// Returns who wrote what of `story` as of `upto`, for whose eyes; readers' words are named by the
    /// public revision that they first came with. What any redaction hides has a mark and an author.
    ///
    /// Cost: what came since the story was last asked about; the whole history the first time, and for a
    /// revision before the newest that is known.
    ///
    /// # Errors
    /// [`PushError::NotFound`], [`PushError::Unavailable`] or [`PushError::Damaged`].
    pub async fn blame(
        &self,
        story: &StoryRef,
        upto: Revision,
        eyes: Eyes,
    ) -> Result<Vec<Authored>, PushError> {
        let id = self.find(story).ok_or_else(|| PushError::NotFound { story: story.to_string() })?;
        let blames = &self.inner.blames;
        let known = blames.known(id).filter(|known| known.revision() <= upto);
        let mut blamed = known.unwrap_or_else(|| Arc::new(Blamed::new(id, Masks::default())));
        // What is kept is copied only where it has to be taken on.
        if Pages::behind(&self.inner.log, id, blamed.revision()).next().await?.is_some() {
            while !take_on(&self.inner.log, Arc::make_mut(&mut blamed), upto).await? {}
            blames.keep(Arc::clone(&blamed));
        }
        let blame = match eyes {
            Eyes::Public => &blamed.public,
            Eyes::Desk => &blamed.desk,
        };
        Ok(blame.all().map(|(place, spans)| Authored::of(place, &spans)).collect())
    }
}

impl Authored {
    fn of(place: &Place, spans: &[BlameSpan<'_>]) -> Self {
        let spans = spans.iter().map(|span| (span.text.to_owned(), span.revision)).collect();
        Self { place: place.clone(), spans }
    }
}

/// Takes `blamed` on to `upto`; returns `false`, and begins it anew, if a redaction that it did not know
/// of hides words of what it had.
async fn take_on(log: &EventLog, blamed: &mut Blamed, upto: Revision) -> Result<bool, PushError> {
    let story = blamed.chain.id();
    let mut masks = blamed.chain.masks().clone();
    let mut is_new = false;
    // To the end in any case: a later redaction counts for every revision before it.
    let mut pages = Pages::behind(log, story, blamed.revision());
    while let Some(records) = pages.next().await? {
        for record in &records {
            let redaction = redaction_of(&record.envelope).map_err(|error| damaged(story, &error))?;
            is_new |= redaction.is_some_and(|redaction| masks.add(&redaction));
            if !is_new && record.revision <= upto.get() {
                blamed.advance(record)?;
            }
        }
    }
    if is_new {
        *blamed = Blamed::new(story, masks);
    }
    Ok(!is_new)
}

impl Blames {
    fn known(&self, story: StoryId) -> Option<Arc<Blamed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&story).cloned()
    }

    /// Forgets what is in memory of `story`: words of it are to go.
    pub(crate) fn forget(&self, story: StoryId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop(&story);
    }

    /// Keeps `blamed`, unless more is known of the story by now.
    fn keep(&self, blamed: Arc<Blamed>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let story = blamed.chain.id();
        if kept.peek(&story).is_none_or(|known| known.revision() <= blamed.revision()) {
            kept.put(story, blamed);
        }
    }
}
