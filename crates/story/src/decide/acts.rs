//! What acts on a story cause: holds, kills, embargoes and their ends.

use jiff::Timestamp;

use crate::aggregate::Story;
use crate::command::Act;
use crate::decide::{Refusal, recorded};
use crate::event::{ActNotice, Event};
use crate::field::Field;
use crate::kind::Status;
use crate::lifecycle::{Standing, after_deed};
use crate::text::cut;

pub(super) fn decide_act(story: &Story, act: &Act, now: Timestamp) -> Result<Option<Event>, Refusal> {
    let kind = act.deed.kind();
    if act.deed.needs_reason() && act.reason.is_empty() {
        return Err(Refusal::ReasonMissing { kind });
    }
    let desk = story.desk.clone().ok_or(Refusal::DeskMissing)?;
    let Standing { status, public, until } = after_deed(story, act.deed, now)?;
    if public && status == Status::Usable && story.article.headline().is_empty() {
        return Err(Refusal::HeadlineMissing);
    }
    // An embargo whose end stays where it was is no news to anyone.
    if !public && status == story.status && until == story.until {
        return Ok(None);
    }
    let language = story.article.fields.get(Field::Language).as_str();
    Ok(Some(Event {
        revision: story.revision.next(),
        kind,
        desk,
        status,
        public,
        recorded: recorded(story, now),
        occurred: None,
        note: cut(act.note.as_str(), language),
        correction: None,
        act: Some(ActNotice { reason: cut(act.reason.as_str(), language), approver: act.approver.clone() }),
        redaction: None,
        until,
        rebased: None,
        label: None,
        operations: Vec::new(),
    }))
}
