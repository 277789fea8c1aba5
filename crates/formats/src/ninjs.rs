//! IPTC ninjs 1.x (`body_html`), 2.x (lower-case keys) and 3.x (camel-case keys), text items only.
//!
//! Properties that mean nothing to a story are passed over; those that the item's version forbids
//! are refused, except in 1.x, whose feeds are full of them.

mod schema;

use serde::Deserialize;
use story::limits::TOKEN_BYTES_MAX;
use story::{CopyBuilder, CopyError, Field, Slug, note_text};

use crate::html::HtmlReader;
use crate::intake::{Format, Intake, IntakeError, time};
use crate::json::{decode, keys, objects};
use crate::lead_in::{self, LeadIn, PubStatus, STORY_ROLE};
use crate::plain;
use crate::source::Source;
use schema::{Generation, Standard};

/// Keys that only a ninjs item has, out of those that the service's own JSON does not know.
pub(crate) const KEYS: [&str; 13] = [
    "uri",
    "standard",
    "$standard",
    "bodies",
    "headlines",
    "body_html",
    "body_xhtml",
    "body_text",
    "embargoedUntil",
    "versionCreated",
    "versioncreated",
    "pubStatus",
    "pubstatus",
];

/// How the service says in `objects` that one is a page to see beside the story.
pub(crate) const SEE_ALSO: &str = "seeAlso";

#[derive(Deserialize)]
struct Item {
    uri: Option<String>,
    #[serde(alias = "$standard")]
    standard: Option<Standard>,
    #[serde(rename = "type")]
    type_: Option<String>,
    version: Option<serde_json::Value>,
    #[serde(alias = "pubstatus", rename = "pubStatus")]
    pub_status: Option<String>,
    #[serde(alias = "versioncreated", rename = "versionCreated")]
    version_created: Option<String>,
    #[serde(alias = "embargoedUntil")]
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
    #[serde(default, deserialize_with = "objects")]
    headlines: Vec<Content>,
    #[serde(default, deserialize_with = "objects")]
    bodies: Vec<Content>,
    body_html: Option<String>,
    body_xhtml: Option<String>,
    body_text: Option<String>,
    #[serde(default, deserialize_with = "objects")]
    descriptions: Vec<Content>,
    description_text: Option<String>,
    #[serde(default, alias = "subject", deserialize_with = "objects")]
    subjects: Vec<Concept>,
    #[serde(default, rename = "infoSources", deserialize_with = "objects")]
    info_sources: Vec<Concept>,
    #[serde(default, deserialize_with = "objects")]
    objects: Vec<Concept>,
    // In 1.x an object of the sender's own making.
    #[serde(rename = "altIds")]
    alternative_ids: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    role: Option<String>,
    #[serde(alias = "contenttype", rename = "contentType")]
    media_type: Option<String>,
    #[serde(alias = "charcount", rename = "charCount")]
    _char_count: Option<serde::de::IgnoredAny>,
    #[serde(alias = "wordcount", rename = "wordCount")]
    _word_count: Option<serde::de::IgnoredAny>,
    value: String,
}

#[derive(Deserialize)]
struct Concept {
    name: Option<String>,
    role: Option<String>,
    rel: Option<String>,
    uri: Option<String>,
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
    let status = check(&item, &keys(text)?)?;
    let source = source(&item)?;
    let headline = chosen(&item.headlines, &["main"])
        .or(item.headline.as_deref().map(|headline| (headline, Markup::Plain)));
    let body = body(&item);
    if headline.is_none() && body.is_none() && status == PubStatus::Usable {
        let next = "send an item with headlines or bodies";
        return Err(IntakeError::not_a_story("it is a ninjs item without a headline or a body", next));
    }
    let lead_in = item.is_ours().then(|| lead_in::read(item.ed_note.as_deref()?)).flatten();
    let mut copy = CopyBuilder::new();
    let mut reader = HtmlReader::default();
    add_texts(&mut copy, &mut reader, &item, headline)?;
    add_fields(&mut copy, &item, lead_in.as_ref())?;
    if let Some(body) = body {
        add_body(&mut copy, &mut reader, body)?;
    }
    let mut intake = Intake::new(Format::Ninjs, copy.finish());
    intake.kind = status.kind(lead_in.as_ref().map(|said| said.kind));
    if let Some(said) = &lead_in {
        intake.note = note_text("edNote", &said.note)?;
    }
    intake.occurred = item.version_created.map(|given| time("versionCreated", &given)).transpose()?;
    intake.embargoed = item.embargoed.map(|given| time("embargoedUntil", &given)).transpose()?;
    intake.source = Some(source);
    Ok(intake)
}

