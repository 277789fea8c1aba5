//! The edge over NATS: request and reply, by the NATS service API (NATS ADR-32).
//!
//! A request is a JSON object with the same parameters as over HTTP, a reply is the same JSON, and
//! a refusal is the same problem with the headers of a service error. Nothing is decided here.

mod deciding;
mod redacting;

use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::service::{NATS_SERVICE_ERROR, NATS_SERVICE_ERROR_CODE, Request, ServiceExt};
use async_nats::{Client, HeaderMap, HeaderValue};
use bytes::Bytes;
use formats::Format;
use formats::publication::OutFormat;
use futures::StreamExt;
use futures::stream::{SelectAll, select_all};
use registry::Principal;
use serde::Deserialize;
use serde_json::{Map, Value};
use story::{BlockId, CommandKey};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use trace::{Span, TraceContext};
use tracing::{Instrument, debug, field, info, info_span, warn};
use wire::{DeskVerb, Problem, ProblemKind};

use self::deciding::decided;
use self::redacting::redact;
use crate::access::Way;
use crate::commands::{
    Acting, DiffFormat, DiffQuery, Doing, EntryParameters, Filed, Filing, HistoryQuery, ListQuery, ShowQuery,
    Showing,
};
use crate::gateway::Gateway;
use crate::http::acts::{act_named, body_of};
use crate::limits::{DRAIN_TIME_MAX, NATS_REQUESTS_MAX, REQUEST_TIME_MAX};
use crate::media::Declared;
use crate::parameters::{Nothing, Parameters, Query, bad_parameter};
use crate::{measures, problems};

/// The service's name on NATS.
const NAME: &str = "writethru-desk";
/// Subjects of the service, save their last token.
const GROUP: &str = "wt.v1.desk";
/// Bytes of a message that are left for headers.
const HEADER_BYTES: usize = 1_024;
/// How long the last round trip may take.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(1);

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum NatsServiceError {
    /// NATS refused, or the client is closed: connect again.
    #[error("cannot start the NATS service: {problem}")]
    Start {
        /// Why.
        problem: String,
    },
}

/// Answers the desk's requests over NATS, until it is told to stop.
#[derive(Debug)]
pub struct NatsService {
    gateway: Gateway,
    client: Client,
    tasks: TaskTracker,
    places: Arc<Semaphore>,
}

impl NatsService {
    /// Returns the service of `gateway` over `client`, which keeps its connection up by itself.
    pub fn new(gateway: Gateway, client: Client) -> Self {
        let places = Arc::new(Semaphore::new(NATS_REQUESTS_MAX));
        let gateway = gateway.by(Way::Nats);
        Self { gateway, client, tasks: TaskTracker::new(), places }
    }

    /// Answers requests until `shutdown`, then ends those at work. While NATS is away it waits: the
    /// client connects again and takes up its subscriptions.
    ///
    /// # Errors
    /// [`NatsServiceError`] if it cannot start.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), NatsServiceError> {
        let failed = |error: async_nats::Error| NatsServiceError::Start { problem: error.to_string() };
        let service = self.client.service_builder().description("Files copy and reads stories");
        let service = service.start(NAME, env!("CARGO_PKG_VERSION")).await.map_err(failed)?;
        let group = service.group(GROUP);
        let mut endpoints = Vec::new();
        for verb in DeskVerb::ALL {
            let endpoint = group.endpoint_builder().name(verb.as_str()).add(verb.as_str());
            endpoints.push(endpoint.await.map_err(failed)?.map(move |request| (verb, request)).boxed());
        }
        info!(nats.subjects = GROUP, "Answering over NATS");
        let mut requests: SelectAll<_> = select_all(endpoints);
        loop {
            let next = tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                // Cancel-safe: a request is taken whole or stays in its subscription.
                next = requests.next() => next,
            };
            let Some((verb, request)) = next else { break };
            self.begin(verb, request).await;
        }
        // An error only says that there was nothing left to stop.
        let _ = service.stop().await;
        let rest = async {
            // Told to stop, the subscriptions end once NATS sends no more; what has come is answered.
            while self.client.connection_state() == State::Connected
                && let Some((verb, request)) = requests.next().await
            {
                self.begin(verb, request).await;
            }
            self.tasks.close();
            self.tasks.wait().await;
        };
        if tokio::time::timeout(DRAIN_TIME_MAX, rest).await.is_err() {
            warn!(requests = self.tasks.len(), "Cut off requests over NATS that did not end in time");
        }
        // A round trip: NATS has taken what was answered, and sends no more requests here. (There is
        // no one at a fresh inbox, so an error is the answer that is expected.)
        let nobody = self.client.request(self.client.new_inbox(), Bytes::new());
        let _ = tokio::time::timeout(ROUND_TRIP_MAX, nobody).await;
        Ok(())
    }

    /// Begins to answer `request`, waiting for a place: meanwhile requests wait at the client, whose
    /// own bound holds.
    async fn begin(&self, verb: DeskVerb, request: Request) {
        if request.message.reply.as_deref().is_some_and(|reply| !is_inbox(reply)) {
            // At debug: whoever sends such requests must not fill the log.
            debug!(nats.verb = verb.as_str(), "Left a request alone: its address for the reply is no inbox");
            return;
        }
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("the places are never closed");
        let (gateway, client) = (self.gateway.clone(), self.client.clone());
        self.tasks.spawn(async move {
            let _place = place;
            answer(&gateway, &client, verb, &request).await;
        });
    }
}

