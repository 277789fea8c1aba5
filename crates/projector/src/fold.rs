//! One record's worth of views: what the article became, and what its readers are told.
//!
//! Deterministic: the same log gives the same bytes.

use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use log::{Epoch, EventLog, Position, Record, StoryKey};
use lru::LruCache;
use proof::Hash;
use story::diff::{Diff, diff};
use story::{Article, Desk, Field, Kind, Level, Published, Revision, Status, Story, StoryId};
use wire::{
    ArticleHashes, ArticleMeta, ArticleView, Chain, Change, ChangeMeta, CloudEvent, Cursor, Opened, Side,
};

use crate::views::{ChangeRow, ParkedStory};

/// Most stories kept folded in memory; the others are folded again from the log.
const STORIES_CACHED_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("not zero");
/// Every so many revisions the views hold the whole article, so that any revision is at most this
/// many steps away.
const WHOLE_EVERY: u64 = 64;
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

/// What the views carry from one revision of a story to the next.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Carried {
    /// When a change last mattered, in microseconds since 1970.
    pub(crate) significant: Option<i64>,
}

/// Everything that one record makes.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) story: StoryId,
    pub(crate) revision: Revision,
    pub(crate) position: Position,
    pub(crate) slug: String,
    pub(crate) desk: Desk,
    pub(crate) status: Status,
    pub(crate) kind: Kind,
    pub(crate) headline: String,
    pub(crate) recorded: i64,
    pub(crate) occurred: Option<String>,
    pub(crate) actor: String,
    pub(crate) note: String,
    /// JSON of the significance of a public change.
    pub(crate) significance: Option<String>,
    /// Hash of the article as the public would see it.
    pub(crate) hash: String,
    pub(crate) published: Option<i64>,
    pub(crate) first_published: Option<i64>,
    pub(crate) significant: Option<i64>,
    /// Whether `content` starts from nothing instead of from the revision before.
    pub(crate) whole: bool,
    /// JSON of the ops that make the working article.
    pub(crate) content: Vec<u8>,
    /// What readers are told, if they are told anything.
    pub(crate) change: Option<PublicChange>,
}

impl Step {
    /// Returns what goes out, if anything does, with the story's newest public `article`.
    pub(crate) fn row(&self, article: &Bytes) -> Option<ChangeRow> {
        let change = self.change.as_ref()?;
        Some(ChangeRow {
            position: self.position,
            story: self.story,
            desk: self.desk.clone(),
            desk_before: change.desk_before.clone(),
            kind: self.kind,
            level: change.level,
            from: change.from,
            to: self.revision,
            event: change.event.clone(),
            article: article.clone(),
        })
    }
}

