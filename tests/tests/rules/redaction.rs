//! A redaction with everything running: words that went out to a subscriber leave every file of the data
//! dir, NATS's own included, and the subscriber follows.

use std::path::Path;
use std::process::Stdio;

use client::{Replica, Update};
use futures::StreamExt;
use serde_json::{Value, json};
use story::{Kind, Revision, StoryId};
use writethru_tests::api::Api;
use writethru_tests::{PATIENCE, Service, answer, writethru};

/// In sentences that are to go, and nowhere else.
const CANARY: &str = "Quillfeather";

/// Returns the files under `folder` that hold the canary.
fn files_with_canary(folder: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let holds =
                |bytes: Vec<u8>| bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read(&path).is_ok_and(holds) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

async fn push(owner: &Api, hurt: u64, draft: bool) -> (StoryId, Revision) {
    let copy = json!({
        "headline": "Man held after fire",
        "blocks": [
            {"text": format!("Police hold a man. Canary {CANARY}, 34, denies it. The fire is out.")},
            {"text": format!("{hurt} people were hurt.")},
        ],
    });
    let path = format!("/v1/stories?slug=fire&desk=world&draft={draft}");
    let pushed = owner.post(&path, &copy).await.done();
    let revision = Revision(pushed["revision"].as_u64().expect("a number"));
    (pushed["story"].as_str().expect("an id").parse().expect("an id"), revision)
}

async fn reaches(replica: &Replica, (story, revision): (StoryId, Revision)) {
    let waiting = replica.wait_until(story, revision);
    tokio::time::timeout(PATIENCE, waiting).await.expect("in time").expect("open");
}

/// Returns how many revisions the redaction calls back that the replica's owner is told of.
async fn recalled(replica: &mut Replica) -> usize {
    let told = async {
        loop {
            match replica.next().await.expect("open") {
                Update::Recalled { recall } if recall.kind == Kind::Redaction => return recall.voids.len(),
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("it is told")
}

/// Returns once the canary is in no file: the stream of articles is made anew beside.
async fn until_gone(data: &Path) {
    let gone = async {
        while !files_with_canary(data).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, gone).await;
    assert!(in_time.is_ok(), "the words are still in {:?}", files_with_canary(data));
}

#[tokio::test(flavor = "multi_thread")]
async fn redacted_words_leave_every_file_and_every_subscriber_follows() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let data = folder.path().join("data");
    let service = Service::start_with(&data, &[], Stdio::null());
    let owner = Api::public(&service.http).with(Some(&service.owner_key()));
    let mut replica = Replica::builder(&service.nats).connect().await.expect("connected");
    tokio::time::timeout(PATIENCE, replica.live()).await.expect("in time").expect("it follows");
    let mut last = push(&owner, 1, false).await;
    for hurt in 2..12 {
        last = push(&owner, hurt, false).await;
        reaches(&replica, last).await;
    }
    push(&owner, 99, true).await;
    service.run(&["actor", "add", "chief", "--grant", "editor@world"]);
    let before = files_with_canary(&data);
    for part in ["log.db", "views.db", "nats"] {
        assert!(before.iter().any(|file| file.contains(part)), "it went to {part}: {before:?}");
    }

    let redact = [
        "redact",
        "fire",
        "--match",
        CANARY,
        "--kind",
        "erase",
        "--basis",
        "GDPR-Art.17",
        "--reason",
        "The conviction is spent.",
        "--note",
        "A name was removed.",
        "--approver",
        "chief",
        "--json",
    ];
    let placed =
        service.run(&["hold", "place", "fire", "--basis", "court:2026/17", "--reason", "A case.", "--json"]);
    let placed: Value = serde_json::from_str(&placed).expect("JSON");
    let held = service.command(&redact).output().expect("runs");
    assert_eq!(held.status.code(), Some(77), "{}", String::from_utf8_lossy(&held.stderr));
    service.run(&["hold", "lift", &placed["hold"].to_string(), "--reason", "It is closed."]);
    let done: Value = serde_json::from_str(&service.run(&redact)).expect("JSON");
    assert_eq!((&done["values"], &done["records"], &done["public"]), (&json!(1), &json!(1), &json!(true)));

    let redacted = Revision(done["revision"].as_u64().expect("a number"));
    reaches(&replica, (last.0, redacted)).await;
    let article = replica.current(last.0).expect("an article");
    assert_eq!(article.blocks[0].text, "Police hold a man. \u{2588}\u{2588}\u{2588}The fire is out.");
    assert_eq!(article.blocks[1].text, "11 people were hurt.", "the draft is not published by it");
    assert_eq!(recalled(&mut replica).await, 11);
    assert_eq!(replica.counts().resets, 0, "who holds the words needs no new start");
    replica.close().await;
    for revision in 1..=13 {
        for view in ["public", "desk"] {
            let shown = owner.get(&format!("/v1/stories/fire?as_of=rev:{revision}&view={view}")).await.text();
            assert!(!shown.contains(CANARY), "revision {revision}, {view}: {shown}");
        }
    }
    let listed: Value =
        serde_json::from_str(&service.run(&["audit", "redactions", "fire", "--json"])).expect("JSON");
    assert_eq!((&listed["basis"], &listed["approver"]), (&json!("GDPR-Art.17"), &json!("chief")));
    until_gone(&data).await;
    service.stop();
    assert_eq!(files_with_canary(&data), Vec::<String>::new());
    answer(writethru(&data, &["check"]));
}
