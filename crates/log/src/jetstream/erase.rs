//! Making words gone: what is left is written first, then the old parts are overwritten and removed.
//!
//! Readers turn to what is left as soon as it is written down. An erasure that was cut off there is
//! finished when the log is opened or the erasure repeated.

use async_nats::HeaderMap;
use bytes::Bytes;
use tracing::warn;

use super::core::Core;
use super::layout::{Erasure, Whole};
use super::link::{Outgoing, Refusal};
use super::parts::Owner;
use crate::contract::{Cause, EraseError, Position};

impl Core {
    /// Puts `remaining` in place of the disclosures at `position`; returns once the leader has
    /// removed the old ones.
    pub(super) async fn erase(&self, position: Position, remaining: Bytes) -> Result<(), EraseError> {
        if position == Position::ZERO || position > self.head() {
            return Err(EraseError::NotFound { position });
        }
        let entry = self.entry(position).await.map_err(unknown)?;
        let owner = Owner::of(&entry, Whole::Disclosures);
        let mut patience = self.link.patience();
        loop {
            let subject = self.link.names.erasure(position);
            let last = self
                .link
                .insist(|| self.link.leader_last(&self.link.parts, &subject))
                .await
                .map_err(unknown)?;
            let stored = self.store(vec![(owner, remaining.clone())]).await;
            let left = stored.map_err(|source| EraseError::OutcomeUnknown { source })?.remove(0);
            let (story, revision) = (entry.story, entry.revision);
            let erasure = Erasure { story, revision, position, finished: false, left };
            match self.write_down(&erasure, last.map_or(0, |last| last.sequence)).await {
                Ok(sequence) => return self.finish(erasure, sequence).await,
                Err(Refusal::NotStored(source) | Refusal::Unknown(source)) => {
                    return Err(EraseError::OutcomeUnknown { source });
                }
                // Another process erases here: look at what it left.
                Err(Refusal::Conflict) => {}
            }
            if !patience.allows_another().await {
                let source = "other erasures of the same record come in between".into();
                return Err(EraseError::OutcomeUnknown { source });
            }
        }
    }

    /// Removes what `erasure`, written down at `sequence`, does not leave.
    pub(super) async fn finish(&self, erasure: Erasure, sequence: u64) -> Result<(), EraseError> {
        self.note_erasure(erasure.clone());
        let Erasure { story, revision, position, .. } = erasure;
        let owner = Owner { story, revision, whole: Whole::Disclosures };
        self.remove_words(owner, position, &erasure.left.parts).await.map_err(unknown)?;
        let finished = Erasure { finished: true, ..erasure };
        match self.write_down(&finished, sequence).await {
            Ok(_) => self.note_erasure(finished),
            // It is done all the same, and will be done again when the log is opened.
            Err(refusal) => warn!(log.position = position.0, ?refusal, "An erasure is done but not noted"),
        }
        Ok(())
    }

    /// Has `erasure` stored behind the one at `last`; an unknown outcome is tried again.
    async fn write_down(&self, erasure: &Erasure, last: u64) -> Result<u64, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", self.link.unique().as_str());
        headers.insert("Nats-Expected-Last-Subject-Sequence", last.to_string().as_str());
        let subject = self.link.names.erasure(erasure.position);
        let message = Outgoing { subject: subject.clone(), headers, body: erasure.encode() };
        let mut patience = self.link.patience();
        let mut doubt = false;
        loop {
            let refusal = match self.link.publish(message.clone()).await {
                Ok(acknowledged) => return Ok(acknowledged.sequence),
                Err(Refusal::Conflict) if doubt => {
                    let last = self.link.insist(|| self.link.leader_last(&self.link.parts, &subject)).await;
                    match last {
                        Ok(Some(last)) if last.body == message.body => return Ok(last.sequence),
                        Ok(_) => return Err(Refusal::Conflict),
                        Err(unanswered) => Refusal::Unknown(Box::new(unanswered)),
                    }
                }
                Err(Refusal::Conflict) => return Err(Refusal::Conflict),
                Err(refusal) => refusal,
            };
            doubt |= matches!(refusal, Refusal::Unknown(_));
            if !patience.allows_another().await {
                return Err(refusal);
            }
        }
    }
}

fn unknown(source: impl Into<Cause>) -> EraseError {
    EraseError::OutcomeUnknown { source: source.into() }
}