/// A public change.
#[derive(Debug)]
pub(crate) struct PublicChange {
    pub(crate) desk_before: Option<Desk>,
    pub(crate) from: Revision,
    pub(crate) level: Level,
    pub(crate) event: Bytes,
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
        let mut chain = Chain::new(story);
        while chain.story().revision.get() + 1 < record.revision {
            let revision = chain.story().revision.get();
            let wanted = usize::try_from(record.revision - 1 - revision).unwrap_or(usize::MAX);
            let page = self
                .log
                .read_story(StoryKey(record.story.0), revision + 1, wanted.min(LOAD_PAGE_RECORDS))
                .await?;
            if page.is_empty() {
                return Err(FoldError::Illegal {
                    problem: format!("revision {} is not in the log", revision + 1),
                });
            }
            for earlier in &page {
                open(&mut chain, earlier)?;
            }
        }
        self.stories.put(story, chain.into());
        Ok(())
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
        let (step, article) = step(&before, folded, &opened, record, (carried, epoch));
        carried.significant = step.significant;
        shown = article.or(shown);
        advance.steps.push(step);
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

fn step(
    before: &Story,
    folded: &mut Folded,
    opened: &Opened,
    record: &Record,
    (carried, epoch): (Carried, Epoch),
) -> (Step, Option<(Article, ArticleMeta)>) {
    let after = folded.chain.story();
    let event = &opened.event;
    let seen = before.published.as_ref().map_or_else(Article::default, |published| published.article.clone());
    let hashes = Hashes { seen: folded.hashes.hash(&seen), now: folded.hashes.hash(&after.article), epoch };
    let recorded = event.recorded.as_microsecond();
    let mut step = Step {
        story: StoryId::from_bytes(record.story.0),
        revision: event.revision,
        position: record.position,
        slug: after.article.fields.get(Field::Slug).as_str().to_owned(),
        desk: event.desk.clone(),
        status: event.status,
        kind: event.kind,
        headline: after.article.headline().to_owned(),
        recorded,
        occurred: event.occurred.as_deref().map(str::to_owned),
        actor: opened.header.actor.to_string(),
        note: event.note.as_str().to_owned(),
        significance: None,
        hash: hashes.now.to_string(),
        published: after.published.as_ref().map(|published| published.at.as_microsecond()),
        first_published: after.published.as_ref().map(|published| published.first.as_microsecond()),
        significant: carried.significant,
        whole: event.revision.get() % WHOLE_EVERY == 1,
        content: Vec::new(),
        change: None,
    };
    let base = if step.whole { &Article::default() } else { &before.article };
    let difference = diff(base, &after.article);
    step.content = json(&difference.ops);
    let shown = after.published.as_ref().filter(|_| event.public).map(|now| {
        let is_same = is_same(base, &seen) && is_same(&after.article, &now.article);
        let difference = if is_same { difference } else { diff(&seen, &now.article) };
        (now.article.clone(), tell(&mut step, (before, now), event, hashes, difference))
    });
    (step, shown)
}

/// Returns whether both are one article, as far as that can be seen without reading their blocks.
fn is_same(one: &Article, other: &Article) -> bool {
    one.blocks.len() == other.blocks.len()
        && one.blocks.iter().zip(&other.blocks).all(|(one, other)| Arc::ptr_eq(one, other))
        && one.fields == other.fields
}

/// Adds to `step` what readers are told, and returns what goes with the article that they see now.
fn tell(
    step: &mut Step,
    (before, now): (&Story, &Published),
    event: &story::Event,
    hashes: Hashes,
    difference: Diff,
) -> ArticleMeta {
    let seen = before.published.as_ref();
    let old = seen.map(|published| Side {
        revision: published.revision,
        article: &published.article,
        hash: hashes.seen,
    });
    let new = Side { revision: now.revision, article: &now.article, hash: hashes.now };
    let cursor = Cursor { epoch: hashes.epoch.0, position: step.position.0 };
    let meta = ChangeMeta {
        story: step.story,
        desk: step.desk.clone(),
        status: step.status,
        kind: step.kind,
        label: event.label,
        cursor,
        recorded: event.recorded,
        published: now.at,
        significant_before: step.significant.and_then(|time| Timestamp::from_microsecond(time).ok()),
        note: event.note.as_str().to_owned(),
        voids: Vec::new(),
    };
    let change = Change::by_diff(old, new, difference, meta);
    let level = change.significance.level;
    if level > Level::Minor {
        step.significant = Some(step.recorded);
    }
    step.significance = Some(text(&change.significance));
    step.change = Some(PublicChange {
        desk_before: before.desk.clone().filter(|desk| seen.is_some() && *desk != step.desk),
        from: seen.map_or(Revision::ZERO, |published| published.revision),
        level,
        event: json(&CloudEvent::changed(change)).into(),
    });
    ArticleMeta {
        story: step.story,
        desk: step.desk.clone(),
        revision: step.revision,
        status: step.status,
        kind: step.kind,
        hash: hashes.now,
        recorded: event.recorded,
        published: Some(now.at),
        significant: step.significant.and_then(|time| Timestamp::from_microsecond(time).ok()),
        cursor,
    }
}

/// Hashes of what readers saw and see, and the life of the log that they are from.
#[derive(Clone, Copy)]
struct Hashes {
    seen: Hash,
    now: Hash,
    epoch: Epoch,
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data has a JSON form")
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data has a JSON form")
}
