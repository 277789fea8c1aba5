//! The log played again: verified, copied, and over NATS as a drill.

use std::collections::HashSet;

use futures::StreamExt as _;
use serde_json::Value;
use writethru_tests::{PATIENCE, Service, answer, harvey, writethru};

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_plays_every_public_change_again_and_is_not_taken_for_news() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let data = folder.path().join("data");
    let service = Service::start(&data);
    service.run(&["import", "--desk", "storms", harvey().to_str().expect("UTF-8")]);
    let nats = async_nats::connect(&service.nats).await.expect("connected");
    let mut drill = nats.subscribe("drill.storm.>").await.expect("subscribed");
    let mut news = nats.subscribe("wt.v1.>").await.expect("subscribed");
    nats.flush().await.expect("flushed");
    let said = service.run(&["replay", "--drill", "drill.storm", "--speed", "0", "--json"]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let expected = said["changes"].as_u64().expect("a number");
    assert!(expected > 100 && said["stories"] == 1, "{said}");
    let mut ids = HashSet::new();
    for revision in 1..=expected {
        let message = tokio::time::timeout(PATIENCE, drill.next()).await.expect("in time").expect("a change");
        let event: Value = serde_json::from_slice(&message.payload).expect("JSON");
        assert_eq!(event["data"]["to"], revision, "in order");
        let story = event["subject"].as_str().expect("a story");
        assert_eq!(message.subject.as_str(), format!("drill.storm.storms.{story}"));
        let headers = message.headers.expect("headers");
        assert_eq!(headers.get("Writethru-Drill").expect("marked").as_str(), "true");
        ids.insert(event["id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(ids.len() as u64, expected);
    let heard = futures::poll!(news.next());
    let is_change = |subject: &str| subject.starts_with("wt.v1.change.");
    assert!(
        !matches!(&heard, std::task::Poll::Ready(Some(message)) if is_change(&message.subject)),
        "{heard:?}"
    );
    service.stop();
}

#[test]
fn a_log_is_played_into_a_new_data_dir_and_is_the_same() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    let service = Service::start(&data);
    service.run(&["import", "--desk", "storms", harvey().to_str().expect("UTF-8")]);
    service.stop();
    let before: Value =
        serde_json::from_str(&answer(writethru(&data, &["replay", "--verify-only", "--json"])))
            .expect("JSON");
    assert_eq!(before["verified"], true, "{before}");
    answer(writethru(&data, &["replay", "--into", copy.to_str().expect("UTF-8")]));
    let after: Value =
        serde_json::from_str(&answer(writethru(&copy, &["replay", "--verify-only", "--json"])))
            .expect("JSON");
    assert_eq!(after, before);
    let show = |data| {
        let service = Service::start(data);
        let shown = service.run(&["show", "harvey", "--json"]);
        service.stop();
        shown
    };
    let slug = |text: &str| -> Value { serde_json::from_str(text).expect("JSON") };
    assert_eq!(slug(&show(&copy))["hash"], slug(&show(&data))["hash"]);
}
