//! Somebody without a key who tries everything: every address, every subject, and listening.
//!
//! It says what the public of the running server sees, however that server is set up: what is refused
//! to it is one of the answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_nats::{Client, ConnectOptions, Event};
use futures::StreamExt;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use writethru_tests::api::{Answer, Api};
use writethru_tests::{PATIENCE, Service};

/// What it listens to, each by a connection of its own: one refusal spoils no other.
const SUBJECTS: [&str; 12] = [
    "wt.v1.change.>",
    "wt.v1.article.>",
    "wt.v1.recall.>",
    "wt.v1.checkpoint",
    "_INBOX.>",
    ">",
    "wt.>",
    "wt.v1.desk.>",
    "wt.v1.ack.>",
    "_INBOX_service.>",
    "$JS.>",
    "$SYS.>",
];
const STREAMS: [&str; 3] = ["WT_CHANGES", "WT_ARTICLES", "WT_RECALLS"];
/// Addresses that name no story, and whether they stay byte for byte while nothing is published.
const PLACES: [(&str, bool); 31] = [
    ("/v1/stories", true),
    ("/v1/stories?limit=500&desk=world", true),
    ("/v1/stories?status=embargoed", true),
    ("/v1/stories?status=scheduled", true),
    ("/v1/stories?status=draft&desk=world", true),
    ("/v1/stories?view=desk", true),
    ("/v1/stories?view=desk&desk=world&status=embargoed", true),
    ("/v1/changes", true),
    ("/v1/changes?desk=world&limit=500", true),
    ("/v1/changes?kind=embargo", true),
    ("/v1/changes?kind=release", true),
    ("/v1/denials", true),
    ("/v1/audit/exports", true),
    ("/v1/requests", true),
    ("/v1/actors", true),
    ("/v1/keys", true),
    ("/v1/policy", true),
    ("/openapi.json", true),
    ("/livez", true),
    ("/metrics", false),
    ("/readyz", false),
    ("/v1/info", false),
    ("/v1/nothing/here", true),
    ("/", true),
    ("/desks/world", true),
    ("/tags/secret", true),
    ("/feed.atom", true),
    ("/feed.rss", true),
    ("/feed.json", true),
    ("/desks/world/feed.atom", true),
    ("/tags/secret/feed.json", true),
];
/// What is read of one story; NAME stands for it.
const READS: [&str; 20] = [
    "",
    "?view=desk",
    "?as_of=rev:1",
    "?as_of=rev:0",
    "?as_of=rev:-1",
    "?as_of=2098-12-31T00:00:00Z",
    "?as_of=rev:1&view=desk",
    "?format=text",
    "?format=ninjs",
    "?format=newsml-g2",
    "?format=jsonld",
    "/history",
    "/history?view=desk",
    "/diff",
    "/diff?from=0&to=1",
    "/diff?from=0&to=1&format=json-patch",
    "/diff?view=desk&format=text",
    "/recalls",
    "/embargo",
    "/entries",
];

/// Pages and feeds of one story; NAME stands for it.
const PAGES: [&str; 6] = ["", "/history", "/revisions/1", "/diff/0..1", "/feed.atom", "/feed.json"];

/// A message that was heard.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) at: Timestamp,
    /// What was listened to.
    pub(crate) by: &'static str,
    pub(crate) subject: String,
    pub(crate) payload: String,
}

/// What each door gave; the name says which door.
pub(crate) type Seen = BTreeMap<String, String>;

/// Somebody without a key, or with one that is of no use here.
pub(crate) struct Stranger {
    http: Api,
    nats: Client,
    refusals: mpsc::Receiver<String>,
    heard: Arc<Mutex<Vec<Heard>>>,
    /// Connections that listen.
    _ears: Vec<Client>,
}

