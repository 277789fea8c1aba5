//! Acts on a story: holds, kills, embargoes and their ends.

use desk::{ActRequest, StoryRef};
use registry::Principal;
use story::{Act, ActorId, Command, CommandKey, Deed, Restored, Revision, Takedowns};
use wire::http::{ActBody, ActName};
use wire::{Problem, ProblemKind};

use crate::commands::push::Filed;
use crate::commands::request::{instant, text};
use crate::gateway::Gateway;
use crate::problems;

/// An act as an edge hands it over.
#[derive(Debug, Clone)]
pub(crate) struct Acting {
    /// The story's name.
    pub(crate) story: String,
    pub(crate) act: ActName,
    pub(crate) body: ActBody,
    /// The revision that a header insists on.
    pub(crate) if_match: Option<Revision>,
    pub(crate) key: Option<CommandKey>,
}

impl Gateway {
    /// Carries out an act of `who`, who may do it, or keeps it for a second person; `takedowns` says
    /// whether that goes for takedowns too.
    pub(crate) async fn act(
        &self,
        acting: Acting,
        who: &Principal,
        takedowns: Takedowns,
    ) -> Result<Filed, Problem> {
        let actor = self.acting_as(who, None).await?;
        let command = Command::Act(Box::new(act_of(acting.act, &acting.body, takedowns)?));
        let guarded = guarded(acting.act).and_then(|act| self.needs_second(act, None));
        let request = acting.request(&acting.story, command, actor)?;
        if let Some(guarded) = guarded {
            return Box::pin(self.keep_act(guarded, (acting, request), who)).await;
        }
        let gateway = self.clone();
        self.finish(async move {
            let outcome = gateway.inner.desk.act(request).await;
            gateway.told(outcome, Vec::new()).await.map(|pushed| Filed::Pushed(Box::new(pushed)))
        })
        .await
    }
}

impl Acting {
    /// Returns it as the desk takes it: `command` by `actor` to `story`.
    pub(crate) fn request(
        &self,
        story: &str,
        command: Command,
        actor: ActorId,
    ) -> Result<ActRequest, Problem> {
        let story: StoryRef = story.parse().map_err(|_| problems::no_story(story))?;
        let expected = self.if_match.or(self.body.expect.map(Revision));
        Ok(ActRequest { story, command, actor, key: self.key.clone(), expected })
    }
}

/// Returns the right to an act that can be made to need a second person.
const fn guarded(act: ActName) -> Option<registry::Act> {
    match act {
        ActName::Kill => Some(registry::Act::Kill),
        ActName::Takedown => Some(registry::Act::Takedown),
        _ => None,
    }
}

pub(crate) fn act_of(act: ActName, body: &ActBody, takedowns: Takedowns) -> Result<Act, Problem> {
    let at = body.at.as_deref().map(|at| instant("at", at)).transpose()?;
    let deed = match (act, at) {
        (ActName::Release, Some(at)) => Deed::ReleaseAt(at),
        (ActName::Embargo, Some(at)) => Deed::Embargo(at),
        (ActName::Embargo, None) => {
            return Err(bad_member("at", "it is missing: when does the embargo end?"));
        }
        (_, Some(_)) => return Err(bad_member("at", "it belongs to a release or an embargo")),
        (ActName::Withhold, None) => Deed::Withhold,
        (ActName::Release, None) => Deed::Release,
        (ActName::Kill, None) => Deed::Kill,
        (ActName::Takedown, None) => Deed::Takedown,
        (ActName::Unpublish, None) => Deed::Unpublish,
        (ActName::Restore, None) => {
            Deed::Restore { to: if body.draft { Restored::Draft } else { Restored::Usable }, takedowns }
        }
        (ActName::Lift, None) => Deed::LiftEmbargo,
    };
    if body.draft && act != ActName::Restore {
        return Err(bad_member("draft", "it belongs to a restore"));
    }
    let (reason, note) = (text("reason", &body.reason)?, text("note", &body.note)?);
    Ok(Act { deed, reason, note, approver: body.approver.clone() })
}

fn bad_member(member: &str, detail: &str) -> Problem {
    Problem::new(ProblemKind::BadRequest, format!("member {member}: {detail}"))
        .with("place", member.to_owned())
}
