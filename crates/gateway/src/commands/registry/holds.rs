//! Legal holds: placed, lifted and listed.

use bytes::Bytes;
use registry::{Act, Hold, HoldError, HoldFilter, HoldId, NewHold, Principal};
use utoipa::IntoParams;
use wire::Problem;
use wire::http::{HoldBody, HoldList, HoldView, LiftBody};

use super::problems::{of_store, unknown};
use super::{PAGE, PAGE_MAX, body, now, page};
use crate::commands::read::limit;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};
use crate::problems::refused;

/// Which holds to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HoldsQuery {
    /// Only of this story: its id or slug.
    #[param(value_type = Option<String>, example = "ceasefire-talks")]
    story: Option<String>,
    /// Also those that are lifted.
    #[param(value_type = Option<bool>)]
    all: bool,
    /// `next` of the page before: only older ones.
    #[param(value_type = Option<u64>)]
    after: Option<u64>,
    /// At most this many; 100 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500)]
    limit: usize,
}

impl Query for HoldsQuery {
    const NAMES: &'static [&'static str] = &["story", "all", "after", "limit"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            story: from.optional("story")?,
            all: from.truth("all")?,
            after: from.number("after", i64::MAX.unsigned_abs())?,
            limit: limit(from, PAGE, PAGE_MAX)?,
        })
    }
}

impl Gateway {
    /// Places a hold.
    pub(crate) async fn place_hold(&self, by: &Principal, given: &Bytes) -> Result<HoldView, Problem> {
        let actor = self.acting_as(by, None).await?;
        let HoldBody { story, basis, reason } = body(given)?;
        let standing = self.may_do(by, Act::Hold, &story).await?;
        let new = NewHold { story: standing.story, basis, reason, by: actor };
        let placed = self.registry().place_hold(new, now()).await;
        placed.map(view).map_err(|failed| of_hold(&failed))
    }

    /// Lifts a hold.
    pub(crate) async fn lift_hold(
        &self,
        by: &Principal,
        hold: &str,
        given: &Bytes,
    ) -> Result<HoldView, Problem> {
        let actor = self.acting_as(by, None).await?;
        let id = HoldId(hold.parse().map_err(|_| unknown("hold", hold))?);
        let known = self.registry().hold(id).await.map_err(|failed| of_store(&failed))?;
        let known = known.ok_or_else(|| unknown("hold", hold))?;
        self.may_do(by, Act::Hold, &known.story.to_string()).await?;
        let LiftBody { reason } = body(given)?;
        let lifted = self.registry().lift_hold(id, actor, reason, now()).await;
        lifted.map(view).map_err(|failed| of_hold(&failed))
    }

    /// Returns one page of holds, newest first.
    pub(crate) async fn holds(&self, by: &Principal, query: &HoldsQuery) -> Result<HoldList, Problem> {
        let story = if let Some(story) = &query.story {
            Some(self.audited_story(by, story, None).await?)
        } else {
            self.allow_house(by, Act::Audit).await?;
            None
        };
        let filter = HoldFilter { story, open: !query.all, before: query.after.map(HoldId) };
        let mut found =
            self.registry().holds(filter, query.limit + 1).await.map_err(|failed| of_store(&failed))?;
        let next = page(&mut found, query.limit, |hold| hold.id.0.to_string());
        Ok(HoldList { holds: found.into_iter().map(view).collect(), next })
    }
}

fn view(hold: Hold) -> HoldView {
    let Hold { id, story, basis, reason, placed: (placed, placed_by), lifted } = hold;
    let (lifted, lifted_by, lift_reason) = match lifted {
        Some((at, by, why)) => (Some(at), Some(by), Some(why)),
        None => (None, None, None),
    };
    HoldView { hold: id.0, story, basis, reason, placed, placed_by, lifted, lifted_by, lift_reason }
}

fn of_hold(failed: &HoldError) -> Problem {
    match failed {
        HoldError::Store(failed) => of_store(failed),
        HoldError::Unknown(id) => unknown("hold", &id.to_string()),
        HoldError::Lifted(id) => refused("hold-lifted", failed.to_string()).with("hold", *id),
        HoldError::TooMany { .. } => refused("too-many", failed.to_string()),
    }
}
