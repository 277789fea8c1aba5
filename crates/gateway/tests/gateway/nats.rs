//! The same service over NATS, with a real nats-server.

use std::path::Path;
use std::time::Duration;

use async_nats::{Client, HeaderMap, Message};
use futures::StreamExt;
use publisher::server::{NatsServer, Search, ServerOptions, Sync, find};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use writethru_gateway::{NatsService, NatsServiceError};

use crate::service::Service;

const STORY: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nTwo people were hurt.";

pub(crate) struct Nats {
    server: NatsServer,
    client: Client,
    /// The headers of whoever asks: the owner.
    pub(crate) headers: HeaderMap,
    stop: CancellationToken,
    answering: JoinHandle<Result<(), NatsServiceError>>,
    _folder: TempDir,
}

#[expect(clippy::disallowed_methods, reason = "tests are an edge: they read where the program is")]
pub(crate) async fn start(service: &Service) -> Nats {
    let folder = tempfile::tempdir().unwrap();
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools");
    let given = std::env::var("NATS_SERVER_BIN").ok().map(Into::into);
    let search = Search { given, tools: Some(tools), path: std::env::var_os("PATH") };
    let binary = find(&search).await.expect("tests need a nats-server: run scripts/fetch-nats-server");
    let options =
        ServerOptions { binary, directory: folder.path().to_owned(), port: None, sync: Sync::Relaxed };
    let server = NatsServer::start(options).await.unwrap();
    let stop = CancellationToken::new();
    let serving = connect(&server.url()).await;
    let answering = tokio::spawn(NatsService::new(service.gateway.clone(), serving).run(stop.clone()));
    let client = connect(&server.url()).await;
    let mut headers = HeaderMap::new();
    headers.insert("Authorization", format!("Bearer {}", service.owner));
    // Until every endpoint is there: a service answers to its name before it has them all.
    loop {
        let info = client.request("$SRV.INFO.writethru-desk", "".into()).await;
        let count = info.ok().map(|info| serde_json::from_slice::<Value>(&info.payload).unwrap());
        if count.is_some_and(|info| info["endpoints"].as_array().unwrap().len() == wire::DeskVerb::ALL.len())
        {
            return Nats { server, client, headers, stop, answering, _folder: folder };
        }
        tokio::task::yield_now().await;
    }
}

async fn connect(url: &str) -> Client {
    let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
    options.reconnect_delay_callback(|_| Duration::from_millis(20)).connect(url).await.unwrap()
}

impl Nats {
    pub(crate) async fn ask(&self, verb: &str, request: &Value) -> (HeaderMap, Value) {
        let subject = format!("wt.v1.desk.{verb}");
        let reply = self
            .client
            .request_with_headers(subject, self.headers.clone(), request.to_string().into())
            .await
            .unwrap();
        (reply.headers.unwrap_or_default(), serde_json::from_slice(&reply.payload).unwrap())
    }

    pub(crate) async fn refused(&self, verb: &str, request: &Value) -> Value {
        let (headers, problem) = self.ask(verb, request).await;
        let code = headers.get("Nats-Service-Error-Code").unwrap_or_else(|| panic!("no error: {problem}"));
        assert_eq!(code.as_str(), problem["status"].to_string());
        assert_eq!(headers.get("Nats-Service-Error").unwrap().as_str(), problem["title"]);
        assert_eq!(problem["instance"], format!("wt.v1.desk.{verb}"));
        problem
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.answering.await.unwrap().unwrap();
        self.server.stop().await;
    }
}

#[tokio::test]
async fn everything_over_nats_is_what_http_gives() {
    let service = Service::start().await;
    let nats = start(&service).await;
    let request =
        json!({"query": {"slug": "talks", "desk": "world", "actor": "cms"}, "body": STORY, "key": "k1"});
    let (headers, pushed) = nats.ask("push", &request).await;
    assert_eq!(headers.get("Content-Type").unwrap().as_str(), "application/json");
    assert_eq!((&pushed["revision"], &pushed["repeated"]), (&json!(1), &json!(false)), "{pushed}");
    let (_, again) = nats.ask("push", &request).await;
    assert_eq!((&again["revision"], &again["repeated"]), (&json!(1), &json!(true)));
    let copy = json!({"headline": "Talks collapse", "blocks": [{"text": "Delegates left."}]});
    let (_, second) =
        nats.ask("push", &json!({"query": {"story": "talks", "expect": 1}, "body": copy})).await;
    assert_eq!(second["revision"], 2, "{second}");
    let dry = json!({"query": {"story": "talks", "dry_run": true}, "body": STORY});
    assert!(nats.ask("push", &dry).await.1["text"].as_str().unwrap().contains("Two people"));
    service.views.reached(service.log.head()).await;

    for (verb, query, address) in [
        ("show", json!({"story": "talks"}), "/v1/stories/talks"),
        ("show", json!({"story": "talks", "as_of": "rev:1"}), "/v1/stories/talks?as_of=rev:1"),
        ("list", json!({"desk": "world", "limit": 3}), "/v1/stories?desk=world&limit=3"),
        ("history", json!({"story": "talks", "view": "desk"}), "/v1/stories/talks/history?view=desk"),
        ("diff", json!({"story": "talks", "from": 1, "to": 2}), "/v1/stories/talks/diff?from=1&to=2"),
        (
            "diff",
            json!({"story": "talks", "format": "json-patch"}),
            "/v1/stories/talks/diff?format=json-patch",
        ),
        ("info", json!({}), "/v1/info"),
    ] {
        let (_, reply) = nats.ask(verb, &json!({"query": query})).await;
        assert_eq!(reply, service.get(address).await.json(), "{verb} {query}");
    }
    nats.stop().await;
    service.stop().await;
}

