//! Everything that a service says over NATS and over live streams, held against the schema that it names.

use std::path::Path;
use std::time::Instant;

use async_nats::{Client, HeaderMap, jetstream};
use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use story::Revision;
use wire::schema::SCHEMAS;
use wire::{Acknowledgement, DeskVerb, Receipt, WT_ARTICLES, WT_CHANGES, WT_RECALLS};
use writethru_tests::api::Api;
use writethru_tests::people::People;
use writethru_tests::{PATIENCE, Service, harvey};

use crate::schemas::Schemas;

/// A service with its owner, and an editor's connection to its NATS server.
struct House {
    service: Service,
    owner: Api,
    editor: Client,
    /// Keys of the owner and of a second person.
    keys: [String; 2],
    schemas: Schemas,
}

impl House {
    async fn open(data: &Path) -> Self {
        let service = Service::start(data);
        let owner = Api::public(&service.http).with(Some(&service.owner_key()));
        let seed = std::fs::read_to_string(data.join("nats-editor.nkey")).expect("a seed");
        let options = async_nats::ConnectOptions::with_nkey(seed.trim().to_owned());
        let editor =
            options.custom_inbox_prefix("_INBOX_editor").connect(&service.nats).await.expect("connected");
        let schemas = Schemas::of(&owner).await;
        let people = People::hire(&owner, &["editor@world".to_owned()]).await;
        let keys = [service.owner_key(), people.key("editor@world").expect("a key").to_owned()];
        Self { service, owner, editor, keys, schemas }
    }

    /// Returns once everything that was filed has gone to NATS.
    async fn relayed(&self) {
        let begun = Instant::now();
        loop {
            let info = self.owner.get("/v1/info").await.done();
            if info["published"].as_u64() >= info["head"].as_u64() {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "{info}");
        }
    }

    /// Asks over NATS, checks the request and its reply, and returns the reply, which says yes.
    async fn ask(&mut self, verb: DeskVerb, request: Value) -> Value {
        // Nobody decides on what they asked for.
        let who = usize::from(matches!(verb, DeskVerb::Approve | DeskVerb::Refuse));
        let (refused, reply) = self.asked(verb, &request, who).await;
        assert!(!refused, "{request} was answered with {reply:#}");
        reply
    }

    /// Asks over NATS, checks the request and its reply, and returns the reply with whether it says no.
    async fn asked(&mut self, verb: DeskVerb, request: &Value, who: usize) -> (bool, Value) {
        let verb = verb.as_str();
        self.schemas.check(&format!("requests.v1.json#/$defs/{verb}"), request);
        let mut headers = HeaderMap::new();
        headers.insert("Authorization", format!("Bearer {}", self.keys[who]));
        let subject = format!("wt.v1.desk.{verb}");
        let reply = self.editor.request_with_headers(subject, headers, request.to_string().into()).await;
        let reply = reply.expect("the service answers");
        let refused =
            reply.headers.as_ref().is_some_and(|headers| headers.get("Nats-Service-Error").is_some());
        let json = serde_json::from_slice(&reply.payload).expect("JSON");
        let schema =
            if refused { "problem.v1.json".to_owned() } else { format!("replies.v1.json#/$defs/{verb}") };
        self.schemas.check(&schema, &json);
        (refused, json)
    }

    /// Checks every message that the streams keep, by the schema that it names, fetched where it says.
    async fn check_streams(&mut self) -> usize {
        self.relayed().await;
        let reader = async_nats::connect(&self.service.nats).await.expect("connected");
        let jetstream = jetstream::new(reader);
        let mut seen = 0;
        let expected = [
            (WT_CHANGES, "changed-event.v1.json", "change.v1.json"),
            (WT_ARTICLES, "article-event.v1.json", "article.v1.json"),
            (WT_RECALLS, "recalled-event.v1.json", "recall.v1.json"),
        ];
        for (stream, whole, data) in expected {
            let mut stream = jetstream.get_stream(stream).await.expect("the stream is there");
            let last = stream.info().await.expect("it tells").state.last_sequence;
            for sequence in 1..=last {
                // Where nothing is, it was replaced or taken out.
                let Ok(message) = stream.get_raw_message(sequence).await else { continue };
                let message: Value = serde_json::from_slice(&message.payload).expect("JSON");
                self.schemas.check(whole, &message);
                let address = message["dataschema"].as_str().expect("an address");
                let data = if message["data"]["fetch"].is_string() && whole.starts_with("article") {
                    "article-reference.v1.json"
                } else {
                    data
                };
                assert_eq!(address, format!("{}/schemas/{data}", self.service.http));
                self.schemas.check(data, &message["data"]);
                seen += 1;
            }
        }
        seen
    }

