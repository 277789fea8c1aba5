//! Opens a record: verifies everything that it claims, and gives back the event.

use std::collections::HashMap;
use std::sync::Arc;

use proof::{Commitment, envelope_hash};
use story::{ActNotice, Block, BlockId, CorrectionNotice, Event, IllegalEvent, Mark, Operation, Text};

use super::form::{Content, Form, Step};
use super::ledger::{Entry, Ledger, MarksEntry, Updates};
use super::masks::Masks;
use super::{Chain, Disclosures, DisclosuresError, Header, HeaderError, OpenError, Opened, marks, reader};

/// Returns what a record says and advances `chain` past it.
pub(super) fn open(chain: &mut Chain, envelope: &[u8], disclosures: &[u8]) -> Result<Opened, OpenError> {
    let form = reader::read(envelope).map_err(|error| match error {
        HeaderError::Version { found } => OpenError::Version { found },
        HeaderError::Damaged(damaged) => OpenError::Envelope(damaged),
    })?;
    check_place(chain, &form.header)?;
    let disclosures = Disclosures::parse(disclosures).map_err(|error| match error {
        DisclosuresError::Damaged(damaged) => OpenError::Disclosures(damaged),
        DisclosuresError::NoValue { index, .. } => OpenError::Value { index },
    })?;
    let mut opening = Opening::new(chain, &form.steps, &disclosures);
    let event = opening.event(&form)?;
    let Opening { values, updates, .. } = opening;
    if values.len() != disclosures.count() {
        return Err(OpenError::Values { committed: values.len(), disclosed: disclosures.count() });
    }
    let story = story::apply(chain.story.clone(), &event)?;
    let actual = chain.ledger.state(&updates, &story.article).map_err(|block| IllegalEvent {
        revision: event.revision,
        problem: format!("nothing is known of block {block}"),
    })?;
    let expected = form.header.state;
    if actual != expected {
        return Err(OpenError::State { expected, actual });
    }
    let hash = envelope_hash(envelope);
    chain.advance(story, updates, (hash, actual));
    Ok(Opened { header: form.header, event, hash, values })
}

fn check_place(chain: &Chain, header: &Header) -> Result<(), OpenError> {
    if header.story != chain.id {
        return Err(OpenError::Story { found: header.story });
    }
    let expected = chain.story.revision.next();
    if header.revision != expected {
        return Err(OpenError::Revision { expected, found: header.revision });
    }
    if header.prev != chain.prev {
        return Err(OpenError::Prev { expected: chain.prev, found: header.prev });
    }
    Ok(())
}

/// A record on its way to an event.
struct Opening<'a> {
    ledger: &'a Ledger,
    /// Values that are read as erased, whether they are or not.
    masks: &'a Masks,
    disclosures: &'a Disclosures,
    /// What the disclosures open, by index.
    disclosed: Vec<Option<Commitment>>,
    /// The values that stood at the paths the event touches, each to be used once.
    known: HashMap<Commitment, Option<&'a str>>,
    /// The commitments that are new, by index.
    values: Vec<Commitment>,
    updates: Updates,
}

impl<'a> Opening<'a> {
    fn new(chain: &'a Chain, steps: &[Step], disclosures: &'a Disclosures) -> Self {
        let Chain { ledger, masks, .. } = chain;
        let mut known = HashMap::new();
        for step in steps {
            if let Some(entry) = old_values(ledger, step) {
                known.extend(entry.commitments.iter().copied().zip(entry.text.values()));
            }
        }
        let disclosed = disclosures.commitments();
        let (values, updates) = (Vec::new(), Updates::default());
        Self { ledger, masks, disclosures, disclosed, known, values, updates }
    }

    fn event(&mut self, form: &Form) -> Result<Event, OpenError> {
        let header = &form.header;
        let operations = form.steps.iter().map(|step| self.operation(step)).collect::<Result<_, _>>()?;
        let note = self.text(&form.note)?;
        let correction = match &form.correction {
            Some(notice) => {
                let (what, place) = (self.text(&notice.what)?, self.text(&notice.place)?);
                Some(CorrectionNotice { what, place, approver: notice.approver.clone() })
            }
            None => None,
        };
        let act = match &form.act {
            Some(act) => Some(ActNotice { reason: self.text(&act.reason)?, approver: act.approver.clone() }),
            None => None,
        };
        Ok(Event {
            revision: header.revision,
            kind: header.kind,
            desk: header.desk.clone(),
            status: header.status,
            public: header.public,
            recorded: header.recorded,
            occurred: header.occurred.clone(),
            note,
            correction,
            act,
            until: header.until,
            rebased: header.rebased,
            label: header.label,
            redaction: header.redaction.clone(),
            operations,
        })
    }

