//! IPTC NewsML-G2: a `newsItem` of text, alone or as the only one of a `newsMessage`.
//!
//! Packages, concepts and messages of several items are refused by name: which of them is the
//! story is for the sender to say. Namespaces, qcode aliases and catalogues are not resolved: a
//! qcode counts by what stands behind its alias, as in `stat:canceled`.

mod body;
mod tree;

use story::{CopyBuilder, CopyError, Field, Kind, note_text};

use crate::html::HtmlReader;
use crate::intake::{Format, Intake, IntakeError, time};
use crate::lead_in::{self, PubStatus, STORY_ROLE};
use crate::ninjs::slug;
use crate::source::Source;
use tree::{Element, Node};

/// The root elements of the standard.
const ROOTS: [&str; 7] =
    ["newsItem", "newsMessage", "packageItem", "conceptItem", "knowledgeItem", "planningItem", "catalogItem"];

/// Returns whether `text` begins as a document of the standard does.
pub(crate) fn begins(text: &str) -> bool {
    text.starts_with('<') && tree::root_name(text).is_some_and(|name| ROOTS.contains(&name.as_str()))
}

pub(crate) fn read(text: &str) -> Result<Intake, IntakeError> {
    let root = tree::parsed(text)?;
    let item = Item::of(news_item(&root)?)?;
    let source = item.source()?;
    let status = item.status()?;
    let lead_in = item.is_ours().then(|| lead_in::read(item.ed_note.as_deref()?)).flatten();
    let mut copy = CopyBuilder::new();
    item.add_fields(&mut copy)?;
    let ed_note = lead_in.as_ref().map_or(item.ed_note.as_deref(), |said| Some(said.ed_note.as_str()));
    if let Some(ed_note) = ed_note.filter(|note| !note.trim().is_empty()) {
        copy.field(Field::EdNote, ed_note)?;
    }
    let has_body = body::add(&mut copy, &mut HtmlReader::default(), item.element)?;
    if !has_body && item.headline().is_none() && status == PubStatus::Usable {
        let next = "send an item with a headline, or with a body in its contentSet";
        return Err(IntakeError::not_a_story("it is a NewsML-G2 item without a headline or a body", next));
    }
    let mut intake = Intake::new(Format::NewsmlG2, copy.finish());
    intake.kind = status.kind(match &lead_in {
        Some(said) => Some(said.kind),
        None => item.is_correction().then_some(Kind::Correction),
    });
    let note = match &lead_in {
        Some(said) => said.note.as_str(),
        None if intake.kind == Some(Kind::Correction) => item.ed_note.as_deref().unwrap_or_default(),
        None => "",
    };
    intake.note = note_text("edNote", note)?;
    intake.occurred = item.time("versionCreated")?;
    intake.embargoed = item.time("embargoed")?;
    intake.source = Some(source);
    Ok(intake)
}

/// Returns the one news item that `root` is or carries.
fn news_item(root: &Element) -> Result<&Element, IntakeError> {
    let next = "send the newsItem of the story, alone or alone in its newsMessage";
    let refused = |what: String| Err(IntakeError::not_a_story(what, next));
    match root.name.as_str() {
        "newsItem" => Ok(root),
        "newsMessage" => {
            let mut items = root.all("itemSet").flat_map(Element::elements);
            match (items.next(), items.count()) {
                (None, _) => refused("it is a NewsML-G2 message without an item".to_owned()),
                (Some(item), 0) if item.name == "newsItem" => Ok(item),
                (Some(item), 0) => refused(format!("it is a NewsML-G2 message with a {}", item.name)),
                (Some(_), more) => refused(format!("it is a NewsML-G2 message of {} items", more + 1)),
            }
        }
        name if ROOTS.contains(&name) => refused(format!("it is a NewsML-G2 {name}")),
        name => {
            let name: String = name.chars().take(40).collect();
            refused(format!("it is XML whose root is {name}, not NewsML-G2"))
        }
    }
}

/// A news item of text.
struct Item<'a> {
    element: &'a Element,
    management: &'a Element,
    content: Option<&'a Element>,
    ed_note: Option<String>,
}

impl<'a> Item<'a> {
    fn of(element: &'a Element) -> Result<Self, IntakeError> {
        let missing = "is missing: it says what the item is and whether it may be used";
        let management =
            element.first("itemMeta").ok_or_else(|| refused(element, "newsItem/itemMeta", missing))?;
        if let Some(class) = management.first("itemClass").map(code)
            && !matches!(class, "text" | "composite")
        {
            let next = "send an item of class ninat:text or ninat:composite";
            let class: String = class.chars().take(40).collect();
            return Err(IntakeError::not_a_story(format!("it is a NewsML-G2 item of class {class}"), next));
        }
        let notes: Vec<String> = management.all("edNote").map(Element::text).collect();
        let ed_note = (!notes.is_empty()).then(|| notes.join("\n"));
        Ok(Self { element, management, content: element.first("contentMeta"), ed_note })
    }

    fn source(&self) -> Result<Source, IntakeError> {
        let place = "newsItem/@guid";
        let guid = self.element.attribute("guid").ok_or_else(|| {
            refused(self.element, place, "is missing: an item is known by it, through all its versions")
        })?;
        let named =
            Source::named(place, guid).map_err(|error| refused(self.element, place, &error.problem))?;
        let version = self.element.attribute("version").map(|version| {
            let problem = "is no whole number: versions count up from 1";
            version.trim().parse().map_err(|_| refused(self.element, "newsItem/@version", problem))
        });
        let created = self.time("versionCreated")?.and_then(|created| created.parse().ok());
        Ok(Source { version: version.transpose()?, created, ..named })
    }

