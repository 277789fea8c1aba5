//! Acts on a story: holds, kills, embargoes and their ends.

use desk::{ActRequest, StoryRef};
use story::{Act, ActorId, Command, CommandKey, Deed, Restored, Revision, Takedowns};
use wire::http::{ActBody, ActName, Pushed};
use wire::{Problem, ProblemKind};

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
    /// Carries out an act of `actor`, who may do it; `takedowns` says whether that goes for takedowns
    /// too.
    pub(crate) async fn act(
        &self,
        acting: Acting,
        actor: ActorId,
        takedowns: Takedowns,
    ) -> Result<Pushed, Problem> {
        let Acting { story, act, body, if_match, key } = acting;
        let command = Command::Act(Box::new(act_of(act, &body, takedowns)?));
        let story: StoryRef = story.parse().map_err(|_| problems::no_story(&story))?;
        let expected = if_match.or(body.expect.map(Revision));
        let request = ActRequest { story, command, actor, key, expected };
        let gateway = self.clone();
        self.finish(async move {
            let outcome = gateway.inner.desk.act(request).await;
            gateway.told(outcome, Vec::new()).await
        })
        .await
    }
}

fn act_of(act: ActName, body: &ActBody, takedowns: Takedowns) -> Result<Act, Problem> {
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
