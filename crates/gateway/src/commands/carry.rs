//! Carrying a command out, whichever it is: once begun it is finished, and who has been answered
//! finds what was done.

use std::time::Duration;

use desk::{Answer, PushError};
use projector::View;
use proof::Hash;
use story::Revision;
use story::significance::Significance;
use tracing::{Instrument, Span};
use wire::http::Pushed;
use wire::{Problem, ProblemKind};

use crate::commands::push::{large, text_bytes};
use crate::gateway::Gateway;
use crate::measures;
use crate::problems;

/// How long an answer waits for the views to show what it is about.
const OWN_WRITE_WAIT_MAX: Duration = Duration::from_secs(1);

impl Gateway {
    /// Does `work`, which stores something, even if whoever asked goes away.
    pub(crate) async fn finish<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = crate::places::take(&self.inner.places.pushes, "pushes").await?;
        let work = async move {
            let _place = place;
            work.await
        };
        let work = trace::within(trace::current(), work).instrument(Span::current());
        let work = tokio::spawn(work);
        work.await.unwrap_or_else(|panicked| {
            tracing::error!(error = %panicked, "A command has failed: a fault of the service");
            Err(Problem::new(
                ProblemKind::OutcomeUnknown,
                "a fault of the service has cut the command off; it may be stored",
            ))
        })
    }

    /// Takes note of what became of a command.
    pub(crate) fn noted(&self, outcome: Result<Answer, PushError>) -> Result<Answer, Problem> {
        match &outcome {
            Ok(_) => self.wrote(true),
            Err(PushError::Unavailable { .. } | PushError::OutcomeUnknown { .. }) => self.wrote(false),
            Err(_) => {}
        }
        outcome.map_err(|failed| {
            let problem = problems::of_push(failed);
            measures::pushed(problem.kind().map_or("failed", ProblemKind::name));
            problem
        })
    }

    /// Returns what became of a command as the API says it.
    pub(crate) async fn told(
        &self,
        outcome: Result<Answer, PushError>,
        warnings: Vec<String>,
    ) -> Result<Pushed, Problem> {
        let answer = self.noted(outcome)?;
        // The command is durable by now, so views that stand still delay the answer for a bounded
        // time and change nothing.
        let _ = tokio::time::timeout(OWN_WRITE_WAIT_MAX, self.views().reached(answer.position)).await;
        measures::pushed(match (answer.changed, answer.repeated) {
            (_, true) => "repeated",
            (true, false) => "stored",
            (false, false) => "unchanged",
        });
        self.answered(answer, warnings).await
    }

    async fn answered(&self, answer: Answer, warnings: Vec<String>) -> Result<Pushed, Problem> {
        let (hash, significance, block) = if let Some(step) = answer.articles {
            let (is_seen, kind) = (answer.changed && answer.public, answer.kind);
            large(text_bytes(&step.before, &step.after), move || {
                let block = step.only_new_block();
                (step.hash(), is_seen.then(|| step.significance().of_kind(kind)), block)
            })
            .await
        } else {
            let (hash, significance) = self.first_answer(&answer).await?;
            (hash, significance, None)
        };
        Ok(Pushed {
            story: answer.story,
            slug: answer.slug.to_string(),
            revision: answer.revision,
            // What a repeated command has stored, it has stored: its first answer said so.
            changed: answer.changed || answer.repeated,
            kind: answer.kind,
            desk: answer.desk,
            status: answer.status,
            until: answer.until,
            rebased: answer.rebased,
            block,
            significance,
            hash,
            cursor: (answer.position.0 > 0).then(|| self.cursor(answer.position)),
            repeated: answer.repeated,
            warnings,
        })
    }

    /// Returns what was answered when the command came first; the views remember it.
    async fn first_answer(&self, answer: &Answer) -> Result<(Hash, Option<Significance>), Problem> {
        self.reached(answer.position).await?;
        let before = Revision(answer.revision.get().saturating_sub(1));
        let lines = self.views().history(answer.story, before, 1, View::Desk).await;
        let line = lines.map_err(|failed| problems::of_view(&failed))?.into_iter().next();
        let parked = || Problem::new(ProblemKind::Internal, "the views do not show what was stored");
        let line = line.filter(|line| line.revision == answer.revision).ok_or_else(parked)?;
        Ok((line.hash.ok_or_else(parked)?, line.significance))
    }
}
