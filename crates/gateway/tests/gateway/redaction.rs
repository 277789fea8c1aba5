//! Redactions and legal holds: who may, on whose approval, and what is left.

use registry::{Guarded, Policy};
use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Answer, Service};

const SECRET: &str = "Canary Quillfeather";
const FIRST: &str =
    "Man held after fire\n\nPolice hold a man. Canary Quillfeather, 34, denies it.\n\nTen people were hurt.";
const SECOND: &str = "Man held after fire\n\nPolice hold a man. Canary Quillfeather, 34, denies it.\n\nTwelve people were hurt.";
const ADDRESS: &str = "/v1/stories/fire/redactions";

struct House {
    service: Service,
    counsel: String,
}

impl House {
    async fn open() -> Self {
        let service = Service::start().await;
        service.file("/v1/stories?slug=fire&desk=world", FIRST).await;
        service.file("/v1/stories/fire", SECOND).await;
        let counsel = service.key_of("counsel", &["legal@*"]).await;
        service.key_of("chief", &["editor@world"]).await;
        service.key_of("sport", &["editor@sports"]).await;
        Self { service, counsel }
    }

    async fn redact(&self, change: Value) -> Answer {
        self.redact_at(ADDRESS, change).await
    }

    async fn redact_at(&self, address: &str, change: Value) -> Answer {
        let mut body = json!({
            "kind": "erase", "basis": "GDPR-Art.17", "words": SECRET, "reason": "The conviction is spent.",
            "note": "A name was removed.", "approver": "chief",
        });
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        self.service.ask(Method::POST, address, &self.counsel, &body).await
    }
}

#[tokio::test]
async fn an_erased_sentence_is_shown_nowhere_and_is_in_no_file() {
    let house = House::open().await;
    let service = &house.service;
    let preview = house.redact_at(&format!("{ADDRESS}?dry_run=true"), json!({})).await;
    assert_eq!(preview.status, 200);
    assert_eq!(
        preview.json()["values"],
        json!([{"text": "Canary Quillfeather, 34, denies it.", "place": "block b1", "since": 1}])
    );
    assert!(service.holds(SECRET), "a dry run does nothing");
    let done = house.redact(json!({})).await;
    assert_eq!(done.status, 200, "{done:?}");
    let done = done.json();
    assert_eq!((&done["revision"], &done["values"], &done["records"]), (&json!(3), &json!(1), &json!(1)));
    assert!(!service.holds(SECRET), "it is in a file");
    for address in ["", "?as_of=rev:1", "?as_of=rev:2", "?format=text", "?format=ninjs"] {
        let shown = service.get(&format!("/v1/stories/fire{address}")).await;
        assert!(shown.status == 200 && !shown.text().contains("Quillfeather"), "{address}: {}", shown.text());
        assert!(shown.text().contains("hurt"), "{address}: the rest is there");
    }
    let changes = service.get("/v1/changes?after=earliest").await;
    assert!(!changes.text().contains("Quillfeather"), "{}", changes.text());
    assert_eq!(changes.json().as_array().unwrap().len(), 3);
    let listed = service.look(ADDRESS, &house.counsel).await.json();
    let line = &listed["redactions"][0];
    assert_eq!(
        (&line["basis"], &line["actor"], &line["approver"]),
        (&json!("GDPR-Art.17"), &json!("counsel"), &json!("chief"))
    );
    let house_list = service.look("/v1/redactions", &house.counsel).await.json();
    assert_eq!(house_list, listed);
    let recorded = line["recorded"].as_str().unwrap();
    let since = service.look(&format!("/v1/redactions?from={recorded}"), &house.counsel).await.json();
    assert_eq!(since, listed);
    let before = service.look(&format!("/v1/redactions?to={recorded}"), &house.counsel).await.json();
    assert_eq!(before["redactions"], json!([]));
    let recalls = service.look("/v1/stories/fire/recalls", &house.counsel).await.json();
    assert_eq!(
        (&recalls["recalls"][0]["kind"], &recalls["recalls"][0]["voids"]),
        (&json!("redaction"), &json!([1, 2]))
    );
    house.service.stop().await;
}

