//! One story as the replica holds it: pure, and never other than verified.

use std::sync::Arc;

use story::{Article, Level, Revision};
use wire::{ApplyError, ArticleHashes, ArticleMeta, ArticleView, Change, ChangeBody};

/// A verified public article.
#[derive(Debug)]
pub(crate) struct Held {
    article: Article,
    hashes: ArticleHashes,
    view: Arc<ArticleView>,
}

/// Why an article was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefusedArticle {
    #[error("it is no legal article: {0}")]
    Illegal(#[from] wire::ViewError),
    #[error("its hash is not the one it states")]
    Hash,
}

impl Held {
    /// Returns the article that `view` shows, once its hash has proved right.
    pub(crate) fn of(view: ArticleView) -> Result<Self, RefusedArticle> {
        let article = view.to_article()?.public();
        let mut hashes = ArticleHashes::default();
        if hashes.hash(&article) != view.hash {
            return Err(RefusedArticle::Hash);
        }
        Ok(Self { article, hashes, view: Arc::new(view) })
    }

    pub(crate) fn revision(&self) -> Revision {
        self.view.revision
    }

    pub(crate) const fn view(&self) -> &Arc<ArticleView> {
        &self.view
    }

    /// Returns the article after `change`, given the one `held` before it (`None`: nothing yet).
    pub(crate) fn after(held: Option<&Self>, change: &Change) -> Result<Self, ApplyError> {
        let nothing = Article::default();
        let (article, revision) =
            held.map_or((&nothing, Revision::ZERO), |held| (&held.article, held.revision()));
        let mut hashes = held.map(|held| held.hashes.clone()).unwrap_or_default();
        let article = change.apply_keeping(article, revision, &mut hashes)?;
        let view = Arc::new(view(&article, change, held.map(|held| &*held.view)));
        Ok(Self { article, hashes, view })
    }
}

/// Returns the view of `article`, which `change` has led to.
fn view(article: &Article, change: &Change, before: Option<&ArticleView>) -> ArticleView {
    if let ChangeBody::Snapshot(view) = &change.body {
        return (**view).clone();
    }
    let worth_while = change.significance.level > Level::Minor;
    let significant_before = before.and_then(|before| before.significant);
    let meta = ArticleMeta {
        story: change.story,
        desk: change.desk.clone(),
        revision: change.to,
        status: change.status,
        kind: change.kind,
        hash: change.target,
        recorded: change.recorded,
        published: Some(change.published),
        significant: if worth_while { Some(change.published) } else { significant_before },
        until: None,
        cursor: change.cursor,
    };
    ArticleView::of(article, meta)
}
