//! Showing an article, in any format that there is.

use formats::Source;
use formats::publication::{Edition, EntryTimes, Origin, OutFormat, PublicCorrection};
use projector::{AsOf, View};
use story::{Revision, StoryId};
use utoipa::IntoParams;
use wire::{ArticleView, Cursor, Problem};

use crate::commands::moment::{Axis, axis};
use crate::commands::push::large;
use crate::commands::read::{at_least, no_revision, view};
use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};
use crate::problems::of_view;

/// How `format` is said.
const FORMATS: &[(&str, Option<OutFormat>)] = &[
    ("", None),
    ("json", Some(OutFormat::Json)),
    ("text", Some(OutFormat::Text)),
    ("ninjs", Some(OutFormat::Ninjs)),
    ("newsml-g2", Some(OutFormat::NewsmlG2)),
    ("jsonld", Some(OutFormat::Jsonld)),
];
/// What stands in the list of a source where a part of it is not known.
const UNKNOWN: &str = "-";

/// What to show of a story.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ShowQuery {
    /// Which state: `latest`, an RFC 3339 time, `rev:12`, `rev:-3` (three before the newest),
    /// `cursor:…` or `size:12` (when the transparency log had twelve entries).
    #[param(value_type = Option<String>, example = "rev:-1")]
    as_of: Option<AsOf>,
    /// What a time in `as_of` is compared with: `recorded` (when revisions were recorded; the default) or
    /// `published` (what readers had then, also where it was taken from them since): for readers both are
    /// one. For the desk also `delivered` or `delivered:SUBSCRIBER`: what had been got by then, as
    /// subscribers say.
    #[param(value_type = Option<String>, example = "published")]
    axis: Option<Axis>,
    /// For whose eyes: `public` (what has been published; the default) or `desk` (everything).
    #[param(value_type = Option<String>, example = "public")]
    pub(crate) view: View,
    /// `json` (the default), `text`, `ninjs` (IPTC ninjs 3.0), `newsml-g2` (IPTC NewsML-G2 2.35) or
    /// `jsonld` (schema.org); without it, `Accept` decides.
    #[param(value_type = Option<String>, example = "json")]
    pub(crate) format: Option<OutFormat>,
    /// The cursor of a push: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for ShowQuery {
    const NAMES: &'static [&'static str] = &["as_of", "axis", "view", "format", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            as_of: from.optional("as_of")?,
            axis: axis(from)?,
            view: view(from)?,
            format: from.word("format", FORMATS)?,
            at_least: at_least(from)?,
        })
    }
}

impl ShowQuery {
    /// Asks for a revision by its number.
    pub(crate) const fn of(revision: u64, RevisionQuery { view, format, at_least }: RevisionQuery) -> Self {
        Self { as_of: Some(AsOf::Revision(revision)), axis: None, view, format, at_least }
    }
}

/// How to show a revision.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevisionQuery {
    /// For whose eyes: `public` (what has been published; the default) or `desk` (everything).
    #[param(value_type = Option<String>, example = "public")]
    pub(crate) view: View,
    /// `json` (the default), `text`, `ninjs`, `newsml-g2` or `jsonld`; without it, `Accept` decides.
    #[param(value_type = Option<String>, example = "json")]
    pub(crate) format: Option<OutFormat>,
    /// The cursor of a push: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for RevisionQuery {
    const NAMES: &'static [&'static str] = &["view", "format", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { view: view(from)?, format: from.word("format", FORMATS)?, at_least: at_least(from)? })
    }
}

/// An article as it is given.
#[derive(Debug)]
pub(crate) struct Showing {
    pub(crate) story: StoryId,
    pub(crate) revision: Revision,
    /// From where to follow the story after it.
    pub(crate) cursor: Cursor,
    pub(crate) format: OutFormat,
    pub(crate) body: Vec<u8>,
}

impl Gateway {
    /// Returns `story` in `format` as a moment and a pair of eyes see it.
    pub(crate) async fn show(
        &self,
        story: &str,
        query: ShowQuery,
        format: OutFormat,
    ) -> Result<Showing, Problem> {
        self.catch_up(query.at_least).await?;
        let id = self.resolve(story, query.view).await?;
        let as_of = self.moment(Some(id), query.view, (query.as_of, query.axis)).await?;
        let doors = (PublicDoor::HttpShow, PublicDoor::NatsShow);
        let missing = || no_revision(story, "then");
        if format == OutFormat::Json {
            let shown = self.views().shown(id, as_of, query.view).await.map_err(|failed| of_view(&failed))?;
            let (article, leaving) = shown.ok_or_else(missing)?;
            self.leaves(doors, query.view, leaving);
            let body = serde_json::to_vec(&article).expect("an article is texts, numbers and lists");
            let (revision, cursor) = (article.revision, article.cursor);
            return Ok(Showing { story: id, revision, cursor, format, body });
        }
        let kept = self.views().edition(id, as_of, query.view).await.map_err(|failed| of_view(&failed))?;
        let kept = kept.ok_or_else(missing)?;
        self.leaves(doors, query.view, kept.leaving);
        let (revision, cursor, gateway) = (kept.article.revision, kept.article.cursor, self.clone());
        let bytes = kept.article.blocks.iter().map(|block| block.text.len()).sum();
        let body = large(bytes, move || written(&gateway, &kept, format)).await;
        Ok(Showing { story: id, revision, cursor, format, body: body.into_bytes() })
    }
}

/// Writes what the views hold of a revision as an item of a standard.
fn written(gateway: &Gateway, kept: &projector::Edition, format: OutFormat) -> String {
    let around = Around::of(kept);
    let source = source(&kept.article);
    format.write(&Edition { source: source.as_ref(), ..around.edition(kept, &gateway.inner.origin) })
}

/// What goes around an article, as standards say it.
#[derive(Debug)]
pub(crate) struct Around {
    corrections: Vec<PublicCorrection>,
    entries: Vec<EntryTimes>,
}

impl Around {
    /// Returns what goes around the article that the views hold.
    pub(crate) fn of(kept: &projector::Edition) -> Self {
        let correction = |one: &projector::Corrected| PublicCorrection {
            revision: one.revision,
            kind: one.kind,
            published: one.recorded,
            note: one.note.clone(),
            what: one.what.clone(),
            place: one.place.clone(),
        };
        let entry = |one: &projector::Written| EntryTimes {
            block: one.block.clone(),
            published: one.published,
            modified: one.modified,
            significant: one.significant,
        };
        Self {
            corrections: kept.corrections.iter().map(correction).collect(),
            entries: kept.entries.iter().map(entry).collect(),
        }
    }

    /// Returns `kept` as an item of a standard, without the item that it came from.
    pub(crate) fn edition<'a>(&'a self, kept: &'a projector::Edition, origin: &'a Origin) -> Edition<'a> {
        Edition {
            article: &kept.article,
            created: kept.created,
            first_published: kept.first_published,
            // Only the desk's view has a time at which the story goes out.
            embargoed_until: kept.article.until,
            note: &kept.note,
            corrections: &self.corrections,
            entries: &self.entries,
            source: None,
            origin,
        }
    }
}

/// Returns the item that the story came from, which only the desk's view names.
fn source(article: &ArticleView) -> Option<Source> {
    let part = |place: usize| article.source.get(place).filter(|part| *part != UNKNOWN);
    let id = part(0)?.clone();
    let version = part(1).and_then(|version| version.parse().ok());
    let created = part(2).and_then(|created| created.parse().ok());
    Some(Source { id, version, created })
}
