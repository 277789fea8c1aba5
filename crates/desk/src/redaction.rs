//! Redaction: what is to go is found in the whole history, said in the log, and then erased.
//!
//! The event comes first: if the power goes in between, the log says what is still to be erased, and
//! [`Desk::finish_redactions`] does it at the next start. Views and desk read what a redaction names as
//! erased from the moment when it is in the log.

mod erasing;
mod selection;

use story::{
    ActorId, Article, Basis, Command, CommandKey, Field, Kind, Redact, Redaction, RedactionKind, Replacement,
    Revision, StoryId, Text, ValueId,
};
use tracing::{info, warn};
use wire::Chain;

use crate::filing::{Aim, Filing, chain};
use crate::rehearsal::Rehearsal;
use crate::request::{Answer, PushError, StoryRef, Target};
use crate::service::Desk;
use crate::stories::{Pages, damaged};
use selection::{Found, find};
pub use selection::{Picked, Selection};

/// How often what is to go is looked for again when other updates came between.
const LOOKS_MAX: usize = 8;

/// A redaction as an edge hands it over.
#[derive(Debug, Clone)]
pub struct RedactRequest {
    /// Which story.
    pub story: StoryRef,
    /// What is done.
    pub kind: RedactionKind,
    /// By what right.
    pub basis: Basis,
    /// To which words.
    pub selection: Selection,
    /// What stands in their place in the article of now; only to anonymise.
    pub replacement: Option<Text>,
    /// Why, for the record.
    pub reason: Text,
    /// The public note.
    pub note: Text,
    /// Who approved it.
    pub approver: ActorId,
    /// Who asks.
    pub actor: ActorId,
    /// The caller's idempotency key; without one, the redaction is its own.
    pub key: Option<CommandKey>,
    /// The revision that the story must be at, if the caller insists.
    pub expected: Option<Revision>,
}

/// What a redaction did. Logged, and where words were to go, gone from the log, when given.
#[derive(Debug, Clone)]
pub struct Redacted {
    /// As for every other act.
    pub answer: Answer,
    /// How many values it is about.
    pub values: usize,
    /// How many records of the log were rewritten without them.
    pub records: usize,
}

/// Why a redaction was not carried out. Unless it says so, nothing was stored and nothing erased.
#[derive(Debug, thiserror::Error)]
pub enum RedactError {
    /// As for a push.
    #[error(transparent)]
    Push(#[from] PushError),
    /// What was asked for stands nowhere in those revisions, or was erased before.
    #[error("nothing in those revisions is what was asked for: look at the story's history for the words")]
    NothingFound,
    /// A sentence also stands in a revision that was not named: it is one value, here and there.
    #[error(
        "a sentence of the selection also stands in revision {revision}: widen the revisions to include it"
    )]
    StandsElsewhere {
        /// The first such revision.
        revision: Revision,
    },
    /// The words are in a field by which the story is found.
    #[error("the {field} holds the words, and it cannot be redacted: the story is known by it")]
    Fixed {
        /// The field.
        field: Field,
    },
    /// The words stand in the article of now, and nothing is to take their place.
    #[error("the words stand in the article of now: say what takes their place")]
    ReplacementMissing,
    /// It is logged and hidden from every reader; whether the words have left the disk is unknown.
    #[error(
        "the redaction is logged as revision {revision}, but the words may still be on the disk: they are erased at the next start"
    )]
    NotErased {
        /// The revision of the redaction.
        revision: Revision,
        /// Why.
        #[source]
        source: log::EraseError,
    },
}

impl Desk {
    /// Returns what `selection` names in `story`, and does nothing. Cost: the story's whole history.
    ///
    /// # Errors
    /// As [`Desk::redact`].
    pub async fn would_redact(
        &self,
        story: &StoryRef,
        selection: &Selection,
    ) -> Result<Vec<Picked>, RedactError> {
        let id = self.story_named(story)?;
        Ok(find(&self.inner.log, id, selection).await?.picked)
    }

    /// Returns what `request` would come to, and does nothing. Cost: the story's whole history.
    ///
    /// # Errors
    /// The same refusals as [`Desk::redact`].
    pub async fn rehearse_redaction(&self, request: &RedactRequest) -> Result<Rehearsal, RedactError> {
        let id = self.story_named(&request.story)?;
        if let Some(answer) = self.redacted_before(id, request).await? {
            return Ok(Rehearsal::Answered(Box::new(answer)));
        }
        let aim = Aim { story: id, slug: None, reserved: false };
        let found = find(&self.inner.log, id, &request.selection).await?;
        let filing = filing_of(request, found)?;
        Ok(self.rehearse(Some(id), &aim, filing).await?)
    }

