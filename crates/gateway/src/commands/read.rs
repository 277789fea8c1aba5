//! Reading lists and histories.

use projector::{AsOf, Leaving, StoryFilter, View};
use story::{Desk, Revision, Status, StoryId};
use utoipa::IntoParams;
use wire::http::{HistoryPage, Info, RevisionLine, StoryList};
use wire::{Cursor, Problem, ProblemKind};

use crate::access::Way;
use crate::commands::moment::{Axis, axis};
use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::limits::{HISTORY_MAX, HISTORY_PAGE, STORIES_MAX, STORIES_PAGE};
use crate::parameters::{Parameters, Query, bad_parameter};
use crate::problems::{no_story, of_view};

/// Most lines that the views give at a time.
const WINDOW: usize = 1_000;

/// How `view` is said.
const VIEWS: &[(&str, View)] = &[("public", View::Public), ("desk", View::Desk)];

/// Which stories to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Only this desk's.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "world")]
    pub(crate) desk: Option<Desk>,
    /// Only those in this status, such as `usable`.
    #[param(value_type = Option<String>, example = "usable")]
    status: Option<Status>,
    /// At most this many; 50 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500)]
    limit: usize,
    /// `next` of the page before.
    after: Option<String>,
    /// The stories as they were: an RFC 3339 time, `cursor:…` or `size:12`. Such a page may be empty and
    /// have a next.
    #[param(value_type = Option<String>, example = "2026-11-22T14:32:00Z")]
    as_of: Option<AsOf>,
    /// What a time in `as_of` is compared with: `recorded` (when revisions were recorded; the default) or
    /// `published` (what readers had then, also where it was taken from them since). For readers both are
    /// one.
    #[param(value_type = Option<String>, example = "published")]
    axis: Option<Axis>,
    /// For whose eyes: `public` (the default) or `desk`.
    #[param(value_type = Option<String>, example = "desk")]
    pub(crate) view: View,
    /// The cursor of a push: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for ListQuery {
    const NAMES: &'static [&'static str] =
        &["desk", "status", "limit", "after", "as_of", "axis", "view", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            desk: from.optional("desk")?,
            status: from.optional("status")?,
            limit: limit(from, STORIES_PAGE, STORIES_MAX)?,
            after: from.text("after"),
            as_of: from.optional("as_of")?,
            axis: axis(from)?,
            view: view(from)?,
            at_least: at_least(from)?,
        })
    }
}

/// Which revisions of a story to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// At most this many; 100 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500)]
    limit: usize,
    /// `next` of the page before: only revisions older than this one.
    #[param(value_type = Option<u64>)]
    after: Option<u64>,
    /// As it was: nothing newer than this moment, which is told as in other reads.
    #[param(value_type = Option<String>, example = "rev:-1")]
    as_of: Option<AsOf>,
    /// What a time in `as_of` is compared with: `recorded` (when revisions were recorded; the default) or
    /// `published` (what readers had then): for readers both are one. For the desk also `delivered` or
    /// `delivered:SUBSCRIBER`: what had been got by then, as subscribers say.
    #[param(value_type = Option<String>, example = "published")]
    axis: Option<Axis>,
    /// For whose eyes: `public` (only published revisions; the default) or `desk`.
    #[param(value_type = Option<String>, example = "public")]
    pub(crate) view: View,
    /// The cursor of a push: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for HistoryQuery {
    const NAMES: &'static [&'static str] = &["limit", "after", "as_of", "axis", "view", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            limit: limit(from, HISTORY_PAGE, HISTORY_MAX)?,
            after: from.number("after", i64::MAX.unsigned_abs())?,
            as_of: from.optional("as_of")?,
            axis: axis(from)?,
            view: view(from)?,
            at_least: at_least(from)?,
        })
    }
}

pub(crate) fn view(from: &mut Parameters) -> Result<View, Problem> {
    from.word("view", VIEWS)
}

pub(crate) fn at_least(from: &mut Parameters) -> Result<Option<Cursor>, Problem> {
    from.optional("at_least")
}

/// Takes the size of a page.
pub(crate) fn limit(from: &mut Parameters, usual: usize, max: usize) -> Result<usize, Problem> {
    match from.number("limit", max as u64)? {
        Some(0) => Err(bad_parameter("limit", format_args!("a page has 1 to {max} lines"))),
        Some(limit) => Ok(usize::try_from(limit).unwrap_or(max)),
        None => Ok(usual),
    }
}

impl Gateway {
    /// Returns the id of the story that `name` names, for the eyes of `view`.
    pub(crate) async fn resolve(&self, name: &str, view: View) -> Result<StoryId, Problem> {
        let story = self.views().resolve(name, view).await.map_err(|failed| of_view(&failed))?;
        story.ok_or_else(|| no_story(name))
    }

