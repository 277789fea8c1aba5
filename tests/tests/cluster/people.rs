//! Who people are is known to every node: a key that one makes opens the others, and one that was revoked
//! opens none; what needs a second person is asked at one node and approved at another.

use std::fs;
use std::time::{Duration, Instant};

use reqwest::Method;
use rustix::process::Signal;
use serde_json::json;
use writethru_tests::PATIENCE;
use writethru_tests::api::Api;

use crate::publishing::report;
use crate::running::{Cluster, NODES};

/// Longest time for which a node may not know what another has done, as OPERATIONS.md states it.
const KNOWN_WITHIN: Duration = Duration::from_secs(1);

/// Returns the API of `node` for whoever owns its data dir.
fn owner(cluster: &Cluster, node: &str) -> Api {
    let key = fs::read_to_string(cluster.data(node).join("owner.key")).expect("the node makes it");
    Api::public(&cluster.http[node]).with(Some(key.trim()))
}

/// Adds an editor at `owner`; returns the id of its key, and the key.
async fn editor(owner: &Api, id: &str) -> (String, String) {
    owner.post("/v1/actors", &json!({"id": id, "grants": ["editor@*"]})).await.done();
    let issued = owner.post("/v1/keys", &json!({"actor": id})).await.done();
    let text = |name: &str| issued[name].as_str().expect("a text").to_owned();
    (issued["key"]["id"].as_str().expect("an id").to_owned(), text("secret"))
}

/// Asks until the answer has `status`; returns how long that took.
async fn until(api: &Api, path: &str, status: u16) -> Duration {
    let (began, mut look) = (Instant::now(), tokio::time::interval(Duration::from_millis(20)));
    loop {
        look.tick().await;
        let answer = api.get(path).await;
        if answer.status == status {
            return began.elapsed();
        }
        assert!(began.elapsed() < PATIENCE, "{} {}", answer.status, answer.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_one_node_makes_opens_every_node_and_one_that_is_revoked_opens_none() {
    let cluster = Cluster::start();
    let [a, b] = NODES;
    let (at_a, at_b) = (owner(&cluster, a), owner(&cluster, b));
    let (key, secret) = editor(&at_a, "ann").await;
    let other = Api::public(&cluster.http[b]).with(Some(&secret));
    let known = until(&other, "/v1/denials", 200).await;
    at_b.send(Method::DELETE, &format!("/v1/keys/{key}"), None).await.done();
    let first = Api::public(&cluster.http[a]).with(Some(&secret));
    let gone = until(&first, "/v1/denials", 401).await;
    assert!(known <= KNOWN_WITHIN && gone <= KNOWN_WITHIN, "{known:?} {gone:?}");
    report(&format!(
        "a key was known to the other node after {} ms, and revoked there after {} ms",
        known.as_millis(),
        gone.as_millis()
    ));
    // The other node goes on with all of it when the one that made it is gone.
    let (_, secret) = editor(&at_a, "bob").await;
    cluster.signal(a, Signal::KILL);
    let other = Api::public(&cluster.http[b]).with(Some(&secret));
    until(&other, "/v1/denials", 200).await;
    let denied = Api::public(&cluster.http[b]).get("/v1/actors").await;
    assert_eq!(denied.status, 401);
    let listed = at_b.get("/v1/actors").await.done();
    let ids: Vec<&str> =
        listed["actors"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, ["ann", "bob", "owner"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_at_one_node_is_approved_at_another_and_done_once() {
    let cluster = Cluster::start();
    let [a, b] = NODES;
    let at_a = owner(&cluster, a);
    let policy = json!({"second_person": ["kill"]}).to_string().into_bytes();
    at_a.send(Method::PUT, "/v1/policy", Some(("application/json", policy))).await.done();
    let (_, ann) = editor(&at_a, "ann").await;
    let (_, bob) = editor(&at_a, "bob").await;
    let [ann, bob] =
        [(b, ann), (a, bob)].map(|(node, key)| Api::public(&cluster.http[node]).with(Some(&key)));
    until(&ann, "/v1/denials", 200).await;
    let copy = Some(("text/plain", b"Storm\n\nIt rains in the north of the country.".to_vec()));
    let filed = ann.send(Method::POST, "/v1/stories?slug=storm&desk=world", copy).await.done();
    let story = filed["story"].as_str().expect("an id");
    let asked = ann.act(story, "kill", &json!({"reason": "It does not rain."})).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    let request = asked.json()["request"].as_u64().expect("a number");
    // At once, at the other node: what it has to read there is read before it answers.
    let own = ann.post(&format!("/v1/requests/{request}/approve"), &json!({})).await;
    assert_eq!(own.json()["reason"], "same-person", "{}", own.text());
    let done = bob.post(&format!("/v1/requests/{request}/approve"), &json!({})).await.done();
    assert_eq!((&done["kind"], &done["revision"]), (&json!("kill"), &json!(2)), "{done}");
    let twice = ann.post(&format!("/v1/requests/{request}/approve"), &json!({})).await;
    assert_ne!(twice.status, 200, "{}", twice.text());
    let shown = ann.get(&format!("/v1/requests/{request}")).await.done();
    assert_eq!((&shown["state"], &shown["approver"]), (&json!("executed"), &json!("bob")), "{shown}");
}
