//! Seals an event: finds the values that stood there before, commits to the others.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use jiff::Timestamp;
use proof::{Commitment, Salts, commit, envelope_hash};
use story::{Block, BlockId, BlockKind, Event, IllegalEvent, Mark, Operation, Text};

use std::sync::Arc;

use super::form::{Act, Content, Form, Notice, Step};
use super::ledger::{Entry, Ledger, MarksEntry, Updates};
use super::{Chain, Header, SealError, SealedRecord, Stamp, disclosures, marks, reader, recordable, writer};

/// Returns the record of `event` and advances `chain` past it.
pub(super) fn seal(chain: &mut Chain, event: &Event, stamp: &Stamp) -> Result<SealedRecord, SealError> {
    check_times(event)?;
    let mut sealing = Sealing::new(&chain.ledger, event, stamp.seed.salts());
    let steps = event.operations.iter().enumerate().map(|(index, _)| sealing.step(index)).collect();
    let note = sealing.text(&event.note);
    let correction = event.correction.as_ref().map(|notice| {
        let (what, place) = (sealing.text(&notice.what), sealing.text(&notice.place));
        Notice { approver: notice.approver.clone(), place, what }
    });
    let act = event.act.as_ref().map(|act| {
        let reason = sealing.text(&act.reason);
        Act { approver: act.approver.clone(), reason }
    });
    let Sealing { fresh, updates, resolved, .. } = sealing;
    let story = story::apply(chain.story.clone(), &resolved)?;
    let state = chain.ledger.state(&updates, &story.article).map_err(|block| IllegalEvent {
        revision: event.revision,
        problem: format!("nothing is known of block {block}"),
    })?;
    let header = Header {
        event: stamp.event,
        story: chain.id,
        revision: event.revision,
        kind: event.kind,
        recorded: event.recorded,
        occurred: event.occurred.clone(),
        actor: stamp.actor.clone(),
        command: stamp.command.clone(),
        desk: event.desk.clone(),
        status: event.status,
        public: event.public,
        until: event.until,
        rebased: event.rebased,
        label: event.label,
        redaction: event.redaction.clone(),
        prev: chain.prev,
        state,
    };
    let envelope = writer::write(&Form { header, steps, note, correction, act });
    let mut disclosed = Vec::with_capacity(96 + fresh.iter().map(|value| value.len() + 8).sum::<usize>());
    disclosures::write_whole(&mut disclosed, Some(&stamp.seed), &fresh);
    let hash = envelope_hash(&envelope);
    chain.advance(story, updates, (hash, state));
    Ok(SealedRecord { envelope: Bytes::from(envelope), disclosures: Bytes::from(disclosed), hash })
}

fn check_times(event: &Event) -> Result<(), SealError> {
    // The year 0: RFC 3339 has no earlier one, and a timestamp none behind 9999.
    const FIRST: Timestamp = Timestamp::constant(-62_167_219_200, 0);
    for recorded in std::iter::once(event.recorded).chain(event.until) {
        if recordable(recorded) != recorded || recorded < FIRST {
            return Err(SealError::Recorded { recorded });
        }
    }
    match &event.occurred {
        Some(occurred) if !reader::is_rfc3339(occurred) => Err(SealError::Occurred),
        _ => Ok(()),
    }
}

/// An event on its way into a record.
struct Sealing<'a> {
    ledger: &'a Ledger,
    event: &'a Event,
    /// By operation: which old value of the same path each new value is.
    pairs: Vec<Vec<Option<usize>>>,
    /// Values that the event takes out, by their words: they may turn up elsewhere.
    spare: HashMap<&'a str, Vec<Commitment>>,
    salts: Salts,
    /// Values that no one has committed to yet, by index.
    fresh: Vec<Cow<'a, str>>,
    updates: Updates,
    /// The event as it will be read back: values known to be erased are marked so.
    resolved: Cow<'a, Event>,
}

