//! The second person: what needs one is kept and not done, in each door, until another approves.

use async_nats::HeaderMap;
use registry::{Guarded, Policy};
use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Answer, Service};

const STORY: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nTwo people were hurt.";
const CORRECTED: &str = "Talks resume in Cairo\n\nDelegates met on Monday.\n\nTwo people were hurt.";
/// Words that a correction brings and that nobody may see before.
const SECRET: &str = "met on Monday";
pub(crate) const CORRECTION: &str =
    "/v1/stories/talks?kind=correction&note=Day%20put%20right&what=Sunday&where=first%20paragraph";

/// Keys of people who may do it all: ana asks, bob approves.
pub(crate) struct People {
    pub(crate) ana: String,
    pub(crate) bob: String,
}

impl Service {
    /// Has everything need a second person, and a story on desk `world`.
    pub(crate) async fn guarded(&self) -> People {
        let policy = Guarded::ALL.iter().fold(Policy::default(), |policy, act| policy.with(*act));
        self.file("/v1/stories?slug=talks&desk=world", STORY).await;
        self.registry.set_policy(policy).await.unwrap();
        let ana = self.key_of("ana", &["editor@world", "legal@world"]).await;
        let bob = self.key_of("bob", &["editor@world", "legal@world"]).await;
        People { ana, bob }
    }

    /// Sends copy with a key, under an idempotency key if there is one.
    pub(crate) async fn copy_by(&self, key: &str, address: &str, command: &str, copy: &str) -> Answer {
        let authorization = format!("Bearer {key}");
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend((!command.is_empty()).then_some(("idempotency-key", command)));
        self.post(address, &headers, copy).await
    }

    pub(crate) async fn approve(&self, key: &str, request: u64) -> Answer {
        self.ask(Method::POST, &format!("/v1/requests/{request}/approve"), key, &Value::Null).await
    }

    /// Asserts that an answer is a request and not done; returns its number.
    #[track_caller]
    pub(crate) fn kept(&self, answer: &Answer, act: &str, head: u64) -> u64 {
        assert_eq!(answer.status, 202, "{answer:?}");
        let waiting = answer.json();
        assert_eq!((&waiting["act"], self.log.head().0), (&json!(act), head), "{waiting}");
        let request = waiting["request"].as_u64().unwrap();
        assert_eq!(answer.header("location"), format!("/v1/requests/{request}"));
        let expires: jiff::Timestamp = waiting["expires"].as_str().unwrap().parse().unwrap();
        let hours = expires.duration_since(jiff::Timestamp::now()).as_hours();
        assert!((23..=24).contains(&hours), "{waiting}");
        request
    }

    /// Returns who approved the newest event of the log, as the event says.
    async fn approver(&self) -> Option<String> {
        let record = self.log.read(self.log.head(), 1).await.unwrap().remove(0);
        let envelope: Value = serde_json::from_slice(&record.envelope).unwrap();
        let given = [&envelope["act"]["approver"], &envelope["correction"]["approver"]];
        given.into_iter().find_map(|approver| approver.as_str().map(str::to_owned))
    }