    fn status(&self) -> Result<PubStatus, IntakeError> {
        let Some(given) = self.management.first("pubStatus") else { return Ok(PubStatus::Usable) };
        let problem = "is none of stat:usable, stat:withheld, stat:canceled: say which it is";
        PubStatus::named(code(given))
            .ok_or_else(|| refused(given, "newsItem/itemMeta/pubStatus/@qcode", problem))
    }

    /// Returns whether the service wrote the item.
    fn is_ours(&self) -> bool {
        let ids = self.content.into_iter().flat_map(|meta| meta.all("altId"));
        ids.into_iter().any(|id| id.attribute("typeuri") == Some(STORY_ROLE))
    }

    fn is_correction(&self) -> bool {
        self.management.all("signal").any(|signal| code(signal) == "correction")
    }

    fn time(&self, name: &str) -> Result<Option<std::sync::Arc<str>>, IntakeError> {
        let Some(element) = self.management.first(name) else { return Ok(None) };
        let given = element.text();
        // An empty `embargoed` is an embargo without a known end: refused, since none can be kept.
        match time(name, given.trim()) {
            Ok(time) => Ok(Some(time)),
            Err(IntakeError::Copy(error)) => {
                Err(refused(element, &format!("newsItem/itemMeta/{name}"), &error.problem))
            }
            Err(error) => Err(error),
        }
    }

    fn headline(&self) -> Option<&'a Element> {
        let has_words = |element: &&Element| !element.text().trim().is_empty();
        self.content.and_then(|meta| {
            let main = meta.all("headline").filter(has_words).find(|element| role(element) == Some("main"));
            let plain = meta.all("headline").filter(has_words).find(|element| role(element).is_none());
            main.or(plain).or_else(|| meta.all("headline").find(has_words))
        })
    }

    fn add_fields(&self, copy: &mut CopyBuilder) -> Result<(), CopyError> {
        if let Some(headline) = self.headline() {
            copy.field(Field::Headline, &headline.text())?;
        }
        let Some(meta) = self.content else { return Ok(()) };
        let text = |name| meta.first(name).map(Element::text).filter(|text| !text.trim().is_empty());
        if let Some(slug) = text("slugline").as_deref().map(str::trim).and_then(slug) {
            copy.field(Field::Slug, &slug)?;
        }
        let language = meta.first("language").and_then(|language| language.attribute("tag"));
        let language = language.or(self.element.attribute("lang")).map(|tag| tag.trim().to_owned());
        let located = || meta.all("located").find_map(name);
        for (field, given) in [
            (Field::Summary, summary(meta)),
            (Field::Dateline, text("dateline").or_else(located)),
            (Field::Language, language),
            (Field::Urgency, text("urgency").map(|urgency| urgency.trim().to_owned())),
        ] {
            if let Some(given) = given {
                copy.field(field, &given)?;
            }
        }
        let links: Vec<String> = self.management.all("link").filter_map(link).collect();
        for (field, given) in [
            (Field::Bylines, bylines(meta)),
            (Field::Tags, meta.all("subject").filter_map(name).collect()),
            (Field::Links, links),
        ] {
            if !given.is_empty() {
                copy.list(field, given.iter().map(String::as_str))?;
            }
        }
        Ok(())
    }
}

fn refused(element: &Element, path: &str, problem: &str) -> IntakeError {
    IntakeError::Xml { line: element.line, path: path.to_owned(), problem: problem.to_owned() }
}

/// Returns what stands behind the alias of the element's qcode, or at the end of its URI.
fn code(element: &Element) -> &str {
    let given = element.attribute("qcode").or(element.attribute("uri")).unwrap_or_default();
    last_part(given)
}

/// Returns the element's role without its alias.
fn role(element: &Element) -> Option<&str> {
    element.attribute("role").or(element.attribute("roleuri")).map(last_part)
}

fn last_part(code: &str) -> &str {
    code.trim().rsplit([':', '/', '#']).next().unwrap_or_default()
}

fn name(element: &Element) -> Option<String> {
    element.first("name").map(Element::text).filter(|name| !name.trim().is_empty())
}

fn summary(meta: &Element) -> Option<String> {
    let is_summary =
        |element: &&Element| matches!(role(element), None | Some("summary" | "abstract" | "text"));
    meta.all("description").filter(is_summary).map(Element::text).find(|text| !text.trim().is_empty())
}

/// Returns the names that `by` is made of, where they are there one by one; else what `by` says;
/// else the names of those who made it.
fn bylines(meta: &Element) -> Vec<String> {
    let creators: Vec<String> = meta.all("creator").filter_map(name).collect();
    match meta.first("by").map(Element::text).filter(|by| !by.trim().is_empty()) {
        Some(by) if creators.join(", ") != by => vec![by],
        _ => creators,
    }
}

/// Returns the page that the item says to see beside it, as a link; what is none is passed over.
fn link(element: &Element) -> Option<String> {
    let rel = element.attribute("rel").or(element.attribute("reluri"))?;
    if last_part(rel) != "seeAlso" {
        return None;
    }
    let href = element.attribute("href")?.trim();
    let link = match element.attribute("title") {
        Some(title) => format!("{href} {title}"),
        None => href.to_owned(),
    };
    CopyBuilder::new().list(Field::Links, [link.as_str()]).is_ok().then_some(link)
}
