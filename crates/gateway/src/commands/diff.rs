//! The difference of two revisions.

use projector::{AsOf, View};
use story::diff::Diff;
use story::diff::json_patch::json_patch;
use story::significance::{Significance, assess};
use story::{Article, Revision, StoryId};
use utoipa::IntoParams;
use wire::http::DiffView;
use wire::{Cursor, Problem, article_hash};

use crate::commands::moment::{Axis, axis};
use crate::commands::push::large;
use crate::commands::read::{at_least, no_revision, view};
use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query, bad_parameter, shown};
use crate::problems::{no_story, of_view};

/// The form of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiffFormat {
    /// Exact ops.
    Ops,
    /// RFC 6902.
    JsonPatch,
    /// Words, for people.
    Text,
}

impl DiffFormat {
    /// Returns its media type.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Ops => "application/json",
            Self::JsonPatch => "application/json-patch+json",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// How `format` is said.
const FORMATS: &[(&str, Option<DiffFormat>)] = &[
    ("", None),
    ("ops", Some(DiffFormat::Ops)),
    ("json-patch", Some(DiffFormat::JsonPatch)),
    ("text", Some(DiffFormat::Text)),
];

/// Which difference.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffQuery {
    /// The earlier revision: a number (0 is before the first), or anything that `as_of` takes; if
    /// absent, the one before `to` that `view` may see.
    #[param(value_type = Option<String>, example = "1")]
    from: Option<Moment>,
    /// The later revision, likewise; if absent, the newest.
    #[param(value_type = Option<String>, example = "2")]
    to: Option<Moment>,
    /// The later revision, as every other read takes it: in place of `to`.
    #[param(value_type = Option<String>, example = "rev:-1")]
    as_of: Option<AsOf>,
    /// What times are compared with: `recorded` (when revisions were recorded; the default) or `published`
    /// (what readers had then, also where it was taken from them since): for readers both are one. For the
    /// desk also `delivered` or `delivered:SUBSCRIBER`: what had been got by then, as subscribers say.
    #[param(value_type = Option<String>, example = "published")]
    axis: Option<Axis>,
    /// `ops` (exact, as subscribers get them; the default), `json-patch` (RFC 6902, for the
    /// article as an object of fields, `order` and `blocks`) or `text` (words, for people).
    #[param(value_type = Option<String>, example = "ops")]
    pub(crate) format: Option<DiffFormat>,
    /// For whose eyes: `public` (only published revisions; the default) or `desk`.
    #[param(value_type = Option<String>, example = "public")]
    pub(crate) view: View,
    /// The cursor of a push: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for DiffQuery {
    const NAMES: &'static [&'static str] = &["from", "to", "as_of", "axis", "format", "view", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            from: moment(from, "from")?,
            to: moment(from, "to")?,
            as_of: from.optional("as_of")?,
            axis: axis(from)?,
            format: from.word("format", FORMATS)?,
            view: view(from)?,
            at_least: at_least(from)?,
        })
    }
}

impl DiffQuery {
    /// Asks for what readers were shown to change between two revisions.
    pub(crate) fn between(from: u64, to: u64) -> Self {
        let moment = |number| if number == 0 { Moment::Start } else { Moment::At(AsOf::Revision(number)) };
        Self {
            from: Some(moment(from)),
            to: Some(moment(to)),
            as_of: None,
            axis: None,
            format: None,
            view: View::Public,
            at_least: None,
        }
    }
}

/// One end of a difference.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Before the first revision.
    Start,
    /// A moment of the story.
    At(AsOf),
}

fn moment(from: &mut Parameters, name: &str) -> Result<Option<Moment>, Problem> {
    let Some(text) = from.text(name) else { return Ok(None) };
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let moment = match text.parse::<u64>() {
        Ok(0) if digits => Moment::Start,
        Ok(number) if digits => Moment::At(AsOf::Revision(number)),
        _ => Moment::At(text.parse().map_err(|_| {
            bad_parameter(
                name,
                format_args!(
                    "{:?} is no revision: use a number, rev:-3, an RFC 3339 time, cursor:… or size:12",
                    shown(&text)
                ),
            )
        })?),
    };
    Ok(Some(moment))
}

/// The difference of two revisions and what they were.
#[derive(Debug)]
pub(crate) struct Difference {
    /// What is exact.
    pub(crate) view: DiffView,
    /// The earlier article.
    pub(crate) before: Article,
    /// The later article.
    pub(crate) after: Article,
}

impl Difference {
    /// Returns the difference as people read it.
    pub(crate) fn text(&self) -> String {
        story::render::to_plain(&self.lines())
    }

    /// Returns the difference as lines for people.
    pub(crate) fn lines(&self) -> Vec<story::render::Line> {
        story::render::lines(&self.before, &self.after, &self.diff())
    }

