//! Reading a push: the copy, and what comes with it, as the desk takes it.

use desk::{PushRequest, StoryRef, Target};
use formats::{Intake, Source};
use jiff::Timestamp;
use story::{ActorId, CorrectionNotice, Field, Kind, Push, Release, Revision, Slug, Text, note_text};
use wire::{Problem, recordable};

use crate::commands::push::{Filing, PushParameters, large};
use crate::gateway::Gateway;
use crate::parameters::{bad_parameter, shown};
use crate::problems;

/// A request to the desk, and what an edge has to know beside it.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) inner: PushRequest,
    /// Whether a header states the revision that is expected.
    pub(crate) by_header: bool,
    /// What an editor should know of.
    pub(crate) warnings: Vec<String>,
    /// The act that an item of a wire asks for beside its copy.
    pub(crate) act: Option<Kind>,
}

impl Gateway {
    /// Reads the copy and puts it together with what comes with it, filed by `actor`.
    pub(crate) async fn asked(&self, filing: Filing, actor: ActorId) -> Result<Asked, Problem> {
        let Filing { story, query, if_match, key, format, copy, .. } = filing;
        let expected = agreed(if_match, query.expect)?;
        let base = query.base;
        let length = copy.len();
        let intake = large(length, move || formats::read(&copy, format)).await;
        let mut intake = intake.map_err(|error| problems::of_intake(&error))?;
        if let Some(source) = &intake.source {
            // Where copy came from is a part of the story: a later version of the item finds it.
            intake.copy.given.push(Field::Source);
            intake.copy.fields.set(Field::Source, stored(source));
        }
        let given_slug = intake.copy.fields.get(Field::Slug).as_str().parse::<Slug>().ok();
        let target = match (story, query.slug.clone().or(given_slug)) {
            (Some(name), _) => {
                Target::Existing(name.parse::<StoryRef>().map_err(|_| problems::no_story(&name))?)
            }
            (None, Some(slug)) => Target::BySlug(slug),
            (None, None) => Target::New(None),
        };
        let mut warnings = stripped(&intake);
        let act = intake.kind.filter(|kind| is_act(*kind) && query.kind.is_none());
        let release = release(&intake, &query, act, &mut warnings)?;
        let is_known = match &target {
            Target::Existing(_) => true,
            Target::BySlug(slug) => self.inner.desk.find(&StoryRef::Slug(slug.clone())).is_some(),
            Target::New(_) => false,
        } || intake
            .source
            .as_ref()
            .is_some_and(|source| self.inner.desk.find_source(&source.id).is_some());
        let push = push_of(intake, query, &Context { release, actor: &actor, is_known }, &mut warnings)?;
        let inner = PushRequest { target, push, actor, command: key, expected, base };
        Ok(Asked { inner, by_header: if_match.is_some(), warnings, act })
    }
}

/// What reading copy depends on beside the copy.
struct Context<'a> {
    release: Release,
    actor: &'a ActorId,
    /// Whether the story is there.
    is_known: bool,
}

/// Returns whether an item of this kind is an act on its story: one that is not known here.
const fn is_act(kind: Kind) -> bool {
    matches!(kind, Kind::Kill | Kind::Withhold | Kind::Takedown)
}

/// Returns a source as a story keeps it: id, version, time of the version.
fn stored(source: &Source) -> Text {
    let version = source.version.map_or_else(|| "-".to_owned(), |version| version.to_string());
    let created = source.created.map_or_else(|| "-".to_owned(), |created| created.to_string());
    Text::from_values([source.id.as_str(), &version, &created].map(Some))
}

fn push_of(
    intake: Intake,
    query: PushParameters,
    context: &Context<'_>,
    warnings: &mut Vec<String>,
) -> Result<Push, Problem> {
    let note = match &query.note {
        Some(note) => text("note", note)?,
        None => intake.note,
    };
    let from_wire = intake.source.is_some() && query.kind.is_none();
    let mut kind = match intake.kind {
        Some(given) if !given.is_for_copy() => query.kind,
        given => query.kind.or(given),
    };
    if from_wire && !context.is_known && kind.is_some_and(Kind::amends) {
        warnings.push(format!(
            "the item is a {} of something that is not here: filed as the first of its story",
            kind.map_or("change", Kind::as_str)
        ));
        kind = None;
    }
    let mut correction = notice(&query)?;
    if from_wire && kind == Some(Kind::Correction) && correction.is_none() {
        correction = Some(wire_notice(&note, context.actor)?);
    }
    Ok(Push {
        desk: query.desk.or(intake.desk),
        kind,
        copy: intake.copy,
        release: context.release,
        note,
        correction,
        label: query.label,
        occurred: query.occurred.map(Into::into).or(intake.occurred),
        rebased: None,
    })
}

