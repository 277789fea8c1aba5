//! A story's history for import: JSON Lines, one full state after an update a line.
//!
//! Every text is literal. Keys that are not known here are passed over: the format lets its
//! writers add some.

use serde::Deserialize;
use story::{BlockKind, CopyBuilder, CopyError, Field, GivenBlock, Kind, note_text};

use crate::intake::{Format, Intake, IntakeError, decoded, time};
use crate::json::decode;
use crate::source::Source;

#[derive(Deserialize)]
struct GivenState {
    seq: u64,
    at: Option<String>,
    headline: String,
    body: Vec<String>,
    source: String,
    by: Option<String>,
    note: Option<String>,
    kind: Option<String>,
    rev: Option<serde_json::Value>,
}

/// One state of a story in a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its number in the history, from 1.
    pub sequence: u64,
    /// What it says. `occurred` is when the update was made, `source` where it was found.
    pub intake: Intake,
    /// Who made it: a pseudonym.
    pub by: Option<String>,
    /// The kind that the history states, in its own words; [`Intake::kind`] where it is one of
    /// ours.
    pub kind: Option<String>,
    /// Its name at its origin.
    pub rev: Option<String>,
}

/// Reads a history line by line; remembers no more than its place.
#[derive(Debug, Default)]
pub struct History {
    line: usize,
    sequence: u64,
}

impl History {
    /// Returns a reader that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the state that the next `line` holds; `None` for a blank one.
    ///
    /// # Errors
    /// [`IntakeError::Line`] names the line. States are numbered from 1 without gaps.
    pub fn read(&mut self, line: &[u8]) -> Result<Option<State>, IntakeError> {
        self.line += 1;
        self.state(line).map_err(|source| IntakeError::Line { number: self.line, source: Box::new(source) })
    }

    fn state(&mut self, line: &[u8]) -> Result<Option<State>, IntakeError> {
        let line = decoded(line)?;
        if line.trim().is_empty() {
            return Ok(None);
        }
        let given: GivenState = decode(line)?;
        if self.sequence.checked_add(1) != Some(given.seq) {
            let problem =
                format!("is {} after {}: number the states from 1 without gaps", given.seq, self.sequence);
            return Err(CopyError { place: "seq".to_owned(), problem }.into());
        }
        let mut copy = CopyBuilder::new();
        copy.field(Field::Headline, &given.headline)?;
        copy.body();
        for paragraph in &given.body {
            copy.block(GivenBlock::plain(BlockKind::Paragraph, paragraph))?;
        }
        let mut intake = Intake::new(Format::Json, copy.finish());
        intake.kind = given.kind.as_deref().and_then(|kind| kind.parse::<Kind>().ok());
        intake.note = note_text("note", &given.note.unwrap_or_default())?;
        intake.occurred = given.at.map(|at| time("at", &at)).transpose()?;
        intake.source = Some(Source { id: given.source, version: None, created: None });
        let rev = given.rev.map(|rev| rev.as_str().map_or_else(|| rev.to_string(), str::to_owned));
        self.sequence = given.seq;
        Ok(Some(State { sequence: given.seq, intake, by: given.by, kind: given.kind, rev }))
    }
}