impl Stranger {
    /// Begins to listen.
    pub(crate) async fn arrive(service: &Service) -> Self {
        let (refused, refusals) = mpsc::channel(64);
        let options = ConnectOptions::new().request_timeout(None).event_callback(move |event| {
            let refused = refused.clone();
            async move {
                if let Event::ServerError(error) = event {
                    // A full queue has refusals enough.
                    let _ = refused.try_send(error.to_string());
                }
            }
        });
        let nats = options.connect(&service.nats).await.expect("the public is let in");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mut ears = Vec::new();
        for by in SUBJECTS {
            let ear = async_nats::connect(&service.nats).await.expect("the public is let in");
            let mut messages = ear.subscribe(by).await.expect("sent");
            ear.flush().await.expect("sent");
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                while let Some(message) = messages.next().await {
                    let (subject, payload) = (message.subject.to_string(), message.payload);
                    let payload = String::from_utf8_lossy(&payload).into_owned();
                    heard.lock().expect("no panic").push(Heard {
                        at: Timestamp::now(),
                        by,
                        subject,
                        payload,
                    });
                }
            });
            ears.push(ear);
        }
        Self { http: Api::public(&service.http), nats, refusals, heard, _ears: ears }
    }

    /// Returns the same somebody with a key.
    pub(crate) fn keyed(&self, key: Option<&str>) -> Api {
        self.http.with(key)
    }

    /// Returns everything heard so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("no panic").clone()
    }

    /// Asks at a subject; `None` if that is refused, or nobody answers there.
    pub(crate) async fn ask(&mut self, subject: &str, body: &Value) -> Option<String> {
        while self.refusals.try_recv().is_ok() {}
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let asking = self.nats.request(subject.to_owned(), body.into());
        let answer = tokio::select! {
            answer = asking => answer.ok()?,
            _ = self.refusals.recv() => return None,
            () = tokio::time::sleep(PATIENCE) => panic!("{subject}: neither an answer nor a refusal"),
        };
        let headers = answer.headers.unwrap_or_default();
        let mut headers: Vec<_> =
            headers.iter().map(|(name, values)| format!("{name}: {values:?}")).collect();
        headers.sort();
        Some(format!("{}\n{}", headers.join("\n"), String::from_utf8_lossy(&answer.payload)))
    }

    /// Looks at everything that names no story.
    pub(crate) async fn look(&mut self) -> Seen {
        let mut seen = Seen::new();
        for (path, steady) in PLACES {
            for method in [Method::GET, Method::HEAD] {
                let answer = self.http.send(method.clone(), path, None).await;
                let door = format!("{}{method} {path}", if steady { "" } else { "~" });
                seen.insert(door, shown(&answer, "", !steady));
            }
        }
        for (subject, body) in [
            ("wt.v1.desk.list", json!({})),
            ("wt.v1.desk.list", json!({"query": {"view": "desk", "desk": "world"}})),
            ("wt.v1.desk.list", json!({"query": {"status": "embargoed"}})),
            ("wt.v1.desk.requests", json!({})),
            ("~wt.v1.desk.info", json!({})),
            ("~$JS.API.INFO", Value::Null),
            ("~$JS.API.STREAM.NAMES", Value::Null),
            ("~$JS.API.STREAM.LIST", Value::Null),
            ("~$JS.API.STREAM.INFO.WT_ACKS", Value::Null),
            ("~$JS.API.CONSUMER.LIST.WT_CHANGES", Value::Null),
            ("~$SRV.PING", Value::Null),
            ("~$SRV.INFO", Value::Null),
            ("~$SRV.STATS", Value::Null),
        ] {
            let answer = self.ask(subject.trim_start_matches('~'), &body).await;
            seen.insert(format!("{subject} {body}"), answer.unwrap_or_else(|| "refused".to_owned()));
        }
        for stream in STREAMS {
            self.read_stream(stream, &mut seen).await;
        }
        seen
    }

    /// Reads how much a stream has, of what, and each message of it by number.
    async fn read_stream(&mut self, stream: &str, seen: &mut Seen) {
        let door = format!("$JS.API.STREAM.INFO.{stream}");
        let info = self.ask(&door, &json!({"subjects_filter": ">"})).await.expect("the public may");
        let info: Value = serde_json::from_str(info.trim()).expect("JSON");
        let mut state = info["state"].clone();
        assert!(state["messages"].is_u64(), "{info}");
        state.as_object_mut().expect("an object").remove("consumer_count");
        let last = state["last_seq"].as_u64().expect("a number");
        seen.insert(door, state.to_string());
        for number in 1..=last + 1 {
            for door in ["STREAM.MSG", "DIRECT"] {
                let subject = format!("$JS.API.{door}.GET.{stream}");
                let message = self.ask(&subject, &json!({"seq": number})).await;
                // A message of a stream is the same for ever; where it is refused, that is too.
                seen.insert(format!("{subject} {number}"), message.unwrap_or_else(|| "refused".to_owned()));
            }
        }
    }

    /// Asks every door about the story that is called `name`; in what it returns, its name is NAME.
    pub(crate) async fn ask_about(&mut self, name: &str) -> Seen {
        let mut seen = ask_api(&self.http, name).await;
        for verb in ["show", "history", "diff"] {
            for view in ["public", "desk"] {
                let body = json!({"query": {"story": name, "view": view}});
                let answer = self.ask(&format!("wt.v1.desk.{verb}"), &body).await;
                let answer = answer.unwrap_or_else(|| "refused".to_owned()).replace(name, "NAME");
                seen.insert(format!("wt.v1.desk.{verb} {view}"), answer);
            }
        }
        let act = json!({"query": {"story": name, "act": "kill"}, "body": {"reason": "spite"}});
        let entry = json!({"query": {"story": name, "step": "add"}, "body": "Entry."});
        for (verb, body) in [("act", act), ("entry", entry)] {
            let answer = self.ask(&format!("wt.v1.desk.{verb}"), &body).await;
            seen.insert(format!("wt.v1.desk.{verb}"), answer.unwrap_or_default().replace(name, "NAME"));
        }
        for (stream, subject) in [
            ("WT_ARTICLES", format!("wt.v1.article.world.{name}")),
            ("WT_RECALLS", format!("wt.v1.recall.world.{name}")),
            ("WT_CHANGES", format!("wt.v1.change.world.release.notable.{name}")),
        ] {
            let last = json!({"last_by_subj": subject});
            for (door, body) in [
                (format!("$JS.API.STREAM.MSG.GET.{stream}"), last),
                (format!("$JS.API.DIRECT.GET.{stream}.{subject}"), Value::Null),
            ] {
                let answer = self.ask(&door, &body).await.unwrap_or_default();
                seen.insert(door.replace(name, "NAME"), answer.replace(name, "NAME"));
            }
        }
        seen
    }
}

