//! The second person's word: yes or no, once, in time, and never by whoever asked.

use jiff::Timestamp;
use story::ActorId;

use super::{Request, RequestError, RequestId, RequestState, expire, load, update};
use crate::actors::{ActorError, active};
use crate::limits::REASON_CHARS_MAX;
use crate::requests::execute;
use crate::store::Registry;
use crate::writer::Writing;

/// What a second person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be done.
    Approve,
    /// It may not, and why, if they say. The first 500 characters are kept.
    Refuse(Option<String>),
}

/// What has come of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is approved: whoever gets this executes it, and reports [`Registry::executed`] or
    /// [`Registry::failed`].
    Approved {
        /// The request.
        request: Request,
        /// What the act is to be done with.
        payload: Vec<u8>,
    },
    /// It is refused, and its payload is erased.
    Refused {
        /// The request.
        request: Request,
    },
}

impl Registry {
    /// Decides a request; of many decisions on one, the first counts. Whether the approver may
    /// approve there is for [`crate::authorize`] to say, before.
    ///
    /// The payload of an approved request is given out here, once. If this future is dropped, or the
    /// service ends before the execution, [`Registry::take_approved`] gives it out again.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn decide(
        &self,
        id: RequestId,
        approver: &ActorId,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<Decision, RequestError> {
        let approver = approver.clone();
        // A request that is found expired is ended, and that is stored though the answer is an error.
        self.write(move |writing| {
            if load(writing.db, id)?
                .is_some_and(|request| request.state == RequestState::Pending && request.expires <= now)
            {
                expire(writing, now)?;
                return Ok(Err(RequestError::Expired));
            }
            decide(writing, id, approver, verdict, now).map(Ok)
        })
        .await?
    }
}

fn decide(
    writing: &mut Writing<'_>,
    id: RequestId,
    approver: ActorId,
    verdict: Verdict,
    now: Timestamp,
) -> Result<Decision, RequestError> {
    let mut request = load(writing.db, id)?.ok_or(RequestError::Unknown { id })?;
    match request.state {
        RequestState::Pending => {}
        RequestState::Expired => return Err(RequestError::Expired),
        state => return Err(RequestError::State { id, state }),
    }
    if request.actor == approver {
        return Err(RequestError::SamePerson { id, actor: approver });
    }
    active(writing.db, &approver)?;
    if verdict == Verdict::Approve {
        active(writing.db, &request.actor).map_err(|error| match error {
            ActorError::Deactivated { id } | ActorError::Unknown { id } => {
                RequestError::AskerRemoved { actor: id }
            }
            other => other.into(),
        })?;
    }
    request.approver = Some(approver);
    request.decided = Some(now);
    match verdict {
        Verdict::Approve => {
            request.state = RequestState::Approved;
            update(writing, &request)?;
            let payload = execute::payload(writing.db, id)?.ok_or(RequestError::Unknown { id })?;
            execute::lease(writing, id, now);
            Ok(Decision::Approved { request, payload })
        }
        Verdict::Refuse(reason) => {
            request.state = RequestState::Refused;
            request.reason = reason.map(|reason| reason.chars().take(REASON_CHARS_MAX).collect());
            request.ended = Some(now);
            update(writing, &request)?;
            Ok(Decision::Refused { request })
        }
    }
}
