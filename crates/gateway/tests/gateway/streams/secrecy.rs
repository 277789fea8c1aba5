//! What was taken from readers leaves by no stream.

use reqwest::Method;
use serde_json::json;

use super::client::Reader;
use crate::service::Service;

async fn kill(service: &Service, slug: &str) {
    let (address, json) = (format!("/v1/stories/{slug}/acts/kill"), [("content-type", "application/json")]);
    let killed = service.send(Method::POST, &address, &json, json!({"reason": "r"}).to_string()).await;
    assert!(killed.status.is_success(), "{killed:?}");
    service.views.reached(service.log.head()).await;
}

#[tokio::test]
async fn of_a_killed_story_a_stream_from_the_beginning_has_the_tombstone_and_no_word() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=quake&desk=world", "Poison canary\n\nFour dead.").await;
    service.file("/v1/stories?slug=quake", "Poison canary\n\nSix dead.").await;
    service.file("/v1/stories?slug=storm&desk=world", "Storm\n\nRain.").await;
    // Somebody follows meanwhile, so that the changes are also kept for the living.
    let mut there = Reader::open(&service, "/v1/events?since=earliest").await;
    assert_eq!(there.up_to_date().await.len(), 3);
    service.file("/v1/stories?slug=quake", "Poison canary\n\nNine dead.").await;
    kill(&service, "quake").await;
    for shape in ["payload=full", "payload=thin", "unit=utf16", "patch=json-patch", "tag=canary"] {
        for address in ["/v1/events", "/v1/stories/quake/events"] {
            let mut reader = Reader::open(&service, &format!("{address}?since=earliest&{shape}")).await;
            let events = reader.up_to_date().await;
            let told: String = events.iter().map(|event| event.data.as_str()).collect();
            for word in ["canary", "Poison", "dead"] {
                assert!(!told.contains(word), "{word} in {told}");
            }
            let last = events.last().unwrap().json();
            assert_eq!((&last["data"]["kind"], &last["data"]["status"]), (&json!("kill"), &json!("killed")));
        }
    }
    let mut story = Reader::open(&service, "/v1/stories/quake/events").await;
    let snapshot = story.soon().await;
    assert_eq!((snapshot.name.as_str(), &snapshot.json()["status"]), ("snapshot", &json!("killed")));
    assert!(!snapshot.data.contains("canary"), "{snapshot:?}");
    service.stop().await;
}

#[tokio::test]
async fn redacted_words_leave_by_no_stream() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=fire&desk=world", "Man held\n\nHe is called canary. He denies it.").await;
    service.key_of("chief", &["editor@world"]).await;
    // Somebody follows meanwhile, so that the changes are also kept for the living.
    let mut there = Reader::open(&service, "/v1/events?since=earliest").await;
    assert_eq!(there.up_to_date().await.len(), 1);
    service.file("/v1/stories/fire", "Man held\n\nHe is called canary. He denies all.").await;
    let body = json!({
        "kind": "erase", "basis": "court:2026/17", "words": "canary", "reason": "r", "approver": "chief",
    });
    let address = "/v1/stories/fire/redactions";
    let redacted = service.ask(Method::POST, address, &service.owner, &body).await;
    assert!(redacted.status.is_success(), "{redacted:?}");
    for shape in ["payload=full", "payload=thin", "unit=utf16", "patch=json-patch"] {
        for address in ["/v1/events", "/v1/stories/fire/events"] {
            let mut reader = Reader::open(&service, &format!("{address}?since=earliest&{shape}")).await;
            let events = reader.up_to_date().await;
            let told: String = events.iter().map(|event| event.data.as_str()).collect();
            assert!(!told.contains("canary"), "{told}");
            let kinds: Vec<_> = events.iter().map(|event| event.json()["data"]["kind"].clone()).collect();
            assert_eq!(kinds, ["update", "update", "redaction"]);
        }
    }
    service.stop().await;
}

#[tokio::test]
async fn what_is_not_published_is_on_no_stream() {
    let service = Service::start().await;
    let mut reader = Reader::open(&service, "/v1/events?since=earliest").await;
    assert_eq!(reader.up_to_date().await, []);
    service.file("/v1/stories?slug=draft&desk=world&draft=true", "Draft canary\n\nWords.").await;
    let embargo = "/v1/stories?slug=later&desk=world&embargo_until=2999-01-01T00:00:00Z";
    service.file(embargo, "Embargo canary\n\nWords.").await;
    service.file("/v1/stories?slug=storm&desk=world", "Storm\n\nRain.").await;
    let first = reader.soon().await;
    assert_eq!(first.json()["data"]["slug"], "storm");
    service.stop().await;
}

#[tokio::test]
async fn streams_note_what_was_under_embargo_when_it_leaves() {
    let service = Service::start().await;
    let embargo = "/v1/stories?slug=later&desk=world&embargo_until=2999-01-01T00:00:00Z";
    service.file(embargo, "Rates\n\nUp.").await;
    let mut readers = [
        Reader::open(&service, "/v1/events").await,
        Reader::with(&service, "/v1/events", &[("accept", "application/x-ndjson")]).await,
    ];
    for reader in &mut readers {
        assert_eq!(reader.up_to_date().await, []);
    }
    let audit = "/v1/stories/later/embargo";
    assert_eq!(service.get(audit).await.json()["first_departures"], json!([]));
    let json = [("content-type", "application/json")];
    let lifted = service.send(Method::POST, "/v1/stories/later/acts/lift", &json, "{}").await;
    assert!(lifted.status.is_success(), "{lifted:?}");
    for reader in &mut readers {
        assert_eq!(reader.soon().await.json()["data"]["slug"], "later");
    }
    let audited = service.get(audit).await.json();
    let departures = audited["first_departures"].as_array().unwrap();
    assert_eq!(departures.len(), 1, "{audited}");
    assert_eq!(departures[0]["door"], "http-events");
    service.stop().await;
}
