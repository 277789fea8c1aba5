//! The HTTP API as the command line uses it. Nothing here decides; it asks and reads answers.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use wire::{Change, CloudEvent, Cursor, ProblemKind};

use crate::exit::Exit;
use crate::failure::{Failure, chain};

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long an answer may take; a long poll adds what it waits.
const ANSWER_MAX: Duration = Duration::from_mins(1);

/// A client for one server.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    client: Client,
    base: Url,
    /// The process that `run.json` says serves it.
    pid: Option<u32>,
}

/// A query: names and values.
pub(crate) type Query = Vec<(&'static str, String)>;

/// A filing of copy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filing {
    /// The story it goes to; without one, the query's slug says.
    pub(crate) story: Option<String>,
    /// Everything beside the copy.
    pub(crate) query: Query,
    /// What the copy is, as far as its name tells.
    pub(crate) content_type: &'static str,
    /// The idempotency key.
    pub(crate) key: String,
    /// The copy.
    pub(crate) copy: Vec<u8>,
}

impl Api {
    /// Returns a client for the server at `base`.
    ///
    /// # Errors
    /// The client cannot be set up.
    pub(crate) fn new(base: Url) -> Result<Self, Failure> {
        let client = Client::builder()
            .connect_timeout(CONNECT_MAX)
            .timeout(ANSWER_MAX)
            .user_agent(concat!("writethru/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .build()
            .map_err(|error| Failure::new(Exit::Failure, "client", "cannot set up HTTP").because(&error))?;
        Ok(Self { client, base, pid: None })
    }

    /// Says that `run.json` named this server and its process.
    #[must_use]
    pub(crate) fn found_by(mut self, pid: u32) -> Self {
        self.pid = Some(pid);
        self
    }

    /// Returns the server's base URL.
    pub(crate) const fn base(&self) -> &Url {
        &self.base
    }

    /// Returns the answer to a read of `path`, whose parts are encoded here.
    ///
    /// # Errors
    /// No server, a problem it names, or an answer that is not what was asked for.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &Query) -> Result<T, Failure> {
        let response = self.send(self.request(Method::GET, path, query)).await?;
        read(response).await
    }

    /// Returns the public changes that `query` asks for, and from where to go on; the server may
    /// wait for as long as `wait`.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub(crate) async fn changes(
        &self,
        query: &Query,
        wait: Duration,
    ) -> Result<(Vec<CloudEvent<Change>>, Option<Cursor>), Failure> {
        let request = self.request(Method::GET, &["v1", "changes"], query).timeout(ANSWER_MAX + wait);
        let response = self.send(request).await?;
        let cursor =
            response.headers().get("writethru-cursor").and_then(|cursor| cursor.to_str().ok()?.parse().ok());
        Ok((read(response).await?, cursor))
    }

    /// Returns the answer to a filing of copy.
    ///
    /// # Errors
    /// As [`Api::get`]. The same filing may be sent again: its key makes that harmless.
    pub(crate) async fn file<T: DeserializeOwned>(&self, filing: &Filing) -> Result<T, Failure> {
        let mut path = vec!["v1", "stories"];
        path.extend(filing.story.as_deref());
        let request = self
            .request(Method::POST, &path, &filing.query)
            .header("Content-Type", filing.content_type)
            .header("Idempotency-Key", &filing.key)
            .body(filing.copy.clone());
        read(self.send(request).await?).await
    }

    /// Returns the answer to a command of the administrator, which may take `wait`.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub(crate) async fn command<T: DeserializeOwned>(
        &self,
        path: &[&str],
        wait: Duration,
    ) -> Result<T, Failure> {
        let request = self.request(Method::POST, path, &Query::new()).timeout(wait);
        read(self.send(request).await?).await
    }

    /// Returns how many seconds the server's clock is ahead of ours, if it says.
    pub(crate) async fn clock_difference_seconds(&self) -> Option<i64> {
        let response = self.send(self.request(Method::GET, &["livez"], &Query::new())).await.ok()?;
        let date = response.headers().get("date")?.to_str().ok()?;
        let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        Some(theirs.duration_since(crate::times::now()).as_secs())
    }

    fn request(&self, method: Method, path: &[&str], query: &Query) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        let request = self.client.request(method, url);
        if query.is_empty() { request } else { request.query(query) }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(problem(response).await)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let failure =
            Failure::new(Exit::Unavailable, "server-unreachable", format!("no answer from {}", self.base));
        if error.is_timeout() && !error.is_connect() {
            return failure
                .why("it took too long; the command may have been carried out")
                .next("repeat the command: what was stored is not stored twice under the same --key");
        }
        let next = match self.pid {
            Some(pid) => format!("process {pid} named in run.json seems to be gone; start one: writethru up"),
            None => "check the address, or start a server: writethru up".to_owned(),
        };
        failure.why(chain(error)).next(next)
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let url = response.url().clone();
    let unreadable = |error: &(dyn std::error::Error + 'static)| {
        Failure::new(Exit::Failure, "answer-unreadable", format!("cannot read the answer of {url}"))
            .because(error)
            .next("compare `writethru --version` with the server's (`writethru doctor`)")
    };
    let bytes = response.bytes().await.map_err(|error| unreadable(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))
}

