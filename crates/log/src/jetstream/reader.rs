//! Reads: pages of the log and of a story, as they were acknowledged.
//!
//! Any replica may answer, and one may be behind or damaged. What must be there, up to the head, is
//! asked for until it comes, and the leader is asked before anything is called missing.

use std::collections::{BTreeMap, HashMap};

use tracing::warn;

use super::core::Core;
use super::layout::{Beside, Entry, Envelope, Erasure, Fault, Part, Whole};
use super::link::{FETCH_BYTES, Unanswered, Wanted};
use super::parts::Owner;
use crate::contract::{Command, Position, ReadError, Record, StoryKey, limits};

/// Records of a story that are read only to be passed over; for more, the place is searched.
const PASSED_OVER_MAX: u64 = 256;
/// How often an erasure may overtake one read.
const OVERTAKEN_MAX: u32 = 8;

impl Core {
    /// Returns up to `records_max` records from `from` up to `head`, which is known to be durable.
    pub(super) async fn page(
        &self,
        from: Position,
        head: Position,
        records_max: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let entries = self.entries(from, head, records_max).await?;
        self.records(entries, None).await
    }

    /// Returns the entry at `position`, which is at or before the head.
    pub(super) async fn entry(&self, position: Position) -> Result<Entry, ReadError> {
        let entries = self.entries(position, position, 1).await?;
        let missing = || Fault::at(position, "the record is missing");
        Ok(entries.into_iter().next().map(|(_, entry)| entry).ok_or_else(missing)?)
    }

    /// Returns entries from `from` up to `head` without a hole: all, or as many as `records_max`,
    /// or about a page of bytes.
    pub(super) async fn entries(
        &self,
        from: Position,
        head: Position,
        records_max: usize,
    ) -> Result<Vec<(Position, Entry)>, ReadError> {
        let to = head.min(Position(from.0.saturating_add(records_max as u64 - 1)));
        let mut page = Page::new(from);
        let mut patience = self.link.patience();
        while page.next <= to && !page.full {
            let before = page.next;
            let wanted = Wanted {
                stream: &self.link.names.records,
                from: page.next.0,
                subject: None,
                messages_max: usize::try_from(to.0 - page.next.0 + 1).unwrap_or(usize::MAX),
                bytes: limits::PAGE_BYTES,
            };
            let fetched = match self.link.fetch(wanted).await {
                Ok(fetched) => fetched,
                Err(_) if patience.allows_another().await => continue,
                Err(unanswered) => return Err(unanswered.into()),
            };
            for message in fetched.into_iter().take_while(|message| message.sequence <= to.0) {
                let position = Position(message.sequence);
                match Entry::decode(position, &message.body) {
                    Ok(entry) if position == page.next && !page.full => page.take(entry),
                    Ok(_) => break,
                    Err(fault) => {
                        warn!(error = %fault, "A replica has a damaged record of the event log");
                        break;
                    }
                }
            }
            if page.next > before || page.full {
                patience = self.link.patience();
                continue;
            }
            // The replica that answered does not have it: it is behind, or damaged.
            match self.leader_entry(page.next).await? {
                Some(entry) => page.take(entry),
                None if patience.allows_another().await => {}
                None => return Err(Unanswered::because("the server that answers is behind").into()),
            }
        }
        Ok(page.entries)
    }

    /// Returns the entry at `position` as the leader has it; nothing if it is not so far.
    async fn leader_entry(&self, position: Position) -> Result<Option<Entry>, ReadError> {
        let message = self.link.insist(|| self.link.leader_message(&self.link.records, position.0)).await?;
        if let Some(message) = message {
            return Ok(Some(Entry::decode(position, &message)?));
        }
        if self.link.insist(|| self.link.leader_head()).await? >= position.0 {
            return Err(Fault::at(position, "the record is missing").into());
        }
        Ok(None)
    }

    /// Returns up to `records_max` records of `story` from `revision` on.
    pub(super) async fn story_page(
        &self,
        story: StoryKey,
        revision: u64,
        records_max: usize,
    ) -> Result<Vec<Record>, ReadError> {
        if records_max == 0 {
            return Ok(Vec::new());
        }
        let subject = self.link.names.story(story);
        let mut patience = self.link.patience();
        let (mut known, mut next) = self.locate(story, &subject, revision).await?;
        let mut page = Page::new(next);
        while !page.full && page.entries.len() < records_max {
            let passed_over = usize::try_from(revision.saturating_sub(known)).unwrap_or(usize::MAX);
            let wanted = Wanted {
                stream: &self.link.names.records,
                from: next.0,
                subject: Some(&subject),
                messages_max: passed_over.saturating_add(records_max - page.entries.len()),
                bytes: limits::PAGE_BYTES,
            };
            let fetched = self.link.insist(|| self.link.fetch(wanted.clone())).await?;
            if fetched.is_empty() {
                if self.is_end(&subject, next).await? {
                    break;
                }
                if !patience.allows_another().await {
                    return Err(Unanswered::because("the replicas that answer are behind").into());
                }
            }
            for message in fetched {
                let position = Position(message.sequence);
                let entry = Entry::decode(position, &message.body)?;
                if entry.story != story || entry.revision != known + 1 {
                    let problem = format!("revision {} follows revision {known}", entry.revision);
                    return Err(Fault::at(position, problem).into());
                }
                (known, next) = (entry.revision, position.next());
                if entry.revision >= revision && page.entries.len() < records_max {
                    page.take_at(position, entry);
                }
                if page.full {
                    break;
                }
            }
        }
        if let Some((position, entry)) = page.entries.last() {
            self.advance(*position);
            self.note_place(story, entry.revision, *position);
        }
        self.records(page.entries, Some(story)).await
    }