    fn operation(&mut self, step: &Step) -> Result<Operation, OpenError> {
        Ok(match step {
            Step::Delete { block } => {
                self.updates.delete(block);
                Operation::Delete { block: block.clone() }
            }
            Step::Move { block, after } => Operation::Move { block: block.clone(), after: after.clone() },
            Step::Insert { block, after, content } => {
                let (text, marks) = self.content(block, content)?;
                let block = Arc::new(Block { id: block.clone(), kind: content.kind, text, marks });
                Operation::Insert { block, after: after.clone() }
            }
            Step::Edit { block, content } => {
                let (text, marks) = self.content(block, content)?;
                Operation::Edit { block: block.clone(), text, kind: content.kind, marks }
            }
            Step::Set { field, values } => {
                let text = self.values(values)?;
                self.updates.set(*field, text.clone(), values);
                Operation::Set { field: *field, text }
            }
        })
    }

    fn content(&mut self, block: &BlockId, content: &Content) -> Result<(Text, Arc<[Mark]>), OpenError> {
        let entry = content.marks.map(|commitment| self.marks(block, commitment)).transpose()?;
        let text = self.values(&content.values)?;
        let json = entry.as_ref().and_then(|entry| entry.json.as_deref());
        let marks = match json.map(marks::from_json) {
            Some(Some(marks)) => marks::fitting(&text, &marks),
            Some(None) => return Err(OpenError::Marks { block: block.to_string() }),
            None => Arc::default(),
        };
        self.updates.fill(block, content.kind, (text.clone(), &content.values), entry);
        Ok((text, marks))
    }

    fn marks(&mut self, block: &BlockId, commitment: Commitment) -> Result<MarksEntry, OpenError> {
        let old = self.ledger.block(block).and_then(|entry| entry.marks.as_ref());
        if let Some(old) = old.filter(|old| old.commitment == commitment) {
            return Ok(old.clone());
        }
        let json = self.fresh(commitment)?.map(Arc::from);
        Ok(MarksEntry::new(block, json, commitment))
    }

    /// Returns the text behind commitments of the article: kept ones and fresh ones.
    fn values(&mut self, commitments: &[Commitment]) -> Result<Text, OpenError> {
        let values: Vec<Option<&str>> = commitments
            .iter()
            .map(|commitment| match self.known.remove(commitment) {
                Some(value) => Ok(value),
                None => self.fresh(*commitment),
            })
            .collect::<Result<_, _>>()?;
        Ok(Text::from_values(values))
    }

    /// Returns the text behind commitments that stand in no article: fresh ones.
    fn text(&mut self, commitments: &[Commitment]) -> Result<Text, OpenError> {
        let values: Vec<Option<&str>> =
            commitments.iter().map(|commitment| self.fresh(*commitment)).collect::<Result<_, _>>()?;
        Ok(Text::from_values(values))
    }

    /// Returns the value of the next new commitment; `None` if it was erased.
    fn fresh(&mut self, commitment: Commitment) -> Result<Option<&'a str>, OpenError> {
        let index = self.values.len();
        self.values.push(commitment);
        match self.disclosed.get(index).copied().flatten() {
            Some(disclosed) if disclosed != commitment => Err(OpenError::Value { index }),
            Some(_) if self.masks.hide(commitment) => Ok(None),
            Some(_) => Ok(self.disclosures.value(index)),
            None => Ok(None),
        }
    }
}

/// Returns what stands at the path that a step gives other words, or takes out.
fn old_values<'a>(ledger: &'a Ledger, step: &Step) -> Option<&'a Entry> {
    match step {
        Step::Delete { block } | Step::Edit { block, .. } => ledger.block(block).map(|entry| &entry.text),
        Step::Set { field, .. } => ledger.field(*field),
        Step::Insert { .. } | Step::Move { .. } => None,
    }
}