/// Refuses what is no legal ninjs, and what is no text; returns whether it may be used.
fn check(item: &Item, keys: &[String]) -> Result<PubStatus, IntakeError> {
    if let Some(other) = item.type_.as_deref().filter(|type_| !matches!(*type_, "text" | "composite")) {
        let next = "send an item of type text or composite";
        return Err(IntakeError::not_a_story(format!("it is a ninjs item of type {other}"), next));
    }
    let generation = Generation::of(item.standard.as_ref(), keys);
    generation.check(keys)?;
    let is_version = match &item.version {
        None | Some(serde_json::Value::Null | serde_json::Value::String(_)) => true,
        // Not legal, and harmless.
        Some(serde_json::Value::Number(_)) => !matches!(generation, Generation::Two | Generation::Three),
        Some(_) => false,
    };
    if !is_version {
        return Err(refused("version", "is not a string: write \"2\", not 2"));
    }
    let Some(given) = item.pub_status.as_deref() else { return Ok(PubStatus::Usable) };
    PubStatus::named(given)
        .ok_or_else(|| refused("pubStatus", "is none of usable, withheld, canceled: say which it is"))
}

fn refused(place: &str, problem: &str) -> IntakeError {
    CopyError { place: place.to_owned(), problem: problem.to_owned() }.into()
}

fn source(item: &Item) -> Result<Source, IntakeError> {
    let Some(uri) = &item.uri else {
        return Err(refused("uri", "is missing: an item is known by it, through all its versions"));
    };
    let version = match &item.version {
        Some(serde_json::Value::String(version)) => version.parse().ok(),
        Some(version) => version.as_u64(),
        None => None,
    };
    let created = item.version_created.as_deref().and_then(|created| created.parse().ok());
    Ok(Source { version, created, ..Source::named("uri", uri)? })
}

impl Item {
    /// Returns whether the service wrote the item.
    fn is_ours(&self) -> bool {
        let ids = self.alternative_ids.as_ref().and_then(serde_json::Value::as_array);
        ids.into_iter().flatten().any(|id| id["role"] == STORY_ROLE)
    }

    /// Returns the names that `by` is made of, where the item has them one by one.
    fn bylines<'a>(&'a self, by: &'a str) -> Vec<&'a str> {
        let authors = self.info_sources.iter().filter(|party| party.role.as_deref() == Some("author"));
        let names: Vec<&str> = authors.filter_map(|author| author.name.as_deref()).collect();
        if names.join(", ") == by { names } else { vec![by] }
    }
}

fn add_texts(
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
    Ok(())
}

fn add_fields(
    copy: &mut CopyBuilder,
    item: &Item,
    lead_in: Option<&LeadIn<String>>,
) -> Result<(), IntakeError> {
    if let Some(slug) = item.slugline.as_deref().and_then(slug) {
        copy.field(Field::Slug, &slug)?;
    }
    let ed_note = match lead_in {
        Some(said) => (!said.ed_note.is_empty()).then_some(said.ed_note.as_str()),
        None => item.ed_note.as_deref(),
    };
    for (field, given) in [
        (Field::Dateline, item.located.as_deref()),
        (Field::Language, item.language.as_deref()),
        (Field::EdNote, ed_note),
    ] {
        if let Some(given) = given {
            copy.field(field, given)?;
        }
    }
    if let Some(by) = item.by.as_deref() {
        copy.list(Field::Bylines, item.bylines(by))?;
    }
    if let Some(urgency) = item.urgency {
        copy.field(Field::Urgency, &urgency.to_string())?;
    }
    if !item.subjects.is_empty() {
        copy.list(Field::Tags, item.subjects.iter().filter_map(|subject| subject.name.as_deref()))?;
    }
    let seen_also = item.objects.iter().filter(|object| object.rel.as_deref() == Some(SEE_ALSO));
    let links: Vec<String> = seen_also.filter_map(Concept::link).collect();
    if item.is_ours() && !links.is_empty() {
        copy.list(Field::Links, links.iter().map(String::as_str))?;
    }
    Ok(())
}

impl Concept {
    fn link(&self) -> Option<String> {
        let uri = self.uri.as_deref()?;
        Some(self.name.as_deref().map_or_else(|| uri.to_owned(), |name| format!("{uri} {name}")))
    }
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
pub(crate) fn slug(slugline: &str) -> Option<String> {
    if slugline.parse::<Slug>().is_ok() {
        return Some(slugline.to_owned());
    }
    let token = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let slug: String = slugline.chars().map(token).collect();
    let words: Vec<&str> = slug.split('-').filter(|word| !word.is_empty()).collect();
    let slug = words.join("-");
    (!slug.is_empty()).then(|| slug[..slug.len().min(TOKEN_BYTES_MAX)].trim_end_matches('-').to_owned())
}
