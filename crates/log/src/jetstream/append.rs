//! One append, from what is known of its story to its answer.
//!
//! What is known decides; the server has the last word, by the sequence that must be the last of
//! the story's subject. The stream of records forgets no message, so a sequence that was passed
//! once is passed for ever: who decided from an old state is refused, however late it comes.
//!
//! An attempt whose outcome is unknown is made again with the same id and the same expectation. It
//! is certain only once the story is seen to have gone on: then either this command is in it, or it
//! never will be.

use std::sync::Arc;

use async_nats::HeaderMap;
use sha2::{Digest, Sha256};

use super::core::Core;
use super::known::Known;
use super::layout::{Beside, ENVELOPE_HERE_BYTES_MAX, Entry, Envelope, Extent, Whole};
use super::link::{Acknowledged, Outgoing, Refusal};
use super::names::Hex;
use super::parts::Owner;
use crate::contract::{AppendError, Appended, Batch, Cause, Command, Position, ReadError, StoryKey};

/// Most bytes of envelopes in the messages of one batch, which the server holds in memory.
const BATCH_HERE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A batch on its way into the log.
struct Attempt<'a> {
    core: &'a Arc<Core>,
    story: StoryKey,
    expected: u64,
    batch: &'a Batch,
    state: Known,
    /// The messages, once what stands beside them is stored.
    entries: Option<Vec<Entry>>,
    /// Why one of the tries may have stored it.
    doubt: Option<Cause>,
}

/// Why there is no answer yet.
enum Retry {
    /// What is known is old.
    Now,
    /// The server gave no good answer.
    Later { fresh: bool, cause: Cause },
    /// What is stored makes no sense, and another look will not change that.
    Never { cause: Cause },
}

impl Core {
    /// Stores `batch` behind revision `expected` of `story`, of which `known` is what was known and
    /// becomes what is.
    pub(super) async fn append(
        self: &Arc<Self>,
        story: StoryKey,
        known: &mut Option<Known>,
        expected: u64,
        batch: &Batch,
    ) -> Result<Appended, AppendError> {
        // Of a story that is said to be new nothing needs to be known: the server knows better.
        let fresh = known.is_none() && expected != 0;
        let state = known.take().unwrap_or_default();
        let mut attempt = Attempt { core: self, story, expected, batch, state, entries: None, doubt: None };
        let answer = attempt.run(fresh).await;
        // What an unknown outcome may have changed is learnt anew next time.
        *known = (!matches!(answer, Err(AppendError::OutcomeUnknown { .. }))).then_some(attempt.state);
        answer
    }

    /// Returns the answer that `command` had for `story`.
    pub(super) async fn find_command(
        &self,
        story: StoryKey,
        known: &mut Option<Known>,
        command: &Command,
    ) -> Result<Option<Appended>, ReadError> {
        let mut state = known.take().unwrap_or_default();
        self.catch_up(story, &mut state).await?;
        let found = self.find(story, &state, &command.0).await;
        *known = Some(state);
        Ok(found?.map(|extent| appended(extent, true)))
    }

    /// Stores what does not stand in the messages of the records of `appends`, each a batch behind a
    /// revision of a story; returns those messages, in order.
    pub(super) async fn write_beside(
        &self,
        appends: &[(StoryKey, u64, &Batch)],
    ) -> Result<Vec<Entry>, Cause> {
        let mut room = BATCH_HERE_BYTES_MAX;
        let mut wholes = Vec::new();
        let mut entries = Vec::new();
        for (story, expected, batch) in appends {
            let batch_records =
                u16::try_from(batch.records.len()).expect("limits::BATCH_RECORDS_MAX fits 16 bits");
            for (place, record) in (0_u16..).zip(&batch.records) {
                let revision = expected + 1 + u64::from(place);
                let owner = |whole| Owner { story: *story, revision, whole };
                let bytes = record.envelope.len();
                let envelope = if bytes <= ENVELOPE_HERE_BYTES_MAX.min(room) {
                    room -= bytes;
                    Envelope::Here(record.envelope.clone())
                } else {
                    wholes.push((owner(Whole::Envelope), record.envelope.clone()));
                    Envelope::Beside(Beside::default())
                };
                wholes.push((owner(Whole::Disclosures), record.disclosures.clone()));
                let (command, disclosures) = (batch.command.0.clone(), Beside::default());
                entries.push(Entry {
                    story: *story,
                    revision,
                    place,
                    batch_records,
                    command,
                    envelope,
                    disclosures,
                });
            }
        }
        let mut stored = self.store(wholes).await?.into_iter();
        for entry in &mut entries {
            if let Envelope::Beside(beside) = &mut entry.envelope {
                *beside = stored.next().expect("one for each");
            }
            entry.disclosures = stored.next().expect("one for each");
        }
        Ok(entries)
    }

    /// Removes what was stored beside records that will never be.
    fn discard(self: &Arc<Self>, entries: Option<Vec<Entry>>) {
        let parts = |entry: Entry| {
            let envelope = match entry.envelope {
                Envelope::Here(_) => Vec::new(),
                Envelope::Beside(beside) => beside.parts,
            };
            envelope.into_iter().chain(entry.disclosures.parts)
        };
        let parts: Vec<u64> = entries.into_iter().flatten().flat_map(parts).collect();
        if parts.is_empty() {
            return;
        }
        let core = Arc::clone(self);
        // It is only tidying: an erasure of the revision removes what is left of it.
        tokio::spawn(async move { core.remove(parts).await });
    }
}

