//! Which right each command needs, and on which desk. Whether it is there is for
//! [`Gateway::allow`] to say.

use desk::{PushError, Standing, StoryRef, Target};
use projector::View;
use registry::{Act, Principal, authorize};
use story::{ActorId, Desk, Kind, Refusal, Status, Takedowns};
use wire::http::ActName;
use wire::{Problem, ProblemKind};

use crate::commands::request::Asked;
use crate::gateway::Gateway;
use crate::problems;

/// A right that a command needs.
#[derive(Debug)]
pub(crate) struct Need {
    pub(crate) act: Act,
    /// Where.
    pub(crate) desk: Desk,
    /// The story there, if it is about one.
    at: Option<Standing>,
}

impl Gateway {
    /// Returns who files, if `who` may file at all: whoever shows no key hears so before any copy is
    /// read. `named` is the actor that the request names: only who manages actors may act for others.
    pub(crate) async fn acting_as(
        &self,
        who: &Principal,
        named: Option<&ActorId>,
    ) -> Result<ActorId, Problem> {
        let Principal::Known(identity) = who else {
            let denied = self.allow(who, Act::File, None, None).await;
            return Err(denied.err().unwrap_or_else(|| Problem::new(ProblemKind::Unauthorized, "no key")));
        };
        match named {
            Some(named) if *named != identity.actor => {
                self.allow(who, Act::ManageActors, None, None).await?;
                Ok(named.clone())
            }
            _ => Ok(identity.actor.clone()),
        }
    }

    /// Lets `who` file what was asked, or refuses it.
    pub(crate) async fn may_file(&self, who: &Principal, asked: &Asked) -> Result<(), Problem> {
        for Need { act, desk, at } in self.needed(asked).await? {
            let Some(standing) = at else {
                self.allow(who, act, Some(&desk), None).await?;
                continue;
            };
            if let Target::Existing(story) = &asked.inner.target {
                self.may(who, act, &standing, &story.to_string()).await?;
                continue;
            }
            match self.may(who, act, &standing, "").await {
                Err(hidden) if hidden.kind() == Some(ProblemKind::NotFound) => {
                    return Err(self.as_if_new(who, act, asked.inner.push.desk.as_ref()).await);
                }
                other => other?,
            }
        }
        Ok(())
    }

    /// Returns the answer to copy whose slug or item is that of a story that `who` may not know of: what a
    /// new story would be answered with, as far as that goes.
    async fn as_if_new(&self, who: &Principal, act: Act, desk: Option<&Desk>) -> Problem {
        let Some(desk) = desk else { return problems::of_push(PushError::Refused(Refusal::DeskMissing)) };
        let taken =
            "the slug or the item is in use elsewhere in the house: choose another slug, or ask an admin";
        let denied = self.allow(who, act, Some(desk), None).await.err();
        denied.unwrap_or_else(|| problems::refused("slug-taken", taken))
    }

    /// Returns the rights that filing what was asked needs: to its kind on the story's desk and, where
    /// the story moves, on the other one.
    pub(crate) async fn needed(&self, asked: &Asked) -> Result<Vec<Need>, Problem> {
        let push = &asked.inner.push;
        let mut acts = vec![match asked.act {
            Some(Kind::Withhold) => Act::Withhold,
            Some(Kind::Takedown) => Act::Takedown,
            Some(_) => Act::Kill,
            None if push.kind == Some(Kind::Correction) => Act::Correct,
            None => Act::File,
        }];
        if matches!(push.release, story::Release::Embargo(_)) {
            acts.push(Act::Embargo);
        }
        let known = match self.aimed_at(&asked.inner) {
            Some(story) => self.standing(&story).await?,
            None => None,
        };
        if let (Target::Existing(story), None) = (&asked.inner.target, &known) {
            return Err(problems::no_story(&story.to_string()));
        }
        let mut needed = Vec::new();
        for act in acts {
            if let Some(standing) = &known {
                needed.push(Need { act, desk: standing.desk.clone(), at: Some(standing.clone()) });
            }
            // A new story without a desk is refused by the desk itself, which names what is missing.
            let moves = push.desk.as_ref().filter(|desk| known.as_ref().is_none_or(|at| at.desk != **desk));
            needed.extend(moves.map(|desk| Need { act, desk: desk.clone(), at: None }));
        }
        Ok(needed)
    }