impl<'a> Sealing<'a> {
    fn new(ledger: &'a Ledger, event: &'a Event, salts: Salts) -> Self {
        let mut spare: HashMap<&str, Vec<Commitment>> = HashMap::new();
        let pairs = event
            .operations
            .iter()
            .map(|operation| {
                let old = old_values(ledger, operation);
                let pairs = new_text(operation).map_or_else(Vec::new, |new| pair(old, new));
                spare_others(old, &pairs, &mut spare);
                pairs
            })
            .collect();
        let (fresh, updates, resolved) = (Vec::new(), Updates::default(), Cow::Borrowed(event));
        Self { ledger, event, pairs, spare, salts, fresh, updates, resolved }
    }

    fn step(&mut self, index: usize) -> Step {
        let event = self.event;
        match &event.operations[index] {
            Operation::Delete { block } => {
                self.updates.delete(block);
                Step::Delete { block: block.clone() }
            }
            Operation::Move { block, after } => Step::Move { block: block.clone(), after: after.clone() },
            Operation::Insert { block, after } => {
                let given =
                    Given { block: &block.id, kind: block.kind, text: &block.text, marks: &block.marks };
                let content = self.content(index, &given);
                Step::Insert { block: block.id.clone(), after: after.clone(), content }
            }
            Operation::Edit { block, text, kind, marks } => {
                let content = self.content(index, &Given { block, kind: *kind, text, marks });
                Step::Edit { block: block.clone(), content }
            }
            Operation::Set { field, text } => {
                let resolved = self.resolve(index, text);
                let values = self.values(index, text);
                if let Some(text) = &resolved {
                    self.resolved.to_mut().operations[index] =
                        Operation::Set { field: *field, text: text.clone() };
                }
                self.updates.set(*field, resolved.unwrap_or_else(|| text.clone()), &values);
                Step::Set { field: *field, values }
            }
        }
    }

    fn content(&mut self, index: usize, given: &Given<'a>) -> Content {
        let resolved = self.resolve(index, given.text);
        let text = resolved.as_ref().unwrap_or(given.text).clone();
        let fitting = marks::fitting(&text, given.marks);
        if resolved.is_some() || fitting.len() != given.marks.len() {
            self.replace(index, given, &text, &fitting);
        }
        let entry = self.marks(given.block, &fitting);
        let values = self.values(index, given.text);
        let marks = entry.as_ref().map(|entry| entry.commitment);
        self.updates.fill(given.block, given.kind, (text, &values), entry);
        Content { kind: given.kind, marks, values }
    }

    /// Puts the operation that will be read back in place of the one that was given.
    fn replace(&mut self, index: usize, given: &Given<'_>, text: &Text, marks: &Arc<[Mark]>) {
        let (id, kind, text, marks) = (given.block.clone(), given.kind, text.clone(), Arc::clone(marks));
        let operation = &mut self.resolved.to_mut().operations[index];
        *operation = match &*operation {
            Operation::Insert { after, .. } => {
                Operation::Insert { block: Arc::new(Block { id, kind, text, marks }), after: after.clone() }
            }
            _ => Operation::Edit { block: id, text, kind, marks },
        };
    }

    fn marks(&mut self, block: &BlockId, marks: &[Mark]) -> Option<MarksEntry> {
        if marks.is_empty() {
            return None;
        }
        let json = marks::to_json(marks);
        let old = self.ledger.block(block).and_then(|entry| entry.marks.as_ref());
        if let Some(old) = old.filter(|old| old.json.as_deref() == Some(&json)) {
            return Some(old.clone());
        }
        let commitment = self.commit(Cow::Owned(json.clone()));
        Some(MarksEntry::new(block, Some(json.into()), commitment))
    }

    /// Returns `text` with the values marked as erased that will be read back so, if that is not
    /// how it is already.
    fn resolve(&self, index: usize, text: &Text) -> Option<Text> {
        let old = old_values(self.ledger, &self.event.operations[index]);
        if !text.has_erased() && !old.is_some_and(|old| old.text.has_erased()) {
            return None;
        }
        let known: Vec<Option<&str>> = old.map_or_else(Vec::new, |old| old.text.values().collect());
        let erased = |pair: &Option<usize>| pair.is_some_and(|old| known[old].is_none());
        let values = text.shown_values().zip(&self.pairs[index]);
        Some(Text::from_values(values.map(|(value, pair)| (!erased(pair)).then_some(value))))
    }

