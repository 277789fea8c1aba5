//! The story: what its events add up to.

use jiff::Timestamp;

use crate::article::Article;
use crate::event::Event;
use crate::identity::{Desk, Revision};
use crate::kind::{Kind, Status};
use crate::revisions::Revisions;

/// A story as its events have made it; `Story::default()` is one before its first event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Its last revision, 0 before the first event.
    pub revision: Revision,
    /// Where it stands.
    pub status: Status,
    /// The desk that owns it; `None` before the first event.
    pub desk: Option<Desk>,
    /// The desk's working article: the newest, public or not.
    pub article: Article,
    /// What readers see, if they ever saw anything. Of a story that was taken from them they see a
    /// tombstone ([`Article::tombstone`]).
    pub published: Option<Published>,
    /// When the story goes out by itself: the end of its embargo, or its schedule.
    pub until: Option<Timestamp>,
    /// How many block ids have been minted.
    pub minted: u64,
    /// When its first event was recorded.
    pub created: Option<Timestamp>,
    /// When its last event was recorded.
    pub recorded: Option<Timestamp>,
}

/// The public side of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The revision that readers see.
    pub revision: Revision,
    /// The article at that revision, as readers may see it (see [`Article::public`]).
    pub article: Article,
    /// When readers first saw the story.
    pub first: Timestamp,
    /// When readers could see this revision.
    pub at: Timestamp,
    /// The revisions that readers had the words of, those left out that were recalled.
    pub had: Revisions,
}

impl Story {
    /// Returns whether readers see more than a headline.
    pub(crate) fn shows_body(&self) -> bool {
        self.published.as_ref().is_some_and(|published| !published.article.blocks.is_empty())
    }

    /// Returns the revisions that `event`, the next one, calls back from those who got them: of a
    /// withhold, kill, takedown, correction or redaction all that readers had the words of and that
    /// were not called back before. Nothing, if no reader had any, or if it only annotates.
    pub fn recalled_by(&self, event: &Event) -> Revisions {
        match &self.published {
            Some(published) if event.recalls() => published.had.clone(),
            _ => Revisions::default(),
        }
    }

    /// Returns whether an update of `kind` may leave readers with a headline alone: an alert may,
    /// and so may a correction or a note to an alert that has no text yet, or an act on the story.
    pub(crate) fn may_be_headline_alone(&self, kind: Kind) -> bool {
        kind == Kind::Alert
            || !kind.is_for_copy()
            || (kind != Kind::Update && self.published.is_some() && !self.shows_body())
    }
}

impl Default for Story {
    fn default() -> Self {
        Self {
            revision: Revision::ZERO,
            status: Status::Draft,
            desk: None,
            article: Article::default(),
            published: None,
            until: None,
            minted: 0,
            created: None,
            recorded: None,
        }
    }
}
