//! Webhooks belong to the cluster: one node carries at a time, and what waits does not die with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use writethru_tests::PATIENCE;
use writethru_tests::api::Api;

use crate::publishing::report;
use crate::running::{Cluster, Load, NODES};

/// What arrived: the id of the message, the story, the revision; in order.
type Arrived = Arc<Mutex<Vec<(String, String, u64)>>>;

/// Takes whatever is posted, until the test ends; returns where, and what.
async fn receive() -> (String, Arrived) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/news", listener.local_addr().expect("an address"));
    let arrived = Arrived::default();
    let kept = Arc::clone(&arrived);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move { take(stream, &kept).await });
        }
    });
    (url, arrived)
}

/// Takes one message.
async fn take(mut stream: TcpStream, arrived: &Arrived) -> Option<()> {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length: usize = header(head, "content-length")?.parse().ok()?;
        if body.len() >= length {
            break (head.to_owned(), body.to_owned());
        }
    };
    let event: Value = serde_json::from_str(&body).ok()?;
    let (story, revision) = (event["data"]["story"].as_str()?.to_owned(), event["data"]["to"].as_u64()?);
    arrived.lock().expect("whole").push((header(&head, "webhook-id")?, story, revision));
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await.ok()
}

fn header(head: &str, name: &str) -> Option<String> {
    let found = head.lines().filter_map(|line| line.split_once(':'));
    found
        .into_iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
}

/// Waits until `count` different messages have arrived.
async fn until(arrived: &Arrived, count: usize) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let deadline = Instant::now() + PATIENCE;
    loop {
        look.tick().await;
        let mut ids: Vec<String> = arrived.lock().expect("whole").iter().map(|(id, ..)| id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        if ids.len() >= count {
            return;
        }
        assert!(Instant::now() < deadline, "{} of {count} messages have arrived", ids.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_carrying_node_is_killed_and_every_change_arrives_each_story_in_order() {
    let cluster = Cluster::start();
    let carrying = cluster.holder("courier", None).await;
    let at = NODES.iter().position(|node| *node != carrying).expect("there are two");
    let other = NODES[at];
    // It is asked for at the node that does not carry.
    let (url, arrived) = receive().await;
    let key = std::fs::read_to_string(cluster.data(other).join("owner.key")).expect("the node makes it");
    let owner = Api::public(&cluster.http[other]).with(Some(key.trim()));
    owner.post("/v1/webhooks", &json!({"url": url})).await.done();
    let load = Load::begin(&cluster.editor(), "hook", &[at, at]);
    until(&arrived, 20).await;
    cluster.signal(carrying, Signal::KILL);
    let (began, before) = (Instant::now(), arrived.lock().expect("whole").len());
    cluster.holder("courier", Some(carrying)).await;
    load.more(20).await;
    let acknowledged = load.end().await;
    until(&arrived, before + 1).await;
    let stalled = began.elapsed();
    until(&arrived, acknowledged.len()).await;
    let arrived = arrived.lock().expect("whole").clone();
    let (mut reached, mut ids) = (HashMap::<&str, u64>::new(), BTreeMap::new());
    for (id, story, revision) in &arrived {
        let known = ids.entry((story, revision)).or_insert(id);
        assert_eq!(*known, id, "one change has one id, however often it comes");
        let last = reached.entry(story).or_default();
        assert!(*revision <= *last + 1, "{story}: {revision} came behind {last}");
        *last = (*last).max(*revision);
    }
    report(&format!(
        "the node that carries was killed: {} changes arrived, {} of them twice, carried on after {} ms",
        ids.len(),
        arrived.len() - ids.len(),
        stalled.as_millis()
    ));
    assert_eq!(ids.len(), acknowledged.len());
    let listed = owner.get("/v1/webhooks").await.done();
    assert!(listed.to_string().contains(&url), "{listed}");
}
