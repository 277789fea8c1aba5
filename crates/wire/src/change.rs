//! The change: what takes the public article from one revision to a later one.

use jiff::Timestamp;
use proof::Hash;
use serde::{Deserialize, Serialize};
use story::diff::{self, Diff, Observation, Op, PatchError};
use story::significance::{self, Significance};
use story::{Article, Desk, Field, Kind, Level, Revision, Status, StoryId};

use crate::article::{ArticleHashes, ArticleMeta, ArticleView, ViewError, article_hash};
use crate::cursor::Cursor;

/// Most bytes of one change as JSON; one with more is sent as a reference to fetch.
pub const CHANGE_BYTES_MAX: usize = 512 * 1024;

/// Most revisions that one change or recall names as void: the newest. What is older is void too.
pub const VOIDS_MAX: usize = 5_000;

/// Most reasons in a change that is sent as a reference.
const REFERRED_REASONS_MAX: usize = 100;

/// What takes the public article of a story from one revision to a later one.
///
/// Exact: [`Change::apply_to`] compares hashes at both ends. Deterministic: the same two revisions
/// make the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its desk.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub desk: Desk,
    /// Its slug.
    pub slug: String,
    /// The public revision before; 0 if readers saw nothing before.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub from: Revision,
    /// The public revision after.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub to: Revision,
    /// What sort of update it is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: Kind,
    /// Where the story stands after it. Where that is not usable, readers have a tombstone: the
    /// article after has a slug and nothing else. Absent in JSON: usable.
    #[serde(default = "usable", skip_serializing_if = "is_usable")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub status: Status,
    /// Hash of the public article before; `null` if readers saw nothing.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub base: Option<Hash>,
    /// Hash of the public article after.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub target: Hash,
    /// From where to follow the story after this.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub cursor: Cursor,
    /// When it was recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub recorded: Timestamp,
    /// When readers could see it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub published: Timestamp,
    /// How much it matters, and why.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub significance: Significance,
    /// The public note; empty if none.
    pub note: String,
    /// The revisions that must not be used any more, rising; at most [`VOIDS_MAX`].
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>))]
    pub voids: Vec<Revision>,
    /// What to do: `ops`, `snapshot` or `fetch`.
    #[serde(flatten)]
    pub body: ChangeBody,
    /// What a person would say beside: splits and merges. No one applies these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub observations: Vec<Observation>,
}

/// What to do about a change: exactly one member of its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ChangeBody {
    /// Apply these to the article before.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    Ops(Vec<Op>),
    /// Take this as the article after.
    Snapshot(Box<ArticleView>),
    /// Get the article after from this path of the service.
    Fetch(String),
}

/// One end of a change: a public article, its revision, and its hash by
/// [`article_hash`](crate::article_hash).
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The revision.
    pub revision: Revision,
    /// The article as readers may see it.
    pub article: &'a Article,
    /// Its hash.
    pub hash: Hash,
}

/// What two articles do not say of the change between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeMeta {
    /// The story.
    pub story: StoryId,
    /// Its desk.
    pub desk: Desk,
    /// Where it stands after.
    pub status: Status,
    /// What sort of update it is.
    pub kind: Kind,
    /// An editor's label of how much it matters.
    pub label: Option<Level>,
    /// From where to follow the story after this.
    pub cursor: Cursor,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// When readers could see it.
    pub published: Timestamp,
    /// When the last change before this one that was worth a reader's while was published.
    pub significant_before: Option<Timestamp>,
    /// The public note; empty if none.
    pub note: String,
    /// The revisions that must not be used any more.
    pub voids: Vec<Revision>,
}

