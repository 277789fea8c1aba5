//! The messages of a change: what goes out for it, small enough for the server.
//!
//! A message that is too large is sent as a reference to fetch: nothing is left out for its size.

use bytes::Bytes;
use projector::ChangeRow;
use story::Desk;
use wire::{ArticleRef, ArticleView, Change, ChangeBody, CloudEvent, message_id, recall_id};

use crate::trouble::Trouble;

/// Room for the subject and the headers of one message, which count towards its size.
const HEADERS_BYTES_MAX: usize = 2 * 1024;
/// Least `max_payload` of a server that serves us: a reference with the longest notes fits.
pub(crate) const PAYLOAD_BYTES_LEAST: usize = 128 * 1024;

/// Returns the id of the message that tells of `row`.
pub(crate) fn change_id(row: &ChangeRow) -> String {
    message_id(row.story, row.to)
}

/// Returns what the trace of `row` is known by on its way.
pub(crate) const fn trace_key(row: &ChangeRow) -> trace::Key {
    (*row.story.as_bytes(), row.to.get())
}

/// Returns the id of the recall that goes to the desk of `row`, or of its copy for another desk.
pub(crate) fn recall_id_on(row: &ChangeRow, desk: &Desk) -> String {
    let id = recall_id(row.story, row.to);
    if *desk == row.desk { id } else { format!("{id}:{desk}") }
}

/// Returns the id of the copy of it that goes to the desk that the story leaves.
pub(crate) fn leave_id(row: &ChangeRow, left: &Desk) -> String {
    format!("{}:{left}", change_id(row))
}

/// Returns the message for the change's subject, no larger than `payload_bytes_max`.
pub(crate) fn change(row: &ChangeRow, payload_bytes_max: usize) -> Result<Bytes, Trouble> {
    if fits(&row.event, payload_bytes_max) {
        return Ok(row.event.clone());
    }
    let damaged = |source| Trouble::Damaged { id: change_id(row), source };
    let mut event: CloudEvent<Change> = serde_json::from_slice(&row.event).map_err(damaged)?;
    event.data.body = ChangeBody::Fetch(ArticleRef::path(row.story, row.to));
    event.data.observations.clear();
    serde_json::to_vec(&event).map(Bytes::from).map_err(damaged)
}

/// Returns the message for the article's subject, no larger than `payload_bytes_max`.
pub(crate) fn article(row: &ChangeRow, payload_bytes_max: usize) -> Result<Bytes, Trouble> {
    if fits(&row.article, payload_bytes_max) {
        return Ok(row.article.clone());
    }
    let damaged = |source| Trouble::Damaged { id: change_id(row), source };
    let event: CloudEvent<ArticleView> = serde_json::from_slice(&row.article).map_err(damaged)?;
    serde_json::to_vec(&event.into_reference()).map(Bytes::from).map_err(damaged)
}

fn fits(message: &Bytes, payload_bytes_max: usize) -> bool {
    message.len().saturating_add(HEADERS_BYTES_MAX) <= payload_bytes_max
}