/// Asks every address about the story that is called `name`, reading and writing.
pub(crate) async fn ask_api(api: &Api, name: &str) -> Seen {
    let mut seen = Seen::new();
    for rest in READS {
        let path = format!("/v1/stories/{name}{rest}");
        for method in [Method::GET, Method::HEAD] {
            let answer = api.send(method.clone(), &path, None).await;
            seen.insert(format!("{method} NAME{rest}"), shown(&answer, name, false));
        }
    }
    for rest in PAGES {
        let answer = api.get(&format!("/stories/{name}{rest}")).await;
        seen.insert(format!("page NAME{rest}"), shown(&answer, name, false));
    }
    let text = || Some(("text/plain", b"Guess\n\nAnything.".to_vec()));
    let why = || Some(("application/json", br#"{"reason":"spite"}"#.to_vec()));
    for (method, path, body) in [
        (Method::POST, format!("/v1/stories/{name}"), text()),
        (Method::POST, format!("/v1/stories/{name}?dry_run=true"), text()),
        (Method::POST, format!("/v1/stories?slug={name}&desk=world"), text()),
        (
            Method::POST,
            format!("/v1/stories?slug={name}&desk=world&dry_run=true&embargo_until=2099-01-01T00:00:00Z"),
            text(),
        ),
        (Method::POST, format!("/v1/stories/{name}/acts/kill"), why()),
        (Method::POST, format!("/v1/stories/{name}/acts/restore"), why()),
        (Method::POST, format!("/v1/stories/{name}/acts/lift"), None),
        (Method::POST, format!("/v1/stories/{name}/acts/release"), None),
        (Method::POST, format!("/v1/stories/{name}/acts/nonsense"), None),
        (Method::POST, format!("/v1/stories/{name}/entries"), text()),
        (Method::PUT, format!("/v1/stories/{name}/entries/b1"), text()),
        (Method::PUT, format!("/v1/stories/{name}/entries/b1/pin"), None),
        (Method::DELETE, format!("/v1/stories/{name}/entries/b1"), None),
        (Method::DELETE, format!("/v1/stories/{name}"), None),
        (Method::OPTIONS, format!("/v1/stories/{name}"), None),
    ] {
        let answer = api.send(method.clone(), &path, body).await;
        seen.insert(format!("{method} {}", path.replace(name, "NAME")), shown(&answer, name, false));
    }
    seen
}

/// Returns all of an answer, without what is of the one request.
fn shown(answer: &Answer, name: &str, is_volatile: bool) -> String {
    let mut headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(header, _)| !matches!(header.as_str(), "date" | "x-request-id"))
        // Where reading goes on is a place in the log: it moves with everything that is stored.
        .filter(|(header, _)| *header != "writethru-cursor" && *header != "link")
        // It is said once its second is over.
        .filter(|(header, _)| *header != "last-modified")
        .map(|(header, value)| format!("{header}: {}", String::from_utf8_lossy(value.as_bytes())))
        .filter(|line| !(is_volatile && line.starts_with("content-length")))
        .collect();
    headers.sort();
    let request = answer.header("x-request-id");
    let whole = format!("{}\n{}\n\n{}", answer.status, headers.join("\n"), answer.text());
    let whole = if request.is_empty() { whole } else { whole.replace(request, "REQUEST") };
    if name.is_empty() { whole } else { whole.replace(name, "NAME") }
}