/// Returns whether `reply` may be answered at: inboxes and the addresses that NATS makes between
/// accounts begin so, and nothing of ours or of the server's does. NATS does not check that whoever
/// asks may publish there; answered at `$JS.API.STREAM.DELETE.X`, a reader would give the order with
/// the service's rights.
fn is_inbox(reply: &str) -> bool {
    reply.starts_with('_')
}

/// One request, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    /// The parameters of HTTP, and `story`.
    #[serde(default)]
    query: Map<String, Value>,
    /// Of a push: the copy, as text, or as JSON for itself.
    #[serde(default)]
    body: Option<Value>,
    /// Of a push: the copy's media type, if it should not be found out by looking.
    #[serde(default)]
    media_type: Option<String>,
    /// Of a push: the idempotency key.
    #[serde(default)]
    key: Option<CommandKey>,
}

/// What goes back.
struct Reply {
    media_type: &'static str,
    body: Vec<u8>,
}

async fn answer(gateway: &Gateway, client: &Client, verb: DeskVerb, request: &Request) {
    let began = Instant::now();
    let headers = request.message.headers.as_ref();
    let key = headers.and_then(|headers| headers.get("Authorization")).map(HeaderValue::as_str);
    let who = gateway.principal(key);
    let given = headers.and_then(|headers| headers.get(trace::HEADER)).map(HeaderValue::as_str);
    let mut traced = Span::request(|| format!("NATS {}", verb.as_str()), TraceContext::of_header(given));
    let span = info_span!("request", nats.verb = verb.as_str(), trace.id = field::Empty);
    if let Some(context) = traced.context() {
        span.record("trace.id", context.trace_id());
    }
    let replying = trace::within(traced.context(), reply(gateway, verb, &who, &request.message.payload));
    let outcome = tokio::time::timeout(REQUEST_TIME_MAX, replying.instrument(span)).await;
    let outcome = outcome.unwrap_or_else(|_| Err(too_slow(verb))).and_then(|reply| fits(client, reply));
    let mut headers = HeaderMap::new();
    let (word, body) = match outcome {
        Ok(reply) => {
            headers.insert("Content-Type", reply.media_type);
            ("answered", reply.body)
        }
        Err(problem) => {
            let problem = problem.about(request.message.subject.as_str());
            if problem.status >= 500 {
                traced.fail();
            }
            headers.insert("Content-Type", Problem::MEDIA_TYPE);
            headers.insert(NATS_SERVICE_ERROR, problem.title.as_str());
            headers.insert(NATS_SERVICE_ERROR_CODE, problem.status.to_string().as_str());
            let body = serde_json::to_vec(&problem).expect("a problem is texts, numbers and lists");
            (problem.kind().map_or("failed", ProblemKind::name), body)
        }
    };
    measures::replied(verb.as_str(), word, began.elapsed());
    // The library's own way to answer with an error leaves out the body, so the headers are ours.
    if let Err(error) = request.respond_with_headers(Ok(Bytes::from(body)), headers).await {
        // Without an address for the reply, or with NATS gone, whoever asked asks again.
        debug!(%error, nats.verb = verb.as_str(), "Cannot reply");
    }
}

