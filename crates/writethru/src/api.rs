//! The HTTP API as the command line uses it. Nothing here decides; it asks and reads answers.

mod problems;

use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use wire::http::Waiting;
use wire::{Change, CloudEvent, Cursor};

use crate::credential::Credential;
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
    /// Who asks; without one, the public does.
    key: Option<Credential>,
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

/// A command to the server, beside a filing.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    /// How it is asked.
    pub(crate) method: Method,
    /// The parts of the path, not encoded yet.
    pub(crate) path: &'a [&'a str],
    /// The query.
    pub(crate) query: Query,
    /// The body and its type, if there is one.
    pub(crate) body: Option<(&'static str, Vec<u8>)>,
    /// The idempotency key, if the command takes one.
    pub(crate) key: Option<String>,
}

impl<'a> Ask<'a> {
    /// Returns a command without query, body and key.
    pub(crate) const fn new(method: Method, path: &'a [&'a str]) -> Self {
        Self { method, path, query: Query::new(), body: None, key: None }
    }

    /// Adds a body of JSON.
    #[must_use]
    pub(crate) fn json(mut self, body: &Value) -> Self {
        self.body = Some(("application/json", body.to_string().into_bytes()));
        self
    }
}

/// What became of a command.
#[derive(Debug)]
pub(crate) enum Reply<T> {
    /// It was carried out.
    Done(T),
    /// It waits for a second person.
    Waits(Waiting),
}

impl<T> Reply<T> {
    /// Returns what was done, where a command that waits is no use.
    ///
    /// # Errors
    /// It waits for a second person.
    pub(crate) fn done(self) -> Result<T, Failure> {
        match self {
            Self::Done(done) => Ok(done),
            Self::Waits(waiting) => Err(Failure::new(
                Exit::Failure,
                "needs-approval",
                format!("this waits for a second person as request {}", waiting.request),
            )
            .next(format!("another person says: writethru approve {}", waiting.request))),
        }
    }
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
        Ok(Self { client, base, pid: None, key: None })
    }

    /// Says that `run.json` named this server and its process.
    #[must_use]
    pub(crate) fn found_by(mut self, pid: u32) -> Self {
        self.pid = Some(pid);
        self
    }

    /// Says who asks.
    #[must_use]
    pub(crate) fn with_key(mut self, key: Option<Credential>) -> Self {
        self.key = key;
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

    /// Gives each item of the list `member` at `path` to `each`, page after page; returns how many
    /// there were.
    ///
    /// # Errors
    /// As [`Api::get`], and what `each` answers.
    pub(crate) async fn each(
        &self,
        path: &[&str],
        query: &Query,
        member: &str,
        mut each: impl FnMut(&Value) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        let (mut given, mut query) = (0, query.clone());
        loop {
            let page: Value = self.get(path, &query).await?;
            let items: Vec<Value> = typed(page.get(member).unwrap_or(&Value::Null))?;
            items.iter().try_for_each(&mut each)?;
            given += items.len();
            let Some(next) = page.get("next").and_then(Value::as_str).filter(|_| !items.is_empty()) else {
                return Ok(given);
            };
            query.retain(|(name, _)| *name != "after");
            query.push(("after", next.to_owned()));
        }
    }

    /// Returns the answer to a read of `path` as the bytes that it is.
    ///
    /// # Errors
    /// As [`Api::get`].
    pub(crate) async fn bytes(&self, path: &[&str], query: &Query) -> Result<Vec<u8>, Failure> {
        let response = self.send(self.request(Method::GET, path, query)).await?;
        let url = response.url().clone();
        let bytes = response.bytes().await.map_err(|error| unreadable(&url, &error))?;
        Ok(bytes.into())
    }

    /// Returns the answer to a filing of copy.
    ///
    /// # Errors
    /// As [`Api::get`]. The same filing may be sent again: its key makes that harmless.
    pub(crate) async fn file<T: DeserializeOwned>(&self, filing: &Filing) -> Result<Reply<T>, Failure> {
        let mut path = vec!["v1", "stories"];
        path.extend(filing.story.as_deref());
        self.ask(Ask {
            method: Method::POST,
            path: &path,
            query: filing.query.clone(),
            body: Some((filing.content_type, filing.copy.clone())),
            key: Some(filing.key.clone()),
        })
        .await
    }

    /// Returns the answer to a command; one that says nothing is `null`.
    ///
    /// # Errors
    /// As [`Api::get`]. With an idempotency key, the same command may be sent again.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<Reply<T>, Failure> {
        let mut request = self.request(ask.method, ask.path, &ask.query);
        if let Some((content_type, body)) = ask.body {
            request = request.header("Content-Type", content_type).body(body);
        }
        if let Some(key) = ask.key {
            request = request.header("Idempotency-Key", key);
        }
        let response = self.send(request).await?;
        if response.status() == StatusCode::ACCEPTED {
            return read(response).await.map(Reply::Waits);
        }
        read(response).await.map(Reply::Done)
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
        let mut request = self.client.request(method, url);
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key.header());
        }
        if query.is_empty() { request } else { request.query(query) }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let failure = problem(response).await;
        Err(match &self.key {
            Some(key) if failure.exit() == Exit::Denied => failure.beside(format!("key: {}", key.origin())),
            None if failure.exit() == Exit::Denied => failure.beside("no key was sent"),
            _ => failure,
        })
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
    let bytes = response.bytes().await.map_err(|error| unreadable(&url, &error))?;
    let json: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
    serde_json::from_slice(json).map_err(|error| unreadable(&url, &error))
}

/// Returns the answer that `value` is.
///
/// # Errors
/// It is not what was asked for.
pub(crate) fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, Failure> {
    T::deserialize(value).map_err(|error| {
        Failure::new(Exit::Failure, "answer-unreadable", "cannot read the server's answer")
            .because(&error)
            .next("compare `writethru --version` with the server's (`writethru doctor`)")
    })
}

fn unreadable(url: &Url, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Exit::Failure, "answer-unreadable", format!("cannot read the answer of {url}"))
        .because(error)
        .next("compare `writethru --version` with the server's (`writethru doctor`)")
}

async fn problem(response: Response) -> Failure {
    let status = response.status();
    let bytes = response.bytes().await.unwrap_or_default();
    let object = serde_json::from_slice::<Map<String, Value>>(&bytes).unwrap_or_default();
    problems::failure_of(status, object)
}
