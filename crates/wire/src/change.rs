//! The change: what takes the public article from one revision to a later one.

use jiff::Timestamp;
use proof::Hash;
use serde::{Deserialize, Serialize};
use story::diff::{Observation, Op, PatchError};
use story::significance::Significance;
use story::{Article, Desk, Kind, Level, Revision, Status, StoryId};

use crate::article::{ArticleHashes, ArticleView, ViewError};
use crate::cursor::Cursor;

/// Most bytes of one change as JSON; one with more is sent as a reference to fetch.
pub const CHANGE_BYTES_MAX: usize = 512 * 1024;

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
    /// The revisions that must not be used any more.
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
    /// reference if the change would pass [`CHANGE_BYTES_MAX`].
    pub fn between(before: Option<Side<'_>>, after: Side<'_>, meta: ChangeMeta) -> Self {
        let _ = (before, after, meta);
        todo!("between")
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
    /// # Errors
    /// As [`Change::apply_to`].
    pub fn apply_keeping(
        &self,
        article: &Article,
        revision: Revision,
        hashes: &mut ArticleHashes,
    ) -> Result<Article, ApplyError> {
        let _ = (article, revision, hashes);
        todo!("apply_keeping")
    }
}
