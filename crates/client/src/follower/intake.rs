//! Taking changes and articles in, each verified first.

use std::sync::Arc;

use async_nats::{HeaderMap, HeaderValue, Message};
use story::{Desk, Revision, StoryId};
use trace::{Kind, Span, TraceContext};
use tracing::warn;
use wire::{ApplyError, ArticleView, Change, CloudEvent, Recall};

use super::Follower;
use crate::held::Held;
use crate::recalls::Came;
use crate::update::{ResetReason, Update};

impl Follower {
    /// Takes a live message.
    pub(super) fn take(&mut self, message: &Message) {
        let subject = message.subject.as_str();
        let Some(story) = subject.rsplit('.').next().and_then(|token| token.parse::<StoryId>().ok()) else {
            return self.refuse(subject, "it names no story");
        };
        let since = self.checked.last_sequence + 1;
        match self.take_traced(story, message.headers.as_ref(), &message.payload) {
            Ok(()) => {}
            Err((reason, wanted)) => self.gaps.mark(story, reason, wanted, since),
        }
    }

    /// As [`Follower::take_change`], as a span of the trace that the message's headers name, if they do.
    pub(super) fn take_traced(
        &mut self,
        story: StoryId,
        headers: Option<&HeaderMap>,
        payload: &[u8],
    ) -> Result<(), (ResetReason, Revision)> {
        let given = headers.and_then(|headers| headers.get(trace::HEADER)).map(HeaderValue::as_str);
        let span = Span::child("apply", Kind::Consumer, TraceContext::of_header(given));
        let outcome = self.take_change(story, payload);
        if let Some(mut span) = span {
            span.say("story.id", story);
            if outcome.is_err() {
                span.fail();
            }
        }
        outcome
    }

    /// Applies the change in a message about `story`, or passes over a repeat.
    ///
    /// The error says what is missing now: why, and which revision is known to exist.
    fn take_change(&mut self, story: StoryId, payload: &[u8]) -> Result<(), (ResetReason, Revision)> {
        let held = self.stories.get(&story);
        let revision = held.map_or(Revision::ZERO, Held::revision);
        let event: Result<CloudEvent<Change>, _> = serde_json::from_slice(payload);
        let change = match event {
            Ok(event) if event.data.story == story => event.data,
            Ok(_) => {
                self.refuse(&story.to_string(), "a change of another story came on its subject");
                return Ok(());
            }
            Err(error) => {
                self.refuse(&story.to_string(), &format!("a change cannot be read: {error}"));
                return Err((ResetReason::Mismatch, revision.next()));
            }
        };
        if !self.settings.scope.follows(&change.desk) {
            self.leave(story, Some(change.desk), change.to);
            return Ok(());
        }
        match Held::after(held, &change) {
            Ok(after) => {
                self.shared.count(|counts| counts.applied += 1);
                let recall = Recall::of_change(&change);
                let came = if recall.is_some() { Came::Recall } else { Came::Update };
                let article = self.hold(story, after, came);
                let change = Arc::new(change);
                self.outbox.put(if change.from == revision {
                    Update::Changed { change, article }
                } else {
                    Update::Reset { story, reason: ResetReason::Hole, article }
                });
                if let Some(recall) = recall {
                    self.tell_recall(recall);
                }
                Ok(())
            }
            Err(ApplyError::Repeated { .. }) => {
                self.shared.count(|counts| counts.repeated += 1);
                Ok(())
            }
            Err(ApplyError::Hole { .. }) => {
                self.shared.count(|counts| counts.holes += 1);
                Err((ResetReason::Hole, change.to))
            }
            Err(ApplyError::Fetch { .. }) => Err((ResetReason::Large, change.to)),
            Err(problem) => {
                self.refuse(&story.to_string(), &problem.to_string());
                Err((ResetReason::Mismatch, change.to))
            }
        }
    }

    /// Takes one of the articles that the replica begins with.
    pub(super) fn begin_with(&mut self, view: ArticleView) {
        let (story, revision) = (view.story, view.revision);
        if self.take_article(view, ResetReason::Start).is_err() {
            self.gaps.mark(story, ResetReason::Mismatch, revision, 1);
        }
    }

    /// Takes an article as a whole, unless it is no newer than what is held.
    ///
    /// The error says why it was refused.
    pub(super) fn take_article(&mut self, view: ArticleView, reason: ResetReason) -> Result<(), String> {
        let story = view.story;
        let newer = self.stories.get(&story).is_none_or(|held| held.revision() < view.revision);
        if !newer || !self.settings.scope.follows(&view.desk) {
            return Ok(());
        }
        let held = Held::of(view).map_err(|problem| {
            self.refuse(&story.to_string(), &problem.to_string());
            problem.to_string()
        })?;
        if reason != ResetReason::Start {
            self.shared.count(|counts| counts.resets += 1);
        }
        // A recall may be among the revisions that it stands for.
        let article = self.hold(story, held, Came::Recall);
        self.outbox.put(Update::Reset { story, reason, article });
        Ok(())
    }

    /// Lets go of a story that left for `desk` at `revision`.
    pub(super) fn leave(&mut self, story: StoryId, desk: Option<Desk>, revision: Revision) {
        if self.stories.get(&story).is_some_and(|held| held.revision() < revision) {
            self.stories.remove(&story);
            self.gaps.close(story);
            self.shared.show(story, None);
            self.outbox.put(Update::Removed { story, desk });
        }
    }

    pub(super) fn refuse(&self, place: &str, problem: &str) {
        self.shared.count(|counts| counts.refused += 1);
        warn!(place, problem, "Refused a message");
    }

    fn hold(&mut self, story: StoryId, held: Held, came: Came) -> Arc<ArticleView> {
        let article = Arc::clone(held.view());
        self.gaps.reached(story, held.revision());
        self.recalls.received(story, held.revision(), came);
        self.stories.insert(story, held);
        self.shared.show(story, Some(Arc::clone(&article)));
        article
    }
}