/// Returns what a correction from a wire owes its readers: its note for editors says it.
fn wire_notice(note: &Text, actor: &ActorId) -> Result<CorrectionNotice, Problem> {
    if note.is_empty() {
        let detail = "the item is a correction and does not say of what: its edNote is missing; give what, \
                      where, note and approver";
        return Err(problems::refused("correction-incomplete", detail).with("place", "edNote"));
    }
    let place = text("where", "see the editor's note")?;
    Ok(CorrectionNotice { what: note.clone(), place, approver: actor.clone() })
}

fn notice(query: &PushParameters) -> Result<Option<CorrectionNotice>, Problem> {
    let PushParameters { what, place, approver, .. } = query;
    if what.is_none() && place.is_none() && approver.is_none() {
        return Ok(None);
    }
    let Some(approver) = approver.clone() else {
        let detail = "a correction needs who approved it";
        return Err(
            problems::refused("correction-incomplete", detail).with("place", "query parameter approver")
        );
    };
    let given = |name, given: &Option<String>| text(name, given.as_deref().unwrap_or_default());
    Ok(Some(CorrectionNotice { what: given("what", what)?, place: given("where", place)?, approver }))
}

pub(crate) fn text(name: &str, given: &str) -> Result<Text, Problem> {
    note_text(name, given).map_err(|error| bad_parameter(name, &error.problem))
}

/// Returns `given` if it is a time as RFC 3339 writes it.
pub(crate) fn time(name: &str, given: String) -> Result<String, Problem> {
    instant(name, &given).map(|_| given)
}

/// Returns the moment that `given` is, to the microsecond.
pub(crate) fn instant(name: &str, given: &str) -> Result<Timestamp, Problem> {
    let is_plain =
        given.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b':' | b'.' | b'T' | b'Z'));
    if is_plain
        && given.len() <= 40
        && let Ok(time) = given.parse()
    {
        return Ok(recordable(time));
    }
    let shown = shown(given);
    Err(bad_parameter(
        name,
        format_args!("{shown:?} is not a time: write it as RFC 3339, such as 2026-11-22T18:04:00+01:00"),
    ))
}

/// Returns whether and when the copy goes to readers: as the request says, else as the copy does.
fn release(
    intake: &Intake,
    query: &PushParameters,
    act: Option<Kind>,
    warnings: &mut Vec<String>,
) -> Result<Release, Problem> {
    let stated = [query.draft, query.embargo_until.is_some(), query.publish_at.is_some()];
    if stated.into_iter().filter(|stated| *stated).count() > 1 {
        let detail = "draft, embargo_until and publish_at exclude each other: state one";
        return Err(bad_parameter("draft", detail));
    }
    if let Some(until) = query.embargo_until {
        return Ok(Release::Embargo(until));
    }
    if let Some(at) = query.publish_at {
        return Ok(Release::Schedule(at));
    }
    // The words of an item that is held or killed are kept, for who may read them.
    if query.draft || act.is_some() {
        return Ok(Release::Draft);
    }
    match intake.embargoed.as_deref().map(|until| (until, until.parse::<Timestamp>())) {
        Some((_, Ok(until))) if until > Timestamp::now() => Ok(Release::Embargo(recordable(until))),
        Some((until, _)) => {
            warnings.push(format!("the copy's embargo ended at {until}: it was published"));
            Ok(Release::Publish)
        }
        None => Ok(Release::Publish),
    }
}

fn stripped(intake: &Intake) -> Vec<String> {
    let count = intake.report.provenance_characters;
    let warning = || format!("{count} invisible provenance characters were taken out");
    (count > 0).then(warning).into_iter().collect()
}

/// Returns the one revision that header and parameter state.
fn agreed(if_match: Option<Revision>, expect: Option<Revision>) -> Result<Option<Revision>, Problem> {
    match (if_match, expect) {
        (Some(header), Some(parameter)) if header != parameter => Err(bad_parameter(
            "expect",
            format_args!("it says revision {parameter} and If-Match says {header}: state one"),
        )),
        (header, parameter) => Ok(header.or(parameter)),
    }
}
