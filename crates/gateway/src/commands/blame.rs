//! Who wrote what.

use std::collections::HashMap;

use desk::{Authored, Eyes, StoryRef};
use projector::{AsOf, View};
use story::{Field, Place, Revision};
use utoipa::IntoParams;
use wire::http::{BlameBlock, BlameSpan, BlameView, RevisionLine};
use wire::{Cursor, Problem};

use crate::commands::moment::{Axis, axis};
use crate::commands::read::{at_least, no_revision, view};
use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};
use crate::problems::{self, of_view};

/// Of what to say who wrote it.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BlameQuery {
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
    /// The cursor of a push: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for BlameQuery {
    const NAMES: &'static [&'static str] = &["as_of", "axis", "view", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            as_of: from.optional("as_of")?,
            axis: axis(from)?,
            view: view(from)?,
            at_least: at_least(from)?,
        })
    }
}

impl Gateway {
    /// Returns who wrote what of `story` at a moment.
    ///
    /// The views say which revision that is and what may be shown of it; the desk's fold of the log says
    /// who wrote it.
    pub(crate) async fn blame(&self, story: &str, query: BlameQuery) -> Result<BlameView, Problem> {
        self.catch_up(query.at_least).await?;
        let id = self.resolve(story, query.view).await?;
        let as_of = self.moment(Some(id), query.view, (query.as_of, query.axis)).await?;
        let shown = self.views().shown(id, as_of, query.view).await.map_err(|failed| of_view(&failed))?;
        let (article, leaving) = shown.ok_or_else(|| no_revision(story, "then"))?;
        let eyes = if query.view == View::Public { Eyes::Public } else { Eyes::Desk };
        let blamed = self.inner.desk.blame(&StoryRef::Id(id), article.revision, eyes).await;
        let mut authored: HashMap<Place, Authored> = blamed
            .map_err(problems::of_push)?
            .into_iter()
            .map(|authored| (authored.place.clone(), authored))
            .collect();
        let mut revisions: Vec<Revision> =
            authored.values().flat_map(|one| &one.spans).map(|(_, revision)| *revision).collect();
        revisions.sort_unstable();
        revisions.dedup();
        let newest = article.revision;
        let lines = self.views().lines(id, with(revisions, newest), query.view).await;
        let lines = lines.map_err(|failed| of_view(&failed))?;
        let lines = Lines { lines: lines.into_iter().map(|line| (line.revision, line)).collect(), newest };
        self.leaves((PublicDoor::HttpShow, PublicDoor::NatsShow), query.view, leaving);
        let mut spans = |place: Place| lines.spans(authored.remove(&place));
        Ok(BlameView {
            story: id,
            slug: article.slug,
            revision: newest,
            headline: spans(Place::Field(Field::Headline)),
            summary: spans(Place::Field(Field::Summary)),
            // Only what the views show: of what was taken from readers they have no block.
            blocks: article
                .blocks
                .into_iter()
                .map(|block| BlameBlock {
                    spans: spans(Place::Block(block.id.clone())),
                    id: block.id,
                    kind: block.kind,
                })
                .collect(),
        })
    }
}

/// Returns `revisions`, which rise, and `newest` if it is not among them.
fn with(mut revisions: Vec<Revision>, newest: Revision) -> Vec<Revision> {
    if !revisions.contains(&newest) {
        revisions.push(newest);
    }
    revisions
}

/// What is known of the revisions that words came with.
struct Lines {
    lines: HashMap<Revision, RevisionLine>,
    newest: Revision,
}

impl Lines {
    fn spans(&self, authored: Option<Authored>) -> Vec<BlameSpan> {
        let spans = authored.map(|authored| authored.spans).unwrap_or_default();
        spans.into_iter().filter_map(|(text, revision)| self.span(text, revision)).collect()
    }

    /// Returns the span; words of a revision that readers cannot reach any more are told with the one that
    /// is shown.
    fn span(&self, text: String, revision: Revision) -> Option<BlameSpan> {
        let line = self.lines.get(&revision).or_else(|| self.lines.get(&self.newest))?;
        Some(BlameSpan {
            text,
            revision: line.revision,
            actor: line.actor.clone(),
            recorded: line.recorded,
            kind: line.kind,
            note: line.note.clone(),
        })
    }
}
