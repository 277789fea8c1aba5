//! What needs a second person: it is tried out, kept as a request, and not carried out.

use desk::{ActRequest, Answer, PushError, PushRequest, Rehearsal, StoryRef};
use registry::{Act, Guarded, NewRequest, Principal, Request, RequestError, RequestId, RequestState};
use story::{CommandKey, Kind, Revision, StoryId};
use uuid::Uuid;
use wire::Problem;
use wire::http::Waiting;

use crate::commands::acts::Acting;
use crate::commands::push::{Filed, Filing};
use crate::commands::registry::{guarded_word, identity, now, of_request, of_store, state_at};
use crate::commands::request::Asked;
use crate::commands::stored::{Sent, Stored};
use crate::gateway::Gateway;
use crate::limits::REQUEST_LIFE;
use crate::problems::{self, refused};

/// A command as the desk takes it.
#[derive(Debug, Clone)]
pub(crate) enum Ready {
    Push(Box<PushRequest>),
    Act(Box<ActRequest>),
}

/// A command that may need a second person.
#[derive(Debug)]
pub(crate) struct Guarding {
    pub(crate) ready: Ready,
    /// What it is under the policy; `None` where only the desk can tell whether it is an alert.
    pub(crate) guarded: Option<Guarded>,
    pub(crate) stored: Stored,
    pub(crate) warnings: Vec<String>,
}

/// What has come of one.
#[derive(Debug)]
pub(crate) enum Second {
    /// This is the answer: it waits, or nothing was left to do.
    Answer(Filed),
    /// It needs no second person as long as it is of this kind.
    Free(Kind),
}

impl Ready {
    /// Returns it so that, carried out later, it does to the story that was seen what it was asked to
    /// do: what came since is kept beside it, or it conflicts.
    pub(crate) fn on(mut self, seen: Option<Revision>) -> Self {
        if let (Self::Push(push), Some(seen)) = (&mut self, seen)
            && push.base.is_none()
            && push.expected.is_none()
        {
            match seen {
                Revision::ZERO => push.expected = Some(Revision::ZERO),
                seen => push.base = Some(seen),
            }
        }
        self
    }
}

/// Returns a key for a command that came without one.
pub(crate) fn own_key() -> CommandKey {
    Uuid::now_v7().as_simple().to_string().parse().expect("hexadecimal digits are visible ASCII")
}

impl Gateway {
    /// Returns whether `act` on a story needs a second person.
    pub(crate) fn needs_second(&self, act: Act, kind: Option<Kind>) -> Option<Guarded> {
        Guarded::of(act, kind).filter(|guarded| self.registry().policy().needs_second(*guarded))
    }

    /// Keeps an act that needs a second person.
    pub(crate) async fn keep_act(
        &self,
        guarded: Guarded,
        (acting, request): (Acting, ActRequest),
        who: &Principal,
    ) -> Result<Filed, Problem> {
        let key = acting.key.clone().unwrap_or_else(own_key);
        let actor = request.actor.clone();
        let ready = Ready::Act(Box::new(ActRequest { key: Some(key.clone()), ..request }));
        let stored = Stored { actor, key, sent: Sent::Act(acting) };
        let guarding = Guarding { ready, guarded: Some(guarded), stored, warnings: Vec::new() };
        match self.second(guarding, who).await? {
            Second::Answer(filed) => Ok(filed),
            Second::Free(_) => Err(refused("second-person", "an act is of the kind that it says")),
        }
    }

    /// Returns what becomes of copy that may need a second person; `None` if it needs none, whatever
    /// the story is like. `sent` is the copy as it came.
    pub(crate) async fn second_for_copy(
        &self,
        asked: &mut Asked,
        sent: Filing,
        who: &Principal,
    ) -> Result<Option<Filed>, Problem> {
        let kind = asked.act.or(asked.inner.push.kind);
        let guarded = match kind {
            Some(kind) => match self.needs_second(Act::File, Some(kind)) {
                Some(guarded) => Some(guarded),
                None => return Ok(None),
            },
            None if self.registry().policy().needs_second(Guarded::Alert) => None,
            None => return Ok(None),
        };
        let key = asked.inner.command.clone().unwrap_or_else(own_key);
        let mut request = asked.inner.clone();
        request.command = Some(key.clone());
        let ready = match asked.act {
            Some(kind) => Ready::Act(Box::new(self.wire_act(&request, kind, &mut asked.warnings)?)),
            None => Ready::Push(Box::new(request)),
        };
        let stored = Stored { actor: asked.inner.actor.clone(), key, sent: Sent::Copy(Box::new(sent)) };
        let guarding = Guarding { ready, guarded, stored, warnings: asked.warnings.clone() };
        match self.second(guarding, who).await? {
            Second::Answer(filed) => Ok(Some(filed)),
            Second::Free(kind) => {
                asked.inner.push.kind = Some(kind);
                Ok(None)
            }
        }
    }

