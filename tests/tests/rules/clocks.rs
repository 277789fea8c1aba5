//! An embargo goes by the clock on the wall, and that clock is set: forward over the end, and back again.

use std::process::Stdio;

use jiff::{Span, Timestamp};
use serde_json::{Value, json};
use writethru_tests::api::Api;
use writethru_tests::clock::WallClock;
use writethru_tests::{PATIENCE, Service};

const HOUR: i64 = 3_600;

fn serve(folder: &std::path::Path, clock: &WallClock) -> (Service, Api) {
    let options = ["--no-nats"];
    let service = Service::start_in(&folder.join("data"), &options, &clock.environment(), Stdio::null());
    let owner = Api::public(&service.http).with(Some(&service.owner_key()));
    (service, owner)
}

/// Returns the types of what is in the story's log, oldest first.
async fn history(owner: &Api) -> Vec<Value> {
    let page = owner.get("/v1/stories/bank/history?view=desk").await.done();
    let mut lines: Vec<Value> = page["revisions"].as_array().expect("revisions").clone();
    lines.reverse();
    lines.into_iter().map(|line| json!([line["revision"], line["kind"]])).collect()
}

async fn is_public(service: &Service) -> bool {
    match Api::public(&service.http).get("/v1/stories/bank").await.status {
        200 => true,
        404 => false,
        other => panic!("a reader was answered {other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_releases_an_embargo_when_it_says_so_and_only_once() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let clock = WallClock::build(folder.path());
    let (service, owner) = serve(folder.path(), &clock);
    let until = Timestamp::now().checked_add(Span::new().hours(1)).expect("a time");
    let copy = json!({"headline": "Bank has a new head", "blocks": [{"text": "She begins at noon."}]});
    owner.post(&format!("/v1/stories?slug=bank&desk=world&embargo_until={until}"), &copy).await.done();

    // Back by two days, over a restart, with the desk at work: it is early, and stays secret.
    clock.set(-48 * HOUR);
    let second = json!({"headline": "Bank has a new head", "blocks": [{"text": "She begins at one."}]});
    owner.post("/v1/stories/bank", &second).await.done();
    assert!(!is_public(&service).await);
    service.stop();
    let (service, owner) = serve(folder.path(), &clock);
    assert!(!is_public(&service).await);

    // Forward to just before the end, and over it.
    clock.set(HOUR - 600);
    assert!(!is_public(&service).await);
    clock.set(HOUR + 1);
    let released = async {
        while !is_public(&service).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, released).await.expect("the clock says that it is time");
    let once = history(&owner).await;
    assert_eq!(once.iter().filter(|line| line[1] == "release").count(), 1, "{once:?}");

    // Back before the end, and forward over it again: what readers have stays, and goes out once.
    clock.set(0);
    assert!(is_public(&service).await);
    service.stop();
    let (service, owner) = serve(folder.path(), &clock);
    clock.set(2 * HOUR);
    assert!(is_public(&service).await);
    // Another embargo is due by the same clock: when it is released, the scheduler has looked at both.
    let other = Timestamp::now().checked_add(Span::new().hours(3)).expect("a time");
    owner.post(&format!("/v1/stories?slug=other&desk=world&embargo_until={other}"), &copy).await.done();
    clock.set(4 * HOUR);
    let looked = async {
        while Api::public(&service.http).get("/v1/stories/other").await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, looked).await.expect("the clock says that it is time");
    assert_eq!(history(&owner).await, once);
    service.stop();
}