#[tokio::test]
async fn an_article_comes_over_nats_in_the_formats_of_http() {
    let service = Service::start().await;
    let nats = start(&service).await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    for format in ["json", "text", "ninjs", "newsml-g2", "jsonld"] {
        for view in ["public", "desk"] {
            let query =
                json!({"query": {"story": "talks", "format": format, "view": view, "as_of": "rev:1"}});
            let request = nats.client.request_with_headers(
                "wt.v1.desk.show",
                nats.headers.clone(),
                query.to_string().into(),
            );
            let reply = request.await.unwrap();
            let address = format!("/v1/stories/talks?format={format}&view={view}&as_of=rev:1");
            let wanted = service.get(&address).await;
            assert_eq!(reply.payload[..], wanted.body, "{format}, {view}");
            let headers = reply.headers.unwrap();
            assert_eq!(headers.get("Content-Type").unwrap().as_str(), wanted.header("content-type"));
        }
    }
    let problem = nats.refused("show", &json!({"query": {"story": "talks", "format": "nitf"}})).await;
    assert_eq!(problem["place"], "query parameter format");
    nats.stop().await;
    service.stop().await;
}

#[tokio::test]
async fn what_is_answered_over_nats_of_a_story_that_was_under_embargo_is_noted() {
    let service = Service::start().await;
    let nats = start(&service).await;
    let until = "2199-01-01T00:00:00Z";
    let story =
        service.file(&format!("/v1/stories?slug=talks&desk=world&embargo_until={until}"), STORY).await.story;
    nats.ask("act", &json!({"query": {"story": "talks", "act": "lift"}})).await;
    service.views.reached(service.log.head()).await;
    for verb in ["show", "history", "diff"] {
        nats.ask(verb, &json!({"query": {"story": "talks"}})).await;
    }
    nats.ask("list", &json!({})).await;
    let left = service.registry.departures(story, None, 100).await.unwrap();
    let doors: Vec<&str> = left.iter().map(|one| one.door.as_str()).collect();
    assert_eq!(doors, ["nats-diff", "nats-history", "nats-list", "nats-show"]);
    nats.stop().await;
    service.stop().await;
}

#[tokio::test]
async fn a_refusal_over_nats_is_the_same_problem_with_the_headers_of_a_service_error() {
    let service = Service::start().await;
    let nats = start(&service).await;
    for (verb, request, name) in [
        ("show", json!({"query": {"story": "nothing"}}), "not-found"),
        ("show", json!({"query": {}}), "bad-request"),
        ("show", json!({"query": {"story": 3}}), "bad-request"),
        ("show", json!({"query": {"story": "nothing", "asof": "rev:1"}}), "bad-request"),
        ("show", json!({"query": {"story": "nothing"}, "body": "x"}), "bad-request"),
        ("list", json!({"query": {"limit": 0}}), "bad-request"),
        ("list", json!({"query": {}, "more": 1}), "bad-request"),
        ("list", json!([1]), "bad-request"),
        ("push", json!({"query": {"slug": "a", "desk": "b"}}), "bad-copy"),
        ("push", json!({"query": {"slug": "a"}, "body": "A\n\nB."}), "refused"),
        (
            "push",
            json!({"query": {"slug": "a"}, "body": "A", "media_type": "text/html"}),
            "unsupported-media-type",
        ),
        ("push", json!({"query": {"slug": "a"}, "body": "A", "key": ""}), "bad-request"),
    ] {
        let problem = nats.refused(verb, &request).await;
        assert_eq!(problem["type"], format!("/problems/{name}"), "{verb} {request}: {problem}");
    }
    let reply = nats.client.request("wt.v1.desk.list", "not json".into()).await.unwrap();
    assert!(reply.headers.unwrap().get("Nats-Service-Error").is_some());
    let empty = nats.client.request("wt.v1.desk.list", "".into()).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&empty.payload).unwrap()["stories"], json!([]));
    assert_eq!(service.log.head().0, 0);
    nats.stop().await;
    service.stop().await;
}

