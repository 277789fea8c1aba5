//! Approval: what one person asked for, another has carried out. Whatever a crash or a full disk cuts
//! off between the two is finished later; the command's own key keeps it from being done twice.

use desk::{Answer, PushError, RedactRequest, StoryRef};
use registry::{
    Act, Decision, Guarded, Principal, Request, RequestError, RequestFilter, RequestId, RequestState,
    Verdict, may_still,
};
use story::{ActorId, Command, Desk, Kind, Takedowns};
use tracing::{info, warn};
use wire::http::{Pushed, RequestContent};
use wire::{Problem, ProblemKind};

use super::problems::{of_request, of_store};
use super::{identity, now};
use crate::commands::acts::{Acting, act_of};
use crate::commands::push::{Filing, by_precondition};
use crate::commands::redaction::{Redacting, request as redaction_of};
use crate::commands::request::Asked;
use crate::commands::second::Ready;
use crate::commands::stored::{Sent, Stored};
use crate::gateway::Gateway;
use crate::problems::{no_story, refused};

/// A request's command, read again to be carried out.
#[derive(Debug)]
struct Restored {
    work: Work,
    /// Whose it is in the log.
    actor: ActorId,
    /// The rights that it needs, and where.
    needs: Vec<(Act, Desk)>,
    by_header: bool,
    warnings: Vec<String>,
}

/// What is carried out.
#[derive(Debug)]
enum Work {
    Command(Ready),
    Redaction(Box<RedactRequest>),
}

impl Gateway {
    /// Approves a request and carries it out: the answer is the command's own.
    pub(crate) async fn approve_request(&self, by: &Principal, id: &str) -> Result<Pushed, Problem> {
        let request = self.known_request(by, id).await?;
        for act in [Act::Approve, approving(request.act)] {
            self.allow(by, act, request.desk.as_ref(), request.story).await?;
        }
        let approver = match identity(by) {
            Some(identity) => identity.actor.clone(),
            None => return Err(of_request(&RequestError::Unknown { id: request.id })),
        };
        let kept = self.registry().payload(request.id).await.map_err(|failed| of_store(&failed))?;
        // What does not read, or has no story any more, fails once it is approved.
        if let Some(payload) = kept
            && let Ok(restored) = self.restored(&request, payload, &approver).await
        {
            if approver == restored.actor || approver == request.actor {
                return Err(of_request(&RequestError::SamePerson { id: request.id, actor: approver }));
            }
            for (act, desk) in &restored.needs {
                self.allow(by, approving(*act), Some(desk), request.story).await?;
                self.allow(by, Act::Approve, Some(desk), request.story).await?;
            }
            self.check_asker(&request, &restored).await?;
        }
        let gateway = self.clone();
        self.finish(async move {
            let (request, payload) = gateway.taken(request.id, &approver).await?;
            gateway.carry_out(request, payload).await
        })
        .await
    }

    /// Carries out what was approved and not carried out: whoever was to do it has ended before. Up to
    /// a page of them.
    pub async fn finish_approved(&self) {
        let approved = RequestFilter { state: Some(RequestState::Approved), after: None };
        let open = match self.registry().requests(approved, registry::limits::PAGE_MAX).await {
            Ok(open) => open,
            Err(error) => return warn!(%error, "Cannot read what was approved: it is looked at again"),
        };
        for Request { id, .. } in open {
            // One that another executes is left to it.
            let Ok((request, payload)) = self.registry().take_approved(id, now()).await else { continue };
            info!(request = id.0, "Carrying out what was approved before");
            let gateway = self.clone();
            let done = self.finish(async move { gateway.carry_out(request, payload).await }).await;
            if let Err(problem) = done {
                warn!(request = id.0, %problem, "What was approved was not carried out");
            }
        }
    }

    /// Decides for the request, or takes up one that was approved and not carried out.
    async fn taken(&self, id: RequestId, approver: &ActorId) -> Result<(Request, Vec<u8>), Problem> {
        let taken = match self.registry().decide(id, approver, Verdict::Approve, now()).await {
            Ok(Decision::Approved { request, payload }) => return Ok((request, payload)),
            Err(RequestError::State { state: RequestState::Approved, .. }) => {
                self.registry().take_approved(id, now()).await
            }
            Ok(Decision::Refused { request }) => {
                Err(RequestError::State { id: request.id, state: request.state })
            }
            Err(failed) => Err(failed),
        };
        taken.map_err(|failed| of_request(&failed))
    }

