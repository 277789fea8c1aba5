//! Parts in the stream beside the records: stored before the record that names them, fetched with
//! it, removed when words are erased.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_nats::HeaderMap;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tracing::{debug, warn};

use super::core::Core;
use super::layout::{Beside, Entry, Fault, PART_BYTES_MAX, Part, Whole, joined};
use super::link::{FETCH_BYTES, FETCH_MESSAGES_MAX, Outgoing, Refusal, Unanswered, Wanted};
use crate::contract::{Cause, Position, ReadError, StoryKey};

/// Parts that are stored at once for one append.
const STORED_AT_ONCE: usize = 64;
/// Parts of other records that are fetched along rather than begin another request.
const STRIDE_MAX: u64 = 16;

/// What a part is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) story: StoryKey,
    pub(super) revision: u64,
    pub(super) whole: Whole,
}

impl Owner {
    pub(super) const fn of(entry: &Entry, whole: Whole) -> Self {
        Self { story: entry.story, revision: entry.revision, whole }
    }
}

impl Core {
    /// Stores each of `wholes`; returns where, in the same order, once all of it is durable.
    pub(super) async fn store(&self, wholes: Vec<(Owner, Bytes)>) -> Result<Vec<Beside>, Cause> {
        let mut besides: Vec<Beside> = Vec::with_capacity(wholes.len());
        let mut all = Vec::new();
        for (at, (owner, bytes)) in wholes.into_iter().enumerate() {
            besides.push(Beside {
                bytes: u32::try_from(bytes.len()).expect("limits::RECORD_BYTES_MAX fits 32 bits"),
                parts: Vec::new(),
            });
            all.extend(cut(owner, &bytes).into_iter().map(|part| (at, part)));
        }
        let mut stored = stream::iter(all)
            .map(|(at, part)| async move { Ok::<_, Cause>((at, self.store_part(&part).await?)) })
            .buffered(STORED_AT_ONCE);
        while let Some((at, sequence)) = stored.try_next().await? {
            besides[at].parts.push(sequence);
        }
        Ok(besides)
    }

    async fn store_part(&self, part: &Part) -> Result<u64, Cause> {
        let mut headers = HeaderMap::new();
        // Never the id of another attempt: what that stored may be of other words.
        headers.insert("Nats-Msg-Id", self.link.unique().as_str());
        let message =
            Outgoing { subject: self.link.names.parts_of(part.story), headers, body: part.encode() };
        let mut patience = self.link.patience();
        loop {
            let cause = match self.link.publish(message.clone()).await {
                Ok(acknowledged) => return Ok(acknowledged.sequence),
                Err(Refusal::Conflict) => "a part was refused".into(),
                Err(Refusal::NotStored(cause) | Refusal::Unknown(cause)) => cause,
            };
            if !patience.allows_another().await {
                return Err(cause);
            }
        }
    }

    /// Fetches the parts at the sequences that `wanted` names, each for a position. Those that are
    /// nowhere are not in the answer. `story` is that of all of them, if they have one.
    pub(super) async fn fetch_parts(
        &self,
        wanted: &BTreeMap<u64, Position>,
        story: Option<StoryKey>,
    ) -> Result<HashMap<u64, Part>, ReadError> {
        let mut fetched = HashMap::with_capacity(wanted.len());
        let mut doubtful = Vec::new();
        let mut left: BTreeSet<u64> = wanted.keys().copied().collect();
        while !left.is_empty() {
            let upto = self.fetch_run(&left, story, wanted, &mut fetched).await?;
            let rest = left.split_off(&(upto + 1));
            doubtful.extend(left.into_iter().filter(|sequence| !fetched.contains_key(sequence)));
            left = rest;
        }
        // What one replica does not have, or has damaged, the leader may have.
        for sequence in doubtful {
            let message = self.link.insist(|| self.link.leader_message(&self.link.parts, sequence)).await?;
            if let Some(message) = message {
                let position = wanted.get(&sequence).copied().unwrap_or_default();
                fetched.insert(sequence, Part::decode(position, &message)?);
            }
        }
        Ok(fetched)
    }