    async fn actor(&self) -> String {
        let record = self.log.read(self.log.head(), 1).await.unwrap().remove(0);
        let envelope: Value = serde_json::from_slice(&record.envelope).unwrap();
        envelope["actor"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_kill_or_a_takedown_waits_until_another_approves() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    for (number, act) in ["kill", "takedown"].into_iter().enumerate() {
        let head = service.log.head().0;
        let address = format!("/v1/stories/talks/acts/{act}");
        let body = json!({"reason": "forged", "approver": "somebody"});
        let kept = service.ask(Method::POST, &address, &ana, &body).await;
        let request = service.kept(&kept, act, head);
        assert_eq!(request, number as u64 + 1);
        let status = service.get("/v1/stories/talks?view=desk").await.json()["status"].clone();
        assert_eq!(status, if act == "kill" { "usable" } else { "killed" });
        let own = service.approve(&ana, request).await;
        assert_eq!(own.problem("refused")["reason"], "same-person");
        let done = service.approve(&bob, request).await;
        assert_eq!(done.status, 200, "{done:?}");
        assert_eq!((&done.json()["kind"], service.log.head().0), (&json!(act), head + 1));
        assert_eq!(
            (service.actor().await.as_str(), service.approver().await.as_deref()),
            ("ana", Some("bob"))
        );
        let twice = service.approve(&bob, request).await;
        assert_eq!(twice.problem("refused")["reason"], "request-decided");
        let view = service.look(&format!("/v1/requests/{request}"), &ana).await.json();
        assert_eq!((&view["state"], &view["approver"]), (&json!("executed"), &json!("bob")), "{view}");
        assert_eq!(view["revision"], head + 1);
        service.views.reached(service.log.head()).await;
    }
    service.stop().await;
}

#[tokio::test]
async fn a_correction_waits_unseen_and_names_who_approved_it() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let kept = service.copy_by(&ana, CORRECTION, "", CORRECTED).await;
    let request = service.kept(&kept, "correction", 1);
    for address in ["/v1/stories/talks", "/v1/stories/talks?view=desk", "/v1/stories/talks/history?view=desk"]
    {
        assert!(!service.get(address).await.text().contains(SECRET), "{address}");
    }
    let there = format!("/v1/requests/{request}");
    let shown = service.look(&there, &bob).await.json();
    assert!(shown["content"]["changes"].as_str().unwrap().contains("Monday"), "{shown}");
    assert_eq!((&shown["content"]["what"], &shown["seen"]), (&json!("Sunday"), &json!(1)), "{shown}");
    let admin = service.key_of("root", &["admin@*"]).await;
    let without = service.look(&there, &admin).await;
    assert!(without.json()["content"].is_null() && !without.text().contains("Monday"), "{without:?}");
    let done = service.approve(&bob, request).await.json();
    assert_eq!((&done["kind"], &done["revision"]), (&json!("correction"), &json!(2)), "{done}");
    assert_eq!((service.actor().await.as_str(), service.approver().await.as_deref()), ("ana", Some("bob")));
    service.views.reached(service.log.head()).await;
    assert!(service.get("/v1/stories/talks").await.text().contains(SECRET));
    service.stop().await;
}

#[tokio::test]
async fn an_alert_waits_said_or_not_and_makes_its_story_when_it_is_approved() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let reporter = service.key_of("rita", &["reporter@world"]).await;
    // A headline alone is an alert, whether or not it says so.
    let kept = service.copy_by(&reporter, "/v1/stories?slug=quake&desk=world", "", "Quake hits Lima").await;
    let request = service.kept(&kept, "alert", 1);
    service.get("/v1/stories/quake").await.problem("not-found");
    service.get("/v1/stories/quake?view=desk").await.problem("not-found");
    let done = service.approve(&bob, request).await;
    assert_eq!(done.status, 201, "{done:?}");
    assert_eq!((&done.json()["kind"], service.actor().await.as_str()), (&json!("alert"), "rita"));
    service.look(done.header("location"), &ana).await.json();
    let said = "/v1/stories/talks?kind=alert";
    let kept = service.copy_by(&ana, said, "", "Talks collapse\n\nDelegates left.").await;
    let request = service.kept(&kept, "alert", 2);
    assert_eq!(service.approve(&bob, request).await.json()["kind"], "alert");
    // What is no alert goes out at once, and an entry or a release is none.
    let update = service.copy_by(&reporter, "/v1/stories/talks", "", CORRECTED).await;
    assert_eq!((&update.json()["kind"], &update.json()["revision"]), (&json!("update"), &json!(3)));
    let entry = service.copy_by(&reporter, "/v1/stories/talks/entries", "", "They have left.").await;
    assert_eq!(entry.json()["kind"], "update", "{entry:?}");
    service.stop().await;
}

#[tokio::test]
async fn the_item_of_a_wire_that_kills_waits_too() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let item = |status: &str| {
        let item = json!({
            "uri": "urn:wire:1", "version": "2", "type": "text", "pubStatus": status,
            "language": "en", "slugline": "talks", "headline": "Talks resume in Cairo",
            "edNote": "The source has withdrawn it.",
        });
        item.to_string()
    };
    let authorization = format!("Bearer {ana}");
    let headers =
        [("authorization", authorization.as_str()), ("content-type", "application/vnd.iptc.ninjs+json")];
    let address = "/v1/stories?slug=talks";
    let kept = service.send(Method::POST, address, &headers, item("canceled")).await;
    let request = service.kept(&kept, "kill", 1);
    let done = service.approve(&bob, request).await.json();
    assert_eq!((&done["kind"], &done["status"]), (&json!("kill"), &json!("killed")), "{done}");
    assert_eq!(service.approver().await.as_deref(), Some("bob"));
    service.stop().await;
}