    /// Carries out what this caller alone has, and notes how it ended.
    async fn carry_out(&self, request: Request, payload: Vec<u8>) -> Result<Pushed, Problem> {
        let id = request.id;
        let done = match self.allowed(&request, payload.clone()).await {
            Ok(Restored { work, by_header, warnings, .. }) => {
                let outcome = match work {
                    Work::Command(ready) => self.noted(self.carry(ready).await),
                    Work::Redaction(asked) => self.carry_redaction(&request, *asked, payload).await,
                };
                outcome
                    .map(|answer| (answer, warnings))
                    .map_err(|problem| by_precondition(problem, by_header))
            }
            Err(problem) => Err(problem),
        };
        match done {
            Ok((answer, warnings)) => {
                if let Err(error) = self.registry().executed(id, answer.revision, now()).await {
                    self.registry().give_back(id);
                    warn!(request = id.0, %error, "Cannot note that a request was executed: noted later");
                }
                self.told(Ok(answer), warnings).await
            }
            Err(problem) if is_passing(&problem) => {
                self.registry().give_back(id);
                Err(problem)
            }
            Err(problem) => {
                let reason = reason(&problem);
                if let Err(error) = self.registry().failed(id, &reason, now()).await {
                    self.registry().give_back(id);
                    warn!(request = id.0, %error, "Cannot note that a request has failed: noted later");
                }
                Err(problem.with("request_number", id.0))
            }
        }
    }

    /// Returns the command of an approved request, if both who asked and who approved may still do it.
    async fn allowed(&self, request: &Request, payload: Vec<u8>) -> Result<Restored, Problem> {
        let approver = request.approver.clone();
        let approver = approver.ok_or_else(|| of_request(&RequestError::Unknown { id: request.id }))?;
        let restored = self.restored(request, payload, &approver).await?;
        self.check_asker(request, &restored).await?;
        let mut needs: Vec<_> =
            restored.needs.iter().map(|(act, desk)| (approving(*act), desk.clone())).collect();
        needs.extend(restored.needs.iter().map(|(_, desk)| (Act::Approve, desk.clone())));
        self.check_still(&approver, &needs, "approved").await?;
        Ok(restored)
    }

    /// Takes out what was asked for in `request`, whose payload is `own`.
    async fn carry_redaction(
        &self,
        request: &Request,
        asked: RedactRequest,
        own: Vec<u8>,
    ) -> Result<Answer, Problem> {
        let story = request.story.ok_or_else(|| no_story(&asked.story.to_string()))?;
        let done = self.take_out(story, asked, Some(own)).await?;
        self.wrote(true);
        Ok(done.answer)
    }

    /// Refuses what its asker may no longer do.
    async fn check_asker(&self, request: &Request, restored: &Restored) -> Result<(), Problem> {
        self.check_still(&request.actor, &restored.needs, "asked for").await?;
        if request.actor == restored.actor {
            return Ok(());
        }
        let actor = self.registry().actor(&request.actor).await.map_err(|failed| of_store(&failed))?;
        let may = actor.is_some_and(|actor| may_still(&actor, Act::ManageActors, None));
        if may { Ok(()) } else { Err(no_longer(&request.actor, "asked for", Act::ManageActors)) }
    }

    async fn check_still(&self, actor: &ActorId, needs: &[(Act, Desk)], did: &str) -> Result<(), Problem> {
        let known = self.registry().actor(actor).await.map_err(|failed| of_store(&failed))?;
        for (act, desk) in needs {
            if !known.as_ref().is_some_and(|known| may_still(known, *act, Some(desk))) {
                return Err(no_longer(actor, did, *act));
            }
        }
        Ok(())
    }

    /// Reads a request's command again, approved by `approver`: for the story that it was asked about,
    /// on what the asker saw of it.
    async fn restored(
        &self,
        request: &Request,
        payload: Vec<u8>,
        approver: &ActorId,
    ) -> Result<Restored, Problem> {
        let Stored { actor, key, sent } = Stored::of_bytes(payload)?;
        let filing = match sent {
            Sent::Act(acting) => {
                let story = request.story.map_or(acting.story.clone(), |story| story.to_string());
                let mut act = act_of(acting.act, &acting.body, Takedowns::Stay)?;
                act.approver = Some(approver.clone());
                let needs = vec![(request.act, self.located(&story).await?.desk)];
                let command = Command::Act(Box::new(act));
                let ready = Acting { key: Some(key), ..acting }.request(&story, command, actor.clone())?;
                let ready = Ready::Act(Box::new(ready));
                let work = Work::Command(ready);
                return Ok(Restored { work, actor, needs, by_header: false, warnings: Vec::new() });
            }
            Sent::Redaction(mut redacting) => {
                let story = request.story.map_or(redacting.story.clone(), |story| story.to_string());
                let needs = vec![(request.act, self.located(&story).await?.desk)];
                redacting.body.approver = approver.clone();
                let asked = Redacting { story, key: Some(key), ..*redacting };
                let work = Work::Redaction(Box::new(redaction_of(asked, actor.clone())?));
                return Ok(Restored { work, actor, needs, by_header: false, warnings: Vec::new() });
            }
            Sent::Copy(filing) => *filing,
        };
        let story = request.story.map(|story| story.to_string()).or(filing.story);
        let filing = Filing { story, key: Some(key), ..filing };
        let mut asked = self.asked(filing, actor.clone()).await?;
        let needs = self.needed(&asked).await?.into_iter().map(|need| (need.act, need.desk)).collect();
        let ready = self.ready(request, &mut asked, approver)?.on(request.seen);
        let work = Work::Command(ready);
        Ok(Restored { work, actor, needs, by_header: asked.by_header, warnings: asked.warnings })
    }