    /// Returns the commitments of an operation's text: kept ones and fresh ones.
    fn values(&mut self, index: usize, text: &'a Text) -> Vec<Commitment> {
        let old = old_values(self.ledger, &self.event.operations[index]);
        let pairs = std::mem::take(&mut self.pairs[index]);
        let kept = |pair: Option<usize>| old.zip(pair).map(|(old, place)| old.commitments[place]);
        text.shown_values()
            .zip(pairs)
            .map(|(value, pair)| match kept(pair).or_else(|| self.spare.get_mut(value)?.pop()) {
                Some(commitment) => commitment,
                None => self.commit(Cow::Borrowed(value)),
            })
            .collect()
    }

    /// Returns the commitments of a text that stands in no article: fresh ones.
    fn text(&mut self, text: &'a Text) -> Vec<Commitment> {
        text.shown_values().map(|value| self.commit(Cow::Borrowed(value))).collect()
    }

    fn commit(&mut self, value: Cow<'a, str>) -> Commitment {
        let index = u32::try_from(self.fresh.len()).expect("an event holds far fewer than 2^32 values");
        let commitment = commit(&self.salts.at(index), value.as_bytes());
        self.fresh.push(value);
        commitment
    }
}

/// A block's content as an operation gives it.
struct Given<'a> {
    block: &'a BlockId,
    kind: BlockKind,
    text: &'a Text,
    marks: &'a Arc<[Mark]>,
}

/// Returns what stands at the path that an operation gives other words, or takes out.
fn old_values<'a>(ledger: &'a Ledger, operation: &Operation) -> Option<&'a Entry> {
    match operation {
        Operation::Delete { block } | Operation::Edit { block, .. } => {
            ledger.block(block).map(|entry| &entry.text)
        }
        Operation::Set { field, .. } => ledger.field(*field),
        Operation::Insert { .. } | Operation::Move { .. } => None,
    }
}

fn new_text(operation: &Operation) -> Option<&Text> {
    match operation {
        Operation::Insert { block, .. } => Some(&block.text),
        Operation::Edit { text, .. } | Operation::Set { text, .. } => Some(text),
        Operation::Delete { .. } | Operation::Move { .. } => None,
    }
}

/// Returns which value of `old` each value of `new` is: each old one once, by equal words.
fn pair(old: Option<&Entry>, new: &Text) -> Vec<Option<usize>> {
    let old: Vec<&str> = old.map_or_else(Vec::new, |old| old.text.shown_values().collect());
    let new: Vec<&str> = new.shown_values().collect();
    let mut pairs = vec![None; new.len()];
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let tails = old[head..].iter().rev().zip(new[head..].iter().rev());
    let tail = tails.take_while(|(old, new)| old == new).count();
    for (place, pair) in pairs[..head].iter_mut().enumerate() {
        *pair = Some(place);
    }
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    for (place, pair) in pairs[new_end..].iter_mut().enumerate() {
        *pair = Some(old_end + place);
    }
    let mut between: HashMap<&str, Vec<usize>> = HashMap::new();
    if head < new_end {
        for place in (head..old_end).rev() {
            between.entry(old[place]).or_default().push(place);
        }
    }
    for place in head..new_end {
        pairs[place] = between.get_mut(new[place]).and_then(Vec::pop);
    }
    pairs
}

/// Puts the values of `old` that no pair names, as far as their words are known, into `spare`.
fn spare_others<'a>(
    old: Option<&'a Entry>,
    pairs: &[Option<usize>],
    spare: &mut HashMap<&'a str, Vec<Commitment>>,
) {
    let Some(old) = old else { return };
    let mut kept = vec![false; old.commitments.len()];
    for place in pairs.iter().flatten() {
        kept[*place] = true;
    }
    let values = old.text.values().zip(old.commitments.iter()).zip(kept);
    for ((value, commitment), _) in values.filter(|(_, kept)| !kept) {
        if let Some(value) = value {
            spare.entry(value).or_default().push(*commitment);
        }
    }
}
