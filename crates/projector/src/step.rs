//! One record's worth of views: what the article became, and what its readers are told.
//!
//! Deterministic: the same log gives the same bytes.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use log::{Epoch, Position};
use proof::Hash;
use story::diff::{Diff, diff};
use story::{
    Article, BlockId, BlockKind, Desk, Effect, Event, Field, Kind, Level, Operation, Published, Reach,
    Redaction, Revision, Status, Story, StoryId,
};
use wire::{
    ArticleHashes, ArticleMeta, Change, ChangeMeta, CloudEvent, Cursor, Opened, Recall, Side, article_hash,
};

use crate::passages::{Passage, passages};
use crate::views::ChangeRow;

/// Every so many revisions the views hold the whole article, so that any revision is at most this
/// many steps away.
const WHOLE_EVERY: u64 = 64;
/// What stands in the list of a source where its identity is not known.
const SOURCE_UNKNOWN: &str = "-";

/// What the views carry from one revision of a story to the next.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Carried {
    /// When a change last mattered, in microseconds since 1970.
    pub(crate) significant: Option<i64>,
    /// What readers can reach of what was published.
    pub(crate) reach: Reach,
    /// The revision that set the newest embargo or schedule, over or not.
    pub(crate) embargo: Option<Revision>,
    /// The revision whose working article readers see.
    pub(crate) shown: Option<Revision>,
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
    /// What the desk alone may see.
    pub(crate) inside: Inside,
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
    /// What readers can reach of what was published, from now on.
    pub(crate) reach: Reach,
    /// What that does to earlier revisions.
    pub(crate) effect: Effect,
    /// What a correction put right, and where that stood.
    pub(crate) put_right: Option<(String, String)>,
    /// The entries of a live blog that are new or other than before.
    pub(crate) entries: Vec<BlockId>,
    /// The places to which it gives other words.
    pub(crate) passages: Vec<Passage>,
    /// The tags that readers find the story under from now on, if they are others than before. A
    /// tombstone stays where its story was found.
    pub(crate) tags: Option<Vec<String>>,
    /// The revision that set the newest embargo or schedule, over or not.
    pub(crate) embargo: Option<Revision>,
    /// What it redacts.
    pub(crate) redaction: Option<Redaction>,
    /// The revision whose working article readers see after it.
    pub(crate) shown: Option<Revision>,
}

/// What a revision says to the desk and to no reader.
#[derive(Debug)]
pub(crate) struct Inside {
    /// When the story goes out by itself, in microseconds since 1970.
    pub(crate) until: Option<i64>,
    pub(crate) rebased: Option<u64>,
    /// Why an act was done.
    pub(crate) reason: Option<String>,
    pub(crate) approver: Option<String>,
    /// The identity of the copy at its source.
    pub(crate) source: Option<String>,
}

impl Inside {
    fn of(event: &Event, article: &Article) -> Self {
        let act = event.act.as_ref();
        let reason = act.map(|act| act.reason.as_str().to_owned()).filter(|reason| !reason.is_empty());
        let corrected = event.correction.as_ref().map(|correction| &correction.approver);
        let approver = act.and_then(|act| act.approver.as_ref()).or(corrected);
        let source = article.fields.get(Field::Source).shown_values().next();
        Self {
            until: event.until.map(Timestamp::as_microsecond),
            rebased: event.rebased.map(Revision::get),
            reason,
            approver: approver.map(ToString::to_string),
            source: source.filter(|source| *source != SOURCE_UNKNOWN).map(str::to_owned),
        }
    }
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
            status: self.status,
            level: change.level,
            tags: Arc::clone(&change.tags),
            rewords_headline: change.rewords_headline,
            from: change.from,
            to: self.revision,
            event: change.event.clone(),
            recall: change.recall.clone(),
            article: article.clone(),
            embargo: self.embargo,
        })
    }
}

/// A public change.
#[derive(Debug)]
pub(crate) struct PublicChange {
    pub(crate) desk_before: Option<Desk>,
    pub(crate) from: Revision,
    pub(crate) level: Level,
    /// The tags that readers saw before or see after, each once.
    pub(crate) tags: Arc<[String]>,
    /// Whether readers see another headline than before.
    pub(crate) rewords_headline: bool,
    pub(crate) event: Bytes,
    pub(crate) recall: Option<Bytes>,
    /// Hash of what readers see, where that is a tombstone.
    pub(crate) tombstone: Option<String>,
    /// Headline of what readers see; empty of a tombstone.
    pub(crate) headline: String,
    /// Where readers see less than the desk works on, whatever the revision did: hash of what they see.
    pub(crate) apart: Option<String>,
}