    /// Returns copy as the desk takes it: of the kind that was asked for, and no other.
    fn ready(&self, request: &Request, asked: &mut Asked, approver: &ActorId) -> Result<Ready, Problem> {
        let mut push = asked.inner.clone();
        if request.act == Act::File {
            push.push.kind = Some(Kind::Alert);
        }
        let kind = asked.act.or(push.push.kind);
        let guarded = Guarded::of(Act::File, kind);
        if guarded != Guarded::of(request.act, Some(Kind::Alert)) {
            let detail = "what was asked for would be something else by now: ask for it anew";
            return Err(refused("request-changed", detail));
        }
        if let Some(notice) = &mut push.push.correction {
            notice.approver = approver.clone();
        }
        let Some(kind) = asked.act else { return Ok(Ready::Push(Box::new(push))) };
        let mut act = self.wire_act(&push, kind, &mut asked.warnings)?;
        if let Some(story) = request.story {
            act.story = StoryRef::Id(story);
        }
        if let Command::Act(act) = &mut act.command {
            act.approver = Some(approver.clone());
        }
        Ok(Ready::Act(Box::new(act)))
    }

    /// Returns what a request asks for, as `reader` is shown it.
    pub(super) async fn content(&self, request: &Request, reader: &ActorId) -> Option<RequestContent> {
        let payload = self.registry().payload(request.id).await.ok()??;
        let mut content = RequestContent::default();
        match Stored::of_bytes(payload.clone()).map(|stored| stored.sent) {
            Ok(Sent::Act(acting)) => {
                (content.reason, content.note) = (acting.body.reason, acting.body.note);
            }
            Ok(Sent::Copy(filing)) => {
                content.note = filing.query.note.unwrap_or_default();
                (content.what, content.place) = (filing.query.what, filing.query.place);
            }
            Ok(Sent::Redaction(_)) | Err(_) => {}
        }
        let outcome = match self.restored(request, payload, reader).await.map(|restored| restored.work) {
            Ok(Work::Command(ready)) => self.shown(ready, &mut content).await,
            Ok(Work::Redaction(asked)) => self.redaction_shown((request, reader), &asked, &mut content).await,
            Err(problem) => Err(problem),
        };
        content.problem = outcome.err().map(|problem| problem.detail);
        Some(content)
    }

    /// Tries a command out, and adds what it would change.
    async fn shown(&self, ready: Ready, content: &mut RequestContent) -> Result<(), Problem> {
        let of_push = |failed: PushError| crate::problems::of_push(failed);
        self.rehearse(ready.clone()).await.map_err(of_push)?;
        match ready {
            Ready::Push(push) => {
                if content.note.is_empty() {
                    push.push.note.as_str().clone_into(&mut content.note);
                }
                let preview = self.inner.desk.preview(*push).await.map_err(of_push)?;
                content.changes = Some(crate::commands::push::previewed(preview, Vec::new()).await.text);
            }
            Ready::Act(act) => {
                if let Command::Act(act) = &act.command
                    && content.reason.is_empty()
                {
                    act.reason.as_str().clone_into(&mut content.reason);
                }
            }
        }
        Ok(())
    }
}

/// Returns the right that approving `act` needs beside the right to approve. Redacting is for few: who may
/// approve on the desk approves it, as where they are only named.
const fn approving(act: Act) -> Act {
    match act {
        Act::Redact => Act::Approve,
        act => act,
    }
}

/// Returns whether the same command may succeed when it comes again.
fn is_passing(problem: &Problem) -> bool {
    matches!(problem.kind(), Some(ProblemKind::Unavailable | ProblemKind::OutcomeUnknown))
}

/// Returns why a request failed, without words of an article.
fn reason(problem: &Problem) -> String {
    match problem.kind() {
        Some(ProblemKind::BadCopy) | None => problem.title.clone(),
        Some(_) => problem.to_string(),
    }
}

fn no_longer(actor: &ActorId, did: &str, act: Act) -> Problem {
    let detail =
        format!("{actor}, who {did} it, may not {act} there any more: somebody who may asks for it anew");
    refused("right-lost", detail).with("actor", actor.as_str()).with("act", act.as_str())
}
