//! Reads an envelope: exactly the bytes that the writer makes, and no others.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use proof::{Commitment, Hash};
use story::{BlockId, Redaction, Revision, StoryId, ValueId};
use uuid::Uuid;

use super::form::{Act, Content, Form, Notice, Step};
use super::json::Scanner;
use super::{Damaged, Header, HeaderError};

/// Returns what `envelope` says.
pub(super) fn read(envelope: &[u8]) -> Result<Form, HeaderError> {
    Scanner::new(envelope).and_then(form).map_err(|damaged| match version(envelope) {
        Some(found) if found != 1 => HeaderError::Version { found },
        _ => HeaderError::Damaged(damaged),
    })
}

/// Returns the version of an envelope whose form is not known.
fn version(envelope: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        v: u64,
    }
    serde_json::from_slice::<Versioned>(envelope).ok().map(|versioned| versioned.v)
}

fn form(mut scan: Scanner<'_>) -> Result<Form, Damaged> {
    let scan = &mut scan;
    scan.literal("{")?;
    let act = scan.take("\"act\":{").then(|| act(scan)).transpose()?;
    scan.literal("\"actor\":")?;
    let actor = scan.parsed("an actor", |text| text.parse().ok())?;
    scan.literal(",\"command\":")?;
    let command = scan.string()?.parse().map_err(|_| scan.damaged("an idempotency key before this"))?;
    let correction = scan.take(",\"correction\":").then(|| notice(scan)).transpose()?;
    scan.literal(",\"desk\":")?;
    let desk = scan.parsed("a desk", |text| text.parse().ok())?;
    scan.literal(",\"event\":")?;
    let event = scan.parsed("an event id", uuid)?;
    scan.literal(",\"kind\":")?;
    let kind = scan.parsed("a kind", |text| text.parse().ok())?;
    let label = if scan.take(",\"label\":") {
        Some(scan.parsed("a level of significance", |text| text.parse().ok())?)
    } else {
        None
    };
    let note = if scan.take(",\"note\":") { some_commitments(scan)? } else { Vec::new() };
    let occurred = if scan.take(",\"occurred\":") {
        Some(scan.parsed("an RFC 3339 time", |text| is_rfc3339(text).then(|| Arc::from(text)))?)
    } else {
        None
    };
    scan.literal(",\"operations\":")?;
    let steps = scan.list(step)?;
    let prev = scan.take(",\"prev\":").then(|| hash(scan)).transpose()?;
    scan.literal(",\"public\":")?;
    let public = scan.boolean()?;
    let rebased = scan.take(",\"rebased\":").then(|| scan.integer().map(Revision)).transpose()?;
    scan.literal(",\"recorded\":")?;
    let recorded = scan.parsed("a time in UTC with microseconds", timestamp)?;
    let redaction = scan.take(",\"redaction\":{").then(|| redaction(scan)).transpose()?;
    scan.literal(",\"revision\":")?;
    let revision = Revision(scan.integer()?);
    scan.literal(",\"state\":")?;
    let state = hash(scan)?;
    scan.literal(",\"status\":")?;
    let status = scan.parsed("a status", |text| text.parse().ok())?;
    scan.literal(",\"story\":")?;
    let story = StoryId::new(scan.parsed("a story id", uuid)?);
    scan.literal(",\"type\":\"filed\"")?;
    let until = scan
        .take(",\"until\":")
        .then(|| scan.parsed("a time in UTC with microseconds", timestamp))
        .transpose()?;
    scan.literal(",\"v\":1}")?;
    scan.end()?;
    let header = Header {
        event,
        story,
        revision,
        kind,
        recorded,
        occurred,
        actor,
        command,
        desk,
        status,
        public,
        until,
        rebased,
        label,
        redaction,
        prev,
        state,
    };
    Ok(Form { header, steps, note, correction, act })
}

fn act(scan: &mut Scanner<'_>) -> Result<Act, Damaged> {
    let approver = if scan.take("\"approver\":") {
        let approver = scan.parsed("an actor", |text| text.parse().ok())?;
        scan.literal(",")?;
        Some(approver)
    } else {
        None
    };
    scan.literal("\"reason\":")?;
    let reason = scan.list(commitment)?;
    scan.literal("},")?;
    Ok(Act { approver, reason })
}