    /// Returns the difference as RFC 6902 has it.
    pub(crate) fn json_patch(&self) -> serde_json::Value {
        let (base, target) = (self.view.base.to_string(), self.view.target.to_string());
        json_patch(&self.before, &self.after, &self.diff(), (&base, &target))
    }

    fn diff(&self) -> Diff {
        Diff { ops: self.view.ops.clone(), observations: self.view.observations.clone() }
    }
}

impl Gateway {
    /// Returns the difference of two revisions of `story`.
    pub(crate) async fn difference(&self, story: &str, query: DiffQuery) -> Result<Difference, Problem> {
        self.difference_by((PublicDoor::HttpDiff, PublicDoor::NatsDiff), story, query).await
    }

    /// Does what [`Gateway::difference`] does for what leaves by one of `doors`.
    pub(crate) async fn difference_by(
        &self,
        doors: (PublicDoor, PublicDoor),
        story: &str,
        query: DiffQuery,
    ) -> Result<Difference, Problem> {
        self.catch_up(query.at_least).await?;
        let view = query.view;
        let id = self.resolve(story, view).await?;
        let to = match (query.to, query.as_of) {
            (None, None) => self.newest(id, view).await?.ok_or_else(|| no_story(story))?,
            (Some(moment), None) => self.revision(id, moment, ("to", query.axis.clone()), view).await?,
            (None, Some(as_of)) => {
                self.revision(id, Moment::At(as_of), ("as_of", query.axis.clone()), view).await?
            }
            (Some(_), Some(_)) => {
                return Err(bad_parameter("as_of", "it stands in place of to: give one of them"));
            }
        };
        let from = match query.from {
            None => self.previous(id, to, view).await?,
            Some(moment) => self.revision(id, moment, ("from", query.axis), view).await?,
        };
        for revision in [from, to] {
            let leaving = Some(revision).filter(|revision| *revision != Revision::ZERO);
            self.leaves_at(doors, view, (id, leaving)).await?;
        }
        let recorded = self.recorded_significance(id, from, to).await?;
        let (before, after) = (self.state(id, from, view).await?, self.state(id, to, view).await?);
        Ok(large(before.text_bytes() + after.text_bytes(), move || {
            let diff = story::diff::diff(&before, &after);
            let significance = recorded.unwrap_or_else(|| assess(&before, &after, &diff, None));
            let view = DiffView {
                story: id,
                from,
                to,
                base: article_hash(&before),
                target: article_hash(&after),
                ops: diff.ops,
                observations: diff.observations,
                significance,
            };
            Difference { view, before, after }
        })
        .await)
    }

    async fn state(&self, story: StoryId, revision: Revision, view: View) -> Result<Article, Problem> {
        let state = self.views().state(story, revision, view).await.map_err(|failed| of_view(&failed))?;
        state.ok_or_else(|| no_revision(&story.to_string(), format_args!("at revision {revision}")))
    }

    /// Returns the number of the revision that stood at `moment`, which the parameter `name` gives.
    async fn revision(
        &self,
        story: StoryId,
        moment: Moment,
        (name, axis): (&str, Option<Axis>),
        view: View,
    ) -> Result<Revision, Problem> {
        let Moment::At(as_of) = moment else { return Ok(Revision::ZERO) };
        // An axis is about the ends that are told by a time, be it only one of them.
        let is_time = matches!(as_of, AsOf::Recorded(_) | AsOf::Published(_));
        let as_of = self.moment(Some(story), view, (Some(as_of), axis.filter(|_| is_time))).await?;
        let found = self.views().revision(story, as_of, view).await.map_err(|failed| of_view(&failed))?;
        found.ok_or_else(|| {
            no_revision(&story.to_string(), format_args!("at {name}"))
                .with("place", format!("query parameter {name}"))
        })
    }

    /// Returns the revision before `revision` that `view` may see.
    async fn previous(&self, story: StoryId, revision: Revision, view: View) -> Result<Revision, Problem> {
        if view == View::Desk {
            return Ok(Revision(revision.get().saturating_sub(1)));
        }
        let around = self.views().public_around(story, revision).await.map_err(|failed| of_view(&failed))?;
        Ok(around.and_then(|around| around.before).map_or(Revision::ZERO, |before| before.revision))
    }

    /// Returns what was recorded of a change that readers got: an editor's label counts there.
    async fn recorded_significance(
        &self,
        story: StoryId,
        from: Revision,
        to: Revision,
    ) -> Result<Option<Significance>, Problem> {
        if self.previous(story, to, View::Public).await? != from {
            return Ok(None);
        }
        let lines = self.views().lines(story, vec![to], View::Public).await;
        let lines = lines.map_err(|failed| of_view(&failed))?;
        Ok(lines.into_iter().next().and_then(|line| line.significance))
    }
}