    /// Checks the lines of a live stream up to `until`.
    async fn check_lines(&mut self, path: &str, until: &str) -> Vec<Value> {
        let request = reqwest::Client::new().get(format!("{}{path}", self.service.http));
        let response = request.header("accept", "application/x-ndjson").send().await.expect("it answers");
        lines(response, until, &mut self.schemas).await
    }
}

async fn lines(mut response: reqwest::Response, until: &str, schemas: &mut Schemas) -> Vec<Value> {
    let (mut waiting, mut lines) = (Vec::new(), Vec::new());
    loop {
        let chunk =
            tokio::time::timeout(PATIENCE, response.chunk()).await.expect("in time").expect("it reads");
        waiting.extend(chunk.unwrap_or_else(|| panic!("the stream ended before {until}")));
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = waiting.drain(..=end).collect();
            let line: Value = serde_json::from_slice(&line).expect("JSON");
            schemas.check("stream-line.v1.json", &line);
            let is_last = line["event"] == until;
            lines.push(line);
            if is_last {
                return lines;
            }
        }
    }
}

/// Copy with something in every field.
fn full(headline: &str, first: &str, second: &str) -> Value {
    json!({
        "headline": headline, "summary": "Talks in Cairo.", "bylines": ["Ana Diaz"], "dateline": "CAIRO, 19 Nov", "language": "en",
        "tags": ["talks", "peace"], "links": ["https://example.org/a Background"], "urgency": 3, "ed_note": "Call the ministry.",
        "blocks": [
            {"text": first, "marks": [{"start": 0, "end": 9, "kind": "strong"}]},
            {"kind": "quote", "text": second},
            {"text": "More on the site.", "marks": [{"start": 12, "end": 16, "kind": "a", "href": "https://example.org"}]},
        ],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_fits_its_schema_and_no_broken_one_does() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let mut house = House::open(&folder.path().join("data")).await;
    let reader = async_nats::connect(&house.service.nats).await.expect("connected");
    let mut heads = reader.subscribe("wt.v1.checkpoint").await.expect("subscribed");
    reader.flush().await.expect("flushed");
    house.service.run(&["import", "--desk", "storms", harvey().to_str().expect("UTF-8")]);
    write_a_story(&mut house).await;
    let blocks: Vec<Value> =
        (0..6).map(|_| json!({"text": "A line of a very long document. ".repeat(6_000)})).collect();
    house
        .owner
        .post("/v1/stories?slug=papers&desk=world", &json!({"headline": "Papers", "blocks": blocks}))
        .await
        .done();
    let head = tokio::time::timeout(PATIENCE, heads.next()).await.expect("in time").expect("a head");
    house
        .schemas
        .check("checkpoint.v1.json", &String::from_utf8(head.payload.to_vec()).expect("UTF-8").into());
    house.schemas.check("checkpoint.v1.json", &house.owner.get("/log/checkpoint").await.text().into());
    assert!(house.check_streams().await > 20);
    live(&mut house).await;
    take_from_readers(&mut house).await;
    assert!(house.check_streams().await > 20);
    house.check_lines("/v1/events?since=earliest", "up-to-date").await;
    refusals(&mut house).await;
    acknowledgements(&mut house.schemas);
    // A stream that is open when the service ends says so.
    let open = reqwest::Client::new().get(format!("{}/v1/events", house.service.http));
    let open = open.header("accept", "application/x-ndjson").send().await.expect("it answers");
    let House { service, mut schemas, .. } = house;
    let stopping = tokio::task::spawn_blocking(move || service.stop());
    let last = lines(open, "closing", &mut schemas).await;
    assert_eq!(last.last().expect("a line")["data"]["reason"], "shutdown");
    stopping.await.expect("it ended well");
    // What nobody can wait for here: a stream of all after a withdrawal, and 15 seconds of silence.
    for line in [
        json!({"event": "must-refetch", "id": null, "data": {"reason": "cursor-gone", "snapshot": "/v1/stories", "cursor": null}}),
        json!({"event": "heartbeat", "id": null, "data": null}),
    ] {
        schemas.check("stream-line.v1.json", &line);
    }
    for schema in SCHEMAS.iter().filter(|schema| !schema.name.starts_with("parts")) {
        let (fitted, refused) = schemas.counts.get(schema.name).copied().unwrap_or_default();
        assert!(
            fitted > 0 && refused > 0,
            "{}: {fitted} messages fitted, {refused} broken ones did not",
            schema.name
        );
    }
}

/// A story's life over NATS: every verb, and every sort of step.
async fn write_a_story(house: &mut House) {
    let first =
        full("Talks resume", "Delegates met on Sunday. Two people were hurt.", "\u{201c}We go on.\u{201d}");
    let filed = house
        .ask(DeskVerb::Push, json!({"query": {"slug": "talks", "desk": "world"}, "body": first, "key": "k1"}))
        .await;
    assert_eq!(filed["revision"], 1);
    let mut second = full(
        "Talks go on in Cairo",
        "Delegates met on Monday. Three people were hurt.",
        "\u{201c}We stop.\u{201d}",
    );
    house
        .ask(DeskVerb::Push, json!({"query": {"story": "talks", "dry_run": true}, "body": second.clone()}))
        .await;
    house
        .ask(DeskVerb::Push, json!({"query": {"story": "talks", "expect": 1}, "body": second.clone()}))
        .await;
    let blocks = second["blocks"].as_array_mut().expect("blocks");
    for (number, block) in blocks.iter_mut().enumerate() {
        block["id"] = format!("b{}", number + 1).into();
    }
    blocks.swap(0, 2);
    blocks[1] =
        json!({"text": "A new paragraph stands here.", "marks": [{"start": 0, "end": 1, "kind": "em"}]});
    second["summary"] = Value::Null;
    second["tags"] = json!(["talks"]);
    house.ask(DeskVerb::Push, json!({"query": {"story": "talks", "kind": "correction", "what": "The number", "where": "first paragraph", "approver": "ed-2", "note": "Four were hurt."}, "body": second})).await;
    for copy in [
        "Opening words stand here. They say a good deal about it.\n\nMore.",
        "Opening words stand here.\n\nThey say a good deal about it.\n\nMore.",
    ] {
        let copy = format!("Live\n\n{copy}");
        house
            .ask(
                DeskVerb::Push,
                json!({"query": {"slug": "live", "desk": "world"}, "body": copy, "media_type": "text/plain"}),
            )
            .await;
    }
    let added = house
        .ask(DeskVerb::Entry, json!({"query": {"story": "live", "step": "add"}, "body": "It begins."}))
        .await;
    house
        .ask(DeskVerb::Entry, json!({"query": {"story": "live", "step": "pin", "block": added["block"]}}))
        .await;
    house.ask(DeskVerb::Push, json!({"query": {"slug": "budget", "desk": "world", "embargo_until": "2099-01-01T00:00:00Z"}, "body": "Budget\n\nSecret."})).await;
    house.ask(DeskVerb::Show, json!({"query": {"story": "talks", "as_of": "rev:1"}})).await;
    house.ask(DeskVerb::Show, json!({"query": {"story": "budget", "view": "desk"}})).await;
    house.ask(DeskVerb::List, json!({"query": {"view": "desk", "limit": 2}})).await;
    house.ask(DeskVerb::History, json!({"query": {"story": "talks", "view": "desk"}})).await;
    house.ask(DeskVerb::Diff, json!({"query": {"story": "talks", "from": 1, "to": 3}})).await;
    house
        .ask(
            DeskVerb::Diff,
            json!({"query": {"story": "talks", "from": 1, "to": "3", "format": "json-patch"}}),
        )
        .await;
    house.ask(DeskVerb::Info, json!({})).await;
}

/// Live streams in every shape.
async fn live(house: &mut House) {
    for shape in ["", "&payload=thin", "&unit=utf16", "&patch=json-patch"] {
        let lines = house.check_lines(&format!("/v1/events?since=earliest{shape}"), "up-to-date").await;
        let member = if shape.contains("thin") {
            "ref"
        } else if shape.contains("patch") {
            "patch"
        } else {
            "ops"
        };
        assert!(lines.iter().any(|line| line["data"]["data"].get(member).is_some()), "{shape}");
        for line in lines.iter().filter(|line| line["event"] == "change") {
            house.schemas.check("change.v1.json", &line["data"]["data"]);
        }
    }
    let lines = house.check_lines("/v1/stories/talks/events", "up-to-date").await;
    assert_eq!(lines[0]["event"], "snapshot");
}

/// Holds, kills, redactions, and what a second person says.
async fn take_from_readers(house: &mut House) {
    house
        .ask(
            DeskVerb::Act,
            json!({"query": {"story": "live", "act": "withhold"}, "body": {"reason": "It is doubted."}}),
        )
        .await;
    house.ask(DeskVerb::Act, json!({"query": {"story": "live", "act": "release"}})).await;
    house
        .owner
        .send(
            Method::PUT,
            "/v1/policy",
            Some(("application/json", br#"{"second_person":["kill"]}"#.to_vec())),
        )
        .await
        .done();
    let waits = house
        .ask(DeskVerb::Act, json!({"query": {"story": "live", "act": "kill"}, "body": {"reason": "Forged."}}))
        .await;
    house.ask(DeskVerb::Requests, json!({})).await;
    house
        .ask(DeskVerb::Refuse, json!({"query": {"request": waits["request"], "reason": "It is true."}}))
        .await;
    let waits = house
        .ask(
            DeskVerb::Act,
            json!({"query": {"story": "live", "act": "kill", "reason": "Forged.", "note": "Killed."}}),
        )
        .await;
    house.ask(DeskVerb::Approve, json!({"query": {"request": waits["request"]}})).await;
    house
        .owner
        .send(Method::PUT, "/v1/policy", Some(("application/json", br#"{"second_person":[]}"#.to_vec())))
        .await
        .done();
    let redaction = json!({"kind": "erase", "basis": "GDPR-Art.17", "words": "A new paragraph", "reason": "A name.", "approver": "editor-world"});
    house.owner.post("/v1/stories/talks/redactions", &redaction).await.done();
}

/// What is refused, over HTTP and over NATS.
async fn refusals(house: &mut House) {
    for path in [
        "/v1/stories/none",
        "/v1/stories?limit=x",
        "/schemas/none.json",
        "/v1/events?since=0000000000000001-0000000000000001",
        "/nowhere",
    ] {
        let answer = house.owner.get(path).await;
        assert!(answer.status >= 400, "{path}");
        house.schemas.check("problem.v1.json", &answer.json());
    }
    for (verb, request) in [
        (DeskVerb::Show, json!({"query": {"story": "none"}})),
        (DeskVerb::Push, json!({"query": {"story": "talks"}, "body": ""})),
    ] {
        assert!(house.asked(verb, &request, 0).await.0, "{request}");
    }
}

/// What the replicas of this project say back.
fn acknowledgements(schemas: &mut Schemas) {
    let story = "0192f1f0-0000-7000-8000-000000000000".parse().expect("an id");
    let received = vec![Receipt { story, revision: Revision(2) }; 3];
    let recall = Acknowledgement::of_recall(story, Revision(7));
    for said in [
        recall.clone(),
        Acknowledgement { recall: None, received: received.clone() },
        Acknowledgement { received, ..recall },
    ] {
        schemas.check("acknowledgement.v1.json", &serde_json::from_slice(&said.to_json()).expect("JSON"));
    }
}