fn redaction(scan: &mut Scanner<'_>) -> Result<Redaction, Damaged> {
    scan.literal("\"basis\":")?;
    let basis = scan.parsed("a basis", |text| text.parse().ok())?;
    scan.literal(",\"kind\":")?;
    let kind = scan.parsed("a kind of redaction", |text| text.parse().ok())?;
    scan.literal(",\"values\":")?;
    let values = some_commitments(scan)?.into_iter().map(|value| ValueId(value.0)).collect();
    scan.literal("}")?;
    Ok(Redaction { kind, basis, values })
}

fn notice(scan: &mut Scanner<'_>) -> Result<Notice, Damaged> {
    scan.literal("{\"approver\":")?;
    let approver = scan.parsed("an actor", |text| text.parse().ok())?;
    scan.literal(",\"place\":")?;
    let place = scan.list(commitment)?;
    scan.literal(",\"what\":")?;
    let what = scan.list(commitment)?;
    scan.literal("}")?;
    Ok(Notice { approver, place, what })
}

fn step(scan: &mut Scanner<'_>) -> Result<Step, Damaged> {
    if scan.take("{\"field\":") {
        let field = scan.parsed("a field", |text| text.parse().ok())?;
        scan.literal(",\"op\":\"set\",\"values\":")?;
        let values = scan.list(commitment)?;
        scan.literal("}")?;
        return Ok(Step::Set { field, values });
    }
    let after = if scan.take("{\"after\":") {
        let after = block_id(scan)?;
        scan.literal(",\"block\":")?;
        Some(after)
    } else {
        scan.literal("{\"block\":")?;
        None
    };
    let block = block_id(scan)?;
    if scan.take(",\"op\":\"move\"}") {
        return Ok(Step::Move { block, after });
    }
    if after.is_none() && scan.take(",\"op\":\"delete\"}") {
        return Ok(Step::Delete { block });
    }
    scan.literal(",\"kind\":")?;
    let kind = scan.parsed("a block kind", |text| text.parse().ok())?;
    let marks = scan.take(",\"marks\":").then(|| commitment(scan)).transpose()?;
    let edit = after.is_none() && scan.take(",\"op\":\"edit\"");
    if !edit {
        scan.literal(",\"op\":\"insert\"")?;
    }
    scan.literal(",\"values\":")?;
    let values = scan.list(commitment)?;
    scan.literal("}")?;
    let content = Content { kind, marks, values };
    Ok(if edit { Step::Edit { block, content } } else { Step::Insert { block, after, content } })
}

fn block_id(scan: &mut Scanner<'_>) -> Result<BlockId, Damaged> {
    scan.parsed("a block id", |text| text.parse().ok())
}

fn commitment(scan: &mut Scanner<'_>) -> Result<Commitment, Damaged> {
    scan.parsed("a commitment", |text| Commitment::from_base64url(text).ok())
}

/// Reads a list that is left out when it is empty.
fn some_commitments(scan: &mut Scanner<'_>) -> Result<Vec<Commitment>, Damaged> {
    let values = scan.list(commitment)?;
    if values.is_empty() { Err(scan.damaged("a commitment before this")) } else { Ok(values) }
}

fn hash(scan: &mut Scanner<'_>) -> Result<Hash, Damaged> {
    scan.parsed("a hash", |text| Hash::from_base64url(text).ok())
}

/// Returns the UUID that `text` is in its one form: hyphens, lower case.
fn uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    (uuid.as_hyphenated().encode_lower(&mut [0; 36]) == text).then_some(uuid)
}

/// Returns the time that `text` is in its one form, such as `2026-11-22T09:30:00.000000Z`.
fn timestamp(text: &str) -> Option<Timestamp> {
    let pattern = b"0000-00-00T00:00:00.000000Z";
    let fits = text.len() == pattern.len()
        && text.bytes().zip(pattern).all(|(byte, model)| match model {
            b'0' => byte.is_ascii_digit(),
            other => byte == *other,
        });
    if !fits {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i32>().ok();
    let small = |from: usize| i8::try_from(number(from, from + 2)?).ok();
    let year = i16::try_from(number(0, 4)?).ok()?;
    let nanosecond = number(20, 26)? * 1_000;
    let at =
        DateTime::new(year, small(5)?, small(8)?, small(11)?, small(14)?, small(17)?, nanosecond).ok()?;
    Offset::UTC.to_timestamp(at).ok()
}

/// Returns whether `text` is a time as RFC 3339 writes it, with any offset.
pub(super) fn is_rfc3339(text: &str) -> bool {
    let characters = |byte: u8| byte.is_ascii_digit() || b"-:.+TtZz".contains(&byte);
    (20..=40).contains(&text.len()) && text.bytes().all(characters) && text.parse::<Timestamp>().is_ok()
}