#[tokio::test]
async fn drafts_are_in_no_public_reply() {
    let service = Service::start().await;
    let nats = start(&service).await;
    let draft = json!({"query": {"slug": "secret", "desk": "world", "draft": true}, "body": STORY});
    nats.ask("push", &draft).await;
    service.views.reached(service.log.head()).await;
    for verb in ["show", "history", "diff"] {
        let problem = nats.refused(verb, &json!({"query": {"story": "secret"}})).await;
        assert_eq!(problem["type"], "/problems/not-found");
    }
    assert_eq!(nats.ask("list", &json!({})).await.1["stories"], json!([]));
    let desk = nats.ask("show", &json!({"query": {"story": "secret", "view": "desk"}})).await.1;
    assert_eq!(desk["status"], "draft");
    nats.stop().await;
    service.stop().await;
}

/// Permissions of NATS do not check the address for a reply, and the service may publish everywhere:
/// whoever may ask would speak with its voice.
#[tokio::test]
async fn a_reply_goes_to_an_inbox_and_nowhere_else() {
    let service = Service::start().await;
    let nats = start(&service).await;
    let mut heard = nats.client.subscribe(">").await.unwrap();
    let elsewhere = ["$JS.API.STREAM.PURGE.WT_CHANGES", "wt.v1.ack.wire-7", "wt.v1.desk.push", "orders"];
    for reply in elsewhere.into_iter().chain(["_INBOX.x"]) {
        for verb in wire::DeskVerb::ALL {
            let subject = format!("wt.v1.desk.{}", verb.as_str());
            nats.client.publish_with_reply(subject, reply, "".into()).await.unwrap();
        }
    }
    // Requests of a verb are taken in order: once the last ones are answered, all are at work.
    let mut answered = 0;
    while answered < wire::DeskVerb::ALL.len() {
        answered += usize::from(is_answer_at(&heard.next().await.unwrap(), "_INBOX.x", &elsewhere));
    }
    nats.stop.cancel();
    nats.answering.await.unwrap().unwrap();
    nats.client.publish("last", "".into()).await.unwrap();
    loop {
        let message = heard.next().await.unwrap();
        if message.subject.as_str() == "last" {
            break;
        }
        is_answer_at(&message, "_INBOX.x", &elsewhere);
    }
    nats.server.stop().await;
    service.stop().await;
}

/// Returns whether `message` is an answer at `inbox`; one `elsewhere` is a fault.
#[track_caller]
fn is_answer_at(message: &Message, inbox: &str, elsewhere: &[&str]) -> bool {
    // Requests have no headers.
    let is_answer = message.headers.is_some();
    assert!(!(is_answer && elsewhere.contains(&message.subject.as_str())), "answered at {}", message.subject);
    is_answer && message.subject.as_str() == inbox
}

#[tokio::test]
async fn many_requests_at_once_are_all_answered() {
    let service = Service::start().await;
    let nats = start(&service).await;
    let pushes = (0..200).map(|number| {
        let (client, headers) = (nats.client.clone(), nats.headers.clone());
        async move {
            let query = json!({"slug": format!("s{}", number % 10), "desk": "world"});
            let request = json!({"query": query, "body": format!("{STORY}\n\nPart {number}.")});
            let reply = client.request_with_headers("wt.v1.desk.push", headers, request.to_string().into());
            let reply = reply.await.unwrap();
            let reply: Value = serde_json::from_slice(&reply.payload).unwrap();
            assert_eq!(reply["changed"], true, "{reply}");
        }
    });
    futures::stream::iter(pushes).buffer_unordered(100).collect::<Vec<()>>().await;
    assert_eq!(service.log.head().0, 200);
    nats.stop().await;
    service.stop().await;
}

#[tokio::test]
async fn the_service_answers_again_after_nats_was_away_and_stops_when_told() {
    let service = Service::start().await;
    let Nats { server, client, stop, answering, _folder, .. } = start(&service).await;
    let process = server.process().unwrap();
    let (ends, url) = (CancellationToken::new(), server.url());
    let running = tokio::spawn(server.run(ends.clone()));
    let killed =
        tokio::process::Command::new("kill").args(["-9", &process.to_string()]).status().await.unwrap();
    assert!(killed.success());
    // Until the server that takes its place is there, and then until the service is.
    let old = client.server_info().server_id;
    let fresh = loop {
        match async_nats::connect(&url).await {
            Ok(fresh) if fresh.server_info().server_id != old => break fresh,
            _ => tokio::task::yield_now().await,
        }
    };
    let mut reply = fresh.request("wt.v1.desk.info", "".into()).await;
    while reply.is_err() {
        reply = fresh.request("wt.v1.desk.info", "".into()).await;
    }
    assert_eq!(serde_json::from_slice::<Value>(&reply.unwrap().payload).unwrap()["name"], "writethru");
    stop.cancel();
    answering.await.unwrap().unwrap();
    let after = fresh.request("wt.v1.desk.info", "".into()).await.unwrap_err();
    assert_eq!(after.kind(), async_nats::RequestErrorKind::NoResponders);
    ends.cancel();
    running.await.unwrap();
    service.stop().await;
}
