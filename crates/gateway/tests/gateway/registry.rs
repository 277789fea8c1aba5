//! The routes over the registry: who may, who may not, and what is never shown twice.

use jiff::{Timestamp, ToSpan};
use registry::{Act, Desks, Grant, NewActor, NewKey, NewRequest, Scopes};
use reqwest::Method;
use serde_json::{Value, json};

use crate::service::{Answer, Service};

const STORY: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.";

impl Service {
    pub(crate) async fn ask(&self, method: Method, address: &str, key: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {key}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, address, &[("authorization", &authorization)], body).await
    }

    pub(crate) async fn look(&self, address: &str, key: &str) -> Answer {
        self.ask(Method::GET, address, key, &Value::Null).await
    }

    /// Adds an actor with these grants, and returns a key of it.
    pub(crate) async fn key_of(&self, id: &str, grants: &[&str]) -> String {
        let grants: Vec<Grant> = grants.iter().map(|grant| grant.parse().unwrap()).collect();
        let new = NewActor { id: Some(id.parse().unwrap()), name: None, grants };
        let actor = self.registry.add_actor(new, Timestamp::now()).await.unwrap();
        let (_, secret) = self.registry.add_key(NewKey::of(actor.id), Timestamp::now()).await.unwrap();
        secret.expose().to_owned()
    }

    async fn request_by(&self, actor: &str) -> u64 {
        let new = NewRequest {
            actor: actor.parse().unwrap(),
            act: Act::Kill,
            story: None,
            desk: Some("world".parse().unwrap()),
            command: None,
            seen: None,
            payload: b"kill it".to_vec(),
            expires: Timestamp::now() + 1.hour(),
        };
        self.registry.request(new, Timestamp::now()).await.unwrap().id.0
    }
}

const REDACTION: &str =
    r#"{"kind":"erase","basis":"GDPR-Art.17","words":"Sunday","reason":"An order.","approver":"eve"}"#;