fn too_slow(verb: DeskVerb) -> Problem {
    let seconds = REQUEST_TIME_MAX.as_secs();
    if stores(verb) {
        let detail = format!("the request took more than {seconds} s: it may have been carried out");
        return Problem::new(ProblemKind::OutcomeUnknown, detail);
    }
    problems::unavailable(format!("the request took more than {seconds} s"))
}

/// Refuses a reply that NATS would not carry.
fn fits(client: &Client, reply: Reply) -> Result<Reply, Problem> {
    let limit = client.server_info().max_payload.saturating_sub(HEADER_BYTES);
    if limit > 0 && reply.body.len() > limit {
        let detail =
            format!("the answer has {} bytes; NATS carries {limit}: ask over HTTP", reply.body.len());
        return Err(problems::too_large(detail, reply.body.len(), limit));
    }
    Ok(reply)
}

/// Returns whether requests of this sort may store something.
const fn stores(verb: DeskVerb) -> bool {
    brings_more(verb) || matches!(verb, DeskVerb::Approve | DeskVerb::Refuse)
}

async fn reply(gateway: &Gateway, verb: DeskVerb, who: &Principal, payload: &[u8]) -> Result<Reply, Problem> {
    let Given { mut query, body, media_type, key } = given(payload)?;
    let story = match verb {
        DeskVerb::List | DeskVerb::Info | DeskVerb::Requests | DeskVerb::Approve | DeskVerb::Refuse => None,
        _ => match query.remove("story") {
            None => None,
            Some(Value::String(story)) => Some(story),
            Some(_) => return Err(bad_parameter("story", "an id or a slug is expected, as text")),
        },
    };
    if !brings_more(verb) && (body.is_some() || media_type.is_some() || key.is_some()) {
        let detail = "body, media_type and key belong to a push, an act, an entry or a redaction";
        return Err(Problem::new(ProblemKind::BadRequest, detail).with("place", "body"));
    }
    let named = || story.clone().ok_or_else(|| bad_parameter("story", "it is missing: name a story"));
    if verb == DeskVerb::Act {
        return act(gateway, who, (named()?, query, body), key).await;
    }
    if verb == DeskVerb::Entry {
        return entry(gateway, who, (named()?, query, copy(body, media_type.as_deref())), key).await;
    }
    let query = Parameters::of_object(query)?;
    Ok(match verb {
        DeskVerb::Act | DeskVerb::Entry => return Err(bad_parameter("verb", "it is answered elsewhere")),
        DeskVerb::Redact => Box::pin(redact(gateway, who, (named()?, query, body), key)).await?,
        DeskVerb::Push => {
            let (format, copy) = copy(body, media_type.as_deref())?;
            let query = Query::read(query)?;
            let filing = Filing { story, query, if_match: None, key, format, copy };
            filed(Box::pin(gateway.file(filing, who)).await?)
        }
        DeskVerb::Show => {
            let (story, query): (_, ShowQuery) = (named()?, Query::read(query)?);
            gateway.may_read(who, query.view, &story).await?;
            let format = query.format.unwrap_or(OutFormat::Json);
            let Showing { format, body, .. } = gateway.show(&story, query, format).await?;
            Reply { media_type: format.media_type(), body }
        }
        DeskVerb::List => {
            let query: ListQuery = Query::read(query)?;
            gateway.may_list(who, query.view, query.desk.as_ref()).await?;
            json(&gateway.list(query).await?)
        }
        DeskVerb::History => {
            let (story, query): (_, HistoryQuery) = (named()?, Query::read(query)?);
            gateway.may_read(who, query.view, &story).await?;
            json(&gateway.history(&story, query).await?)
        }
        DeskVerb::Diff => {
            let query: DiffQuery = Query::read(query)?;
            let format = query.format.unwrap_or(DiffFormat::Ops);
            let story = named()?;
            gateway.may_read(who, query.view, &story).await?;
            let difference = gateway.difference(&story, query).await?;
            let body = match format {
                DiffFormat::Ops => json(&difference.view).body,
                DiffFormat::JsonPatch => json(&difference.json_patch()).body,
                DiffFormat::Text => difference.text().into_bytes(),
            };
            Reply { media_type: format.media_type(), body }
        }
        DeskVerb::Requests | DeskVerb::Approve | DeskVerb::Refuse => {
            Box::pin(decided(gateway, verb, who, query)).await?
        }
        DeskVerb::Info => {
            Nothing::read(query)?;
            json(&gateway.info())
        }
    })
}