/// Returns what the record at `position` makes of a story, and the article that readers see if it tells
/// them something.
pub(crate) fn step(
    (before, after): (&Story, &Story),
    hashes: &mut ArticleHashes,
    opened: &Opened,
    position: Position,
    (carried, epoch): (Carried, Epoch),
) -> (Step, Option<(Article, ArticleMeta)>) {
    let event = &opened.event;
    let seen = before.published.as_ref().map_or_else(Article::default, |published| published.article.clone());
    let seen_hash = hash(hashes, &seen);
    let hashes = Hashes { seen: seen_hash, now: hashes.hash(&after.article), epoch };
    let (reach, effect) = carried.reach.after(event);
    let mut step = Step {
        story: opened.header.story,
        revision: event.revision,
        position,
        slug: after.article.fields.get(Field::Slug).as_str().to_owned(),
        desk: event.desk.clone(),
        status: event.status,
        kind: event.kind,
        headline: after.article.headline().to_owned(),
        recorded: event.recorded.as_microsecond(),
        occurred: event.occurred.as_deref().map(str::to_owned),
        actor: opened.header.actor.to_string(),
        note: event.note.as_str().to_owned(),
        inside: Inside::of(event, &after.article),
        significance: None,
        hash: hashes.now.to_string(),
        published: after.published.as_ref().map(|published| published.at.as_microsecond()),
        first_published: after.published.as_ref().map(|published| published.first.as_microsecond()),
        significant: carried.significant,
        whole: event.revision.get() % WHOLE_EVERY == 1,
        content: Vec::new(),
        change: None,
        reach,
        effect,
        put_right: put_right(event),
        entries: entries(event),
        passages: passages(event),
        tags: None,
        embargo: embargo(carried.embargo, before, event),
        redaction: event.redaction.clone(),
        shown: carried.shown,
    };
    let base = if step.whole { &Article::default() } else { &before.article };
    let difference = diff(base, &after.article);
    step.content = json(&difference.ops);
    let shown = after.published.as_ref().filter(|_| event.public).map(|now| {
        step.tags = found_under(carried.reach, event, (&seen, &now.article));
        let is_same = is_same(base, &seen) && is_same(&after.article, &now.article);
        let difference = if is_same { difference } else { diff(&seen, &now.article) };
        (now.article.clone(), tell(&mut step, (before, now), event, hashes, difference))
    });
    (step, shown)
}

/// Returns what a correction put right, and where that stood.
fn put_right(event: &Event) -> Option<(String, String)> {
    let notice = event.correction.as_ref()?;
    Some((notice.what.as_str().to_owned(), notice.place.as_str().to_owned()))
}

/// Returns the entries of a live blog to which `event` gives words.
fn entries(event: &Event) -> Vec<BlockId> {
    let written = event.operations.iter().filter_map(|operation| match operation {
        Operation::Insert { block, .. } => Some((&block.id, block.kind)),
        Operation::Edit { block, kind, .. } => Some((block, *kind)),
        Operation::Delete { .. } | Operation::Move { .. } | Operation::Set { .. } => None,
    });
    written.filter(|(_, kind)| *kind == BlockKind::Entry).map(|(id, _)| id.clone()).collect()
}

/// Returns the tags of what readers see `now`, if they find the story under others than before.
fn found_under(reach: Reach, event: &Event, (seen, now): (&Article, &Article)) -> Option<Vec<String>> {
    let tags = now.fields.get(Field::Tags);
    // A tombstone has no tags of its own: what is kept is from before it.
    let is_same = reach == Reach::Whole && seen.fields.get(Field::Tags) == tags;
    let is_shown = event.status == Status::Usable && !is_same;
    // An erased tag is nothing to find a story under.
    is_shown.then(|| tags.values().flatten().map(str::to_owned).collect())
}

/// Returns the revision that set the newest embargo or schedule, as of `event`. One whose end is moved
/// is a new one.
fn embargo(newest: Option<Revision>, before: &Story, event: &Event) -> Option<Revision> {
    let is_set = event.until.is_some() && event.until != before.until;
    if is_set { Some(event.revision) } else { newest }
}

/// Returns the hash of what readers saw, and keeps those of the blocks if there are some.
fn hash(hashes: &mut ArticleHashes, seen: &Article) -> Hash {
    if seen.blocks.is_empty() { article_hash(seen) } else { hashes.hash(seen) }
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
    event: &Event,
    hashes: Hashes,
    difference: Diff,
) -> ArticleMeta {
    let seen = before.published.as_ref();
    let old = seen.map(|published| Side {
        revision: published.revision,
        article: &published.article,
        hash: hashes.seen,
    });
    let is_tombstone = step.status != Status::Usable;
    // A redaction publishes nothing of what the desk works on.
    let is_apart = !is_tombstone && event.kind == Kind::Redaction && article_hash(&now.article) != hashes.now;
    let shown_hash = if is_tombstone || is_apart { article_hash(&now.article) } else { hashes.now };
    if !is_apart {
        step.shown = Some(step.revision);
    }
    let new = Side { revision: now.revision, article: &now.article, hash: shown_hash };
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
        voids: before.recalled_by(event).iter().collect(),
    };
    let recall = Recall::of_update(&meta, &step.slug, step.revision);
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
        tags: if is_tombstone { [].into() } else { tags(seen, now) },
        rewords_headline: seen.is_none_or(|seen| seen.article.headline() != now.article.headline()),
        event: json(&CloudEvent::changed(change)).into(),
        recall: recall.map(|recall| json(&CloudEvent::recalled(recall)).into()),
        tombstone: is_tombstone.then(|| shown_hash.to_string()),
        headline: now.article.headline().to_owned(),
        apart: is_apart.then(|| shown_hash.to_string()),
    });
    ArticleMeta {
        story: step.story,
        desk: step.desk.clone(),
        revision: step.revision,
        status: step.status,
        kind: step.kind,
        hash: shown_hash,
        recorded: event.recorded,
        published: Some(now.at),
        significant: step.significant.and_then(|time| Timestamp::from_microsecond(time).ok()),
        until: None,
        cursor,
    }
}

/// Returns the tags that readers saw before or see now.
fn tags(seen: Option<&Published>, now: &Published) -> Arc<[String]> {
    let of = |article: &Article| -> Vec<String> {
        article.fields.get(Field::Tags).shown_values().map(str::to_owned).collect()
    };
    let mut tags = of(&now.article);
    for before in seen.map(|seen| of(&seen.article)).unwrap_or_default() {
        if !tags.contains(&before) {
            tags.push(before);
        }
    }
    tags.into()
}

/// Hashes of what readers saw and of the working article, and the life of the log that they are from.
#[derive(Clone, Copy)]
struct Hashes {
    seen: Hash,
    now: Hash,
    epoch: Epoch,
}

pub(crate) fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("plain data has a JSON form")
}

pub(crate) fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data has a JSON form")
}
