//! Actors: listed, added, changed, removed; their names erased. For whoever manages actors.

use bytes::Bytes;
use registry::{Act, Actor, ActorChange, ActorName, Grant, NewActor, Principal};
use story::ActorId;
use utoipa::IntoParams;
use wire::Problem;
use wire::http::{ActorChangeBody, ActorList, ActorView, NewActorBody, Unlogged};

use super::problems::{of_actor, of_store, unknown};
use super::{PAGE, PAGE_MAX, bad_body, body, now, page, text};
use crate::commands::read::limit;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};

/// Who acts in the log when the clock does: nobody else may have that id.
pub(super) const CLOCK: &str = "scheduler";

/// Which actors to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActorsQuery {
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<ActorId>,
    /// At most this many; 100 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500)]
    limit: usize,
}

impl Query for ActorsQuery {
    const NAMES: &'static [&'static str] = &["after", "limit"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self { after: from.optional("after")?, limit: limit(from, PAGE, PAGE_MAX)? })
    }
}

impl Gateway {
    /// Returns one page of actors.
    pub(crate) async fn actors(&self, by: &Principal, query: &ActorsQuery) -> Result<ActorList, Problem> {
        self.allow_house(by, Act::ManageActors).await?;
        let found = self.registry().actors(query.after.as_ref(), query.limit + 1).await;
        let mut actors = found.map_err(|failed| of_store(&failed))?;
        let next = page(&mut actors, query.limit, |actor| actor.id.to_string());
        Ok(ActorList { actors: actors.into_iter().map(view).collect(), next })
    }

    /// Returns an actor.
    pub(crate) async fn actor(&self, by: &Principal, id: &str) -> Result<ActorView, Problem> {
        self.allow_house(by, Act::ManageActors).await?;
        let found = self.registry().actor(&actor_id(id)?).await.map_err(|failed| of_store(&failed))?;
        found.map(view).ok_or_else(|| unknown("actor", id))
    }

    /// Adds an actor.
    pub(crate) async fn add_actor(&self, by: &Principal, given: &Bytes) -> Result<ActorView, Problem> {
        self.allow_house(by, Act::ManageActors).await?;
        let NewActorBody { id, name, grants } = body(given)?;
        let id = id.map(|id| text::<ActorId>("id", &id)).transpose()?;
        if id.as_ref().is_some_and(|id| id.as_str() == CLOCK) {
            return Err(bad_body("id", format_args!("{CLOCK} is the service's own clock: choose another")));
        }
        let new = NewActor { id, name: named(name.as_ref())?, grants: granted(&grants)? };
        self.registry().add_actor(new, now()).await.map(view).map_err(|failed| of_actor(&failed))
    }

    /// Changes an actor's name, grants, or both.
    pub(crate) async fn change_actor(
        &self,
        by: &Principal,
        id: &str,
        given: &Bytes,
    ) -> Result<ActorView, Problem> {
        self.allow_house(by, Act::ManageActors).await?;
        let ActorChangeBody { name, grants } = body(given)?;
        if name.is_none() && grants.is_none() {
            return Err(bad_body("members", "nothing is to change: give name, grants, or both"));
        }
        let grants = grants.map(|grants| granted(&grants)).transpose()?;
        let change = ActorChange { name: named(name.as_ref())?, grants };
        let changed = self.registry().change_actor(&actor_id(id)?, change).await;
        changed.map(view).map_err(|failed| of_actor(&failed))
    }

    /// Removes an actor, and all its keys with it.
    pub(crate) async fn remove_actor(&self, by: &Principal, id: &str) -> Result<ActorView, Problem> {
        self.allow_house(by, Act::ManageActors).await?;
        let removed = self.registry().deactivate_actor(&actor_id(id)?, now()).await;
        removed.map(view).map_err(|failed| of_actor(&failed))
    }

    /// Erases an actor's name.
    pub(crate) async fn erase_name(&self, by: &Principal, id: &str) -> Result<ActorView, Problem> {
        self.allow_house(by, Act::ManageActors).await?;
        let erased = self.registry().erase_actor_name(&actor_id(id)?, now()).await;
        erased.map(view).map_err(|failed| of_actor(&failed))
    }
}

fn actor_id(given: &str) -> Result<ActorId, Problem> {
    // What is no id is nobody's.
    given.parse().map_err(|_| unknown("actor", given))
}

fn named(name: Option<&Unlogged>) -> Result<Option<ActorName>, Problem> {
    let rule = "a name has 1 to 200 characters on one line";
    name.map(|name| name.0.parse().map_err(|_| bad_body("name", rule))).transpose()
}

fn granted(grants: &[String]) -> Result<Vec<Grant>, Problem> {
    let each = grants.iter().enumerate();
    each.map(|(index, grant)| text(format!("grants[{index}]"), grant)).collect()
}

fn view(actor: Actor) -> ActorView {
    ActorView {
        id: actor.id,
        name: actor.name.map(|name| Unlogged(name.to_string())),
        grants: actor.grants.iter().map(ToString::to_string).collect(),
        added: actor.added,
        name_erased: actor.name_erased,
        deactivated: actor.deactivated,
    }
}
