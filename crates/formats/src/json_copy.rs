//! The service's own JSON for copy: every key is known, and each is there once.

use serde::Deserialize;
use story::{BlockKind, CopyBuilder, CopyError, Desk, Field, GivenBlock, Kind, Mark, note_text};

use crate::html::HtmlReader;
use crate::intake::{Format, Intake, IntakeError, time};
use crate::json::{decode, present, present_objects};

/// What is absent keeps its present state; `null` clears a field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "JSON has three states: absent, null and a value")]
struct GivenCopy {
    #[serde(default, deserialize_with = "present")]
    headline: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    summary: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    bylines: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    dateline: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    language: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    tags: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    links: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    urgency: Option<Option<u64>>,
    #[serde(default, deserialize_with = "present")]
    ed_note: Option<Option<String>>,
    #[serde(default, deserialize_with = "present_objects")]
    blocks: Option<Vec<GivenJsonBlock>>,
    #[serde(default, deserialize_with = "present")]
    slug: Option<String>,
    #[serde(default, deserialize_with = "present")]
    desk: Option<Desk>,
    #[serde(default, deserialize_with = "present")]
    kind: Option<Kind>,
    #[serde(default, deserialize_with = "present")]
    note: Option<String>,
    #[serde(default, deserialize_with = "present")]
    occurred: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenJsonBlock {
    #[serde(default, deserialize_with = "present")]
    id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    kind: Option<BlockKind>,
    #[serde(default, deserialize_with = "present")]
    text: Option<String>,
    #[serde(default, deserialize_with = "present_objects")]
    marks: Option<Vec<Mark>>,
    #[serde(default, deserialize_with = "present")]
    html: Option<String>,
}

pub(crate) fn read(text: &str) -> Result<Intake, IntakeError> {
    let given: GivenCopy = decode(text)?;
    let mut copy = CopyBuilder::new();
    let urgency = given.urgency.map(|urgency| urgency.map(|urgency| urgency.to_string()));
    let slug = given.slug.map(Some);
    for (field, given) in [
        (Field::Slug, &slug),
        (Field::Headline, &given.headline),
        (Field::Summary, &given.summary),
        (Field::Dateline, &given.dateline),
        (Field::Language, &given.language),
        (Field::Urgency, &urgency),
        (Field::EdNote, &given.ed_note),
    ] {
        if let Some(given) = given {
            copy.field(field, given.as_deref().unwrap_or_default())?;
        }
    }
    for (field, given) in
        [(Field::Bylines, &given.bylines), (Field::Tags, &given.tags), (Field::Links, &given.links)]
    {
        if let Some(given) = given {
            copy.list(field, given.iter().flatten().map(String::as_str))?;
        }
    }
    if let Some(blocks) = &given.blocks {
        copy.body();
        let mut reader = HtmlReader::default();
        for (index, block) in blocks.iter().enumerate() {
            add_block(&mut copy, &mut reader, block, index)?;
        }
    }
    let mut intake = Intake::new(Format::Json, copy.finish());
    intake.desk = given.desk;
    intake.kind = given.kind;
    intake.note = note_text("note", &given.note.unwrap_or_default())?;
    intake.occurred = given.occurred.map(|given| time("occurred", &given)).transpose()?;
    Ok(intake)
}

fn add_block(
    copy: &mut CopyBuilder,
    reader: &mut HtmlReader,
    given: &GivenJsonBlock,
    index: usize,
) -> Result<(), IntakeError> {
    let place = format!("blocks[{index}]");
    let refuse = |problem: &str| {
        Err(IntakeError::Copy(CopyError { place: place.clone(), problem: problem.to_owned() }))
    };
    let id = given.id.as_deref();
    match (&given.text, &given.html) {
        (Some(text), None) => {
            let marks = given.marks.as_deref().unwrap_or_default();
            let kind = given.kind.unwrap_or(BlockKind::Paragraph);
            Ok(copy.block(GivenBlock { id, kind, text, marks })?)
        }
        (None, Some(html)) if given.marks.is_none() => {
            let units = reader.units(&format!("{place}.html"), html)?;
            if id.is_some() && units.len() > 1 {
                return refuse("has an id and html of several paragraphs: make each a block of its own");
            }
            for unit in &units {
                let kind = given.kind.unwrap_or(unit.kind);
                copy.block(GivenBlock { id, kind, text: &unit.text, marks: &unit.marks })?;
            }
            Ok(())
        }
        (None, Some(_)) => refuse("has html and marks: html brings its own mark-up, leave marks out"),
        (Some(_), Some(_)) => refuse("has text and html: give one of them"),
        (None, None) => refuse("has no text: give text or html"),
    }
}
