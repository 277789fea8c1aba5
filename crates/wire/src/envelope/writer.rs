//! Writes an envelope: canonical JSON (RFC 8785), straight into bytes.
//!
//! The keys are known and ASCII, so they stand here in their order; the tests compare with a
//! canonicaliser.

use jiff::Timestamp;
use jiff::tz::Offset;
use proof::Commitment;
use story::{BlockId, Redaction};

use super::form::{Act, Content, Form, Notice, Step};
use super::json::{push_integer, push_string};

/// Bytes of an envelope without operations, roughly.
const HEADER_BYTES: usize = 640;
/// Bytes of one commitment in a list.
const COMMITMENT_BYTES: usize = 46;

/// Returns the envelope that `form` describes.
pub(super) fn write(form: &Form) -> Vec<u8> {
    let header = &form.header;
    let mut out = Vec::with_capacity(capacity(form));
    put(&mut out, "{");
    if let Some(one) = &form.act {
        act(&mut out, one);
    }
    text(&mut out, "\"actor\":\"", header.actor.as_str());
    put(&mut out, "\",\"command\":");
    push_string(&mut out, header.command.as_str());
    if let Some(notice) = &form.correction {
        correction(&mut out, notice);
    }
    text(&mut out, ",\"desk\":\"", header.desk.as_str());
    text(&mut out, "\",\"event\":\"", header.event.as_hyphenated().encode_lower(&mut [0; 36]));
    text(&mut out, "\",\"kind\":\"", header.kind.as_str());
    if let Some(label) = header.label {
        text(&mut out, "\",\"label\":\"", label.as_str());
    }
    put(&mut out, "\"");
    if !form.note.is_empty() {
        commitments(&mut out, ",\"note\":", &form.note);
    }
    if let Some(occurred) = &header.occurred {
        text(&mut out, ",\"occurred\":\"", occurred);
        put(&mut out, "\"");
    }
    put(&mut out, ",\"operations\":[");
    for (index, one) in form.steps.iter().enumerate() {
        put(&mut out, if index == 0 { "" } else { "," });
        step(&mut out, one);
    }
    put(&mut out, "]");
    if let Some(prev) = &header.prev {
        put(&mut out, ",\"prev\":\"");
        prev.push_base64url(&mut out);
        put(&mut out, "\"");
    }
    put(&mut out, if header.public { ",\"public\":true" } else { ",\"public\":false" });
    if let Some(rebased) = header.rebased {
        put(&mut out, ",\"rebased\":");
        push_integer(&mut out, rebased.get());
    }
    put(&mut out, ",\"recorded\":\"");
    timestamp(&mut out, header.recorded);
    put(&mut out, "\"");
    if let Some(one) = &header.redaction {
        redaction(&mut out, one);
    }
    put(&mut out, ",\"revision\":");
    push_integer(&mut out, header.revision.get());
    put(&mut out, ",\"state\":\"");
    header.state.push_base64url(&mut out);
    text(&mut out, "\",\"status\":\"", header.status.as_str());
    text(&mut out, "\",\"story\":\"", header.story.uuid().as_hyphenated().encode_lower(&mut [0; 36]));
    put(&mut out, "\",\"type\":\"filed\"");
    if let Some(until) = header.until {
        put(&mut out, ",\"until\":\"");
        timestamp(&mut out, until);
        put(&mut out, "\"");
    }
    put(&mut out, ",\"v\":1}");
    out
}

fn capacity(form: &Form) -> usize {
    let values = |step: &Step| match step {
        Step::Insert { content, .. } | Step::Edit { content, .. } => content.values.len() + 5,
        Step::Set { values, .. } => values.len() + 2,
        Step::Delete { .. } | Step::Move { .. } => 4,
    };
    let in_steps: usize = form.steps.iter().map(values).sum();
    let in_act = form.act.as_ref().map_or(0, |act| act.reason.len() + 2);
    let redacted = form.header.redaction.as_ref().map_or(0, |redaction| redaction.values.len() + 2);
    HEADER_BYTES + COMMITMENT_BYTES * (in_steps + form.note.len() + in_act + redacted)
}

