//! What was acknowledged is there once, and readers see every change once, in order, whatever is killed.

use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{AckPolicy, pull};
use client::Replica;
use futures::{StreamExt, future};
use rustix::process::Signal;
use serde_json::Value;
use story::{Revision, StoryId};
use wire::{Change, CloudEvent, WT_CHANGES};
use writethru_tests::{PATIENCE, json_lines};

use crate::running::{Cluster, Load, NODES};

/// Returns the longest time between two acknowledgements.
fn stall(acknowledged: &[(String, Value, Instant)]) -> Duration {
    let mut times: Vec<Instant> = acknowledged.iter().map(|(.., at)| *at).collect();
    times.sort_unstable();
    times.windows(2).map(|two| two[1] - two[0]).max().unwrap_or_default()
}

/// Says it where it is seen also when all is well.
pub(crate) fn report(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Sees that every story has what was acknowledged, once, and nothing else; returns each with its last
/// revision.
fn check_stories(
    cluster: &Cluster,
    node: &str,
    acknowledged: &[(String, Value, Instant)],
) -> Vec<(StoryId, u64)> {
    let mut stories: HashMap<&str, Vec<u64>> = HashMap::new();
    let mut ids = HashMap::new();
    for (slug, answer, _) in acknowledged {
        stories.entry(slug).or_default().push(answer["revision"].as_u64().expect("a number"));
        let id: StoryId = answer["story"].as_str().expect("an id").parse().expect("an id");
        assert_eq!(*ids.entry(slug.as_str()).or_insert(id), id, "{slug} is two stories");
    }
    let mut found = Vec::new();
    for (slug, mut revisions) in stories {
        revisions.sort_unstable();
        let last = revisions.len() as u64;
        assert_eq!(revisions, (1..=last).collect::<Vec<_>>(), "{slug}: an acknowledged update is missing");
        let history = json_lines(&cluster.run(node, &["log", slug, "--json"]));
        assert_eq!(history.len() as u64, last, "{slug}: something was stored that nobody was told of");
        found.push((ids[slug], last));
    }
    found
}

/// Returns every change that is on the stream, in its order: story, from, to.
async fn published(cluster: &Cluster, changes: usize) -> Vec<(StoryId, u64, u64)> {
    let stream = cluster.jetstream().await.get_stream(WT_CHANGES).await.expect("the changes");
    let config = pull::Config { ack_policy: AckPolicy::None, ..pull::Config::default() };
    let consumer = stream.create_consumer(config).await.expect("a consumer");
    let mut messages = consumer.messages().await.expect("messages");
    let mut seen = Vec::new();
    let mut quiet = false;
    while seen.len() < changes || !quiet {
        let wait = if seen.len() < changes { PATIENCE } else { Duration::from_secs(1) };
        match tokio::time::timeout(wait, messages.next()).await {
            Ok(message) => {
                let message = message.expect("it goes on").expect("a message");
                let event: CloudEvent<Change> = serde_json::from_slice(&message.payload).expect("a change");
                seen.push((event.data.story, event.data.from.get(), event.data.to.get()));
            }
            Err(_) => quiet = true,
        }
        assert!(!quiet || seen.len() >= changes, "{} of {changes} changes were published", seen.len());
    }
    seen
}

/// Sees that the stream has every revision of every story once, each behind the one before it.
fn check_published(changes: &[(StoryId, u64, u64)], stories: &[(StoryId, u64)]) {
    let mut reached: HashMap<StoryId, u64> = HashMap::new();
    for (story, from, to) in changes {
        let before = reached.insert(*story, *to).unwrap_or_default();
        assert_eq!((*from, *to), (before, before + 1), "{story}: lost, repeated or out of order");
    }
    for (story, last) in stories {
        assert_eq!(reached.get(story), Some(last), "{story}");
    }
}

/// Sees that `replica` and both nodes have the same articles.
async fn check_replica(cluster: &Cluster, replica: &Replica, nodes: &[&str], stories: &[(StoryId, u64)]) {
    for (story, last) in stories {
        let held = tokio::time::timeout(PATIENCE, replica.wait_until(*story, Revision(*last)));
        let held = held.await.expect("in time").expect("open");
        for node in nodes {
            let shown = cluster.run(node, &["show", &story.to_string(), "--json"]);
            let shown: Value = serde_json::from_str(&shown).expect("JSON");
            assert_eq!(shown["hash"], held.hash.to_string(), "node {node}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_of_the_log_is_killed_under_load_and_every_acknowledged_update_is_there_once() {
    let cluster = Cluster::start();
    let replica = Replica::builder(&cluster.nats).everything().connect().await.expect("connected");
    let load = Load::begin(&cluster.editor(), "leader", &[0, 1, 0, 1]);
    load.more(60).await;
    let leader = cluster.leader().await;
    cluster.signal(&leader, Signal::KILL);
    load.more(60).await;
    let acknowledged = load.end().await;
    report(&format!(
        "the leader of the log ({leader}) was killed under load: no update was acknowledged for {} ms; {} were, each is there once",
        stall(&acknowledged).as_millis(),
        acknowledged.len()
    ));
    let stories = check_stories(&cluster, "b", &acknowledged);
    check_replica(&cluster, &replica, &NODES, &stories).await;
    check_published(&published(&cluster, acknowledged.len()).await, &stories);
    cluster.run("a", &["check", "--log-only"]);
    replica.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_publishing_node_is_stopped_and_killed_and_every_change_is_published_once_in_order() {
    let cluster = Cluster::start();
    let replica = Replica::builder(&cluster.nats).everything().connect().await.expect("connected");
    let first = cluster.publisher(None).await;
    let other = NODES.iter().position(|node| *node != first).expect("there are two");
    let load = Load::begin(&cluster.editor(), "node", &[other, other]);
    load.more(20).await;
    // It sleeps past the end of its lease, and wakes up with messages in its hands.
    cluster.signal(first, Signal::STOP);
    let began = Instant::now();
    let second = cluster.publisher(Some(first)).await;
    report(&format!("the publishing node slept: another publishes after {} ms", began.elapsed().as_millis()));
    load.more(20).await;
    cluster.signal(first, Signal::CONT);
    load.more(20).await;
    cluster.signal(second, Signal::KILL);
    let began = Instant::now();
    cluster.publisher(Some(second)).await;
    report(&format!(
        "the publishing node was killed: another publishes after {} ms",
        began.elapsed().as_millis()
    ));
    load.more(20).await;
    let acknowledged = load.end().await;
    let stories = check_stories(&cluster, first, &acknowledged);
    check_replica(&cluster, &replica, &[first], &stories).await;
    check_published(&published(&cluster, acknowledged.len()).await, &stories);
    replica.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slug_that_two_nodes_give_at_once_is_one_story_and_each_decides_on_what_the_other_wrote() {
    let cluster = Cluster::start();
    let editor = cluster.editor();
    for round in 0..10 {
        let slug = format!("race-{round}");
        let file = |at: usize| {
            let (editor, slug) = (&editor, &slug);
            let text = format!("Storm\n\nNode {at} has {round} ships.");
            async move { editor.file(at, slug, &text, &format!("{slug}-{at}")).await }
        };
        let (one, other) = future::join(file(0), file(1)).await;
        assert_eq!(one["story"], other["story"], "{slug} is two stories");
        let mut revisions = [&one, &other].map(|answer| answer["revision"].as_u64().expect("a number"));
        revisions.sort_unstable();
        assert_eq!(revisions, [1, 2], "{slug}");
        // The same words again change nothing, at whichever node, whatever it has in memory.
        let last = usize::from(one["revision"] != 2);
        let text = format!("Storm\n\nNode {last} has {round} ships.");
        let same = editor.file(1 - last, &slug, &text, &format!("{slug}-same")).await;
        assert_eq!((&same["revision"], &same["changed"]), (&2.into(), &false.into()), "{same}");
        // And the words of before do, though a node may remember them as the newest.
        let text = format!("Storm\n\nNode {} has {round} ships.", 1 - last);
        let back = editor.file(1 - last, &slug, &text, &format!("{slug}-back")).await;
        assert_eq!((&back["revision"], &back["changed"]), (&3.into(), &true.into()), "{back}");
    }
}