#[tokio::test]
async fn withdrawn_words_are_in_the_record_alone() {
    let house = House::open().await;
    let service = &house.service;
    assert_eq!(house.redact(json!({"kind": "withdraw"})).await.status, 200);
    for address in
        ["/v1/stories/fire", "/v1/stories/fire?view=desk", "/v1/stories/fire?view=desk&as_of=rev:1"]
    {
        let shown = service.look(address, &house.counsel).await;
        assert!(shown.status == 200 && !shown.text().contains("Quillfeather"), "{address}: {}", shown.text());
    }
    let editor = service.key_of("editor", &["editor@world"]).await;
    for (as_of, revision) in [("", 3), ("?as_of=rev:1", 1)] {
        let address = format!("/v1/stories/fire/record{as_of}");
        let record = service.look(&address, &house.counsel).await;
        assert_eq!(record.json()["revision"], revision);
        assert!(record.text().contains("Canary Quillfeather, 34, denies it."), "{}", record.text());
        assert_eq!(service.look(&address, &editor).await.status, 403);
    }
    assert_eq!(house.redact(json!({})).await.status, 200);
    let record = service.look("/v1/stories/fire/record?as_of=rev:1", &house.counsel).await;
    assert!(!record.text().contains("Quillfeather") && !service.holds(SECRET), "what is erased is nowhere");
    house.service.stop().await;
}

#[tokio::test]
async fn a_redaction_needs_a_second_person_who_may_approve() {
    let house = House::open().await;
    for (approver, reason) in
        [("counsel", "same-person"), ("sport", "approver-unfit"), ("nobody", "approver-unfit")]
    {
        let refused = house.redact(json!({"approver": approver})).await;
        assert_eq!(refused.problem("refused")["reason"], reason, "{approver}");
    }
    assert!(house.service.holds(SECRET));
    house.service.stop().await;
}

#[tokio::test]
async fn a_legal_hold_forbids_redactions_until_it_is_lifted() {
    let house = House::open().await;
    let service = &house.service;
    let hold = json!({"story": "fire", "basis": "court:2026/17", "reason": "A against B."});
    let placed = service.ask(Method::POST, "/v1/holds", &house.counsel, &hold).await.json();
    assert_eq!((&placed["hold"], &placed["placed_by"]), (&json!(1), &json!("counsel")));
    let held = house.redact(json!({})).await;
    assert_eq!(held.status, 423);
    assert_eq!(
        (&held.problem("held")["hold"], &held.problem("held")["basis"]),
        (&json!(1), &json!("court:2026/17"))
    );
    assert!(service.holds(SECRET));
    let of_story = service.look("/v1/holds?story=fire", &house.counsel).await.json();
    assert_eq!(of_story["holds"].as_array().unwrap().len(), 1);
    let why = json!({"reason": "The case is closed."});
    let lifted = service.ask(Method::POST, "/v1/holds/1/lift", &house.counsel, &why).await.json();
    assert_eq!(
        (&lifted["lifted_by"], &lifted["lift_reason"]),
        (&json!("counsel"), &json!("The case is closed."))
    );
    let again = service.ask(Method::POST, "/v1/holds/1/lift", &house.counsel, &why).await;
    assert_eq!(again.problem("refused")["reason"], "hold-lifted");
    assert_eq!(service.look("/v1/holds", &house.counsel).await.json()["holds"], json!([]));
    let kept = service.look("/v1/holds?all=true", &house.counsel).await.json();
    assert_eq!(kept["holds"].as_array().unwrap().len(), 1);
    assert_eq!(house.redact(json!({})).await.status, 200);
    assert!(!house.service.holds(SECRET));
    house.service.stop().await;
}

