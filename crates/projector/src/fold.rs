//! Stories folded from the log, and what a batch of records makes of each.
//!
//! Deterministic: the same log gives the same bytes.

use std::num::NonZeroUsize;

use bytes::Bytes;
use log::{Epoch, EventLog, Record, StoryKey};
use lru::LruCache;
use story::StoryId;
use wire::{ArticleHashes, ArticleView, Chain, CloudEvent, Masks, Opened, redaction_of};

use crate::step::{Carried, Step, json, step};
use crate::views::ParkedStory;

/// Most stories kept folded in memory; the others are folded again from the log.
const STORIES_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("not zero");
/// Records read at a time while a story is folded again.
const LOAD_PAGE_RECORDS: usize = 512;

/// Why a record made no views.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The record does not fit its story: the story is parked.
    #[error("{problem}")]
    Illegal {
        /// What does not fit.
        problem: String,
    },
    /// The log cannot be read: try again.
    #[error("cannot read the event log")]
    Log(#[from] log::ReadError),
}

/// What a batch makes of one story.
#[derive(Debug)]
pub(crate) struct Advance {
    /// What each record makes, in order.
    pub(crate) steps: Vec<Step>,
    /// The newest public article, as it is to be published; empty if no step is public.
    pub(crate) article: Bytes,
    /// The story, if one of its records does not fit; none behind that one made a step.
    pub(crate) parked: Option<ParkedStory>,
}

/// The stories folded so far.
#[derive(Debug)]
pub(crate) struct Fold {
    log: EventLog,
    stories: LruCache<StoryId, Folded>,
}

/// One story, folded, and the hashes of its blocks.
#[derive(Debug)]
pub(crate) struct Folded {
    chain: Chain,
    hashes: ArticleHashes,
}

impl From<Chain> for Folded {
    fn from(chain: Chain) -> Self {
        Self { chain, hashes: ArticleHashes::default() }
    }
}

impl Fold {
    pub(crate) fn new(log: EventLog) -> Self {
        Self { log, stories: LruCache::new(STORIES_CACHED_MAX) }
    }

    /// Brings the story of `record` to just before it, from the log where memory has less.
    pub(crate) async fn prepare(&mut self, record: &Record) -> Result<(), FoldError> {
        let story = StoryId::from_bytes(record.story.0);
        let known = self.stories.get(&story).map(|folded| folded.chain.story().revision.get());
        if record.revision == 1 || known.is_some_and(|revision| revision + 1 == record.revision) {
            return Ok(());
        }
        let mut masks = Masks::default();
        let chain = loop {
            if let Some(chain) = self.before(record, &mut masks).await? {
                break chain;
            }
        };
        self.stories.put(story, chain.into());
        Ok(())
    }

    /// Returns the story of `record` just before it, folded with `masks`; `None` if a redaction on the
    /// way asks for more, which are then in there.
    async fn before(&self, record: &Record, masks: &mut Masks) -> Result<Option<Chain>, FoldError> {
        let mut chain = Some(Chain::masked(StoryId::from_bytes(record.story.0), masks.clone()));
        let mut reached = 0;
        while reached + 1 < record.revision {
            for earlier in self.page(record, reached + 1).await? {
                reached = earlier.revision;
                if redaction_of(&earlier.envelope).is_ok_and(|said| said.is_some_and(|said| masks.add(&said)))
                {
                    chain = None;
                }
                if let Some(chain) = &mut chain {
                    open(chain, &earlier)?;
                }
            }
        }
        Ok(chain)
    }

    /// Returns some records of the story of `record` from revision `from` on, which is before it.
    async fn page(&self, record: &Record, from: u64) -> Result<Vec<Record>, FoldError> {
        let wanted = usize::try_from(record.revision - from).unwrap_or(usize::MAX);
        let page = self.log.read_story(StoryKey(record.story.0), from, wanted.min(LOAD_PAGE_RECORDS)).await?;
        if page.is_empty() {
            return Err(FoldError::Illegal { problem: format!("revision {from} is not in the log") });
        }
        Ok(page)
    }

    /// Returns every record of the story of `record` before it.
    pub(crate) async fn all_before(&self, record: &Record) -> Result<Vec<Record>, FoldError> {
        let mut records: Vec<Record> = Vec::new();
        loop {
            let next = records.last().map_or(1, |last| last.revision + 1);
            if next >= record.revision {
                return Ok(records);
            }
            records.extend(self.page(record, next).await?);
        }
    }

    /// Takes a story whose next record, which has been prepared, is `record` out of memory to
    /// [`advance`] it.
    pub(crate) fn take(&mut self, record: &Record) -> Result<Folded, FoldError> {
        let story = StoryId::from_bytes(record.story.0);
        let known = self.stories.pop(&story);
        if record.revision == 1 {
            return Ok(Chain::new(story).into());
        }
        known.ok_or_else(|| FoldError::Illegal {
            problem: format!("revision {} was not prepared", record.revision),
        })
    }

    /// Puts a story back.
    pub(crate) fn put(&mut self, folded: Folded) {
        self.stories.put(folded.chain.id(), folded);
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.log.epoch()
    }

    /// Forgets a story, so that it is folded again from the log.
    pub(crate) fn forget(&mut self, story: StoryId) {
        self.stories.pop(&story);
    }
}

/// Advances one story over `records`, which are its next ones.
pub(crate) fn advance(folded: &mut Folded, records: &[&Record], carried: Carried, epoch: Epoch) -> Advance {
    let mut carried = carried;
    let mut advance =
        Advance { steps: Vec::with_capacity(records.len()), article: Bytes::new(), parked: None };
    let mut shown = None;
    for record in records {
        let before = folded.chain.story().clone();
        let opened = match open(&mut folded.chain, record) {
            Ok(opened) => opened,
            Err(problem) => {
                let story = StoryId::from_bytes(record.story.0);
                advance.parked =
                    Some(ParkedStory { story, position: record.position, problem: problem.to_string() });
                break;
            }
        };
        let Folded { chain, hashes } = &mut *folded;
        let (made, article) =
            step((&before, chain.story()), hashes, &opened, record.position, (carried, epoch));
        let Step { significant, reach, embargo, shown: shows, .. } = made;
        carried = Carried { significant, reach, embargo, shown: shows };
        shown = article.or(shown);
        advance.steps.push(made);
    }
    // Only the newest is ever shown: those before it are not worth their bytes.
    if let Some((article, meta)) = shown {
        advance.article = json(&CloudEvent::article(ArticleView::of(&article, meta))).into();
    }
    advance
}

fn open(chain: &mut Chain, record: &Record) -> Result<Opened, FoldError> {
    chain
        .open(&record.envelope, &record.disclosures)
        .map_err(|error| FoldError::Illegal { problem: error.to_string() })
}
