//! A whole service in a folder of its own, and a caller that checks every answer against the
//! service's own description of its API.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use desk::{Desk, Seed};
use formats::publication::Origin;
use jiff::Timestamp;
use log::{Epoch, EventLog, Options};
use notary::Notary;
use projector::{Projector, Views};
use registry::Registry;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::http::Pushed;
use writethru_gateway::{Controls, Gateway, Measures, Parts, RelayStatus, ServeError};

pub(crate) const EPOCH: u64 = 7;
/// Where the service says it is.
pub(crate) const BASE: &str = "https://news.example";

/// The hub that its feeds name.
pub(crate) const HUB: &str = "https://hub.example/";

/// A running service.
pub(crate) struct Service {
    pub(crate) base: String,
    pub(crate) log: EventLog,
    pub(crate) views: Views,
    pub(crate) gateway: Gateway,
    pub(crate) registry: Registry,
    /// The owner's key.
    pub(crate) owner: String,
    pub(crate) client: reqwest::Client,
    pub(crate) shutdown: CancellationToken,
    pub(crate) serving: JoinHandle<Result<(), ServeError>>,
    projecting: JoinHandle<()>,
    notarising: JoinHandle<()>,
    directory: TempDir,
}

/// Returns the options of a notary in `folder`.
pub(crate) fn notary_options(folder: &Path) -> notary::Options {
    notary::Options {
        tiles: folder.join("tlog"),
        heads: folder.join("notary.db"),
        key: folder.join("notary.key"),
        name: "news.example".to_owned(),
        witnesses: Vec::new(),
    }
}

/// An answer, already checked against the document.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Service {
    pub(crate) async fn start() -> Self {
        Self::with(None).await
    }

    /// Starts a service whose publisher says `relay` of itself.
    pub(crate) async fn with(relay: Option<RelayStatus>) -> Self {
        Self::on(tempfile::tempdir().unwrap(), relay).await
    }

    /// Stops the service and starts it again over the same files.
    pub(crate) async fn restarted(self) -> Self {
        Self::on(self.ended().await, None).await
    }

    /// Returns whether `needle` is in any file of the service.
    pub(crate) fn holds(&self, needle: &str) -> bool {
        let files = std::fs::read_dir(self.directory.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.is_file()).any(|path| {
            let bytes = std::fs::read(path).unwrap();
            bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
        })
    }

    async fn on(directory: TempDir, relay: Option<RelayStatus>) -> Self {
        let options = Options { new_epoch: Epoch(EPOCH), create: true, read_only: false };
        let log = EventLog::open(&directory.path().join("log.db"), options).await.unwrap();
        let (projector, views, control) =
            Projector::open(log.clone(), &directory.path().join("views.db")).unwrap();
        let views = views.served_at(BASE);
        let desk = Desk::open(log.clone(), Seed::default()).await.unwrap();
        let shutdown = CancellationToken::new();
        let projecting = tokio::spawn(projector.run(shutdown.clone()));
        let relay =
            relay.map(|relay| -> Arc<dyn Fn() -> RelayStatus + Send + Sync> { Arc::new(move || relay) });
        let notary = Notary::new(log.clone(), notary_options(directory.path())).unwrap();
        let controls =
            Controls { projector: Some(control), relay, notary: Some(notary.reader()), audit: None };
        let notarising = tokio::spawn(notary.run(shutdown.clone()));
        let registry = Registry::open(&directory.path().join("registry.db")).await.unwrap();
        let key_file = directory.path().join("owner.key");
        registry.ensure_owner(&key_file, Timestamp::now()).await.unwrap();
        let owner = std::fs::read_to_string(&key_file).unwrap().trim().to_owned();
        let gateway = Gateway::new(Parts {
            log: log.clone(),
            desk,
            views: views.clone(),
            registry: registry.clone(),
            controls,
            measures: Measures::install(),
            origin: Origin { base: BASE.to_owned(), provider: "Example News".to_owned() },
        })
        .with_websub_hub(Some(HUB.to_owned()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (serves, ends) = (gateway.clone(), shutdown.clone());
        let serving = tokio::spawn(async move { serves.serve(listener, ends).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            base,
            log,
            views,
            gateway,
            registry,
            owner,
            client,
            shutdown,
            serving,
            projecting,
            notarising,
            directory,
        }
    }

    /// Makes the views stand still from now on.
    pub(crate) fn stop_projecting(&self) {
        self.projecting.abort();
    }

    /// Returns the folder of its files.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Changes the views behind the service's back.
    pub(crate) async fn spoil_views(&self, statement: &'static str) {
        let path = self.directory.path().join("views.db");
        let spoil = move || rusqlite::Connection::open(path).unwrap().execute(statement, []).unwrap();
        assert_ne!(tokio::task::spawn_blocking(spoil).await.unwrap(), 0);
    }

    pub(crate) async fn stop(self) {
        self.ended().await;
    }

    async fn ended(self) -> TempDir {
        self.shutdown.cancel();
        self.serving.await.unwrap().unwrap();
        self.projecting.await.unwrap();
        self.notarising.await.unwrap();
        self.registry.close().await;
        self.log.close().await;
        self.directory
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        address: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            all.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        // The owner asks, unless a test says who does: `-` is nobody.
        match all.get("authorization").map(HeaderValue::as_bytes) {
            None => {
                all.insert("authorization", HeaderValue::try_from(format!("Bearer {}", self.owner)).unwrap());
            }
            Some(b"-") => {
                all.remove("authorization");
            }
            Some(_) => {}
        }
        let request = self.client.request(method.clone(), format!("{}{address}", self.base));
        let response = request.headers(all).body(body).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        // A stream has no end to wait for.
        let is_stream = status == 200 && address.split('?').next().unwrap().ends_with("/events");
        let body = if is_stream { Vec::new() } else { response.bytes().await.unwrap().to_vec() };
        let answer = Answer { status, headers, body };
        check_against_document(&method, address.split('?').next().unwrap(), &answer);
        answer
    }

    pub(crate) async fn get(&self, address: &str) -> Answer {
        self.send(Method::GET, address, &[], "").await
    }

    pub(crate) async fn get_as(&self, address: &str, accept: &str) -> Answer {
        self.send(Method::GET, address, &[("accept", accept)], "").await
    }

    /// Files plain text and waits for the views to show it.
    pub(crate) async fn file(&self, address: &str, copy: &str) -> Pushed {
        let answer = self.post(address, &[], copy).await;
        assert!(answer.status.is_success(), "{answer:?}");
        let pushed: Pushed = serde_json::from_slice(&answer.body).unwrap();
        self.views.reached(self.log.head()).await;
        pushed
    }

    pub(crate) async fn post(&self, address: &str, headers: &[(&str, &str)], copy: &str) -> Answer {
        let mut all = vec![("content-type", "text/plain")];
        all.extend(headers);
        self.send(Method::POST, address, &all, copy.to_owned()).await
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name}: {self:?}")).to_str().unwrap()
    }

    /// Checks that it is the problem `name`, that it says what, where to go next and what it is
    /// about, and returns it.
    #[track_caller]
    pub(crate) fn problem(&self, name: &str) -> Value {
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{name}"), "{problem}");
        assert_eq!(problem["status"], self.status.as_u16(), "{problem}");
        for member in ["title", "detail", "next", "instance", "request"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {problem}");
        }
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["request"], self.header("x-request-id"));
        problem
    }
}