impl Attempt<'_> {
    /// Tries until there is an answer; `fresh` says whether the story must be looked at first.
    async fn run(&mut self, mut fresh: bool) -> Result<Appended, AppendError> {
        let mut patience = self.core.link.patience();
        loop {
            let cause = match self.try_once(fresh).await {
                Ok(answer) => return answer,
                Err(Retry::Now) => {
                    fresh = true;
                    continue;
                }
                Err(Retry::Later { fresh: anew, cause }) => {
                    if patience.allows_another().await {
                        fresh = anew;
                        continue;
                    }
                    cause
                }
                Err(Retry::Never { cause }) => cause,
            };
            if let Some(source) = self.doubt.take() {
                return Err(AppendError::OutcomeUnknown { source });
            }
            self.core.discard(self.entries.take());
            return Err(AppendError::Unavailable { source: cause });
        }
    }

    async fn try_once(&mut self, fresh: bool) -> Result<Result<Appended, AppendError>, Retry> {
        if fresh {
            self.core.catch_up(self.story, &mut self.state).await.map_err(Retry::after)?;
        }
        let found = self.core.find(self.story, &self.state, &self.batch.command.0).await;
        if let Some(extent) = found.map_err(Retry::after)? {
            return self.settled(extent).await.map(Ok).map_err(Retry::after);
        }
        let (expected, actual) = (self.expected, self.state.revision);
        if actual != expected {
            if !fresh {
                return Err(Retry::Now);
            }
            // Either nothing was tried, or the story has gone on without this command, so that no
            // try was stored, nor ever will be.
            if self.doubt.is_none() || actual > expected {
                self.core.discard(self.entries.take());
                return Ok(Err(AppendError::Conflict { expected, actual }));
            }
            return Err(Retry::Later { fresh: true, cause: "the server that answers is behind".into() });
        }
        if self.entries.is_none() {
            let written = self.core.write_beside(&[(self.story, self.expected, self.batch)]).await;
            self.entries = Some(written.map_err(|cause| Retry::Later { fresh: false, cause })?);
        }
        match self.publish().await {
            Ok(Acknowledged { sequence, duplicate: false }) => Ok(Ok(self.stored_up_to(sequence))),
            Ok(Acknowledged { duplicate: true, .. }) | Err(Refusal::Conflict) => {
                if fresh || self.doubt.is_some() {
                    // Another write may still be on its way through the cluster.
                    let cause = "another write to the story is being decided".into();
                    return Err(Retry::Later { fresh: true, cause });
                }
                Err(Retry::Now)
            }
            Err(Refusal::NotStored(cause)) => Err(Retry::Later { fresh: false, cause }),
            Err(Refusal::Unknown(cause)) => {
                let told = cause.to_string().into();
                self.doubt = Some(cause);
                Err(Retry::Later { fresh: false, cause: told })
            }
        }
    }

    /// Takes note that the batch is stored and its last record is at `sequence`.
    fn stored_up_to(&mut self, sequence: u64) -> Appended {
        let records = self.batch.records.len() as u64;
        let first = Position((sequence + 1).saturating_sub(records));
        let extent = Extent { first, records, revision: self.expected + 1 };
        self.state.advance(&self.batch.command.0, extent);
        self.core.advance(extent.last());
        self.core.note_place(self.story, extent.last_revision(), extent.last());
        appended(extent, false)
    }

    /// Returns the answer to a command that is in the log at `extent`.
    async fn settled(&mut self, extent: Extent) -> Result<Appended, ReadError> {
        let Some(first) = self.entries.as_deref().and_then(<[Entry]>::first) else {
            return Ok(appended(extent, true));
        };
        // Parts are never shared, so they tell whose append it was; without parts, the words do.
        let ours = *first == self.core.entry(extent.first).await?;
        if !ours {
            self.core.discard(self.entries.take());
        }
        Ok(appended(extent, !(ours && self.doubt.is_some())))
    }

    async fn publish(&self) -> Result<Acknowledged, Refusal> {
        let link = &self.core.link;
        let subject = link.names.story(self.story);
        let entries = self.entries.iter().flatten();
        let mut messages: Vec<Outgoing> = entries
            .map(|entry| Outgoing {
                subject: subject.clone(),
                headers: HeaderMap::new(),
                body: entry.encode(),
            })
            .collect();
        // In a batch only the first message of a subject may say what is expected.
        if let Some(Outgoing { headers, .. }) = messages.first_mut() {
            headers.insert("Nats-Msg-Id", message_id(self.story, &self.batch.command.0).as_str());
            headers.insert("Nats-Expected-Last-Subject-Sequence", self.state.last.to_string().as_str());
        }
        if messages.len() == 1 {
            return link.publish(messages.remove(0)).await;
        }
        link.publish_batch(messages, &link.unique()).await
    }
}

impl Retry {
    fn after(error: ReadError) -> Self {
        let damaged = matches!(error, ReadError::Damaged { .. });
        let cause = Box::new(error);
        if damaged { Self::Never { cause } } else { Self::Later { fresh: true, cause } }
    }
}

fn appended(extent: Extent, repeated: bool) -> Appended {
    Appended { first: extent.first, last: extent.last(), revision: extent.last_revision(), repeated }
}

/// Returns the id by which the server knows a repeat, as long as it remembers.
fn message_id(story: StoryKey, command: &[u8]) -> String {
    let hash = Sha256::new().chain_update(story.0).chain_update(command).finalize();
    Hex(&hash[..16]).to_string()
}