    /// Lets `who` do `act` to `story`, or refuses it; says whether a restore may lift a takedown.
    pub(crate) async fn may_act(
        &self,
        who: &Principal,
        act: ActName,
        story: &str,
    ) -> Result<Takedowns, Problem> {
        let right = match act {
            ActName::Withhold => Act::Withhold,
            ActName::Release => Act::Release,
            ActName::Kill => Act::Kill,
            ActName::Takedown => Act::Takedown,
            ActName::Unpublish => Act::Unpublish,
            ActName::Restore => Act::Restore,
            ActName::Embargo => Act::Embargo,
            ActName::Lift => Act::LiftEmbargo,
        };
        let standing = self.found(who, right, story).await?;
        let lifts = act == ActName::Restore && standing.status == Status::Takendown;
        let right = if lifts { Act::LiftTakedown } else { right };
        self.may(who, right, &standing, story).await?;
        Ok(if right == Act::LiftTakedown { Takedowns::Lift } else { Takedowns::Stay })
    }

    /// Lets `who` do `act` to `story`, and returns where that stands, or refuses it.
    pub(crate) async fn may_do(&self, who: &Principal, act: Act, story: &str) -> Result<Standing, Problem> {
        let standing = self.found(who, act, story).await?;
        self.may(who, act, &standing, story).await?;
        Ok(standing)
    }

    /// Lets `who` change an entry of `story`, or refuses it.
    pub(crate) async fn may_edit(&self, who: &Principal, story: &str) -> Result<(), Problem> {
        self.may(who, Act::File, &self.found(who, Act::File, story).await?, story).await
    }

    /// Lets `who` read `story` with the eyes of `view`, or refuses it. The public view needs no more
    /// than everyone has.
    pub(crate) async fn may_read(&self, who: &Principal, view: View, story: &str) -> Result<(), Problem> {
        match view {
            View::Public => self.allow(who, Act::ReadPublic, None, None).await,
            View::Desk => {
                self.may(who, Act::ReadDesk, &self.found(who, Act::ReadDesk, story).await?, story).await
            }
        }
    }

    /// Lets `who` list stories with the eyes of `view`: of one desk, or of the whole house.
    pub(crate) async fn may_list(
        &self,
        who: &Principal,
        view: View,
        desk: Option<&Desk>,
    ) -> Result<(), Problem> {
        let act = if view == View::Desk { Act::ReadDesk } else { Act::ReadPublic };
        self.allow(who, act, desk.filter(|_| view == View::Desk), None).await
    }

    /// Allows `act` on a story that is there and was asked for as `name`. To whom may not know of a story,
    /// it is not there: the answer repeats what was asked for and adds nothing.
    async fn may(&self, who: &Principal, act: Act, standing: &Standing, name: &str) -> Result<(), Problem> {
        let allowed = self.allow(who, act, Some(&standing.desk), Some(standing.story)).await;
        let is_secret = standing.status != Status::Usable
            && authorize(who, Act::ReadDesk, Some(&standing.desk)).is_err()
            && matches!(who, Principal::Known(_));
        match allowed {
            Err(_) if is_secret && self.is_unseen(standing).await => Err(problems::no_story(name)),
            other => other,
        }
    }

    /// Returns whether the public has never seen the story.
    async fn is_unseen(&self, standing: &Standing) -> bool {
        matches!(self.views().resolve(&standing.story.to_string(), View::Public).await, Ok(None))
    }

    /// Returns where `story` stands, for whoever shows a key: without one, the answer to `act` is the same
    /// whether there is such a story or not.
    async fn found(&self, who: &Principal, act: Act, story: &str) -> Result<Standing, Problem> {
        if matches!(who, Principal::Public) {
            self.allow(who, act, None, None).await?;
        }
        self.located(story).await
    }

    /// Returns where `story` stands, whoever asks: for what has been allowed already.
    pub(crate) async fn located(&self, story: &str) -> Result<Standing, Problem> {
        let reference: StoryRef = story.parse().map_err(|_| problems::no_story(story))?;
        self.standing(&reference).await?.ok_or_else(|| problems::no_story(story))
    }

    pub(crate) async fn standing(&self, story: &StoryRef) -> Result<Option<Standing>, Problem> {
        self.inner.desk.standing(story).await.map_err(problems::of_push)
    }
}
