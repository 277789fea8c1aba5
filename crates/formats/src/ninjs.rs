//! IPTC ninjs 1.x (`body_html`), 2.x (lower-case keys) and 3.x (camel-case keys), text items only.
//!
//! Keys that mean nothing to a story are passed over, as the standard lets a receiver do.

use serde::Deserialize;
use story::{CopyBuilder, Field, Kind, limits::TOKEN_BYTES_MAX};

use crate::html::HtmlReader;
use crate::intake::{Format, Intake, IntakeError, time};
use crate::json::decode;
use crate::plain;

/// Keys that only a ninjs item has, out of those that the service's own JSON does not know.
pub(crate) const KEYS: [&str; 12] = [
    "uri",
    "standard",
    "$standard",
    "bodies",
    "headlines",
    "body_html",
    "body_xhtml",
    "body_text",
    "versionCreated",
    "versioncreated",
    "pubStatus",
    "pubstatus",
];

#[derive(Deserialize)]
struct Item {
    uri: Option<String>,
    #[serde(rename = "type")]
    type_: Option<String>,
    #[serde(alias = "pubstatus", rename = "pubStatus")]
    pub_status: Option<String>,
    #[serde(alias = "versioncreated", rename = "versionCreated")]
    version_created: Option<String>,
    embargoed: Option<String>,
    urgency: Option<f64>,
    language: Option<String>,
    #[serde(alias = "ednote", rename = "edNote")]
    ed_note: Option<String>,
    slugline: Option<String>,
    #[serde(alias = "byline")]
    by: Option<String>,
    located: Option<String>,
    headline: Option<String>,
    #[serde(default)]
    headlines: Vec<Content>,
    #[serde(default)]
    bodies: Vec<Content>,
    body_html: Option<String>,
    body_xhtml: Option<String>,
    body_text: Option<String>,
    #[serde(default)]
    descriptions: Vec<Content>,
    description_text: Option<String>,
    #[serde(default, alias = "subject")]
    subjects: Vec<Concept>,
}

#[derive(Deserialize)]
struct Content {
    role: Option<String>,
    #[serde(alias = "contenttype", rename = "contentType")]
    media_type: Option<String>,
    value: String,
}

#[derive(Deserialize)]
struct Concept {
    name: Option<String>,
}

impl Content {
    fn is_html(&self) -> bool {
        match &self.media_type {
            Some(media_type) => media_type.to_ascii_lowercase().contains("html"),
            None => self.has_role(&["html", "xhtml"]),
        }
    }

    fn has_role(&self, roles: &[&str]) -> bool {
        self.role.as_deref().is_some_and(|role| roles.iter().any(|known| role.eq_ignore_ascii_case(known)))
    }
}

/// A text and whether it is HTML.
type Chosen<'a> = (&'a str, Markup);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Markup {
    Html,
    Plain,
}

pub(crate) fn read(text: &str) -> Result<Intake, IntakeError> {
    let item: Item = decode(text)?;
    if let Some(other) = item.type_.as_deref().filter(|type_| !matches!(*type_, "text" | "composite")) {
        let next = "send an item of type text or composite";
        return Err(IntakeError::not_a_story(format!("it is a ninjs item of type {other}"), next));
    }
    let headline = chosen(&item.headlines, &["main"])
        .or(item.headline.as_deref().map(|headline| (headline, Markup::Plain)));
    let body = body(&item);
    if headline.is_none() && body.is_none() {
        let next = "send an item with headlines or bodies";
        return Err(IntakeError::not_a_story("it is a ninjs item without a headline or a body", next));
    }
    let mut copy = CopyBuilder::new();
    let mut reader = HtmlReader::default();
    add_fields(&mut copy, &mut reader, &item, headline)?;
    if let Some(body) = body {
        add_body(&mut copy, &mut reader, body)?;
    }
    let mut intake = Intake::new(Format::Ninjs, copy.finish());
    intake.kind = match item.pub_status.as_deref() {
        Some("canceled") => Some(Kind::Kill),
        Some("withheld") => Some(Kind::Withhold),
        _ => None,
    };
    intake.occurred = item.version_created.map(|given| time("versionCreated", &given)).transpose()?;
    intake.embargoed = item.embargoed.map(|given| time("embargoed", &given)).transpose()?;
    intake.source = item.uri;
    Ok(intake)
}