    /// Fetches what one request can of the first parts at `left`; returns the sequence up to which
    /// they were looked for.
    async fn fetch_run(
        &self,
        left: &BTreeSet<u64>,
        story: Option<StoryKey>,
        wanted: &BTreeMap<u64, Position>,
        fetched: &mut HashMap<u64, Part>,
    ) -> Result<u64, ReadError> {
        let subject = story.map(|story| self.link.names.parts_of(story));
        let from = left.first().copied().unwrap_or_default();
        let mut last = from;
        let mut near = 0;
        for &sequence in left.range(from..) {
            // Of one subject nothing lies between but what lost a race or was erased.
            if (subject.is_none() && sequence - last > STRIDE_MAX) || near == FETCH_MESSAGES_MAX {
                break;
            }
            last = sequence;
            near += 1;
        }
        let between = usize::try_from(last - from + 1).unwrap_or(usize::MAX);
        let request = || {
            self.link.fetch(Wanted {
                stream: &self.link.names.parts,
                from,
                subject: subject.as_deref(),
                messages_max: if subject.is_some() { near } else { between },
                bytes: FETCH_BYTES,
            })
        };
        let mut upto = from;
        for message in self.link.insist(request).await? {
            upto = upto.max(message.sequence);
            let Some(&position) = wanted.get(&message.sequence) else { continue };
            match Part::decode(position, &message.body) {
                Ok(part) => drop(fetched.insert(message.sequence, part)),
                Err(fault) => warn!(error = %fault, "A replica has a damaged part of the event log"),
            }
        }
        Ok(upto)
    }

    /// Returns what stands in the parts of `beside`, or nothing if one of them is not among
    /// `fetched`.
    pub(super) fn whole(
        position: Position,
        owner: Owner,
        beside: &Beside,
        fetched: &HashMap<u64, Part>,
    ) -> Result<Option<Bytes>, Fault> {
        let parts: Option<Vec<&Part>> = beside.parts.iter().map(|sequence| fetched.get(sequence)).collect();
        let Some(parts) = parts else { return Ok(None) };
        let ours = (0_u16..).zip(&parts).all(|(number, part)| {
            let of = Owner { story: part.story, revision: part.revision, whole: part.whole };
            of == owner && part.number == number && usize::from(part.parts) == parts.len()
        });
        if !ours {
            return Err(Fault::at(position, "a part is not of this record"));
        }
        let whole = joined(parts.into_iter().map(|part| part.bytes.clone()).collect());
        if whole.len() != beside.bytes as usize {
            return Err(Fault::at(position, "the parts are not as long as the record says"));
        }
        Ok(Some(whole))
    }

    /// Removes parts that no record names, as well as it can.
    pub(super) async fn remove(&self, parts: Vec<u64>) {
        let removed = stream::iter(parts).map(|part| self.link.remove_part(part)).buffer_unordered(16);
        let failed = removed.filter(|removed| std::future::ready(removed.is_err())).count().await;
        if failed > 0 {
            debug!(failed, "Parts of refused appends stay in the event log's stream of words");
        }
    }

    /// Removes every part of the disclosures of one revision of a story but those at `kept`;
    /// returns once the leader has removed them.
    pub(super) async fn remove_words(
        &self,
        owner: Owner,
        position: Position,
        kept: &[u64],
    ) -> Result<(), ReadError> {
        let subject = self.link.names.parts_of(owner.story);
        // Parts are looked for on the leader alone: a replica may not know the newest.
        let end = self.link.insist(|| self.link.leader_last(&self.link.parts, &subject)).await?;
        let end = end.map_or(0, |last| last.sequence);
        let (mut from, mut gone) = (1, Vec::new());
        let mut patience = self.link.patience();
        while from <= end {
            let wanted = Wanted {
                stream: &self.link.names.parts,
                from,
                subject: Some(&subject),
                messages_max: FETCH_MESSAGES_MAX,
                bytes: FETCH_BYTES,
            };
            let fetched = match self.link.fetch(wanted).await {
                Ok(fetched) if !fetched.is_empty() => fetched,
                _ if patience.allows_another().await => continue,
                _ => return Err(Unanswered::because("no replica has all parts of the story").into()),
            };
            for message in fetched {
                from = message.sequence + 1;
                let part = Part::decode(position, &message.body)?;
                let of = Owner { story: part.story, revision: part.revision, whole: part.whole };
                if of == owner && !kept.contains(&message.sequence) {
                    gone.push(message.sequence);
                }
            }
        }
        for sequence in gone {
            self.link.insist(|| self.link.remove_part(sequence)).await?;
        }
        Ok(())
    }
}

/// Cuts the bytes of `owner` into parts; none if there are no bytes.
fn cut(owner: Owner, bytes: &Bytes) -> Vec<Part> {
    let Owner { story, revision, whole } = owner;
    let count = u16::try_from(bytes.len().div_ceil(PART_BYTES_MAX)).expect("a record has few parts");
    (0..count)
        .map(|number| {
            let start = usize::from(number) * PART_BYTES_MAX;
            let bytes = bytes.slice(start..bytes.len().min(start + PART_BYTES_MAX));
            Part { story, revision, whole, number, parts: count, bytes }
        })
        .collect()
}