fn put(out: &mut Vec<u8>, literal: &str) {
    out.extend_from_slice(literal.as_bytes());
}

/// Appends `literal` and `text`, which holds nothing that is escaped.
fn text(out: &mut Vec<u8>, literal: &str, text: &str) {
    put(out, literal);
    put(out, text);
}

fn act(out: &mut Vec<u8>, act: &Act) {
    put(out, "\"act\":{");
    if let Some(approver) = &act.approver {
        text(out, "\"approver\":\"", approver.as_str());
        put(out, "\",");
    }
    commitments(out, "\"reason\":", &act.reason);
    put(out, "},");
}

fn redaction(out: &mut Vec<u8>, redaction: &Redaction) {
    text(out, ",\"redaction\":{\"basis\":\"", redaction.basis.as_str());
    text(out, "\",\"kind\":\"", redaction.kind.as_str());
    let values: Vec<Commitment> = redaction.values.iter().map(|value| Commitment(value.0)).collect();
    commitments(out, "\",\"values\":", &values);
    put(out, "}");
}

fn correction(out: &mut Vec<u8>, notice: &Notice) {
    text(out, ",\"correction\":{\"approver\":\"", notice.approver.as_str());
    commitments(out, "\",\"place\":", &notice.place);
    commitments(out, ",\"what\":", &notice.what);
    put(out, "}");
}

fn step(out: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Delete { block } => {
            text(out, "{\"block\":\"", block.as_str());
            put(out, "\",\"op\":\"delete\"}");
        }
        Step::Move { block, after } => {
            placed(out, block, after.as_ref());
            put(out, "\",\"op\":\"move\"}");
        }
        Step::Insert { block, after, content } => {
            placed(out, block, after.as_ref());
            filled(out, content, "\"insert\"");
        }
        Step::Edit { block, content } => {
            placed(out, block, None);
            filled(out, content, "\"edit\"");
        }
        Step::Set { field, values } => {
            text(out, "{\"field\":\"", field.as_str());
            commitments(out, "\",\"op\":\"set\",\"values\":", values);
            put(out, "}");
        }
    }
}

fn placed(out: &mut Vec<u8>, block: &BlockId, after: Option<&BlockId>) {
    if let Some(after) = after {
        text(out, "{\"after\":\"", after.as_str());
        text(out, "\",\"block\":\"", block.as_str());
    } else {
        text(out, "{\"block\":\"", block.as_str());
    }
}

fn filled(out: &mut Vec<u8>, content: &Content, op: &str) {
    text(out, "\",\"kind\":\"", content.kind.as_str());
    if let Some(marks) = &content.marks {
        put(out, "\",\"marks\":\"");
        marks.push_base64url(out);
    }
    text(out, "\",\"op\":", op);
    commitments(out, ",\"values\":", &content.values);
    put(out, "}");
}

fn commitments(out: &mut Vec<u8>, literal: &str, values: &[Commitment]) {
    put(out, literal);
    put(out, "[");
    for (index, value) in values.iter().enumerate() {
        put(out, if index == 0 { "\"" } else { ",\"" });
        value.push_base64url(out);
        put(out, "\"");
    }
    put(out, "]");
}

/// Appends `recorded` as RFC 3339 in UTC, always with six digits of a second.
fn timestamp(out: &mut Vec<u8>, recorded: Timestamp) {
    let at = Offset::UTC.to_datetime(recorded);
    let parts = [
        (i32::from(at.year()), 4, b'-'),
        (i32::from(at.month()), 2, b'-'),
        (i32::from(at.day()), 2, b'T'),
        (i32::from(at.hour()), 2, b':'),
        (i32::from(at.minute()), 2, b':'),
        (i32::from(at.second()), 2, b'.'),
        (at.subsec_nanosecond() / 1_000, 6, b'Z'),
    ];
    for (number, width, end) in parts {
        let start = out.len();
        let mut left = number.unsigned_abs();
        out.resize(start + width, b'0');
        for digit in out[start..].iter_mut().rev() {
            *digit = b'0' + u8::try_from(left % 10).unwrap_or(0);
            left /= 10;
        }
        out.push(end);
    }
}