/// Why a change was not applied; the article is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The article is already there or further: pass over the change.
    #[error("the article is at revision {actual}, the change leads to {to}: it is a repeat")]
    Repeated {
        /// Where the article is.
        actual: Revision,
        /// Where the change leads.
        to: Revision,
    },
    /// Changes in between are missing: fetch the article.
    #[error("the article is at revision {actual}, the change starts from {from}: fetch the article")]
    Hole {
        /// Where the article is.
        actual: Revision,
        /// Where the change starts.
        from: Revision,
    },
    /// The article is not the one that the change starts from: fetch it.
    #[error("the article is not the one the change starts from ({expected}): fetch the article")]
    Base {
        /// The change's base.
        expected: Hash,
        /// The article's hash.
        actual: Hash,
    },
    /// An op does not fit, though the base does: the change is broken, fetch the article.
    #[error("the change does not fit its base: fetch the article")]
    Ops(#[from] PatchError),
    /// The snapshot is no legal article: fetch it.
    #[error("the snapshot is no legal article: fetch the article")]
    Snapshot(#[from] ViewError),
    /// The result is not what was promised: fetch the article.
    #[error("the change leads to {actual}, not to {expected}: fetch the article")]
    Target {
        /// The change's target.
        expected: Hash,
        /// Hash of what came out.
        actual: Hash,
    },
    /// The change is too large to carry the article: fetch it.
    #[error("the change is too large to be sent whole: fetch {path}")]
    Fetch {
        /// Path of the article at the service.
        path: String,
    },
}

impl Change {
    /// Returns the change from `before` (`None` if readers saw nothing) to `after`.
    ///
    /// The body is ops, or a snapshot if there was nothing before or the snapshot is smaller, or a
    /// reference if the change would pass [`CHANGE_BYTES_MAX`]; a reference comes without
    /// observations and without the words in the reasons. To or from a tombstone, and for a redaction, it
    /// is always a snapshot, and nothing in a change to one holds a word of what was taken away.
    pub fn between(before: Option<Side<'_>>, after: Side<'_>, meta: ChangeMeta) -> Self {
        let nothing = Article::default();
        let difference = diff::diff(before.map_or(&nothing, |side| side.article), after.article);
        Self::by_diff(before, after, difference, meta)
    }

    /// Does what [`Change::between`] does for a caller that has the `difference` of the two articles.
    pub fn by_diff(before: Option<Side<'_>>, after: Side<'_>, difference: Diff, meta: ChangeMeta) -> Self {
        let nothing = Article::default();
        // Who had a tombstone had no words: what comes after it is new to them.
        let old = before.map(|side| side.article).filter(|article| !is_tombstone(article));
        let is_loss = meta.status != Status::Usable;
        // Who holds what is taken out gets the whole article, and no word about the difference.
        let is_redaction = meta.kind == Kind::Redaction;
        let significance = if is_loss || is_redaction {
            Significance::of_loss(meta.kind)
        } else {
            let old = old.unwrap_or(&nothing);
            significance::assess(old, after.article, &difference, meta.label).of_kind(meta.kind)
        };
        let snapshot = || Box::new(snapshot(&after, &meta, significance.level));
        let (body, observations) = if is_loss || is_redaction || old.is_none() {
            (ChangeBody::Snapshot(snapshot()), Vec::new())
        } else {
            (smaller(difference.ops, after.article, snapshot), difference.observations)
        };
        let change = Self {
            story: meta.story,
            slug: after.article.fields.get(Field::Slug).as_str().to_owned(),
            from: before.map_or(Revision::ZERO, |side| side.revision),
            to: after.revision,
            kind: meta.kind,
            status: meta.status,
            base: before.map(|side| side.hash),
            target: after.hash,
            cursor: meta.cursor,
            recorded: meta.recorded,
            published: meta.published,
            body,
            observations,
            significance,
            desk: meta.desk,
            note: meta.note,
            voids: newest(meta.voids),
        };
        if json_bytes(&change) > CHANGE_BYTES_MAX { change.referred() } else { change }
    }

    /// Returns the change without what may be large: the article is to be fetched.
    fn referred(mut self) -> Self {
        let path = format!("/v1/stories/{}?as_of=rev:{}", self.story, self.to);
        self.body = ChangeBody::Fetch(path);
        self.observations.clear();
        self.significance.reasons.truncate(REFERRED_REASONS_MAX);
        for reason in &mut self.significance.reasons {
            (reason.old, reason.new) = (None, None);
        }
        self
    }

    /// Returns the public article after the change, given the one at `revision` before it.
    ///
    /// # Errors
    /// [`ApplyError`] says whether to pass over the change or to fetch the article. Nothing is
    /// returned whose hash is not the change's target.
    pub fn apply_to(&self, article: &Article, revision: Revision) -> Result<Article, ApplyError> {
        self.apply_keeping(article, revision, &mut ArticleHashes::default())
    }

    /// Does what [`Change::apply_to`] does, at the cost of what changed: `hashes` are those of the
    /// story's articles so far.
    ///
    /// A snapshot needs no article before it, so it also heals a hole.
    ///
    /// # Errors
    /// As [`Change::apply_to`].
    pub fn apply_keeping(
        &self,
        article: &Article,
        revision: Revision,
        hashes: &mut ArticleHashes,
    ) -> Result<Article, ApplyError> {
        if revision >= self.to {
            return Err(ApplyError::Repeated { actual: revision, to: self.to });
        }
        let after = match &self.body {
            ChangeBody::Fetch(path) => return Err(ApplyError::Fetch { path: path.clone() }),
            ChangeBody::Snapshot(view) => view.to_article()?.public(),
            ChangeBody::Ops(ops) => {
                self.check_base(article, revision, hashes)?;
                diff::apply(article, ops)?
            }
        };
        let actual = hashes.hash(&after);
        if actual != self.target {
            return Err(ApplyError::Target { expected: self.target, actual });
        }
        Ok(after)
    }

    fn check_base(
        &self,
        article: &Article,
        revision: Revision,
        hashes: &mut ArticleHashes,
    ) -> Result<(), ApplyError> {
        if revision != self.from {
            return Err(ApplyError::Hole { actual: revision, from: self.from });
        }
        let actual = hashes.hash(article);
        // Readers who saw nothing hold an article of nothing.
        let expected = self.base.unwrap_or_else(|| article_hash(&Article::default()));
        if actual != expected {
            return Err(ApplyError::Base { expected, actual });
        }
        Ok(())
    }
}

/// Returns `ops`, or the snapshot if that is fewer bytes of JSON.
fn smaller(ops: Vec<Op>, after: &Article, snapshot: impl FnOnce() -> Box<ArticleView>) -> ChangeBody {
    let ops_bytes = json_bytes(&ops);
    // A snapshot holds every text: most changes are decided without making one.
    if ops_bytes < after.text_bytes() {
        return ChangeBody::Ops(ops);
    }
    let snapshot = snapshot();
    if json_bytes(&snapshot) < ops_bytes { ChangeBody::Snapshot(snapshot) } else { ChangeBody::Ops(ops) }
}

fn snapshot(after: &Side<'_>, meta: &ChangeMeta, level: Level) -> ArticleView {
    let worth_while = level > Level::Minor;
    let significant = if worth_while { Some(meta.published) } else { meta.significant_before };
    let meta = ArticleMeta {
        story: meta.story,
        desk: meta.desk.clone(),
        revision: after.revision,
        status: meta.status,
        kind: meta.kind,
        hash: after.hash,
        recorded: meta.recorded,
        published: Some(meta.published),
        significant,
        until: None,
        cursor: meta.cursor,
    };
    ArticleView::of(&after.article.public(), meta)
}

/// Returns whether `article` is what readers see of a story that was taken from them.
fn is_tombstone(article: &Article) -> bool {
    let is_named = |field: &Field| !article.fields.get(*field).is_empty();
    article.blocks.is_empty() && Field::ALL.iter().all(|field| *field == Field::Slug || !is_named(field))
}

/// Returns the newest of `voids`, which rise.
pub(crate) fn newest(mut voids: Vec<Revision>) -> Vec<Revision> {
    voids.drain(..voids.len().saturating_sub(VOIDS_MAX));
    voids
}

const fn usable() -> Status {
    Status::Usable
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_usable(status: &Status) -> bool {
    *status == Status::Usable
}

/// Returns how many bytes `value` is as JSON, without keeping them.
fn json_bytes(value: &impl Serialize) -> usize {
    let mut counter = Counter(0);
    // Our own types have string keys only, and a counter takes every byte.
    let written = serde_json::to_writer(&mut counter, value);
    debug_assert!(written.is_ok(), "a change is always JSON");
    counter.0
}

struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
