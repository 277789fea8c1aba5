//! The log played again: verified, copied, and over NATS as a drill.

use std::collections::HashSet;
use std::fs;

use futures::StreamExt as _;
use serde_json::Value;
use writethru_tests::nats::NatsServer;
use writethru_tests::{PATIENCE, Service, answer, harvey, writethru};

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_plays_every_public_change_again_and_is_not_taken_for_news() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let data = folder.path().join("data");
    let service = Service::start(&data);
    service.run(&["import", "--desk", "storms", harvey().to_str().expect("UTF-8")]);
    let config = folder.path().join("nats.conf");
    fs::write(&config, "").expect("written");
    let server = NatsServer::start(&config);
    let nats = async_nats::connect(server.url()).await.expect("connected");
    let mut heard = nats.subscribe(">").await.expect("subscribed");
    nats.flush().await.expect("flushed");
    let drill = ["replay", "--drill", "drill.storm", "--speed", "0", "--json"];
    let refused = service.command(&drill).output().expect("it runs");
    assert_eq!(refused.status.code(), Some(69), "the service's own server takes no drill: {refused:?}");
    let said = service.run(&[&drill[..], &["--nats", &server.url()]].concat());
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let expected = said["changes"].as_u64().expect("a number");
    assert!(expected > 100 && said["stories"] == 1, "{said}");
    let mut ids = HashSet::new();
    for revision in 1..=expected {
        let message = tokio::time::timeout(PATIENCE, heard.next()).await.expect("in time").expect("a change");
        let event: Value = serde_json::from_slice(&message.payload).expect("JSON");
        assert_eq!(event["data"]["to"], revision, "in order");
        let story = event["subject"].as_str().expect("a story");
        assert_eq!(message.subject.as_str(), format!("drill.storm.storms.{story}"));
        let headers = message.headers.expect("headers");
        assert_eq!(headers.get("Writethru-Drill").expect("marked").as_str(), "true");
        ids.insert(event["id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(ids.len() as u64, expected);
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
    let listed = |data| {
        let service = Service::start(data);
        let listed = service.run(&["list", "--json"]);
        service.stop();
        listed
    };
    assert_eq!(listed(&copy), listed(&data));
}
