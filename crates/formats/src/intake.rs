//! Reading one submission: what format it is in, and what it says.

use std::sync::Arc;

use jiff::Timestamp;
use story::{Copy, CopyError, Desk, Field, IntakeReport, Kind, Text};

use crate::limits::INTAKE_BYTES_MAX;
use crate::source::Source;
use crate::{json, json_copy, markdown, newsml_g2, ninjs, plain};

/// A format that a submission can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Plain text: a headline, then paragraphs between blank lines. Every character is literal.
    Plain,
    /// Markdown: as plain text, with headings, quotes, lists and inline mark-up.
    Markdown,
    /// The service's own JSON.
    Json,
    /// IPTC ninjs 1.x, 2.x or 3.x.
    Ninjs,
    /// IPTC NewsML-G2: a news item, or a news message with one.
    NewsmlG2,
}

/// One submission, checked and normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// The format it was in.
    pub format: Format,
    /// What it says of the article; its slug is among the fields.
    pub copy: Copy,
    /// What intake took out.
    pub report: IntakeReport,
    /// The desk it names.
    pub desk: Option<Desk>,
    /// The kind it names. An item of a standard that is canceled or withheld is a kill or a
    /// withhold, so that it cannot be filed as an update; one that the service itself wrote is of
    /// the kind that it says.
    pub kind: Option<Kind>,
    /// The public note; of a correction from elsewhere its note for editors. Empty if none.
    pub note: Text,
    /// When it happened, or when this version was made: RFC 3339, the offset kept.
    pub occurred: Option<Arc<str>>,
    /// Until when it must not be published, if it says so: RFC 3339, the offset kept.
    pub embargoed: Option<Arc<str>>,
    /// The item's identity at its source.
    pub source: Option<Source>,
}

impl Intake {
    pub(crate) fn new(format: Format, (copy, report): (Copy, IntakeReport)) -> Self {
        Self {
            format,
            copy,
            report,
            desk: None,
            kind: None,
            note: Text::default(),
            occurred: None,
            embargoed: None,
            source: None,
        }
    }
}

/// Why a submission was refused: nothing of it was filed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// More bytes than anyone's copy has.
    #[error("it has {actual} bytes; the limit is {limit}: send less at once")]
    TooLarge {
        /// How many bytes it has.
        actual: usize,
        /// How many it may have.
        limit: usize,
    },
    /// Bytes that are no text.
    #[error("byte {at} is not UTF-8: save the file as UTF-8 text")]
    NotUtf8 {
        /// Place of the first such byte, from 0.
        at: usize,
    },
    /// JSON that does not parse, or has another shape than the format says.
    #[error("line {line} column {column}: {path}: {problem}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// The field, such as `blocks[3].text`; `.` for the whole.
        path: String,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// XML that does not parse, or is not what the format says.
    #[error("line {line}: {path}: {problem}")]
    Xml {
        /// Line, from 1.
        line: usize,
        /// The element, such as `newsItem/itemMeta/pubStatus`.
        path: String,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// A value that may not be kept.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// Nothing to file.
    #[error("it has no words: send a headline, and paragraphs below it")]
    Empty,
    /// Not something that can be filed as a story.
    #[error("{what}: {next}")]
    NotAStory {
        /// What it is.
        what: String,
        /// What to send.
        next: &'static str,
    },
    /// A line of a history.
    #[error("line {number}: {source}")]
    Line {
        /// The line, from 1.
        number: usize,
        /// What is wrong with it.
        source: Box<IntakeError>,
    },
}

impl IntakeError {
    pub(crate) fn not_a_story(what: impl Into<String>, next: &'static str) -> Self {
        Self::NotAStory { what: what.into(), next }
    }
}

/// Returns what `given` says; `declared` is its format where the sender has named it, and `None`
/// lets its looks decide between ninjs, NewsML-G2, JSON and plain text.
///
/// # Errors
/// [`IntakeError`] says what is wrong, where, and what to send instead.
pub fn read(given: &[u8], declared: Option<Format>) -> Result<Intake, IntakeError> {
    let text = decoded(given)?;
    if text.trim().is_empty() {
        return Err(IntakeError::Empty);
    }
    let format = match declared {
        Some(format) => format,
        None => sniffed(text)?,
    };
    let intake = match format {
        // It may clear or keep every text, and change no more than a desk.
        Format::Json => return json_copy::read(text),
        Format::Plain => plain::read(text)?,
        Format::Markdown => markdown::read(text)?,
        Format::Ninjs => ninjs::read(text)?,
        Format::NewsmlG2 => newsml_g2::read(text)?,
    };
    if intake.kind.is_some_and(|kind| !kind.is_for_copy()) && intake.source.is_some() {
        // An item of a standard may say no more than that it must not be used.
        return Ok(intake);
    }
    let has_body = intake.copy.blocks.as_ref().is_some_and(|blocks| !blocks.is_empty());
    if intake.copy.fields.get(Field::Headline).is_empty() && !has_body {
        return Err(IntakeError::Empty);
    }
    Ok(intake)
}

/// Returns `given` as text without a byte order mark.
pub(crate) fn decoded(given: &[u8]) -> Result<&str, IntakeError> {
    if given.len() > INTAKE_BYTES_MAX {
        return Err(IntakeError::TooLarge { actual: given.len(), limit: INTAKE_BYTES_MAX });
    }
    let text =
        std::str::from_utf8(given).map_err(|error| IntakeError::NotUtf8 { at: error.valid_up_to() })?;
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

fn sniffed(text: &str) -> Result<Format, IntakeError> {
    let start = text.trim_start();
    let begins = |with: &str| start.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    if newsml_g2::begins(start) {
        return Ok(Format::NewsmlG2);
    }
    if ["<?xml", "<!doctype", "<html"].into_iter().any(begins) {
        let what = "it is XML or a web page";
        return Err(IntakeError::not_a_story(what, "send NewsML-G2, ninjs, JSON, Markdown or plain text"));
    }
    if start.starts_with('[') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return Err(IntakeError::not_a_story("it is a JSON list", "send one story at a time, as an object"));
    }
    if !start.starts_with('{') {
        return Ok(Format::Plain);
    }
    let keys = json::keys(text)?;
    let has = |key: &str| keys.iter().any(|known| known == key);
    if has("seq") && has("body") {
        let what = "it is a history, one state a line";
        return Err(IntakeError::not_a_story(what, "import it instead of pushing it"));
    }
    Ok(if ninjs::KEYS.into_iter().any(has) { Format::Ninjs } else { Format::Json })
}

/// Returns `given`, if it is a time as RFC 3339 writes it.
pub(crate) fn time(place: &str, given: &str) -> Result<Arc<str>, IntakeError> {
    let plain =
        given.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b':' | b'.' | b'T' | b'Z'));
    if plain && given.len() <= 40 && given.parse::<Timestamp>().is_ok() {
        return Ok(given.into());
    }
    let problem = "is not a time: write it as RFC 3339, such as 2026-11-22T18:04:00+01:00";
    Err(IntakeError::Copy(CopyError { place: place.to_owned(), problem: problem.to_owned() }))
}
