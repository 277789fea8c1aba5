//! Healing a story: first the missing changes, and where they are no longer to be had, the article.

use story::{Revision, StoryId};
use tokio::task::JoinError;
use wire::{ArticleMessage, ArticleRef, ArticleView, Subject, WT_CHANGES};

use super::{Fetched, Follower};
use crate::builder::Scope;
use crate::healing::Gap;
use crate::held::Held;
use crate::reads::{self, ReadError, Selection};
use crate::update::{ResetReason, Unavailable, Update};

/// Most changes that are read to close a gap; beyond that the article is cheaper.
const CHANGES_MAX: usize = 256;
/// Most articles fetched from the service at once.
const FETCHES_MAX: usize = 4;

impl Follower {
    /// Makes one attempt to close the gap of `story`.
    pub(super) async fn heal(&mut self, story: StoryId) -> Result<(), ReadError> {
        let Some(gap) = self.gaps.get(story).cloned() else { return Ok(()) };
        if gap.reason != ResetReason::Large {
            self.heal_by_changes(story, gap.since).await?;
        }
        if self.gaps.get(story).is_none() {
            return Ok(());
        }
        let scope = self.settings.scope.clone();
        let filter = match &scope {
            Scope::Desk(desk) => Subject::article(desk, story),
            Scope::Everything | Scope::Story(_) => Subject::article_of(story),
        };
        match reads::last_article(&self.jetstream(), &filter).await? {
            Some(Ok(ArticleMessage::Whole(view))) if view.story == story => self.healed(*view, &gap),
            Some(Ok(ArticleMessage::Reference(reference))) if reference.story == story => {
                self.fetch(reference, &gap);
            }
            Some(Ok(_)) => self.put_off(story, "its article message is about another story"),
            Some(Err(problem)) => {
                self.refuse(&story.to_string(), &problem);
                self.put_off(story, &problem);
            }
            None => self.look_elsewhere(story, &scope).await?,
        }
        Ok(())
    }

    /// Applies the changes that the stream still has.
    async fn heal_by_changes(&mut self, story: StoryId, since: u64) -> Result<(), ReadError> {
        let jetstream = self.jetstream();
        let filter = self.settings.scope.changes_of(story);
        let selection = Selection { stream: WT_CHANGES, filter, from: since, headers_only: false };
        let mut left = CHANGES_MAX;
        reads::read(&jetstream, selection, |message| {
            left -= 1;
            self.take_traced(story, message.headers.as_ref(), &message.payload).is_ok() && left > 0
        })
        .await
    }

    /// Takes the article that was found for a gap.
    fn healed(&mut self, view: ArticleView, gap: &Gap) {
        let (story, revision) = (view.story, view.revision);
        match self.take_article(view, gap.reason) {
            Err(problem) => self.put_off(story, &problem),
            Ok(()) if self.gaps.get(story).is_some() => {
                self.put_off(story, &format!("its article is only at revision {revision}"));
            }
            Ok(()) => {}
        }
    }

    /// Begins to fetch an article from the service.
    fn fetch(&mut self, reference: ArticleRef, gap: &Gap) {
        let story = reference.story;
        if self.stories.get(&story).is_some_and(|held| held.revision() >= reference.revision) {
            return self.put_off(story, &format!("its article is only at revision {}", reference.revision));
        }
        let Some(service) = self.settings.service.clone() else {
            self.gaps.close(story);
            let reason = Unavailable::NoService { path: reference.fetch };
            return self.outbox.put(Update::Unavailable { story, revision: gap.wanted, reason });
        };
        if self.fetching.len() >= FETCHES_MAX {
            return self.put_off(story, "other articles are being fetched");
        }
        self.gaps.hold(story);
        self.fetching.spawn(async move {
            let fetched = service.article(&reference.fetch).await.and_then(|view| {
                let same = (view.story, view.revision, view.hash);
                let promised = (reference.story, reference.revision, reference.hash);
                if same == promised { Ok(view) } else { Err("the service gave another article".to_owned()) }
            });
            (story, fetched)
        });
    }

    /// Takes what the service gave.
    pub(super) fn fetched(&mut self, fetched: Result<Fetched, JoinError>) {
        // A fetch that panicked has been reported; the gap's next attempt comes by itself.
        let Ok((story, fetched)) = fetched else { return };
        let Some(gap) = self.gaps.get(story).cloned() else { return };
        match fetched {
            Ok(view) => self.healed(view, &gap),
            Err(problem) => self.put_off(story, &problem),
        }
    }

    /// A story without an article where it is followed: it may have left for another desk.
    async fn look_elsewhere(&mut self, story: StoryId, scope: &Scope) -> Result<(), ReadError> {
        if let Scope::Desk(followed) = scope {
            let found = reads::last_article(&self.jetstream(), &Subject::article_of(story)).await?;
            let now = match found {
                Some(Ok(ArticleMessage::Whole(view))) => Some((view.desk, view.revision)),
                Some(Ok(ArticleMessage::Reference(reference))) => Some((reference.desk, reference.revision)),
                Some(Err(_)) | None => None,
            };
            if let Some((desk, revision)) = now.filter(|(desk, _)| desk != followed) {
                self.gaps.close(story);
                self.leave(story, Some(desk), revision);
                return Ok(());
            }
        }
        self.put_off(story, "it has no article");
        Ok(())
    }

    /// Tries again later; after the last attempt the owner is told.
    fn put_off(&mut self, story: StoryId, problem: &str) {
        let wanted = self.gaps.get(story).map_or(Revision::ZERO, |gap| gap.wanted);
        if self.gaps.put_off(story) {
            return;
        }
        let held = self.stories.get(&story).map_or(Revision::ZERO, Held::revision);
        if held < wanted {
            let reason = Unavailable::NotFound { problem: problem.to_owned() };
            self.outbox.put(Update::Unavailable { story, revision: wanted, reason });
        }
    }
}