    /// Tries a command out and keeps it. One that was done before, or would change nothing, has its
    /// answer; one that would be refused is refused.
    async fn second(&self, guarding: Guarding, who: &Principal) -> Result<Second, Problem> {
        let Guarding { ready, guarded, stored, warnings } = guarding;
        let asker = identity(who).ok_or_else(|| problems::no_story(""))?.actor.clone();
        let story = self.story_of(&ready);
        let earlier = self.registry().asked(&asker, &stored.key, story).await;
        let earlier = earlier.map_err(|failed| of_store(&failed))?;
        let seen = earlier.as_ref().and_then(|earlier| earlier.seen);
        let payload = stored.to_bytes();
        if let Some(earlier) = earlier.filter(|earlier| earlier.state != RequestState::Executed) {
            return self.again(earlier, &payload).await.map(Second::Answer);
        }
        let prospect = match self.rehearse(ready.on(seen)).await.map_err(problems::of_push)? {
            Rehearsal::Answered(answer) => {
                let pushed = self.told(Ok(*answer), warnings).await?;
                return Ok(Second::Answer(Filed::Pushed(Box::new(pushed))));
            }
            Rehearsal::Open(prospect) => prospect,
        };
        let Some(guarded) = guarded.or_else(|| self.needs_second(Act::File, Some(prospect.kind))) else {
            return Ok(Second::Free(prospect.kind));
        };
        let desk = match prospect.story {
            Some(story) => self.standing(&StoryRef::Id(story)).await?.map(|standing| standing.desk),
            None => None,
        };
        let now = now();
        let new = NewRequest {
            actor: asker,
            act: right(guarded),
            story: prospect.story,
            desk: desk.or(Some(prospect.desk)),
            command: Some(stored.key),
            seen: Some(prospect.at),
            payload,
            expires: now.checked_add(REQUEST_LIFE).unwrap_or(now),
        };
        let request = self.registry().request(new, now).await.map_err(|failed| of_request(&failed))?;
        waits(&request).map(Second::Answer)
    }

    /// Returns the answer to a command that was kept before.
    pub(crate) async fn again(&self, earlier: Request, payload: &[u8]) -> Result<Filed, Problem> {
        let kept = self.registry().payload(earlier.id).await.map_err(|failed| of_store(&failed))?;
        if kept.is_some_and(|kept| kept != payload) {
            return Err(of_request(&RequestError::KeyReused { id: earlier.id }));
        }
        waits(&earlier)
    }

    /// Returns what the desk would make of a command now.
    pub(crate) async fn rehearse(&self, ready: Ready) -> Result<Rehearsal, PushError> {
        match ready {
            Ready::Push(push) => self.inner.desk.rehearse_push(*push).await,
            Ready::Act(act) => self.inner.desk.rehearse_act(*act).await,
        }
    }

    /// Carries a command out.
    pub(crate) async fn carry(&self, ready: Ready) -> Result<Answer, PushError> {
        match ready {
            Ready::Push(push) => self.inner.desk.push(*push).await,
            Ready::Act(act) => self.inner.desk.act(*act).await,
        }
    }

    fn story_of(&self, ready: &Ready) -> Option<StoryId> {
        let story = match ready {
            Ready::Push(push) => self.aimed_at(push)?,
            Ready::Act(act) => act.story.clone(),
        };
        self.inner.desk.find(&story)
    }
}

/// Returns the right that a guarded act needs.
pub(crate) const fn right(guarded: Guarded) -> Act {
    match guarded {
        Guarded::Kill => Act::Kill,
        Guarded::Takedown => Act::Takedown,
        Guarded::Correction => Act::Correct,
        Guarded::Alert => Act::File,
        Guarded::Redaction => Act::Redact,
    }
}

/// Returns the answer to who asked: it waits, or how it ended.
pub(crate) fn waits(request: &Request) -> Result<Filed, Problem> {
    let RequestId(id) = request.id;
    let state = state_at(request, now());
    match state {
        RequestState::Pending | RequestState::Approved => Ok(Filed::Waits(Waiting {
            request: id,
            act: guarded_word(request.act).to_owned(),
            story: request.story,
            expires: request.expires,
        })),
        state => {
            let why = request.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
            let detail = format!("it was asked for before as request {id}, which is {state}{why}");
            Err(refused("request-decided", detail).with("request_number", id).with("state", state.as_str()))
        }
    }
}