#[tokio::test]
async fn a_malformed_redaction_says_where_and_does_nothing() {
    let house = House::open().await;
    let bad = [
        (json!({"words": null}), "body: block"),
        (json!({"words": ""}), "body: block"),
        (json!({"block": "b1", "field": "headline"}), "body: field"),
        (json!({"field": "slug"}), "body: field"),
        (json!({"sentence": 1}), "body: sentence"),
        (json!({"block": "b1", "sentence": 0}), "body: sentence"),
        (json!({"revisions": "2..1"}), "body: revisions"),
        (json!({"revisions": "0"}), "body: revisions"),
        (json!({"words": "x".repeat(1_025)}), "body: words"),
    ];
    for (change, place) in bad {
        let refused = house.redact(change.clone()).await;
        assert_eq!(refused.status, 400, "{change}");
        assert_eq!(refused.problem("bad-request")["place"], place, "{change}");
    }
    for (change, named) in [
        (json!({"basis": "see the letter"}), "line 1"),
        (json!({"kind": "delete"}), "line 1"),
        (json!({"approver": null}), "approver"),
        (json!({"whole": true}), "whole"),
    ] {
        let refused = house.redact(change.clone()).await;
        assert_eq!(refused.status, 400, "{change}");
        assert!(
            refused.problem("bad-request")["detail"].as_str().unwrap().contains(named),
            "{change}: {refused:?}"
        );
    }
    let refused = [
        (json!({"words": "Nobody wrote this"}), "nothing-to-redact"),
        (json!({"words": null, "block": "b9"}), "nothing-to-redact"),
        (json!({"reason": ""}), "reason-missing"),
        (json!({"kind": "annotate", "note": ""}), "note-missing"),
        (json!({"kind": "anonymise"}), "replacement-missing"),
        (json!({"revisions": "1"}), "stands-elsewhere"),
        (json!({"words": "fire"}), "field-fixed"),
    ];
    for (change, reason) in refused {
        let answer = house.redact(change.clone()).await;
        assert_eq!(answer.problem("refused")["reason"], reason, "{change}");
    }
    let stale = house.redact(json!({"expect": 1})).await;
    assert_eq!(stale.status, 409);
    assert!(house.service.holds(SECRET), "nothing was done");
    assert_eq!(house.service.get("/v1/stories/fire").await.json()["revision"], 2);
    house.service.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_second_person_with_erased_words_in_it_ends() {
    let house = House::open().await;
    let service = &house.service;
    service.registry.set_policy(Policy::default().with(Guarded::Correction)).await.unwrap();
    let key = service.key_of("ana", &["editor@world"]).await;
    let address = "/v1/stories/fire?kind=correction&note=Number%20put%20right&what=Twelve&where=end";
    let with = service.copy_by(&key, address, "one", &SECOND.replace("Twelve", "Thirteen")).await;
    let without = "Man held after fire\n\nPolice hold a man.\n\nThirteen people were hurt.";
    let without = service.copy_by(&key, address, "two", without).await;
    assert!(with.status == 202 && without.status == 202, "{with:?} {without:?}");
    let dry = house.redact_at(&format!("{ADDRESS}?dry_run=true"), json!({})).await;
    assert_eq!(dry.status, 200);
    assert_eq!(house.redact(json!({})).await.status, 200);
    let state = async |waiting: &Answer| {
        let address = format!("/v1/requests/{}", waiting.json()["request"]);
        service.look(&address, &key).await.json()
    };
    let ended = state(&with).await;
    assert_eq!(ended["state"], "failed", "{ended}");
    assert!(ended["reason"].as_str().unwrap().contains("redacted"), "{ended}");
    assert_eq!(state(&without).await["state"], "pending");
    assert!(!service.holds(SECRET), "it is in a file");
    house.service.stop().await;
}

#[tokio::test]
async fn a_redaction_over_nats_is_what_it_is_over_http() {
    let house = House::open().await;
    let service = &house.service;
    let mut nats = crate::nats::start(service).await;
    let body = json!({
        "kind": "erase", "basis": "GDPR-Art.17", "words": SECRET, "reason": "The conviction is spent.",
        "note": "A name was removed.", "approver": "chief",
    });
    let ask = json!({"query": {"story": "fire"}, "body": body, "key": "k1"});
    let reporter = service.key_of("ana", &["reporter@world"]).await;
    nats.headers.insert("Authorization", format!("Bearer {reporter}"));
    assert_eq!(nats.refused("redact", &ask).await["status"], 403);
    nats.headers.insert("Authorization", format!("Bearer {}", house.counsel));
    let (_, preview) =
        nats.ask("redact", &json!({"query": {"story": "fire", "dry_run": true}, "body": body})).await;
    assert_eq!(preview["values"][0]["place"], "block b1", "{preview}");
    for (place, wrong) in [
        ("query parameter body", json!({"query": {"story": "fire"}})),
        ("body", json!({"query": {"story": "fire"}, "body": {"kind": "erase", "whom": "all"}})),
        ("query parameter whom", json!({"query": {"story": "fire", "whom": "all"}, "body": body})),
    ] {
        assert_eq!(nats.refused("redact", &wrong).await["place"], place);
    }
    assert!(service.holds(SECRET), "nothing of this did anything");
    let (_, done) = nats.ask("redact", &ask).await;
    assert_eq!(
        (&done["revision"], &done["values"], &done["repeated"]),
        (&json!(3), &json!(1), &json!(false))
    );
    assert!(!service.holds(SECRET), "it is in a file");
    let (_, again) = nats.ask("redact", &ask).await;
    assert_eq!((&again["revision"], &again["repeated"]), (&json!(3), &json!(true)), "{again}");
    nats.stop().await;
    house.service.stop().await;
}

#[tokio::test]
async fn a_redaction_that_needs_a_second_person_is_done_once_they_approve_and_is_theirs() {
    let house = House::open().await;
    let service = &house.service;
    let deputy = service.key_of("deputy", &["editor@world"]).await;
    let sport = service.key_of("goal", &["editor@sports"]).await;
    service.registry.set_policy(Policy::default().with(Guarded::Redaction)).await.unwrap();
    let head = service.log.head().0;
    for (change, reason) in [
        (json!({"words": "Nobody wrote this"}), "nothing-to-redact"),
        (json!({"reason": ""}), "reason-missing"),
        (json!({"approver": "counsel"}), "same-person"),
    ] {
        assert_eq!(house.redact(change.clone()).await.problem("refused")["reason"], reason, "{change}");
    }
    let request = service.kept(&house.redact(json!({})).await, "redaction", head);
    assert!(service.holds(SECRET), "nothing is done yet");
    let address = format!("/v1/requests/{request}");
    let seen = service.look(&address, &deputy).await;
    assert!(seen.text().contains("block b1, since revision 1"), "{}", seen.text());
    assert!(!seen.text().contains("Quillfeather"), "who may not read the record: {}", seen.text());
    assert!(service.look(&address, &house.counsel).await.text().contains(SECRET));
    assert_eq!(service.approve(&house.counsel, request).await.problem("refused")["reason"], "same-person");
    assert_eq!(service.approve(&sport, request).await.status, 404);
    assert!(service.holds(SECRET) && service.log.head().0 == head);
    let done = service.approve(&deputy, request).await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!((&done.json()["kind"], &done.json()["revision"]), (&json!("redaction"), &json!(3)));
    assert!(!service.holds(SECRET), "it is in a file");
    let ended = service.look(&address, &deputy).await.json();
    assert_eq!((&ended["state"], &ended["content"]), (&json!("executed"), &Value::Null), "{ended}");
    let line = service.look(ADDRESS, &house.counsel).await.json()["redactions"][0].clone();
    assert_eq!((&line["actor"], &line["approver"]), (&json!("counsel"), &json!("deputy")), "who approved");
    house.service.stop().await;
}

#[tokio::test]
async fn a_redaction_that_waits_ends_with_its_words_and_does_not_pass_a_hold() {
    let house = House::open().await;
    let service = &house.service;
    let deputy = service.key_of("deputy", &["editor@world"]).await;
    service.registry.set_policy(Policy::default().with(Guarded::Redaction)).await.unwrap();
    let head = service.log.head().0;
    let mut waiting = Vec::new();
    for kind in ["erase", "withdraw", "annotate"] {
        waiting.push(service.kept(&house.redact(json!({"kind": kind})).await, "redaction", head));
    }
    let state = async |request: u64| {
        service.look(&format!("/v1/requests/{request}"), &deputy).await.json()["state"].clone()
    };
    let no = json!({"reason": "It is of public interest."});
    let refuse = format!("/v1/requests/{}/refuse", waiting[2]);
    assert_eq!(service.ask(Method::POST, &refuse, &deputy, &no).await.status, 200);
    let hold = json!({"story": "fire", "basis": "court:2026/17", "reason": "A against B."});
    service.ask(Method::POST, "/v1/holds", &house.counsel, &hold).await;
    assert_eq!(service.approve(&deputy, waiting[1]).await.status, 423);
    assert_eq!(state(waiting[1]).await, "failed");
    assert_eq!(house.redact(json!({})).await.status, 423, "nor is another kept");
    assert!(service.holds(SECRET));
    let why = json!({"reason": "It is closed."});
    service.ask(Method::POST, "/v1/holds/1/lift", &house.counsel, &why).await;
    let again = service.kept(&house.redact(json!({"kind": "withdraw"})).await, "redaction", head);
    assert_eq!(service.approve(&deputy, waiting[0]).await.status, 200);
    assert_eq!(state(again).await, "failed", "it held the words that are erased");
    assert!(!service.holds(SECRET), "it is in a file");
    house.service.stop().await;
}

#[tokio::test]
async fn a_redaction_asked_for_again_under_its_key_is_the_same_request_and_then_its_answer() {
    let house = House::open().await;
    let service = &house.service;
    let deputy = service.key_of("deputy", &["editor@world"]).await;
    service.registry.set_policy(Policy::default().with(Guarded::Redaction)).await.unwrap();
    let mut nats = crate::nats::start(service).await;
    nats.headers.insert("Authorization", format!("Bearer {}", house.counsel));
    let body = json!({
        "kind": "erase", "basis": "GDPR-Art.17", "words": SECRET, "reason": "The conviction is spent.",
        "note": "A name was removed.", "approver": "chief",
    });
    let ask = json!({"query": {"story": "fire"}, "body": body, "key": "k1"});
    let (_, first) = nats.ask("redact", &ask).await;
    let (_, again) = nats.ask("redact", &ask).await;
    assert_eq!((&first["act"], &first), (&json!("redaction"), &again));
    let mut other = ask.clone();
    other["body"]["kind"] = json!("withdraw");
    assert_eq!(nats.refused("redact", &other).await["status"], 422);
    assert!(service.holds(SECRET));
    assert_eq!(service.approve(&deputy, first["request"].as_u64().unwrap()).await.status, 200);
    let (_, done) = nats.ask("redact", &ask).await;
    assert_eq!((&done["revision"], &done["repeated"]), (&json!(3), &json!(true)), "{done}");
    assert!(!service.holds(SECRET), "it is in a file");
    nats.stop().await;
    house.service.stop().await;
}
