//! Taking over another log: many batches in one go, each at the position it had.
//!
//! All go behind one expectation, the last sequence of the whole stream: whoever else writes makes it
//! false, and nothing is stored. So an outcome that is unknown is settled by looking where the log ends.

use std::sync::Arc;

use async_nats::HeaderMap;

use super::core::Core;
use super::layout::Entry;
use super::link::{Outgoing, Refusal};
use crate::contract::{AppendError, Batch, ImportError, Moved, Position, StoryKey, limits};

impl Core {
    /// Stores `moved` right behind `after`; returns the new head.
    pub(super) async fn import(
        self: &Arc<Self>,
        after: Position,
        moved: Vec<Moved>,
    ) -> Result<Position, ImportError> {
        let actual = Position(self.link.insist(|| self.link.leader_head()).await.map_err(AppendError::from)?);
        if actual != after {
            return Err(ImportError::Elsewhere { expected: after, actual });
        }
        let mut reached = after;
        let mut rest = &moved[..];
        while !rest.is_empty() {
            // The server takes so many messages in one batch.
            let mut records = 0;
            let fits = rest.iter().take_while(|moved| {
                records += moved.batch.records.len();
                records <= limits::BATCH_RECORDS_MAX
            });
            let (group, later) = rest.split_at(fits.count());
            let appends: Vec<(StoryKey, u64, &Batch)> =
                group.iter().map(|moved| (moved.story, moved.expected, &moved.batch)).collect();
            let written = self.write_beside(&appends).await;
            let entries = written.map_err(|source| AppendError::Unavailable { source })?;
            reached = self.import_entries(reached, &entries).await?;
            rest = later;
        }
        Ok(reached)
    }

    async fn import_entries(&self, after: Position, entries: &[Entry]) -> Result<Position, ImportError> {
        let reached = Position(after.0 + entries.len() as u64);
        let mut patience = self.link.patience();
        loop {
            let cause = match self.publish_behind(after, entries).await {
                Ok(()) => None,
                Err(Refusal::Conflict) => Some("the log has moved on".into()),
                Err(Refusal::NotStored(cause) | Refusal::Unknown(cause)) => Some(cause),
            };
            let Some(cause) = cause else {
                self.advance(reached);
                return Ok(reached);
            };
            let again = patience.allows_another().await;
            let actual =
                Position(self.link.insist(|| self.link.leader_head()).await.map_err(AppendError::from)?);
            if actual == reached {
                self.advance(reached);
                return Ok(reached);
            }
            if actual != after {
                return Err(ImportError::Elsewhere { expected: after, actual });
            }
            if !again {
                return Err(AppendError::OutcomeUnknown { source: cause }.into());
            }
        }
    }

    async fn publish_behind(&self, after: Position, entries: &[Entry]) -> Result<(), Refusal> {
        let link = &self.link;
        let message = |entry: &Entry| Outgoing {
            subject: link.names.story(entry.story),
            headers: HeaderMap::new(),
            body: entry.encode(),
        };
        let mut messages: Vec<Outgoing> = entries.iter().map(message).collect();
        if let Some(first) = messages.first_mut() {
            first.headers.insert("Nats-Expected-Last-Sequence", after.0.to_string().as_str());
        }
        let acknowledged = if messages.len() == 1 {
            link.publish(messages.remove(0)).await?
        } else {
            link.publish_batch(messages, &link.unique()).await?
        };
        let expected = after.0 + entries.len() as u64;
        if acknowledged.sequence == expected {
            return Ok(());
        }
        Err(Refusal::Unknown(format!("stored at {}, expected {expected}", acknowledged.sequence).into()))
    }
}
