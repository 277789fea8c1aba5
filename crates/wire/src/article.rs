//! The article as it is shown: the stable JSON of `show`, and its hash.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use proof::Hash;
use serde::{Deserialize, Serialize};
use story::{Article, Block, BlockId, BlockKind, Desk, Kind, Mark, Revision, Status, StoryId};

use crate::cursor::Cursor;

/// An article as `show --json`, snapshots and article messages give it.
///
/// Absent fields are left out, save headline, summary and blocks, which are always there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ArticleView {
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub story: StoryId,
    /// Its slug.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub slug: String,
    /// Its desk.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub desk: Desk,
    /// The revision shown.
    #[cfg_attr(feature = "openapi", schema(value_type = u64))]
    pub revision: Revision,
    /// Where the story stands.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub status: Status,
    /// What sort of update the revision was.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: Kind,
    /// The headline; empty if there is none yet.
    pub headline: String,
    /// The standfirst.
    #[serde(default)]
    pub summary: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bylines: Vec<String>,
    /// Where and when it was filed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dateline: Option<String>,
    /// BCP 47 language tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Subject tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Related links: a URL, a space, a title.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// IPTC urgency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<u8>))]
    pub urgency: Option<Urgency>,
    /// The note for editors: in the desk's view only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ed_note: Option<String>,
    /// The body in order.
    pub blocks: Vec<BlockView>,
    /// Hash of the article as readers may see it: the `target` of the change that made it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub hash: Hash,
    /// When the revision was recorded.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub recorded: Timestamp,
    /// When readers could see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub published: Option<Timestamp>,
    /// When the last change worth a reader's while was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub significant: Option<Timestamp>,
    /// From where to follow the story after this.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub cursor: Cursor,
}

/// One block as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockView {
    /// Its identity within the story.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: BlockId,
    /// What it is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub kind: BlockKind,
    /// Its words.
    pub text: String,
    /// Its inline mark-up; ranges are bytes of the UTF-8 text.
    #[serde(default, skip_serializing_if = "<[Mark]>::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub marks: Arc<[Mark]>,
}

/// IPTC urgency: an integer, unless its words have been erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Urgency {
    /// 1 (flash) to 9.
    Number(u8),
    /// What stands there if it is not a plain number.
    Words(String),
}

/// What an article does not say of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArticleMeta {
    /// The story.
    pub story: StoryId,
    /// Its desk.
    pub desk: Desk,
    /// The revision.
    pub revision: Revision,
    /// Where the story stands.
    pub status: Status,
    /// What sort of update the revision was.
    pub kind: Kind,
    /// Hash of the article by [`article_hash`].
    pub hash: Hash,
    /// When the revision was recorded.
    pub recorded: Timestamp,
    /// When readers could see it, if they can.
    pub published: Option<Timestamp>,
    /// When the last change worth a reader's while was published.
    pub significant: Option<Timestamp>,
    /// From where to follow the story after this.
    pub cursor: Cursor,
}

/// Why a view is no legal article: whoever sent it is broken, so fetch it from the service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ViewError {
    /// Where, such as `blocks[3].marks`.
    pub place: String,
    /// What is wrong.
    pub problem: &'static str,
}

impl ArticleView {
    /// Returns the view of `article`: the desk's, or the public's of an [`Article::public`].
    pub fn of(article: &Article, meta: ArticleMeta) -> Self {
        let _ = (article, meta);
        todo!("of")
    }

    /// Returns the article that the view shows; its hash is not compared with the view's.
    ///
    /// # Errors
    /// [`ViewError`] names what no article can hold.
    pub fn to_article(&self) -> Result<Article, ViewError> {
        todo!("to_article")
    }
}

/// Returns the hash of `article` as readers may see it: `base` and `target` of changes.
///
/// The editor's note does not count, so the hash of an article is that of its public form.
pub fn article_hash(article: &Article) -> Hash {
    ArticleHashes::default().hash(article)
}

/// Hashes of one story's articles with those of its blocks kept, so that the next revision costs
/// what changed, its fields, and 32 bytes a block.
#[derive(Debug, Clone, Default)]
pub struct ArticleHashes {
    blocks: HashMap<BlockId, (Arc<Block>, Hash)>,
}

impl ArticleHashes {
    /// Returns the hash of `article`, as [`article_hash`] does.
    pub fn hash(&mut self, article: &Article) -> Hash {
        let _ = article;
        todo!("hash")
    }
}
