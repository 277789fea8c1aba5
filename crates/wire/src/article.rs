//! The article as it is shown: the stable JSON of `show`, and its hash.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use proof::{FieldItems, Hash, MarkParts};
use serde::{Deserialize, Serialize};
use story::{
    Article, Block, BlockId, BlockKind, Desk, Field, Fields, Kind, Mark, MarkKind, Revision, Status, StoryId,
    Text,
};

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
    /// The ids of pinned live-blog entries, the last pinned first: readers see these before the
    /// others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<String>,
    /// Where the copy came from: in the desk's view only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<String>,
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
    /// When the story goes out by itself, the end of its embargo or its schedule: in the desk's view
    /// only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub until: Option<Timestamp>,
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
    /// When the story goes out by itself; `None` in what readers see.
    pub until: Option<Timestamp>,
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
        let fields = &article.fields;
        Self {
            story: meta.story,
            slug: fields.get(Field::Slug).as_str().to_owned(),
            desk: meta.desk,
            revision: meta.revision,
            status: meta.status,
            kind: meta.kind,
            headline: article.headline().to_owned(),
            summary: prose(fields, Field::Summary),
            bylines: items(fields, Field::Bylines),
            dateline: prose(fields, Field::Dateline),
            language: prose(fields, Field::Language),
            tags: items(fields, Field::Tags),
            links: items(fields, Field::Links),
            urgency: prose(fields, Field::Urgency).map(Urgency::from),
            pinned: items(fields, Field::Pinned),
            source: items(fields, Field::Source),
            ed_note: prose(fields, Field::EdNote),
            blocks: article.blocks.iter().map(|block| BlockView::of(block)).collect(),
            hash: meta.hash,
            recorded: meta.recorded,
            published: meta.published,
            significant: meta.significant,
            until: meta.until,
            cursor: meta.cursor,
        }
    }

    /// Returns the article that the view shows; its hash is not compared with the view's.
    ///
    /// # Errors
    /// [`ViewError`] names what no article can hold.
    pub fn to_article(&self) -> Result<Article, ViewError> {
        let urgency = self.urgency.as_ref().map(ToString::to_string);
        let mut fields = Fields::default();
        for (field, text) in [
            (Field::Slug, Some(&self.slug)),
            (Field::Headline, Some(&self.headline)),
            (Field::Summary, self.summary.as_ref()),
            (Field::Dateline, self.dateline.as_ref()),
            (Field::Language, self.language.as_ref()),
            (Field::Urgency, urgency.as_ref()),
            (Field::EdNote, self.ed_note.as_ref()),
        ] {
            fields.set(field, text.map_or_else(Text::default, |text| Text::uncut(text.as_str())));
        }
        for (field, items) in [
            (Field::Bylines, &self.bylines),
            (Field::Tags, &self.tags),
            (Field::Links, &self.links),
            (Field::Pinned, &self.pinned),
            (Field::Source, &self.source),
        ] {
            fields.set(field, Text::from_values(items.iter().map(|item| Some(item.as_str()))));
        }
        let mut seen = HashSet::new();
        for (index, block) in self.blocks.iter().enumerate() {
            if !seen.insert(&block.id) {
                return Err(ViewError { place: format!("blocks[{index}].id"), problem: "is there twice" });
            }
            if !block.marks.iter().all(|mark| fits(mark, &block.text)) {
                let problem = "reach outside the text or into a character";
                return Err(ViewError { place: format!("blocks[{index}].marks"), problem });
            }
        }
        Ok(Article { fields, blocks: self.blocks.iter().map(|block| Arc::new(block.to_block())).collect() })
    }
}

fn fits(mark: &Mark, text: &str) -> bool {
    text.get(mark.start as usize..mark.end as usize).is_some()
}

fn prose(fields: &Fields, field: Field) -> Option<String> {
    let text = fields.get(field);
    (!text.is_empty()).then(|| text.as_str().to_owned())
}

fn items(fields: &Fields, field: Field) -> Vec<String> {
    fields.get(field).shown_values().map(str::to_owned).collect()
}

impl BlockView {
    fn of(block: &Block) -> Self {
        let text = block.text.as_str().to_owned();
        Self { id: block.id.clone(), kind: block.kind, text, marks: Arc::clone(&block.marks) }
    }

    fn to_block(&self) -> Block {
        let text = Text::uncut(self.text.as_str());
        Block { id: self.id.clone(), kind: self.kind, text, marks: Arc::clone(&self.marks) }
    }
}

impl From<String> for Urgency {
    fn from(text: String) -> Self {
        match text.parse::<u8>() {
            Ok(number) if number.to_string() == text => Self::Number(number),
            _ => Self::Words(text),
        }
    }
}

impl fmt::Display for Urgency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Words(words) => f.pad(words),
        }
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
    /// By block id: the block that was hashed, kept alive so that its address stays its own.
    blocks: HashMap<BlockId, (Arc<Block>, Hash)>,
}

impl ArticleHashes {
    /// Returns the hash of `article`, as [`article_hash`] does.
    pub fn hash(&mut self, article: &Article) -> Hash {
        let hashes: Vec<Hash> = article.blocks.iter().map(|block| self.block(block)).collect();
        if self.blocks.len() > article.blocks.len() {
            let present: HashSet<&BlockId> = article.blocks.iter().map(|block| &block.id).collect();
            self.blocks.retain(|id, _| present.contains(id));
        }
        let fields: Vec<FieldItems<'_>> = Field::ALL
            .into_iter()
            .filter(|field| field.is_public() && !article.fields.get(*field).is_empty())
            .map(|field| field_items(field, article.fields.get(field)))
            .collect();
        proof::article_hash(&fields, hashes.iter())
    }

    fn block(&mut self, block: &Arc<Block>) -> Hash {
        match self.blocks.get(&block.id) {
            Some((known, hash)) if Arc::ptr_eq(known, block) => *hash,
            _ => {
                let hash = block_hash(block);
                self.blocks.insert(block.id.clone(), (Arc::clone(block), hash));
                hash
            }
        }
    }
}

fn field_items(field: Field, text: &Text) -> FieldItems<'_> {
    let items = if field.is_list() { text.shown_values().collect() } else { vec![text.as_str()] };
    FieldItems { name: field.as_str(), items }
}

fn block_hash(block: &Block) -> Hash {
    let marks = block.marks.iter().map(|mark| MarkParts {
        start: mark.start.into(),
        end: mark.end.into(),
        kind: mark_kind(mark.kind),
        href: mark.href.as_deref().unwrap_or_default(),
    });
    proof::block_hash(block.id.as_str(), block.kind.as_str(), block.text.as_str(), marks)
}

/// Returns the name of a mark's kind: the tag of its HTML element, as its JSON says it.
pub(crate) const fn mark_kind(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Em => "em",
        MarkKind::Strong => "strong",
        MarkKind::A => "a",
        MarkKind::Code => "code",
        MarkKind::Sub => "sub",
        MarkKind::Sup => "sup",
    }
}