/// Returns whether requests of this sort bring more than parameters.
const fn brings_more(verb: DeskVerb) -> bool {
    matches!(verb, DeskVerb::Push | DeskVerb::Act | DeskVerb::Entry | DeskVerb::Redact)
}

/// Answers an act: `act` in the query, and beside it or in the body what is said with it.
async fn act(
    gateway: &Gateway,
    who: &Principal,
    (story, mut query, body): (String, Map<String, Value>, Option<Value>),
    key: Option<CommandKey>,
) -> Result<Reply, Problem> {
    let Some(Value::String(name)) = query.remove("act") else {
        return Err(bad_parameter("act", "it is missing: name the act, such as withhold"));
    };
    let act = act_named(&name)?;
    if let Some(body) = body {
        let Value::Object(members) = body else {
            return Err(bad_parameter("body", "an object is expected"));
        };
        query.extend(members);
    }
    let body = body_of(Value::Object(query).to_string().as_bytes())?;
    let takedowns = gateway.may_act(who, act, &story).await?;
    let acting = Acting { story, act, body, if_match: None, key };
    Ok(filed(gateway.act(acting, who, takedowns).await?))
}

/// Returns the reply to a command: what was done, what would be, or the request that it has become.
fn filed(what: Filed) -> Reply {
    match what {
        Filed::Pushed(pushed) => json(&pushed),
        Filed::Previewed(preview) => json(&preview),
        Filed::Waits(waiting) => json(&waiting),
    }
}

/// A copy and its format, or why there is none.
type GivenCopy = Result<(Option<Format>, Bytes), Problem>;

/// Answers a change to an entry: `step` in the query says which (`add`, `edit`, `pin`, `unpin`,
/// `delete`), `block` which entry.
async fn entry(
    gateway: &Gateway,
    who: &Principal,
    (story, mut query, copy): (String, Map<String, Value>, GivenCopy),
    key: Option<CommandKey>,
) -> Result<Reply, Problem> {
    let mut text = |name: &str| match query.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (step, block) = (text("step").unwrap_or_default(), text("block"));
    let block = || -> Result<BlockId, Problem> {
        let block =
            block.as_deref().ok_or_else(|| bad_parameter("block", "it is missing: name the entry"))?;
        block.parse().map_err(|error: story::IdentityError| bad_parameter("block", error))
    };
    let doing = match step.as_str() {
        "add" => {
            let (format, copy) = copy?;
            Doing::Add(format, copy)
        }
        "edit" => {
            let (format, copy) = copy?;
            Doing::Edit(block()?, format, copy)
        }
        "pin" => Doing::Pin(block()?),
        "unpin" => Doing::Unpin(block()?),
        "delete" => Doing::Delete(block()?),
        _ => return Err(bad_parameter("step", "it is one of add, edit, pin, unpin, delete")),
    };
    let query: EntryParameters = Query::read(Parameters::of_object(query)?)?;
    let actor = gateway.acting_as(who, None).await?;
    gateway.may_edit(who, &story).await?;
    Ok(json(&gateway.entry((story, doing, query), actor, key).await?))
}

fn given(payload: &[u8]) -> Result<Given, Problem> {
    if payload.is_empty() {
        return Ok(Given::default());
    }
    serde_json::from_slice(payload).map_err(|error| {
        let detail = format!("the request is not the JSON object that is expected: {error}");
        Problem::new(ProblemKind::BadRequest, detail)
            .with("place", format!("line {} column {}", error.line(), error.column()))
    })
}

/// Returns the copy of a push and its format, where that is known.
fn copy(body: Option<Value>, media_type: Option<&str>) -> Result<(Option<Format>, Bytes), Problem> {
    let declared = media_type.map_or(Ok(Declared::Unknown), Declared::of)?;
    match body {
        None => Err(Problem::new(ProblemKind::BadCopy, "member body is missing: it is the copy")
            .with("place", "body")),
        Some(Value::String(text)) => Ok((declared.format(text.as_bytes()), Bytes::from(text))),
        Some(value) => {
            let text = value.to_string();
            Ok((declared.format(text.as_bytes()), Bytes::from(text)))
        }
    }
}

fn json(value: &impl serde::Serialize) -> Reply {
    let body = serde_json::to_vec(value).expect("answers are texts, numbers and lists");
    Reply { media_type: "application/json", body }
}
