//! What a redaction causes.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::aggregate::Story;
use crate::block::{Block, Mark};
use crate::decide::{Refusal, recorded};
use crate::event::{ActNotice, Event, Operation};
use crate::field::Field;
use crate::kind::{Kind, Status};
use crate::redaction::{Place, Redact, RedactionKind, Replacement};
use crate::text::{Text, cut};

pub(super) fn decide_redaction(story: &Story, redact: &Redact, now: Timestamp) -> Result<Event, Refusal> {
    let desk = story.desk.clone().ok_or(Refusal::DeskMissing)?;
    check(redact)?;
    let language = story.article.fields.get(Field::Language).as_str();
    Ok(Event {
        revision: story.revision.next(),
        kind: Kind::Redaction,
        desk,
        status: story.status,
        public: story.status == Status::Usable && story.published.is_some(),
        recorded: recorded(story, now),
        occurred: None,
        note: cut(redact.note.as_str(), language),
        correction: None,
        act: Some(ActNotice {
            reason: cut(redact.reason.as_str(), language),
            approver: Some(redact.approver.clone()),
        }),
        redaction: Some(redact.redaction.clone()),
        until: story.until,
        rebased: None,
        label: None,
        operations: operations(story, &redact.replacements)?,
    })
}

fn check(redact: &Redact) -> Result<(), Refusal> {
    let kind = redact.redaction.kind;
    if redact.reason.is_empty() {
        return Err(Refusal::ReasonMissing { kind: Kind::Redaction });
    }
    if redact.redaction.values.is_empty() {
        return Err(Refusal::NothingToRedact);
    }
    if kind == RedactionKind::Annotate && redact.note.is_empty() {
        return Err(Refusal::NoteMissing);
    }
    if kind != RedactionKind::Anonymise && !redact.replacements.is_empty() {
        return Err(Refusal::ReplacementUnfit { kind });
    }
    Ok(())
}

/// Returns the edits that put other words in the article of now, in the fixed order.
fn operations(story: &Story, replacements: &[Replacement]) -> Result<Vec<Operation>, Refusal> {
    let mut by_place: BTreeMap<&Place, BTreeMap<usize, &Text>> = BTreeMap::new();
    for Replacement { place, index, text } in replacements {
        by_place.entry(place).or_default().insert(*index, text);
    }
    let mut operations = Vec::with_capacity(by_place.len());
    for block in &story.article.blocks {
        let Some(new) = by_place.remove(&Place::Block(block.id.clone())) else { continue };
        let text = replaced(&block.text, &new)?;
        if text.is_empty() {
            return Err(Refusal::NothingLeft { place: format!("block {}", block.id) });
        }
        let marks = marks_before(block, new.keys().next().copied().unwrap_or_default());
        operations.push(Operation::Edit { block: block.id.clone(), text, kind: block.kind, marks });
    }
    for field in Field::ALL {
        let Some(new) = by_place.remove(&Place::Field(field)) else { continue };
        let text = replaced(story.article.fields.get(field), &new)?;
        if text.is_empty() && field == Field::Headline {
            return Err(Refusal::NothingLeft { place: "the headline".to_owned() });
        }
        operations.push(Operation::Set { field, text });
    }
    // The caller looked at another article than this one.
    if by_place.is_empty() { Ok(operations) } else { Err(Refusal::NothingToRedact) }
}

/// Returns `text` with other words at the places of `new`.
fn replaced(text: &Text, new: &BTreeMap<usize, &Text>) -> Result<Text, Refusal> {
    if new.keys().next_back().is_some_and(|last| *last >= text.value_count()) {
        return Err(Refusal::NothingToRedact);
    }
    let values = text.values().enumerate().filter_map(|(index, value)| match new.get(&index) {
        Some(words) => (!words.is_empty()).then(|| Some(words.as_str())),
        None => Some(value),
    });
    Ok(Text::from_values(values))
}

/// Returns the marks that end before the value at `index`: behind other words, old offsets mean nothing.
fn marks_before(block: &Block, index: usize) -> Arc<[Mark]> {
    let sound: usize = block.text.shown_values().take(index).map(str::len).sum();
    block.marks.iter().filter(|mark| mark.end as usize <= sound).cloned().collect()
}
