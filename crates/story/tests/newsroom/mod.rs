//! Articles for tests, in one line each.

use std::sync::Arc;

use writethru_story::{Article, Block, BlockId, BlockKind, Field, Text};

/// Returns an article with these paragraphs, each given as `id: text`.
pub(crate) fn article(headline: &str, paragraphs: &[(&str, &str)]) -> Article {
    let mut article = Article::default();
    article.fields.set(Field::Headline, Text::uncut(headline));
    article.blocks = paragraphs.iter().map(|(id, text)| paragraph(id, text)).collect();
    article
}

/// Returns a paragraph.
pub(crate) fn paragraph(id: &str, text: &str) -> Arc<Block> {
    let id: BlockId = id.parse().expect("a test's id is legal");
    Arc::new(Block { id, kind: BlockKind::Paragraph, text: Text::uncut(text), marks: Arc::default() })
}