/// Every route, with a body that it takes and a role that it refuses.
const ROUTES: &[(&str, &str, &str, &str)] = &[
    ("GET", "/v1/actors", "", "auditor@*"),
    ("POST", "/v1/actors", r#"{"grants":["editor@world"]}"#, "editor@*"),
    ("GET", "/v1/actors/ana", "", "auditor@*"),
    ("PATCH", "/v1/actors/ana", r#"{"name":"Ana"}"#, "editor@*"),
    ("DELETE", "/v1/actors/ana/name", "", "editor@*"),
    ("DELETE", "/v1/actors/ana", "", "legal@*"),
    ("GET", "/v1/keys", "", "auditor@*"),
    ("POST", "/v1/keys", r#"{"actor":"bob"}"#, "editor@*"),
    ("POST", "/v1/keys/KEY/rotate", r#"{"overlap_seconds":60}"#, "legal@*"),
    ("DELETE", "/v1/keys/KEY", "", "auditor@*"),
    ("GET", "/v1/denials?limit=5", "", "reporter@*"),
    ("GET", "/v1/policy", "", "subscriber@*"),
    ("PUT", "/v1/policy", r#"{"second_person":["kill"]}"#, "editor@*"),
    ("GET", "/v1/requests?state=pending", "", "subscriber@*"),
    ("GET", "/v1/requests/REQUEST", "", "subscriber@*"),
    ("POST", "/v1/requests/REQUEST/refuse", r#"{"reason":"confirmed"}"#, "auditor@*"),
    ("GET", "/v1/stories/talks/recalls", "", "reporter@*"),
    ("GET", "/v1/stories/talks/embargo", "", "subscriber@*"),
    ("GET", "/v1/redactions", "", "reporter@*"),
    ("GET", "/v1/audit/stealth", "", "reporter@*"),
    ("GET", "/v1/audit/corrections", "", "reporter@*"),
    ("GET", "/v1/audit/recalls?desk=world", "", "subscriber@*"),
    ("GET", "/v1/audit/embargo", "", "auditor@world"),
    ("GET", "/v1/audit/public?desk=world", "", "auditor@sports"),
    ("GET", "/v1/stories/talks/record", "", "editor@*"),
    ("GET", "/v1/stories/talks/redactions", "", "reporter@*"),
    ("POST", "/v1/holds", r#"{"story":"talks","basis":"court:2026/17","reason":"A case."}"#, "editor@*"),
    ("GET", "/v1/holds", "", "reporter@*"),
    ("POST", "/v1/holds/1/lift", r#"{"reason":"The case is closed."}"#, "editor@*"),
    ("POST", "/v1/stories/talks/redactions", REDACTION, "editor@*"),
];

#[tokio::test]
async fn every_route_serves_the_owner_and_refuses_the_wrong_role_and_no_key() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    service.key_of("ana", &["editor@world"]).await;
    service.key_of("eve", &["editor@world"]).await;
    let bob = service.key_of("bob", &["reporter@world"]).await;
    let request = service.request_by("bob").await.to_string();
    for (number, (method, address, body, wrong)) in ROUTES.iter().enumerate() {
        let method: Method = method.parse().unwrap();
        let address = address.replace("KEY", &bob[3..15]).replace("REQUEST", &request);
        let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
        let no_key =
            service.send(method.clone(), &address, &[("authorization", "-")], body.to_string()).await;
        assert_eq!(no_key.status, 401, "{method} {address}");
        assert_eq!(no_key.header("www-authenticate"), "Bearer");
        assert!(!no_key.problem("unauthorized")["roles"].as_array().unwrap().is_empty());
        let other = service.key_of(&format!("wrong-{number}"), &[wrong]).await;
        let refused = service.ask(method.clone(), &address, &other, &body).await;
        assert_eq!(refused.status, 403, "{method} {address}");
        let problem = refused.problem("forbidden");
        assert!(problem["act"].is_string() && problem["roles"].is_array(), "{problem}");
        let served = service.ask(method.clone(), &address, &service.owner, &body).await;
        assert!(served.status.is_success(), "{method} {address}: {served:?}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_secret_is_shown_once_and_a_revoked_key_is_refused_at_once() {
    let service = Service::start().await;
    service.key_of("ana", &["auditor@*"]).await;
    let body = json!({"actor": "ana", "scopes": "audit", "note": "for the night"});
    let made = service.ask(Method::POST, "/v1/keys", &service.owner, &body).await;
    assert_eq!(made.status, 201);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let id = made.json()["key"]["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("/v1/keys/{id}"));
    assert_eq!(made.header("cache-control"), "no-store");
    let typed: wire::http::KeyIssued = serde_json::from_slice(&made.body).unwrap();
    let shown = format!("{typed:?}");
    assert!(!shown.contains(&secret) && !shown.contains("night"), "{shown}");
    assert_eq!(service.look("/v1/denials", &secret).await.status, 200);

    let listed = service.look("/v1/keys?actor=ana", &service.owner).await;
    assert_eq!(listed.json()["keys"].as_array().unwrap().len(), 2);
    let hidden = &secret[16..];
    assert!(listed.text().contains(&id) && !listed.text().contains(hidden));

    let address = format!("/v1/keys/{id}/rotate");
    let rotated = service.ask(Method::POST, &address, &service.owner, &Value::Null).await;
    let newer = rotated.json()["secret"].as_str().unwrap().to_owned();
    assert_ne!(newer, secret);
    assert_eq!(service.look("/v1/denials", &secret).await.status, 401, "without overlap the old one ends");
    assert_eq!(service.look("/v1/denials", &newer).await.status, 200);

    let address = format!("/v1/keys/{id}");
    let revoked = service.ask(Method::DELETE, &address, &service.owner, &Value::Null).await;
    assert!(revoked.json()["revoked"].is_string());
    service.look("/v1/denials", &newer).await.problem("unauthorized");
    let whole = service.ask(Method::DELETE, &format!("/v1/keys/{newer}"), &service.owner, &Value::Null).await;
    let problem = whole.problem("not-registered");
    assert!(!problem["detail"].as_str().unwrap().contains(&newer), "a key is not repeated: {problem}");
    service.stop().await;
}

#[tokio::test]
async fn a_removed_actor_is_nobody_at_once_and_an_erased_name_is_gone() {
    let service = Service::start().await;
    let body = json!({"name": "Ana Diaz", "grants": ["auditor@*"]});
    let ana = service.ask(Method::POST, "/v1/actors", &service.owner, &body).await;
    let id = ana.json()["id"].as_str().unwrap().to_owned();
    let made = service.ask(Method::POST, "/v1/keys", &service.owner, &json!({"actor": id})).await;
    let key = made.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(service.look("/v1/policy", &key).await.status, 200);
    let body = json!({"grants": ["reporter@world"]});
    service.ask(Method::PATCH, &format!("/v1/actors/{id}"), &service.owner, &body).await;
    assert_eq!(service.look("/v1/policy", &key).await.status, 403, "the key follows its actor");
    let name = format!("/v1/actors/{id}/name");
    let erased = service.ask(Method::DELETE, &name, &service.owner, &Value::Null).await;
    assert!(erased.json()["name_erased"].is_string() && !erased.text().contains("Diaz"));
    assert!(!service.look("/v1/actors", &service.owner).await.text().contains("Diaz"));
    service.ask(Method::DELETE, &format!("/v1/actors/{id}"), &service.owner, &Value::Null).await;
    assert_eq!(service.look("/v1/policy", &key).await.status, 401);
    let again = service.ask(Method::PATCH, &format!("/v1/actors/{id}"), &service.owner, &body).await;
    assert_eq!(again.problem("refused")["reason"], "actor-removed");
    service.stop().await;
}

#[tokio::test]
async fn a_denial_is_recorded_with_who_what_and_by_which_way() {
    let service = Service::start().await;
    let ana = service.key_of("ana", &["reporter@world"]).await;
    service.look("/v1/keys", &ana).await.problem("forbidden");
    service.look("/v1/actors", "wt_wrong").await.problem("unauthorized");
    let denials = service.look("/v1/denials?limit=1", &service.owner).await;
    let newest = &denials.json()["denials"][0];
    assert_eq!((&newest["act"], &newest["door"]), (&json!("manage-actors"), &json!("http")));
    assert!(newest["actor"].is_null(), "{newest}");
    let next = denials.json()["next"].as_str().unwrap().to_owned();
    let older = service.look(&format!("/v1/denials?after={next}"), &service.owner).await.json();
    let older = &older["denials"][0];
    assert_eq!((&older["act"], &older["actor"]), (&json!("manage-keys"), &json!("ana")));
    assert_eq!(older["key"], ana[3..15]);
    service.stop().await;
}

#[tokio::test]
async fn lists_come_in_pages_that_join_without_a_gap() {
    let service = Service::start().await;
    for id in ["ana", "bob", "cyd"] {
        service.key_of(id, &[]).await;
    }
    let (mut ids, mut address) = (Vec::new(), "/v1/actors?limit=3".to_owned());
    loop {
        let page = service.look(&address, &service.owner).await.json();
        let actors = page["actors"].as_array().unwrap();
        ids.extend(actors.iter().map(|actor| actor["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        address = format!("/v1/actors?limit=3&after={next}");
    }
    assert_eq!(ids, ["ana", "bob", "cyd", "owner"]);
    service.stop().await;
}

#[tokio::test]
async fn a_bad_body_is_answered_with_its_place_and_without_its_words() {
    let service = Service::start().await;
    for (body, place) in [
        (json!({"grants": ["editor@world", "king@world"]}), "body: grants[1]"),
        (json!({"name": 7}), "body: line 1 column 9"),
        (json!({"nam": "Ana Diaz"}), "body: line 1 column 6"),
        (json!({"name": "Ana\nDiaz"}), "body: name"),
        (json!({"id": "scheduler"}), "body: id"),
    ] {
        let answer = service.ask(Method::POST, "/v1/actors", &service.owner, &body).await;
        let problem = answer.problem("bad-request");
        assert_eq!(problem["place"], place, "{problem}");
        assert!(!answer.text().contains("Diaz"), "{problem}");
    }
    let large = json!({"name": "a".repeat(70_000)});
    service.ask(Method::POST, "/v1/actors", &service.owner, &large).await.problem("too-large");
    service.stop().await;
}

#[tokio::test]
async fn the_same_command_makes_one_key_and_says_which() {
    let service = Service::start().await;
    service.key_of("ana", &["auditor@*"]).await;
    let body = json!({"actor": "ana"}).to_string();
    let headers = [("idempotency-key", "k1"), ("content-type", "application/json")];
    let made = service.send(Method::POST, "/v1/keys", &headers, body.clone()).await;
    assert_eq!(made.status, 201);
    let again = service.send(Method::POST, "/v1/keys", &headers, body.clone()).await.problem("refused");
    assert_eq!((&again["reason"], &again["key"]), (&json!("key-made"), &made.json()["key"]["id"]));
    assert!(again["detail"].as_str().unwrap().contains("rotate"), "{again}");
    let other = [("idempotency-key", "k2"), ("content-type", "application/json")];
    assert_eq!(service.send(Method::POST, "/v1/keys", &other, body).await.status, 201);
    let listed = service.look("/v1/keys?actor=ana", &service.owner).await.json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 3);
    service.stop().await;
}

#[tokio::test]
async fn a_request_is_there_for_who_asked_and_who_may_decide_and_for_nobody_else() {
    let service = Service::start().await;
    let ana = service.key_of("ana", &["editor@world"]).await;
    let bob = service.key_of("bob", &["editor@world"]).await;
    let cyd = service.key_of("cyd", &["editor@sports"]).await;
    let id = service.request_by("ana").await;
    let count = async |key: &str| {
        let list = service.look("/v1/requests?state=pending", key).await.json();
        list["requests"].as_array().unwrap().len()
    };
    assert_eq!((count(&ana).await, count(&bob).await, count(&cyd).await), (1, 1, 0));
    let (there, missing) = (format!("/v1/requests/{id}"), "/v1/requests/999");
    let unseen = service.look(&there, &cyd).await.problem("not-registered");
    let absent = service.look(missing, &cyd).await.problem("not-registered");
    let words = |problem: &Value| problem["detail"].as_str().unwrap().replace(char::is_numeric, "");
    assert_eq!(words(&unseen), words(&absent));
    let refuse = format!("{there}/refuse");
    let own = service.ask(Method::POST, &refuse, &ana, &Value::Null).await;
    assert_eq!(own.problem("refused")["reason"], "same-person");
    let refused = service.ask(Method::POST, &refuse, &bob, &json!({"reason": "confirmed"})).await.json();
    assert_eq!((&refused["state"], &refused["approver"]), (&json!("refused"), &json!("bob")));
    assert_eq!(service.look(&there, &ana).await.json()["reason"], "confirmed");
    let twice = service.ask(Method::POST, &refuse, &bob, &Value::Null).await;
    assert_eq!(twice.problem("refused")["reason"], "request-decided");
    service.stop().await;
}

#[tokio::test]
async fn a_recall_says_who_got_what_it_voids_and_who_acknowledged() {
    let service = Service::start().await;
    let ana = service.key_of("ana", &["auditor@world"]).await;
    let first = service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let none = service.look("/v1/stories/talks/recalls", &ana).await.json();
    assert_eq!(none["recalls"], json!([]));
    let correction = "/v1/stories/talks?kind=correction&note=Day%20put%20right&what=Sunday&where=first%20paragraph&approver=bob";
    let corrected = service.post(correction, &[], "Talks resume in Cairo\n\nDelegates met on Monday.").await;
    assert!(corrected.status.is_success(), "{corrected:?}");
    service.views.reached(service.log.head()).await;
    let now = Timestamp::now();
    for subscriber in ["paper", "radio"] {
        let subscriber = subscriber.parse().unwrap();
        service.registry.delivered(&subscriber, first.story, story::Revision(1), now).await.unwrap();
    }
    let radio = "radio".parse().unwrap();
    service.registry.acknowledged(&radio, first.story, story::Revision(2), now).await.unwrap();
    let status = service.look("/v1/stories/talks/recalls", &ana).await.json();
    let recall = &status["recalls"][0];
    assert_eq!((&recall["kind"], &recall["voids"]), (&json!("correction"), &json!([1])));
    assert_eq!((&recall["got"], &recall["acknowledged"]), (&json!(2), &json!(1)));
    assert_eq!(recall["subscribers"][0], json!({"subscriber": "paper", "got": 1}));
    assert!(recall["subscribers"][1]["acknowledged"].is_string(), "{recall}");
    assert!(status["next"].is_null(), "{status}");
    service.stop().await;
}

#[tokio::test]
async fn what_left_under_an_embargo_is_a_breach_and_is_named() {
    let service = Service::start().await;
    let until = Timestamp::now() + 1.hour();
    let address = format!("/v1/stories?slug=talks&desk=world&embargo_until={until}");
    let held = service.post(&address, &[], STORY).await;
    assert!(held.status.is_success(), "{held:?}");
    let held: wire::http::Pushed = serde_json::from_slice(&held.body).unwrap();
    service.views.reached(service.log.head()).await;
    let audit = "/v1/stories/talks/embargo";
    let kept = service.look(audit, &service.owner).await.json();
    assert_eq!((&kept["breach"], &kept["complete"]), (&json!(false), &json!(true)), "{kept}");
    assert_eq!(kept["embargoes"].as_array().unwrap().len(), 1);
    // Whoever may not audit that desk learns nothing of a story that nobody has seen.
    let other = service.key_of("cyd", &["editor@sports"]).await;
    service.look(audit, &other).await.problem("not-found");
    service.registry.departed(held.story, held.revision, "http".parse().unwrap(), until).await.unwrap();
    assert_eq!(service.look(audit, &service.owner).await.json()["breach"], false, "at its end is in time");
    let early = until - 1.second();
    service.registry.departed(held.story, held.revision, "nats".parse().unwrap(), early).await.unwrap();
    let broken = service.look(audit, &service.owner).await.json();
    assert_eq!((&broken["breach"], &broken["breaches"][0]["door"]), (&json!(true), &json!("nats")));
    assert_eq!(broken["first_departures"].as_array().unwrap().len(), 2);
    service.stop().await;
}

#[tokio::test]
async fn every_public_door_notes_when_a_story_that_was_under_embargo_first_left() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=other&desk=world", STORY).await;
    let until = Timestamp::now() + 1.hour();
    service.file(&format!("/v1/stories?slug=talks&desk=world&embargo_until={until}"), STORY).await;
    let doors = [
        ("http-changes", "/v1/changes"),
        ("http-diff", "/v1/stories/talks/diff"),
        ("http-history", "/v1/stories/talks/history"),
        ("http-list", "/v1/stories"),
        ("http-show", "/v1/stories/talks?format=ninjs"),
    ];
    // Under embargo: at the public doors there is nothing, and the desk's is none of them.
    for (_, address) in doors {
        service.get(address).await;
    }
    service.get("/v1/stories/talks?view=desk").await;
    let audit = "/v1/stories/talks/embargo";
    assert_eq!(service.look(audit, &service.owner).await.json()["first_departures"], json!([]));
    let lift = "/v1/stories/talks/acts/lift";
    assert_eq!(service.ask(Method::POST, lift, &service.owner, &json!({})).await.status, 200);
    service.views.reached(service.log.head()).await;
    for _ in 0..2 {
        for (_, address) in doors {
            let answer = service.send(Method::GET, address, &[("authorization", "-")], "").await;
            assert_eq!(answer.status, 200, "{address}");
        }
    }
    service.get("/v1/stories/talks").await;
    let audited = service.look(audit, &service.owner).await.json();
    let departures = audited["first_departures"].as_array().unwrap();
    let names: Vec<&str> = departures.iter().map(|one| one["door"].as_str().unwrap()).collect();
    assert_eq!(names, doors.map(|(door, _)| door));
    let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    for one in departures {
        assert!(time(&one["at"]) >= time(&audited["released"]) && one["revision"] == 2, "{one}");
    }
    assert_eq!((&audited["breach"], &audited["not_noted"]), (&json!(false), &json!(0)));
    let noted = async |slug: &str| {
        let story = service.views.resolve(slug, projector::View::Desk).await.unwrap().unwrap();
        service.registry.departures(story, None, 100).await.unwrap().len()
    };
    assert_eq!(
        (noted("talks").await, noted("other").await),
        (doors.len(), 0),
        "once a door, and no other story"
    );
    service.stop().await;
}

#[tokio::test]
async fn a_key_that_is_narrowed_does_no_more_than_it_says() {
    let service = Service::start().await;
    let new =
        NewActor { id: Some("ana".parse().unwrap()), name: None, grants: vec!["admin@*".parse().unwrap()] };
    let actor = service.registry.add_actor(new, Timestamp::now()).await.unwrap().id;
    let key =
        NewKey { scopes: "manage-keys".parse::<Scopes>().unwrap(), desks: Desks::ALL, ..NewKey::of(actor) };
    let (_, secret) = service.registry.add_key(key, Timestamp::now()).await.unwrap();
    assert_eq!(service.look("/v1/keys", secret.expose()).await.status, 200);
    service.look("/v1/actors", secret.expose()).await.problem("forbidden");
    service.stop().await;
}

/// An item goes to the story that it became, whatever slug and desk its later version names.
#[tokio::test]
async fn an_item_of_a_wire_needs_the_right_on_the_desk_of_the_story_that_it_became() {
    let service = Service::start().await;
    let item = |version: &str, headline: &str, status: &str| {
        json!({
            "uri": "urn:wire:1", "version": version, "type": "text", "pubStatus": status,
            "headline": headline, "edNote": "Withdrawn.", "body_text": "Delegates met on Sunday.",
        })
    };
    let send = async |key: &str, address: &str, item: Value| {
        let authorization = format!("Bearer {key}");
        let headers =
            [("authorization", &*authorization), ("content-type", "application/vnd.iptc.ninjs+json")];
        service.send(Method::POST, address, &headers, item.to_string()).await
    };
    let world = "/v1/stories?slug=talks&desk=world";
    let first = send(&service.owner, world, item("1", "Talks resume", "usable")).await;
    assert_eq!(first.status, 201, "{first:?}");
    let sports = service.key_of("sam", &["editor@sports"]).await;
    for (address, status) in [
        ("/v1/stories?desk=sports", "usable"),
        ("/v1/stories?slug=match&desk=sports", "usable"),
        ("/v1/stories?desk=sports", "canceled"),
    ] {
        let denied = send(&sports, address, item("2", "Talks are a hoax", status)).await;
        assert_eq!(denied.status, 403, "{address} {status}: {denied:?}");
    }
    assert_eq!(service.log.head().0, 1);
    service.stop().await;
}
