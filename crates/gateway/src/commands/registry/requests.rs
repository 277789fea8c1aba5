//! Requests that wait for a second person: listed, shown, refused. What approval does is beside this.
//!
//! Who asked may know of a request, and who may decide or audit on its desk; to others there is
//! none.

use bytes::Bytes;
use jiff::Timestamp;
use registry::{
    Act, Decision, Guarded, Identity, Principal, Request, RequestFilter, RequestId, RequestState, Verdict,
    authorize,
};
use story::Kind;
use utoipa::IntoParams;
use wire::Problem;
use wire::http::{RefusalBody, RequestList, RequestView};

use super::problems::{of_request, of_store, unknown};
use super::{PAGE, PAGE_MAX, body, identity, now};
use crate::commands::read::limit;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};

/// Most requests that one page looks through.
const LOOKED_AT_MAX: usize = 5_000;

/// Which requests to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RequestsQuery {
    /// Only those in this state, such as `pending`.
    #[param(value_type = Option<String>, example = "pending")]
    state: Option<RequestState>,
    /// `next` of the page before.
    #[param(value_type = Option<u64>)]
    after: Option<u64>,
    /// At most this many; 100 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500)]
    limit: usize,
}

impl Query for RequestsQuery {
    const NAMES: &'static [&'static str] = &["state", "after", "limit"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            state: from.optional("state")?,
            after: from.number("after", i64::MAX.unsigned_abs())?,
            limit: limit(from, PAGE, PAGE_MAX)?,
        })
    }
}

impl Gateway {
    /// Returns one page of the requests that `by` may know of, oldest first.
    pub(crate) async fn requests(
        &self,
        by: &Principal,
        query: &RequestsQuery,
    ) -> Result<RequestList, Problem> {
        let who = self.takes_part(by).await?;
        let now = now();
        let mut after = query.after.map(RequestId);
        let (mut found, mut looked_at) = (Vec::new(), 0);
        loop {
            let filter = RequestFilter { state: query.state, after };
            let batch = self.registry().requests(filter, registry::limits::PAGE_MAX).await;
            let batch = batch.map_err(|failed| of_store(&failed))?;
            let is_last = batch.len() < registry::limits::PAGE_MAX;
            looked_at += batch.len();
            let places_left = query.limit - found.len();
            let fits = |request: &Request| {
                may_know(by, who, request) && query.state.is_none_or(|state| state_at(request, now) == state)
            };
            let mut fitting = batch.iter().filter(|request| fits(request)).peekable();
            let mut last = after;
            for request in fitting.by_ref().take(places_left) {
                last = Some(request.id);
                found.push(view(request.clone(), now));
            }
            if fitting.peek().is_some() {
                return Ok(RequestList { requests: found, next: last.map(|id| id.to_string()) });
            }
            after = batch.last().map(|request| request.id).or(after);
            if is_last {
                return Ok(RequestList { requests: found, next: None });
            }
            if found.len() == query.limit || looked_at >= LOOKED_AT_MAX {
                return Ok(RequestList { requests: found, next: after.map(|id| id.to_string()) });
            }
        }
    }

    /// Returns a request and, to whoever reads the desk's copy, what it asks for.
    pub(crate) async fn request(&self, by: &Principal, id: &str) -> Result<RequestView, Problem> {
        let request = self.known_request(by, id).await?;
        let now = now();
        let is_open = matches!(state_at(&request, now), RequestState::Pending | RequestState::Approved);
        let reader = identity(by).filter(|_| authorize(by, Act::ReadDesk, request.desk.as_ref()).is_ok());
        let content = match reader.filter(|_| is_open) {
            Some(reader) => self.content(&request, &reader.actor).await,
            None => None,
        };
        Ok(RequestView { content, ..view(request, now) })
    }

