//! An append at work: how long it takes, and its place in the trace of whoever asked for it.

use std::time::Instant;

use log::{AppendError, Appended, Pending};
use metrics::histogram;
use story::{Revision, StoryId};
use trace::{Kind, Span};

/// The span from a decision to the answer of the disk, for the revisions that it makes. Without a trace it
/// is nothing.
#[derive(Debug)]
pub(crate) struct Traced(Option<(Span, Revisions)>);

#[derive(Debug)]
struct Revisions {
    story: StoryId,
    /// The one before the first.
    before: Revision,
    count: usize,
}

impl Revisions {
    fn keys(&self) -> impl Iterator<Item = trace::Key> {
        let (story, before) = (*self.story.as_bytes(), self.before.get());
        (1..=self.count as u64).map(move |number| (story, before + number))
    }
}

impl Traced {
    /// Begins to append `count` revisions after `before`, as a part of the trace of the present task.
    pub(crate) fn begin(story: StoryId, before: Revision, count: usize) -> Self {
        let Some(mut span) = Span::child("append", Kind::Internal, trace::current()) else {
            return Self(None);
        };
        span.say("story.id", story);
        let revisions = Revisions { story, before, count };
        if let Some(context) = span.context() {
            revisions.keys().for_each(|key| trace::begun(key, context));
        }
        Self(Some((span, revisions)))
    }

    /// Says that the log has refused them.
    pub(crate) fn refused(mut self) {
        if let Some((span, revisions)) = &mut self.0 {
            span.fail();
            revisions.keys().for_each(trace::done);
        }
    }

    fn stored(mut self, appended: &Appended) {
        if let Some((span, revisions)) = &mut self.0 {
            span.say("log.position", appended.last);
            if appended.repeated {
                // Others made them, before.
                revisions.keys().for_each(trace::done);
            }
        }
    }
}

/// An append that waits for the disk.
#[derive(Debug)]
pub(crate) struct Appending {
    pending: Pending,
    began: Instant,
    traced: Traced,
}

impl Appending {
    pub(crate) const fn new(pending: Pending, began: Instant, traced: Traced) -> Self {
        Self { pending, began, traced }
    }

    /// Returns once the append is durable, with the group that it is in.
    ///
    /// # Errors
    /// [`AppendError`], as the log says it.
    pub(crate) async fn acknowledged(self) -> Result<Appended, AppendError> {
        let outcome = self.pending.acknowledged().await;
        match &outcome {
            Ok(appended) => {
                histogram!("writethru_append_duration_seconds").record(self.began.elapsed());
                self.traced.stored(appended);
            }
            Err(_) => self.traced.refused(),
        }
        outcome
    }
}
