//! The public past of a story as RFC 7089 (Memento) has it: which revision readers had at a time, and
//! every one there is.
//!
//! Only what readers can reach now is told. Datetimes of HTTP count whole seconds, revisions do not: of
//! several in one second the last is what a time means, and each stands in the list under its own address.

use jiff::{SignedDuration, Timestamp};
use projector::{PublicAround, PublicMoment, View};
use story::{Revision, StoryId};
use utoipa::IntoParams;
use wire::{Cursor, Problem};

use crate::commands::read::{at_least, no_revision};
use crate::departures::PublicDoor;
use crate::gateway::Gateway;
use crate::limits::TIMEMAP_PAGE;
use crate::parameters::{Parameters, Query};
use crate::problems::of_view;

/// What goes with a question to a `TimeGate`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TimeGateQuery {
    /// The cursor of a push: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    pub(crate) at_least: Option<Cursor>,
}

impl Query for TimeGateQuery {
    const NAMES: &'static [&'static str] = &["at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { at_least: at_least(from)? })
    }
}

/// Which part of a `TimeMap`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TimeMapQuery {
    /// Only revisions behind this one: what a `TimeMap` links to as the next.
    #[param(value_type = Option<u64>)]
    pub(crate) after: Option<u64>,
    /// The cursor of a push: waits until the answer includes it.
    #[param(value_type = Option<String>)]
    at_least: Option<Cursor>,
}

impl Query for TimeMapQuery {
    const NAMES: &'static [&'static str] = &["after", "at_least"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { after: from.number("after", i64::MAX.unsigned_abs())?, at_least: at_least(from)? })
    }
}

/// One part of the list of everything that readers can reach of a story.
#[derive(Debug)]
pub(crate) struct Mementos {
    pub(crate) story: StoryId,
    /// The revisions, oldest first; at least one.
    pub(crate) moments: Vec<PublicMoment>,
    /// The story's newest.
    pub(crate) last: PublicMoment,
}

impl Gateway {
    /// Returns what readers had of `story` at `time`, and what is around it: the last of that second, or
    /// the first of all if they had nothing yet. Without a time, the newest.
    pub(crate) async fn public_at(
        &self,
        story: &str,
        time: Option<Timestamp>,
        query: TimeGateQuery,
    ) -> Result<(StoryId, PublicAround), Problem> {
        self.catch_up(query.at_least).await?;
        let id = self.resolve(story, View::Public).await?;
        let to_its_end = SignedDuration::from_micros(999_999);
        let time = time.map_or(Timestamp::MAX, |time| time.checked_add(to_its_end).unwrap_or(time));
        let around = self.views().public_at(id, time).await.map_err(|failed| of_view(&failed))?;
        let around = around.ok_or_else(|| no_revision(story, "then"))?;
        let doors = (PublicDoor::HttpHistory, PublicDoor::NatsHistory);
        self.leaves_at(doors, View::Public, (id, Some(around.last.revision))).await?;
        Ok((id, around))
    }

    /// Returns what is around a public revision; `None` if readers cannot reach it.
    pub(crate) async fn public_around(
        &self,
        story: StoryId,
        revision: Revision,
    ) -> Result<Option<PublicAround>, Problem> {
        self.views().public_around(story, revision).await.map_err(|failed| of_view(&failed))
    }

    /// Returns the public revisions of `story` that readers can reach, some at a time.
    pub(crate) async fn mementos(&self, story: &str, query: TimeMapQuery) -> Result<Mementos, Problem> {
        self.catch_up(query.at_least).await?;
        let id = self.resolve(story, View::Public).await?;
        let after = Revision(query.after.unwrap_or(0));
        let moments = self.views().public_moments(id, after, TIMEMAP_PAGE).await;
        let moments = moments.map_err(|failed| of_view(&failed))?;
        let newest = self.views().public_at(id, Timestamp::MAX).await.map_err(|failed| of_view(&failed))?;
        let last =
            newest.filter(|_| !moments.is_empty()).ok_or_else(|| no_revision(story, "after that"))?.last;
        let doors = (PublicDoor::HttpHistory, PublicDoor::NatsHistory);
        self.leaves_at(doors, View::Public, (id, Some(last.revision))).await?;
        Ok(Mementos { story: id, moments, last })
    }
}
