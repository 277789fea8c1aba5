//! The main job: a pushed update becomes an exact diff on NATS.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use client::Replica;
use futures::StreamExt;
use serde_json::Value;
use story::{Revision, StoryId, normalise};
use tempfile::TempDir;
use wire::{Change, CloudEvent};
use writethru_tests::{PATIENCE, Service, harvey, json_lines};

fn start() -> (TempDir, Service) {
    let folder = tempfile::tempdir().expect("a temp dir");
    let service = Service::start(&folder.path().join("data"));
    (folder, service)
}

fn source_lines() -> Vec<Value> {
    json_lines(&std::fs::read_to_string(harvey()).expect("the fixture is there"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_history_arrives_exactly_and_a_replica_ends_with_the_same_hash() {
    let (folder, service) = start();
    let replica = Replica::builder(&service.nats).everything().connect().await.expect("connected");
    replica.live().await.expect("live");
    let path = harvey();
    let imported =
        json_lines(&service.run(&["import", path.to_str().expect("UTF-8"), "--desk", "storms", "--json"]));
    let source = source_lines();
    assert_eq!(imported.len(), source.len());
    for (line, state) in imported.iter().zip(&source) {
        let story = line["story"].as_str().expect("an id");
        let at = format!("rev:{}", line["revision"]);
        let shown: Value =
            serde_json::from_str(&service.run(&["show", story, "--as-of", &at, "--json"])).expect("JSON");
        assert_eq!(shown["headline"], normalise(state["headline"].as_str().expect("a headline")).0);
        let wanted = state["body"].as_array().expect("a body").iter();
        let wanted =
            wanted.map(|text| normalise(text.as_str().expect("a text")).0).filter(|text| !text.is_empty());
        let texts = shown["blocks"].as_array().expect("blocks").iter();
        let texts = texts.map(|block| block["text"].as_str().expect("a text").to_owned());
        assert!(wanted.eq(texts), "{line}");
    }
    let last = imported.last().expect("states");
    let story: StoryId = last["story"].as_str().expect("an id").parse().expect("an id");
    let revision = Revision(last["revision"].as_u64().expect("a number"));
    let held = tokio::time::timeout(PATIENCE, replica.wait_until(story, revision))
        .await
        .expect("in time")
        .expect("open");
    let shown: Value =
        serde_json::from_str(&service.run(&["show", "nhc-harvey-2017", "--json"])).expect("JSON");
    assert_eq!(held.hash.to_string(), shown["hash"]);
    assert_eq!(wire::article_hash(&held.to_article().expect("an article")), held.hash);
    replica.close().await;

    let again =
        json_lines(&service.run(&["import", path.to_str().expect("UTF-8"), "--desk", "storms", "--json"]));
    assert!(again.iter().all(|line| line["changed"] == false), "a second import adds nothing");
    let hashes_before = hashes(&service);
    service.stop();
    let data = folder.path().join("data");
    for name in ["views.db", "views.db-wal", "views.db-shm"] {
        // Closing the views has removed their journals.
        let _ = std::fs::remove_file(data.join(name));
    }
    let service = Service::start(&data);
    assert_eq!(hashes(&service), hashes_before);
    service.run(&["check"]);
    service.run(&["rebuild"]);
    assert_eq!(hashes(&service), hashes_before);
    service.stop();
}

/// The hash of every revision of every story, as the history tells it.
fn hashes(service: &Service) -> HashMap<String, Vec<Value>> {
    let stories = json_lines(&service.run(&["list", "--json"]));
    stories
        .iter()
        .map(|story| {
            let slug = story["slug"].as_str().expect("a slug");
            let revisions = json_lines(&service.run(&["log", slug, "--json"]));
            (slug.to_owned(), revisions.iter().map(|revision| revision["hash"].clone()).collect())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn watch_shows_exactly_what_changed_and_a_stock_client_sees_cloud_events() {
    let (folder, service) = start();
    let stock = async_nats::connect(&service.nats).await.expect("connected");
    let mut messages = stock.subscribe("wt.v1.change.world.>").await.expect("subscribed");
    stock.flush().await.expect("flushed");
    let mut watch = service
        .command(&["watch", "--desk", "world", "--count", "4"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut ready = String::new();
    BufReader::new(watch.stderr.take().expect("piped"))
        .read_line(&mut ready)
        .expect("watch says that it follows");
    let states = [
        "Ferry runs aground off the north cape\n\nA ferry ran aground on Tuesday.\n\nAt least 12 people are missing.\n\nThe sea was calm.\n",
        "Ferry runs aground off the north cape\n\nA ferry ran aground on Tuesday.\n\nAt least 14 people are missing.\n\nThe sea was calm.\n",
        "Ferry runs aground off the north cape\n\nThe sea was calm.\n\nA ferry ran aground on Tuesday.\n\nAt least 14 people are missing.\n",
        "Ferry runs aground off the north cape\n\nThe sea was calm.\n\nA ferry ran aground on Tuesday. Its captain is safe.\n\nAt least 14 people are missing.\n",
    ];
    let file = folder.path().join("ferry.txt");
    for state in states {
        std::fs::write(&file, state).expect("written");
        service.run(&["push", file.to_str().expect("UTF-8"), "--slug", "ferry", "--desk", "world"]);
    }
    let output = tokio::task::spawn_blocking(move || watch.wait_with_output())
        .await
        .expect("joined")
        .expect("watched");
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    for wanted in ["[-12-]{+14+}", "moved from", "{+ Its captain is safe.+}"] {
        assert!(shown.contains(wanted), "{wanted} is missing in:\n{shown}");
    }
    assert!(!shown.contains("[-A ferry"), "an untouched sentence is marked:\n{shown}");

    let mut article = story::Article::default();
    for revision in 1..=4 {
        let message =
            tokio::time::timeout(PATIENCE, messages.next()).await.expect("in time").expect("a message");
        let event: CloudEvent<Change> = serde_json::from_slice(&message.payload).expect("a CloudEvent");
        assert_eq!(
            (event.specversion.as_str(), event.event_type.as_str()),
            ("1.0", "io.writethru.story.changed.v1")
        );
        assert_eq!(event.id, format!("{}:{revision}", event.subject));
        let level = event.data.significance.level;
        let subject = format!("wt.v1.change.world.update.{level}.{}", event.subject);
        assert_eq!(message.subject.as_str(), subject);
        article = event.data.apply_to(&article, Revision(revision - 1)).expect("it fits");
    }
    let shown: Value = serde_json::from_str(&service.run(&["show", "ferry", "--json"])).expect("JSON");
    assert_eq!(wire::article_hash(&article).to_string(), shown["hash"]);
    service.stop();
}