    /// Returns whether `subject` has nothing from `from` on: a replica would not know.
    async fn is_end(&self, subject: &str, from: Position) -> Result<bool, ReadError> {
        let last = self.link.insist(|| self.link.leader_last(&self.link.records, subject)).await?;
        Ok(last.is_none_or(|last| last.sequence < from.0))
    }

    /// Returns a revision of `story` shortly before `revision`, and where to look for the next.
    async fn locate(
        &self,
        story: StoryKey,
        subject: &str,
        revision: u64,
    ) -> Result<(u64, Position), ReadError> {
        // A revision before the wanted one and its place; a place behind it.
        let (mut low, mut low_at) = self.place_before(story, revision - 1).unwrap_or_default();
        let mut high_at = self.head().next();
        while revision - low > PASSED_OVER_MAX && high_at.0 - low_at.0.min(high_at.0) > PASSED_OVER_MAX {
            let middle = Position(low_at.0 + (high_at.0 - low_at.0) / 2);
            let probe = Wanted {
                stream: &self.link.names.records,
                from: middle.0,
                subject: Some(subject),
                messages_max: 1,
                bytes: FETCH_BYTES,
            };
            let found = self.link.insist(|| self.link.fetch(probe.clone())).await?;
            match found.first() {
                Some(message) => {
                    let position = Position(message.sequence);
                    let entry = Entry::decode(position, &message.body)?;
                    if entry.revision < revision {
                        (low, low_at) = (entry.revision, position);
                    } else {
                        high_at = middle;
                    }
                }
                None => high_at = middle,
            }
        }
        Ok((low, low_at.next()))
    }

    /// Returns the records of `entries`, with what stands beside them; `story` is that of all of
    /// them, if they have one.
    pub(super) async fn records(
        &self,
        entries: Vec<(Position, Entry)>,
        story: Option<StoryKey>,
    ) -> Result<Vec<Record>, ReadError> {
        let mut overtaken = 0;
        loop {
            let entries: Vec<_> =
                entries.iter().map(|(position, entry)| (*position, entry, self.erasure(*position))).collect();
            let mut wanted = BTreeMap::new();
            for (position, entry, erasure) in &entries {
                if let Envelope::Beside(beside) = &entry.envelope {
                    wanted.extend(beside.parts.iter().map(|part| (*part, *position)));
                }
                let disclosures = left(entry, erasure.as_ref());
                wanted.extend(disclosures.parts.iter().map(|part| (*part, *position)));
            }
            let fetched = self.fetch_parts(&wanted, story).await?;
            let mut records = Vec::with_capacity(entries.len());
            let mut missing = Vec::new();
            for (position, entry, erasure) in &entries {
                match record(*position, entry, erasure.as_ref(), &fetched)? {
                    Some(record) => records.push(record),
                    None => missing.push((*position, erasure.clone())),
                }
            }
            if missing.is_empty() {
                return Ok(records);
            }
            overtaken += 1;
            for (position, known) in missing {
                let newest = self.newest_erasure(position).await?;
                if newest == known || overtaken > OVERTAKEN_MAX {
                    return Err(Fault::at(position, "what stands beside the record is missing").into());
                }
            }
        }
    }

    /// Returns what the leader says is left at `position`, and remembers it.
    pub(super) async fn newest_erasure(&self, position: Position) -> Result<Option<Erasure>, ReadError> {
        let subject = self.link.names.erasure(position);
        let last = self.link.insist(|| self.link.leader_last(&self.link.parts, &subject)).await?;
        let Some(last) = last else { return Ok(None) };
        let erasure = Erasure::decode(Some(position), &last.body)?;
        self.note_erasure(erasure.clone());
        Ok(Some(erasure))
    }
}

/// What a read has gathered.
struct Page {
    entries: Vec<(Position, Entry)>,
    next: Position,
    bytes: usize,
    /// Whether one more would be too much.
    full: bool,
}

impl Page {
    const fn new(next: Position) -> Self {
        Self { entries: Vec::new(), next, bytes: 0, full: false }
    }

    /// Takes the next entry, unless the page has bytes enough.
    fn take(&mut self, entry: Entry) {
        self.take_at(self.next, entry);
    }

    fn take_at(&mut self, position: Position, entry: Entry) {
        self.bytes += entry.bytes();
        if !self.entries.is_empty() && self.bytes > limits::PAGE_BYTES {
            self.full = true;
            return;
        }
        self.entries.push((position, entry));
        self.next = position.next();
    }
}

fn left<'a>(entry: &'a Entry, erasure: Option<&'a Erasure>) -> &'a Beside {
    erasure.map_or(&entry.disclosures, |erasure| &erasure.left)
}

/// Returns the record, or nothing if a part of it is not among `fetched`.
fn record(
    position: Position,
    entry: &Entry,
    erasure: Option<&Erasure>,
    fetched: &HashMap<u64, Part>,
) -> Result<Option<Record>, Fault> {
    if erasure.is_some_and(|erasure| (erasure.story, erasure.revision) != (entry.story, entry.revision)) {
        return Err(Fault::at(position, "an erasure is of another record"));
    }
    let whole = |whole, beside| Core::whole(position, Owner::of(entry, whole), beside, fetched);
    let envelope = match &entry.envelope {
        Envelope::Here(envelope) => Some(envelope.clone()),
        Envelope::Beside(beside) => whole(Whole::Envelope, beside)?,
    };
    let disclosures = whole(Whole::Disclosures, left(entry, erasure))?;
    let (Some(envelope), Some(disclosures)) = (envelope, disclosures) else { return Ok(None) };
    let (story, revision, command) = (entry.story, entry.revision, Command(entry.command.clone()));
    Ok(Some(Record { position, story, revision, command, envelope, disclosures }))
}