    /// Returns one page of stories.
    pub(crate) async fn list(&self, query: ListQuery) -> Result<StoryList, Problem> {
        self.catch_up(query.at_least).await?;
        let at = self.moment(None, query.view, (query.as_of, query.axis)).await?;
        let ListQuery { desk, status, limit, after, view, .. } = query;
        let filter = StoryFilter { desk, status, view, limit, after };
        let page = self.views().stories_at(filter, at).await.map_err(|failed| of_view(&failed))?;
        for leaving in page.leaving {
            self.leaves((PublicDoor::HttpList, PublicDoor::NatsList), view, Some(leaving));
        }
        Ok(StoryList { stories: page.stories, next: page.next })
    }

    /// Returns one page of a story's revisions, newest first.
    pub(crate) async fn history(&self, story: &str, query: HistoryQuery) -> Result<HistoryPage, Problem> {
        self.catch_up(query.at_least).await?;
        let id = self.resolve(story, query.view).await?;
        let as_of = self.moment(Some(id), query.view, (query.as_of, query.axis)).await?;
        let newest = self.views().revision(id, as_of, query.view).await.map_err(|failed| of_view(&failed))?;
        let newest = newest.ok_or_else(|| no_revision(story, "then"))?;
        let before = query.after.map_or(newest.get() + 1, |after| after.min(newest.get() + 1));
        let mut revisions = self.revisions_before(id, before, query.limit + 1, query.view).await?;
        let more = revisions.len() > query.limit;
        revisions.truncate(query.limit);
        let next = revisions.last().filter(|_| more).map(|line| line.revision.to_string());
        let newest = revisions.first().map(|line| line.revision);
        self.leaves_at((PublicDoor::HttpHistory, PublicDoor::NatsHistory), query.view, (id, newest)).await?;
        Ok(HistoryPage { story: id, revisions, next })
    }

    /// Returns the newest revision that `view` may see.
    pub(crate) async fn newest(&self, story: StoryId, view: View) -> Result<Option<Revision>, Problem> {
        self.views().newest(story, view).await.map_err(|failed| of_view(&failed))
    }

    /// Returns the `count` newest revisions below `before` that `view` may see, newest first.
    pub(crate) async fn revisions_before(
        &self,
        story: StoryId,
        before: u64,
        count: usize,
        view: View,
    ) -> Result<Vec<RevisionLine>, Problem> {
        let mut found = Vec::new();
        let mut upper = before;
        // The views give lines upwards: windows of numbers are read downwards until there are enough.
        while found.len() < count && upper > 1 {
            let window = if view == View::Desk { count - found.len() } else { WINDOW };
            let lower = upper.saturating_sub(window as u64).max(1);
            let lines = self.views().history(story, Revision(lower - 1), window, view).await;
            let lines = lines.map_err(|failed| of_view(&failed))?;
            found.extend(lines.into_iter().filter(|line| line.revision.get() < upper).rev());
            upper = lower;
        }
        found.truncate(count);
        Ok(found)
    }

    /// Notes what leaves by a public door: the one of the two, HTTP and NATS, by which it was asked for.
    pub(crate) fn leaves(&self, doors: (PublicDoor, PublicDoor), view: View, leaving: Option<Leaving>) {
        let Some(leaving) = leaving.filter(|_| view == View::Public) else { return };
        let door = if self.way == Way::Http { doors.0 } else { doors.1 };
        self.departures().left(door, leaving);
    }

    /// Does what [`Gateway::leaves`] does for a revision that leaves, if one does.
    pub(crate) async fn leaves_at(
        &self,
        doors: (PublicDoor, PublicDoor),
        view: View,
        (story, revision): (StoryId, Option<Revision>),
    ) -> Result<(), Problem> {
        let Some(revision) = revision.filter(|_| view == View::Public) else { return Ok(()) };
        let leaving = self.views().leaving(story, revision).await.map_err(|failed| of_view(&failed))?;
        self.leaves(doors, view, leaving);
        Ok(())
    }

    /// Returns what the service is and how far it is.
    pub(crate) fn info(&self) -> Info {
        Info {
            name: "writethru".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            epoch: format!("{:016x}", self.inner.log.epoch().0),
            head: self.inner.log.head().0,
            viewed: self.views().position().0,
            published: self.relay().map(|relay| relay.published.0),
        }
    }
}

/// Returns the problem that a story has no such revision, or none that may be seen.
pub(crate) fn no_revision(story: &str, wanted: impl std::fmt::Display) -> Problem {
    let story = crate::parameters::shown(story);
    Problem::new(ProblemKind::RevisionNotFound, format!("story {story:?} showed nothing {wanted}"))
        .with("story", story)
}