    /// Says no to a request.
    pub(crate) async fn refuse_request(
        &self,
        by: &Principal,
        id: &str,
        given: &Bytes,
    ) -> Result<RequestView, Problem> {
        let request = self.known_request(by, id).await?;
        self.allow(by, Act::Approve, request.desk.as_ref(), request.story).await?;
        let who = self.takes_part(by).await?;
        let RefusalBody { reason } = body(given)?;
        let now = now();
        match self.registry().decide(request.id, &who.actor, Verdict::Refuse(reason), now).await {
            Ok(Decision::Refused { request } | Decision::Approved { request, .. }) => Ok(view(request, now)),
            Err(failed) => Err(of_request(&failed)),
        }
    }

    /// Returns the request `id` if `by` may know of it; to others it is not there.
    pub(crate) async fn known_request(&self, by: &Principal, id: &str) -> Result<Request, Problem> {
        let who = self.takes_part(by).await?;
        let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        let number: Option<u64> = id.parse().ok().filter(|number| digits && i64::try_from(*number).is_ok());
        let number = number.ok_or_else(|| unknown("request", id))?;
        let found = self.registry().find_request(RequestId(number)).await;
        let request = found.map_err(|failed| of_store(&failed))?.ok_or_else(|| unknown("request", id))?;
        if may_know(by, who, &request) {
            return Ok(request);
        }
        // Asked, so that the denial is recorded; the answer does not say that there is one.
        let _ = self.allow(by, Act::Approve, request.desk.as_ref(), request.story).await;
        Err(unknown("request", id))
    }

    /// Returns who asks, if that is someone who could ask for such a thing, decide it or audit it.
    async fn takes_part<'a>(&self, by: &'a Principal) -> Result<&'a Identity, Problem> {
        let could = |identity: &Identity| {
            let allows = |act| {
                let somewhere = |grant: &registry::Grant| {
                    authorize(by, act, grant.desk.as_ref()).is_ok() && grant.role.acts().contains(act)
                };
                identity.grants.iter().any(somewhere) || reaches(identity, act)
            };
            allows(Act::Approve) || allows(Act::Audit) || allows(Act::File) || allows(Act::Takedown)
        };
        if let Some(identity) = identity(by).filter(|identity| could(identity)) {
            return Ok(identity);
        }
        self.allow(by, Act::Approve, None, None).await?;
        // Allowed after all: then it is somebody.
        identity(by).ok_or_else(|| unknown("request", ""))
    }
}

/// Returns whether a key that is narrowed to desks reaches `act` on one of them.
fn reaches(identity: &Identity, act: Act) -> bool {
    let by = Principal::Known(identity.clone());
    identity.desks.named().iter().any(|desk| authorize(&by, act, Some(desk)).is_ok())
}

fn may_know(by: &Principal, who: &Identity, request: &Request) -> bool {
    let may = |act| authorize(by, act, request.desk.as_ref()).is_ok();
    request.actor == who.actor || may(Act::Approve) || may(Act::Audit)
}

/// Returns where a request stands: one that nobody has decided in time has expired, noted or not.
pub(crate) fn state_at(request: &Request, now: Timestamp) -> RequestState {
    match request.state {
        RequestState::Pending if request.expires <= now => RequestState::Expired,
        state => state,
    }
}

/// Returns what was asked for in the words of the policy.
pub(crate) fn guarded_word(act: Act) -> &'static str {
    // Of what is filed, only alerts wait for anyone.
    Guarded::of(act, Some(Kind::Alert)).map_or(act.as_str(), Guarded::as_str)
}

fn view(request: Request, now: Timestamp) -> RequestView {
    let state = state_at(&request, now).to_string();
    RequestView {
        request: request.id.0,
        actor: request.actor,
        act: guarded_word(request.act).to_owned(),
        story: request.story,
        desk: request.desk,
        seen: request.seen,
        asked: request.asked,
        expires: request.expires,
        state,
        approver: request.approver,
        decided: request.decided,
        ended: request.ended,
        revision: request.revision,
        reason: request.reason,
        content: None,
    }
}