/// Returns the service's description of its API.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::to_value(writethru_gateway::document()).unwrap())
}

/// Returns the template of the document that `path` fits.
pub(crate) fn template(path: &str) -> Option<&'static str> {
    let paths = document()["paths"].as_object().unwrap();
    let fits = |template: &&String| {
        let (given, known): (Vec<_>, Vec<_>) = (path.split('/').collect(), template.split('/').collect());
        let rest = known.last().is_some_and(|last| last.starts_with("{*"));
        (given.len() == known.len() || (rest && given.len() > known.len()))
            && given
                .iter()
                .zip(&known)
                .all(|(given, known)| given == known || (known.starts_with('{') && !given.is_empty()))
    };
    paths.keys().find(fits).map(String::as_str)
}

#[track_caller]
fn check_against_document(method: &Method, path: &str, answer: &Answer) {
    let method = method.as_str().to_ascii_lowercase();
    let operation = template(path).map(|template| &document()["paths"][template][&method]);
    let Some(operation) = operation.filter(|operation| operation.is_object()) else {
        // Nothing is promised there but a problem.
        assert!(matches!(answer.status.as_u16(), 404 | 405), "{method} {path} is not documented: {answer:?}");
        return check_schema(&json!({"$ref": "#/components/schemas/Problem"}), &answer.json());
    };
    let described = &operation["responses"][answer.status.as_str()];
    assert!(described.is_object(), "{method} {path} answers {} undocumented: {answer:?}", answer.status);
    let Some(content) = described["content"].as_object() else {
        return assert!(answer.body.is_empty(), "{method} {path}: {answer:?}");
    };
    let media_type = answer.header("content-type").split(';').next().unwrap().to_owned();
    let schema = content.get(&media_type).map(|content| &content["schema"]);
    let schema = schema.unwrap_or_else(|| panic!("{method} {path} answers {media_type} undocumented"));
    if media_type.ends_with("json") && media_type != "application/x-ndjson" {
        check_schema(schema, &answer.json());
    }
    if let Some(headers) = described["headers"].as_object() {
        for (name, header) in headers {
            let types = &header["schema"]["type"];
            let may_be_absent = types.as_array().is_some_and(|types| types.contains(&json!("null")));
            assert!(may_be_absent || answer.headers.contains_key(name), "no header {name}: {answer:?}");
        }
    }
}

#[track_caller]
pub(crate) fn check_schema(schema: &Value, value: &Value) {
    let mut root = schema.as_object().unwrap().clone();
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("components".to_owned(), document()["components"].clone());
    let validator = jsonschema::validator_for(&Value::Object(root)).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?} in {value:#}");
}
