//! What surrounds every request: its id, its span, a place to work, a time limit, measures, and
//! the last touch to a problem. No span and no log line holds a query, a header or a body.

use std::any::Any;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ACCEPT, ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use trace::{Span, TraceContext};
use tracing::{Instrument, error, field, info_span};
use uuid::Uuid;
use wire::{Problem, ProblemKind};

use crate::gateway::Gateway;
use crate::http::reply::{Refused, add, problem_response};
use crate::http::{changes, events, method_name, operator, pages};
use crate::limits::{CHANGES_SCAN_MAX, CHANGES_WAIT_SECONDS_MAX, REQUEST_TIME_MAX};
use crate::{measures, places, problems};

/// Carries a request's id, both ways.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What the route of an address is called that there is not.
const UNMATCHED: &str = "unmatched";
/// Longest id that is taken from a caller.
const REQUEST_ID_BYTES_MAX: usize = 64;

/// Keeps the count of requests at work right, however one ends.
struct InFlight;

impl InFlight {
    fn begin() -> Self {
        measures::in_flight(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        measures::in_flight(-1.0);
    }
}

/// Does one request with everything around it.
pub(crate) async fn surround(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let in_flight = InFlight::begin();
    let id = request_id(&request);
    let method = request.method().clone();
    let uri = request.uri().clone();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let route = route.unwrap_or_else(|| UNMATCHED.to_owned());
    let wants_page = wants_page(&request, &route);
    let span = info_span!(
        "request", request.id = %id, http.method = %method, http.route = route, trace.id = field::Empty
    );
    let mut traced = traced(&request, &route);
    let context = traced.as_ref().and_then(Span::context);
    if let Some(context) = context {
        span.record("trace.id", context.trace_id());
    }
    let working = trace::within(context, work(&gateway, &route, request, next));
    let mut response = working.instrument(span.clone()).await;
    let html = wants_page.then_some(&gateway);
    finish(&mut response, (&uri, &id), html);
    let took = began.elapsed();
    measures::answered(method_name(&method), &route, response.status().as_u16(), took);
    let _in_span = span.enter();
    tracing::debug!(http.status = response.status().as_u16(), took_us = took.as_micros(), "Answered");
    if let Some(traced) = &mut traced {
        traced.say("http.response.status_code", response.status().as_u16());
        if response.status().is_server_error() {
            traced.fail();
        }
    }
    drop(in_flight);
    response
}

/// Begins the request's span in the trace that it belongs to; what watches the service is in none.
fn traced(request: &Request, route: &str) -> Option<Span> {
    if operator::ALWAYS.contains(&route) {
        return None;
    }
    let given = request.headers().get(trace::HEADER).and_then(|value| value.to_str().ok());
    let name = || format!("{} {route}", method_name(request.method()));
    Some(Span::request(name, TraceContext::of_header(given)))
}

/// Does a request in its place and within its time.
async fn work(gateway: &Gateway, route: &str, request: Request, next: Next) -> Response {
    let writes = !request.method().is_safe();
    let _place = match place(gateway, route).await {
        Ok(place) => place,
        Err(problem) => return Refused(problem).into_response(),
    };
    let Some(time_max) = time_max(route) else { return next.run(request).await };
    match tokio::time::timeout(time_max, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refused(too_slow(writes, time_max)).into_response(),
    }
}

/// Returns a place for the request; what watches the service needs none.
async fn place(gateway: &Gateway, route: &str) -> Result<Option<OwnedSemaphorePermit>, Problem> {
    let places = &gateway.inner.places;
    // A stream takes a place of its own kind, for as long as it lasts.
    if operator::ALWAYS.contains(&route) || events::PATHS.contains(&route) {
        return Ok(None);
    }
    if route == changes::PATH {
        return places::take(&places.polls, "readers of changes").await.map(Some);
    }
    places::take(&places.requests, "requests").await.map(Some)
}

/// Returns how long a request may take; a rebuild takes as long as the log is.
fn time_max(route: &str) -> Option<Duration> {
    match route {
        operator::REBUILD_PATH => None,
        changes::PATH => {
            Some(REQUEST_TIME_MAX + CHANGES_SCAN_MAX + Duration::from_secs(CHANGES_WAIT_SECONDS_MAX))
        }
        _ => Some(REQUEST_TIME_MAX),
    }
}

fn too_slow(writes: bool, time_max: Duration) -> Problem {
    let seconds = time_max.as_secs();
    if writes {
        let detail = format!("the request took more than {seconds} s: it may have been carried out");
        return Problem::new(ProblemKind::OutcomeUnknown, detail);
    }
    problems::unavailable(format!("the request took more than {seconds} s"))
}

/// Returns whether a problem is to be told as a page: at the addresses of pages, and to whoever asks for a
/// page where there is nothing.
fn wants_page(request: &Request, route: &str) -> bool {
    let accepts_html = || {
        let given = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
        given.is_some_and(|given| given.contains("text/html"))
    };
    pages::is_page(route)
        || (route == UNMATCHED && !request.uri().path().starts_with("/v1") && accepts_html())
}

/// Adds to an answer what only the edge knows, and logs a fault of the service once. A problem is told as
/// a page where there is a gateway to write one.
fn finish(response: &mut Response, (uri, id): (&Uri, &str), html: Option<&Gateway>) {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let problem = problem.about(uri.path()).with("request", id);
        if problem.status == 500 {
            error!(request.id = id, detail = problem.detail, "Answered with a fault of the service");
        }
        let mut whole =
            html.map_or_else(|| problem_response(&problem), |gateway| pages::failure(gateway, &problem));
        for name in [ALLOW] {
            if let Some(value) = response.headers().get(&name) {
                whole.headers_mut().insert(name, value.clone());
            }
        }
        if problem.status == 401 {
            whole.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = problem.members.get("retry_after_seconds") {
            add(&mut whole, RETRY_AFTER, &seconds.to_string());
        }
        *response = whole;
    }
    add(response, REQUEST_ID, id);
    let sniffing = HeaderName::from_static("x-content-type-options");
    response.headers_mut().insert(sniffing, HeaderValue::from_static("nosniff"));
}

fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let legal = |id: &&str| {
        !id.is_empty()
            && id.len() <= REQUEST_ID_BYTES_MAX
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    };
    given.filter(legal).map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// Answers for an address that the service does not have.
pub(crate) async fn no_such_address(uri: Uri) -> Refused {
    let path = crate::parameters::shown(uri.path());
    let detail = format!("there is nothing at {path}");
    Refused(Problem::new(ProblemKind::NoSuchAddress, detail).with("place", "path"))
}

/// Answers for a method that an address does not take.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> Refused {
    let path = crate::parameters::shown(uri.path());
    let method = crate::parameters::shown(method.as_str());
    let detail = format!("{path} does not take {method}");
    Refused(Problem::new(ProblemKind::MethodNotAllowed, detail).with("place", "method"))
}

/// Answers for a request whose handling panicked.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    // The message is ours and may hold words of an article: it goes to no log as a whole.
    error!(panic.bytes = text.len(), "A request panicked: the panic's own report says where");
    Refused(Problem::new(ProblemKind::Internal, "a fault of the service has cut the request off"))
        .into_response()
}