#[tokio::test]
async fn a_dry_run_stays_one_and_what_would_be_refused_is_refused_at_once() {
    let service = Service::start().await;
    let People { ana, .. } = service.guarded().await;
    let dry = service.copy_by(&ana, &format!("{CORRECTION}&dry_run=true"), "", CORRECTED).await;
    assert!(dry.status == 200 && dry.json()["text"].as_str().unwrap().contains("Monday"), "{dry:?}");
    let kill = "/v1/stories/talks/acts/kill";
    let silent = service.ask(Method::POST, kill, &ana, &json!({})).await;
    assert_eq!(silent.problem("refused")["reason"], "reason-missing");
    let late = service.ask(Method::POST, kill, &ana, &json!({"reason": "forged", "expect": 7})).await;
    late.problem("conflict");
    let empty = service.copy_by(&ana, "/v1/stories/talks?kind=correction", "", CORRECTED).await;
    assert_eq!(empty.problem("refused")["reason"], "correction-incomplete");
    let nothing =
        service.ask(Method::POST, "/v1/stories/none/acts/kill", &ana, &json!({"reason": "x"})).await;
    nothing.problem("not-found");
    let requests = service.look("/v1/requests", &ana).await.json();
    assert_eq!((&requests["requests"], service.log.head().0), (&json!([]), 1), "{requests}");
    service.stop().await;
}

#[tokio::test]
async fn asked_again_under_its_key_it_is_one_request_and_then_one_answer() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let first = service.copy_by(&ana, CORRECTION, "k1", CORRECTED).await;
    let request = service.kept(&first, "correction", 1);
    let again = service.copy_by(&ana, CORRECTION, "k1", CORRECTED).await;
    assert_eq!(again.json(), first.json());
    let other = CORRECTED.replace("Monday", "Friday");
    service.copy_by(&ana, CORRECTION, "k1", &other).await.problem("idempotency-key-reused");
    let done = service.approve(&bob, request).await.json();
    let after = service.copy_by(&ana, CORRECTION, "k1", CORRECTED).await.json();
    assert_eq!((&after["repeated"], &after["revision"]), (&json!(true), &done["revision"]), "{after}");
    // An alert whose slug is made of its headline is found again by its key as well.
    let quake = service.copy_by(&ana, "/v1/stories?desk=world", "k2", "Quake hits Lima").await;
    let request = service.kept(&quake, "alert", 2);
    service.approve(&bob, request).await;
    let after = service.copy_by(&ana, "/v1/stories?desk=world", "k2", "Quake hits Lima").await.json();
    assert_eq!((&after["repeated"], service.log.head().0), (&json!(true), 3), "{after}");
    let third = service.copy_by(&ana, CORRECTION, "k3", &other).await;
    let request = service.kept(&third, "correction", 3);
    let refuse = format!("/v1/requests/{request}/refuse");
    service.ask(Method::POST, &refuse, &bob, &json!({"reason": "it was Monday"})).await;
    let late = service.copy_by(&ana, CORRECTION, "k3", &other).await.problem("refused");
    assert_eq!(late["reason"], "request-decided");
    assert!(late["detail"].as_str().unwrap().contains("it was Monday"), "{late}");
    service.stop().await;
}

#[tokio::test]
async fn it_is_the_same_over_nats() {
    let service = Service::start().await;
    let People { ana, bob } = service.guarded().await;
    let mut nats = crate::nats::start(&service).await;
    let as_one = |key: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("Authorization", format!("Bearer {key}"));
        headers
    };
    nats.headers = as_one(&ana);
    let query = json!({"story": "talks", "act": "kill", "reason": "forged"});
    let kill = json!({"query": query, "key": "k1"});
    let (_, waiting) = nats.ask("act", &kill).await;
    assert_eq!((&waiting["act"], service.log.head().0), (&json!("kill"), 1), "{waiting}");
    assert_eq!(nats.ask("act", &kill).await.1, waiting);
    let alert = json!({"query": {"slug": "quake", "desk": "world"}, "body": "Quake hits Lima"});
    let (_, other) = nats.ask("push", &alert).await;
    assert_eq!(other["act"], "alert", "{other}");
    let listed = nats.ask("requests", &json!({"query": {"state": "pending"}})).await.1;
    assert_eq!(listed["requests"].as_array().unwrap().len(), 2, "{listed}");
    let decision = |request: &Value| json!({"query": {"request": request["request"]}});
    let own = nats.refused("approve", &decision(&waiting)).await;
    assert_eq!(own["reason"], "same-person");
    nats.refused("approve", &json!({})).await;
    nats.headers = as_one(&bob);
    let (_, done) = nats.ask("approve", &decision(&waiting)).await;
    assert_eq!((&done["kind"], &done["status"]), (&json!("kill"), &json!("killed")), "{done}");
    let (_, refused) =
        nats.ask("refuse", &json!({"query": {"request": other["request"], "reason": "no quake"}})).await;
    assert_eq!((&refused["state"], &refused["reason"]), (&json!("refused"), &json!("no quake")));
    assert_eq!(service.log.head().0, 2);
    nats.stop().await;
    service.stop().await;
}
