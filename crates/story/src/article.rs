//! The article: a story's state at one revision.

use std::sync::Arc;

use crate::block::{Block, BlockId};
use crate::field::{Field, Fields};
use crate::text::Text;

/// What a story says at one revision. Cloning costs a reference count a block and a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Article {
    /// Everything but the body.
    pub fields: Fields,
    /// The body, in order; ids are unique.
    pub blocks: Vec<Arc<Block>>,
}

impl Article {
    /// Returns the headline.
    pub fn headline(&self) -> &str {
        self.fields.get(Field::Headline).as_str()
    }

    /// Returns the block `id` and its place in the order, from 0.
    pub fn block(&self, id: &BlockId) -> Option<(usize, &Arc<Block>)> {
        self.blocks.iter().enumerate().find(|(_, block)| block.id == *id)
    }

    /// Returns the article without what readers may not see (the editor's note): the form that
    /// public hashes, changes and replicas are about.
    #[must_use]
    pub fn public(&self) -> Self {
        let mut public = self.clone();
        for field in Field::ALL.into_iter().filter(|field| !field.is_public()) {
            public.fields.set(field, Text::default());
        }
        public
    }

    /// Returns what readers see of a story that was taken from them: its slug, so that it has a name.
    #[must_use]
    pub fn tombstone(&self) -> Self {
        let mut fields = Fields::default();
        fields.set(Field::Slug, self.fields.get(Field::Slug).clone());
        Self { fields, blocks: Vec::new() }
    }

    /// Returns the bytes of UTF-8 in all its texts together: what
    /// [`ARTICLE_TEXT_BYTES_MAX`](crate::limits::ARTICLE_TEXT_BYTES_MAX) limits.
    pub fn text_bytes(&self) -> usize {
        let fields = Field::ALL.into_iter().map(|field| self.fields.get(field).as_str().len());
        fields.chain(self.blocks.iter().map(|block| block.text.as_str().len())).sum()
    }
}