fn add_fields(
    copy: &mut CopyBuilder,
    reader: &mut HtmlReader,
    item: &Item,
    headline: Option<Chosen<'_>>,
) -> Result<(), IntakeError> {
    if let Some(headline) = headline {
        copy.field(Field::Headline, &words(reader, "headlines", headline)?)?;
    }
    let summary = chosen(&item.descriptions, &["summary", "abstract", "text"])
        .or(item.description_text.as_deref().map(|text| (text, Markup::Plain)));
    if let Some(summary) = summary {
        copy.field(Field::Summary, &words(reader, "descriptions", summary)?)?;
    }
    if let Some(slug) = item.slugline.as_deref().and_then(slug) {
        copy.field(Field::Slug, &slug)?;
    }
    for (field, given) in [
        (Field::Dateline, &item.located),
        (Field::Language, &item.language),
        (Field::EdNote, &item.ed_note),
        (Field::Bylines, &item.by),
    ] {
        if let Some(given) = given {
            copy.field(field, given)?;
        }
    }
    if let Some(urgency) = item.urgency {
        copy.field(Field::Urgency, &urgency.to_string())?;
    }
    if !item.subjects.is_empty() {
        copy.list(Field::Tags, item.subjects.iter().filter_map(|subject| subject.name.as_deref()))?;
    }
    Ok(())
}

/// Returns the body to file: with mark-up rather than without, the main one rather than another.
fn body(item: &Item) -> Option<Chosen<'_>> {
    let given = item.bodies.iter().filter(|body| !body.value.trim().is_empty());
    let best = given.min_by_key(|body| (!body.is_html(), !body.has_role(&["main"]))).map(|body| {
        let markup = if body.is_html() { Markup::Html } else { Markup::Plain };
        (body.value.as_str(), markup)
    });
    let older =
        [(&item.body_html, Markup::Html), (&item.body_xhtml, Markup::Html), (&item.body_text, Markup::Plain)];
    best.or_else(|| {
        older.into_iter().find_map(|(body, markup)| {
            body.as_deref().filter(|body| !body.trim().is_empty()).map(|body| (body, markup))
        })
    })
}

/// Returns the value whose role comes first in `roles`; else the first that has no role, or, of
/// headlines, the first.
fn chosen<'a>(given: &'a [Content], roles: &[&str]) -> Option<Chosen<'a>> {
    let of_role = roles.iter().find_map(|role| given.iter().find(|content| content.has_role(&[role])));
    let any = || {
        let is_any = |content: &&Content| roles == ["main"] || content.role.is_none();
        given.iter().find(is_any)
    };
    of_role.or_else(any).filter(|content| !content.value.trim().is_empty()).map(|content| {
        let markup = if content.is_html() { Markup::Html } else { Markup::Plain };
        (content.value.as_str(), markup)
    })
}

fn words(reader: &mut HtmlReader, place: &str, (text, markup): Chosen<'_>) -> Result<String, IntakeError> {
    match markup {
        Markup::Html => reader.words(place, text),
        Markup::Plain => Ok(text.to_owned()),
    }
}

fn add_body(
    copy: &mut CopyBuilder,
    reader: &mut HtmlReader,
    (text, markup): Chosen<'_>,
) -> Result<(), IntakeError> {
    match markup {
        Markup::Html => {
            for unit in reader.units("bodies", text)? {
                unit.add_to(copy)?;
            }
            Ok(())
        }
        Markup::Plain => Ok(plain::add_paragraphs(copy, text)?),
    }
}

/// Returns a slugline as a slug: what no token may hold becomes `-`.
fn slug(slugline: &str) -> Option<String> {
    let token = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let slug: String = slugline.chars().map(token).collect();
    let words: Vec<&str> = slug.split('-').filter(|word| !word.is_empty()).collect();
    let slug = words.join("-");
    (!slug.is_empty()).then(|| slug[..slug.len().min(TOKEN_BYTES_MAX)].trim_end_matches('-').to_owned())
}