    /// Carries out a redaction: logs it, then erases the words from the log if it is of a kind that
    /// does; returns once both are durable. The same key again gets the first answer, and finishes what
    /// was begun.
    ///
    /// # Errors
    /// [`RedactError`].
    pub async fn redact(&self, request: RedactRequest) -> Result<Redacted, RedactError> {
        let id = self.story_named(&request.story)?;
        if let Some(answer) = self.redacted_before(id, &request).await? {
            let records = self.erase(id, answer.revision).await?;
            return Ok(Redacted { answer, values: 0, records });
        }
        let aim = Aim { story: id, slug: None, reserved: false };
        let mut last = RedactError::NothingFound;
        for _ in 0..LOOKS_MAX {
            let found = find(&self.inner.log, id, &request.selection).await?;
            let values = found.picked.len();
            let mut filing = filing_of(&request, found)?;
            match self.inner.file(&aim, &mut filing).await {
                Ok(answer) => {
                    self.inner.stories.forget(id).await;
                    self.inner.blames.forget(id);
                    let records =
                        if request.kind.erases() { self.erase(id, answer.revision).await? } else { 0 };
                    info!(story.id = %id, revision = answer.revision.get(), values, records, "Redacted");
                    return Ok(Redacted { answer, values, records });
                }
                // Someone wrote in between: what is to go may stand there too.
                Err(conflict @ PushError::Conflict { .. }) if request.expected.is_none() => {
                    self.inner.stories.forget(id).await;
                    last = conflict.into();
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(last)
    }

    /// Returns the desk's article of `story` at `revision` as the record has it: what was withdrawn is
    /// there, what was erased is not. For who may read the record. Cost: the story's records up to there.
    ///
    /// # Errors
    /// [`PushError::NotFound`], [`PushError::Unavailable`] or [`PushError::Damaged`].
    pub async fn record(&self, story: &StoryRef, revision: Revision) -> Result<Article, PushError> {
        let id = self.story_named(story)?;
        let (mut chain, mut pages) = (Chain::new(id), Pages::of(&self.inner.log, id));
        while let Some(records) = pages.next().await? {
            for record in records.iter().filter(|record| record.revision <= revision.get()) {
                let opened = chain.open(&record.envelope, &record.disclosures);
                opened.map_err(|error| damaged(id, &error))?;
            }
        }
        Ok(chain.story().article.clone())
    }

    /// Erases what the redactions of `stories` say is to be erased and is not, as after a loss of power.
    /// Failures are reported and left for the next start.
    pub async fn finish_redactions(&self, stories: Vec<StoryId>) {
        for id in stories {
            let _turn = self.inner.erasing.lock().await;
            match erasing::erase(&self.inner.log, id).await {
                Ok(0) => {}
                Ok(records) => info!(story.id = %id, records, "Finished a redaction that had been cut off"),
                Err(error) => {
                    warn!(story.id = %id, %error, "A redaction is not finished: its words may be on the disk");
                }
            }
        }
    }

    async fn erase(&self, id: StoryId, revision: Revision) -> Result<usize, RedactError> {
        let _turn = self.inner.erasing.lock().await;
        erasing::erase(&self.inner.log, id).await.map_err(|error| match error {
            erasing::Unerased::Read(error) => RedactError::Push(error),
            erasing::Unerased::Erase(source) => RedactError::NotErased { revision, source },
        })
    }

    fn story_named(&self, story: &StoryRef) -> Result<StoryId, PushError> {
        self.find(story).ok_or_else(|| PushError::NotFound { story: story.to_string() })
    }

    /// Returns the answer that the request's key got before, if it did.
    async fn redacted_before(
        &self,
        id: StoryId,
        request: &RedactRequest,
    ) -> Result<Option<Answer>, PushError> {
        let Some(key) = &request.key else { return Ok(None) };
        let held = self.inner.stories.hold(id).await?;
        let stored = self.inner.stored_answer(id, key, chain(&held)).await?;
        match stored.map(|(answer, _)| answer) {
            Some(answer) if answer.kind != Kind::Redaction => {
                Err(PushError::KeyReused { story: id, revision: answer.revision })
            }
            answer => Ok(answer),
        }
    }
}

fn filing_of(request: &RedactRequest, found: Found) -> Result<Filing, RedactError> {
    let values: Vec<ValueId> = found.picked.iter().map(|picked| ValueId(picked.commitment.0)).collect();
    let replacements = match (request.kind, &request.replacement) {
        (RedactionKind::Anonymise, None) if !found.standing.is_empty() => {
            return Err(RedactError::ReplacementMissing);
        }
        (RedactionKind::Anonymise, Some(with)) => found
            .standing
            .into_iter()
            .map(|(place, index, value)| {
                let text = match &request.selection.words {
                    Some(words) => Text::uncut(value.replace(words, with.as_str())),
                    None => with.clone(),
                };
                Replacement { place, index, text }
            })
            .collect(),
        _ => Vec::new(),
    };
    let command = Command::Redact(Box::new(redact_of(request, values.into(), replacements)));
    Ok(filing(request, command, Some(found.revision)))
}

fn redact_of(
    request: &RedactRequest,
    values: std::sync::Arc<[ValueId]>,
    replacements: Vec<Replacement>,
) -> Redact {
    Redact {
        redaction: Redaction { kind: request.kind, basis: request.basis.clone(), values },
        replacements,
        reason: request.reason.clone(),
        note: request.note.clone(),
        approver: request.approver.clone(),
    }
}

fn filing(request: &RedactRequest, command: Command, seen: Option<Revision>) -> Filing {
    Filing {
        target: Target::Existing(request.story.clone()),
        command,
        actor: request.actor.clone(),
        key: request.key.clone(),
        expected: request.expected.or(seen),
        base: None,
    }
}