async fn problem(response: Response) -> Failure {
    let status = response.status();
    let bytes = response.bytes().await.unwrap_or_default();
    let object = serde_json::from_slice::<Map<String, Value>>(&bytes).unwrap_or_default();
    from_problem(status, object)
}

/// Returns the failure that a problem object (RFC 9457) is.
pub(crate) fn from_problem(status: StatusCode, object: Map<String, Value>) -> Failure {
    let text = |name: &str| {
        object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let kind = text("type").and_then(|uri| ProblemKind::ALL.iter().find(|kind| kind.type_uri() == uri));
    let exit = kind.and_then(|kind| Exit::from_code(kind.exit_code())).unwrap_or_else(|| exit_for(status));
    let title = text("title").unwrap_or_else(|| format!("the server answered {status}"));
    let mut failure = Failure::new(exit, "answer", title);
    if let Some(detail) = text("detail") {
        let place = text("place").filter(|place| !detail.contains(place.as_str()));
        failure = failure.why(place.map_or(detail.clone(), |place| format!("{place}: {detail}")));
    }
    if let Some(next) = kind.and_then(|kind| next_command(*kind)).map(str::to_owned).or(text("next")) {
        failure = failure.next(next);
    }
    if object.is_empty() { failure } else { failure.problem(object) }
}

/// Returns the next step in commands, where there is one for the problem.
const fn next_command(kind: ProblemKind) -> Option<&'static str> {
    match kind {
        ProblemKind::NotFound => Some("`writethru list` shows the stories there are"),
        ProblemKind::RevisionNotFound => Some("`writethru log STORY` shows the revisions there are"),
        ProblemKind::Conflict | ProblemKind::PreconditionFailed => {
            Some("read it again (`writethru show STORY`), join the changes, push with the new --expect")
        }
        ProblemKind::Unavailable | ProblemKind::OutcomeUnknown => {
            Some("try again with the same --key: nothing is ever stored twice under it")
        }
        _ => None,
    }
}

/// Returns the exit code for a status that came without a problem we know.
fn exit_for(status: StatusCode) -> Exit {
    match status.as_u16() {
        409 | 412 => Exit::Conflict,
        400 | 413 | 415 | 422 => Exit::BadData,
        502..=504 | 429 => Exit::Unavailable,
        _ => Exit::Failure,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(status: u16, problem: &Value, exit: Exit, what: &str) {
        let object = problem.as_object().cloned().unwrap_or_default();
        let failure = from_problem(StatusCode::from_u16(status).unwrap(), object);
        assert_eq!((failure.exit(), failure.what()), (exit, what));
    }

    #[test]
    fn every_status_has_an_exit_code() {
        check(404, &json!({"title": "story not found"}), Exit::Failure, "story not found");
        check(409, &json!({"title": "conflict"}), Exit::Conflict, "conflict");
        check(412, &json!({"title": "stale"}), Exit::Conflict, "stale");
        check(400, &json!({"title": "bad copy"}), Exit::BadData, "bad copy");
        check(413, &json!({"title": "too large"}), Exit::BadData, "too large");
        check(503, &json!({"title": "busy"}), Exit::Unavailable, "busy");
        check(500, &json!(null), Exit::Failure, "the server answered 500 Internal Server Error");
    }

    #[test]
    fn every_problem_of_the_service_has_its_exit_code() {
        for kind in ProblemKind::ALL {
            let failure = from_problem(
                StatusCode::from_u16(kind.status()).unwrap(),
                json!({"type": kind.type_uri(), "title": kind.title()}).as_object().cloned().unwrap(),
            );
            assert_eq!(failure.exit().code(), kind.exit_code(), "{kind}");
        }
    }

    #[test]
    fn a_program_gets_the_problem_whole() {
        let object = json!({"type": "/problems/conflict", "title": "conflict", "actual": 4});
        let failure = from_problem(StatusCode::CONFLICT, object.as_object().cloned().unwrap());
        assert_eq!(failure.to_json()["actual"], 4);
        assert_eq!(failure.to_json()["exit"], 3);
    }
}
