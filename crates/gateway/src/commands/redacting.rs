//! A redaction that needs a second person: it is tried out, kept as a request, and not carried out. With
//! its end the request forgets the words, however it ends.

use desk::{RedactRequest, Rehearsal};
use registry::{Act, Guarded, NewRequest, Principal, Request, RequestState, may_still};
use story::{ActorId, StoryId};
use wire::Problem;
use wire::http::{Redacted, RequestContent, Waiting};

use crate::commands::push::Filed;
use crate::commands::redaction::{Redacting, of_redaction, place, request};
use crate::commands::registry::{identity, now, of_request, of_store};
use crate::commands::second::{own_key, right, waits};
use crate::commands::stored::{Sent, Stored};
use crate::gateway::Gateway;
use crate::limits::REQUEST_LIFE;
use crate::problems::{self, refused};

/// What has come of a redaction.
#[derive(Debug)]
pub(crate) enum RedactOutcome {
    /// It was carried out.
    Redacted(Redacted),
    /// It waits for a second person.
    Waits(Waiting),
}

impl Gateway {
    /// Keeps a redaction that needs a second person. `None` if it was done before under its key: the
    /// desk has its answer. One that would be refused is refused.
    pub(super) async fn keep_redaction(
        &self,
        (story, guarded): (StoryId, Guarded),
        redacting: &Redacting,
        actor: &ActorId,
        who: &Principal,
    ) -> Result<Option<Waiting>, Problem> {
        let asker = identity(who).ok_or_else(|| problems::no_story(""))?.actor.clone();
        let key = redacting.key.clone().unwrap_or_else(own_key);
        let redacting = Redacting { key: Some(key.clone()), ..redacting.clone() };
        let asked = request(redacting.clone(), actor.clone())?;
        let sent = Sent::Redaction(Box::new(redacting));
        let payload = Stored { actor: actor.clone(), key: key.clone(), sent }.to_bytes();
        let earlier = self.registry().asked(&asker, &key, Some(story)).await;
        let earlier = earlier.map_err(|failed| of_store(&failed))?;
        if let Some(earlier) = earlier.filter(|earlier| earlier.state != RequestState::Executed) {
            return waiting(self.again(earlier, &payload).await?).map(Some);
        }
        let prospect = match self.inner.desk.rehearse_redaction(&asked).await.map_err(of_redaction)? {
            Rehearsal::Answered(_) => return Ok(None),
            Rehearsal::Open(prospect) => prospect,
        };
        self.not_held(story).await?;
        let now = now();
        let new = NewRequest {
            actor: asker,
            act: right(guarded),
            story: Some(story),
            desk: Some(prospect.desk),
            command: Some(key),
            seen: Some(prospect.at),
            payload,
            expires: now.checked_add(REQUEST_LIFE).unwrap_or(now),
        };
        let kept = self.registry().request(new, now).await.map_err(|failed| of_request(&failed))?;
        waiting(waits(&kept)?).map(Some)
    }

    /// Says in `content` what `asked` would take out: the sentences to who may read the record, to others
    /// where they stand.
    pub(super) async fn redaction_shown(
        &self,
        (request, reader): (&Request, &ActorId),
        asked: &RedactRequest,
        content: &mut RequestContent,
    ) -> Result<(), Problem> {
        asked.reason.as_str().clone_into(&mut content.reason);
        asked.note.as_str().clone_into(&mut content.note);
        let known = self.registry().actor(reader).await.map_err(|failed| of_store(&failed))?;
        let reads = known.is_some_and(|known| may_still(&known, Act::ReadRecord, request.desk.as_ref()));
        let found = self.inner.desk.would_redact(&asked.story, &asked.selection).await;
        let mut lines = format!("{} by {}", asked.kind, asked.basis);
        for picked in found.map_err(of_redaction)? {
            let at = picked.place.as_ref().map_or_else(|| "note or link".to_owned(), place);
            let words =
                if reads { picked.text.as_str() } else { "a sentence that readers of the record see" };
            let since = picked.since;
            lines.extend(["\n- ", &at, ", since revision ", &since.to_string(), ": ", words]);
        }
        content.changes = Some(lines);
        Ok(())
    }
}

fn waiting(filed: Filed) -> Result<Waiting, Problem> {
    match filed {
        Filed::Waits(waiting) => Ok(waiting),
        Filed::Pushed(_) | Filed::Previewed(_) => {
            Err(refused("second-person", "a request waits or has ended: look at it"))
        }
    }
}
