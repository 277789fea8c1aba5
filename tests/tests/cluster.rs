//! A cluster as operators run it: three NATS servers and two nodes, as `scripts/cluster` starts them.
//! Whatever is killed: what was acknowledged is there once, and readers see every change once, in order.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, pull};
use client::Replica;
use futures::{StreamExt, future};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use story::{Revision, StoryId};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::{Change, CloudEvent, WT_CHANGES};
use writethru_tests::{PATIENCE, answer, binary, json_lines, writethru};

/// The nodes, by the names that `scripts/cluster` gives them.
const NODES: [&str; 2] = ["a", "b"];

/// A running cluster. Dropping it ends every process of it.
struct Cluster {
    script: Child,
    leash: Option<ChildStdin>,
    folder: tempfile::TempDir,
    nats: String,
    http: HashMap<&'static str, String>,
}

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temp dir");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut script = Command::new(root.join("scripts/cluster"))
            .arg(folder.path())
            .env("WRITETHRU_BIN", binary())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the script runs");
        let leash = script.stdin.take();
        let mut line = String::new();
        let mut stdout = BufReader::new(script.stdout.take().expect("stdout is piped"));
        stdout.read_line(&mut line).expect("stdout is readable");
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let http = NODES.map(|name| (name, text(&said[name]["http"]))).into();
        Self { script, leash, nats: text(&said["nats"]), folder, http }
    }

    fn data(&self, node: &str) -> PathBuf {
        self.folder.path().join(node)
    }

    /// Returns the process that is called `name`: a node, or n1, n2 or n3.
    fn process(&self, name: &str) -> Pid {
        let text = std::fs::read_to_string(self.folder.path().join(format!("{name}.pid"))).expect("a pid");
        Pid::from_raw(text.trim().parse().expect("a number")).expect("a process")
    }

    fn signal(&self, name: &str, signal: Signal) {
        kill_process(self.process(name), signal).expect("it runs");
    }

    async fn jetstream(&self) -> jetstream::Context {
        let servers: Vec<&str> = self.nats.split(',').collect();
        jetstream::new(async_nats::connect(servers).await.expect("connected"))
    }

    /// Returns the server that leads the stream of the log's records.
    async fn leader(&self) -> String {
        let stream = self.jetstream().await.get_stream("WT_LOG_0").await.expect("the log");
        let info = stream.cached_info().cluster.clone().expect("a cluster");
        info.leader.expect("a leader")
    }

    /// Returns the node that publishes, once it is not `other_than`.
    async fn publisher(&self, other_than: Option<&str>) -> &'static str {
        let leases = self.jetstream().await.get_key_value("WT_LEASES").await.expect("the bucket");
        let mut look = tokio::time::interval(Duration::from_millis(50));
        let deadline = Instant::now() + PATIENCE;
        loop {
            look.tick().await;
            let held = leases.get("0.publisher").await.ok().flatten();
            let held: Option<Value> = held.and_then(|held| serde_json::from_slice(&held).ok());
            let process = held.and_then(|held| held["process"].as_i64()).unwrap_or_default();
            let is_holder = |name: &&str| i64::from(self.process(name).as_raw_nonzero().get()) == process;
            if let Some(node) = NODES.into_iter().find(is_holder).filter(|node| Some(*node) != other_than) {
                return node;
            }
            assert!(Instant::now() < deadline, "nobody publishes");
        }
    }

    /// Runs a command on a node's data dir, which knows where the log is.
    fn run(&self, node: &str, arguments: &[&str]) -> String {
        let mut command = writethru(&self.data(node), arguments);
        command.env("WRITETHRU_LOG_URL", format!("{}/0", self.nats)).env("WRITETHRU_NATS_URL", &self.nats);
        answer(command)
    }

    fn editor(&self) -> Editor {
        let key = |node| {
            let key = std::fs::read_to_string(self.data(node).join("owner.key")).expect("the node makes it");
            (self.http[node].clone(), key.trim().to_owned())
        };
        let client = reqwest::Client::builder().timeout(Duration::from_secs(40)).build().expect("a client");
        Editor { client, nodes: NODES.map(key).to_vec() }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.leash.take());
        let _ = self.script.wait();
    }
}

/// Files copy at either node.
#[derive(Debug, Clone)]
struct Editor {
    client: reqwest::Client,
    nodes: Vec<(String, String)>,
}

impl Editor {
    /// Files `text` under `slug` at the node `at`, and at the other if that one does not answer, with the
    /// same key until it is acknowledged; returns the answer.
    async fn file(&self, at: usize, slug: &str, text: &str, key: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        for turn in at.. {
            let (http, credential) = &self.nodes[turn % self.nodes.len()];
            let sent = self.client.post(format!("{http}/v1/stories?slug={slug}&desk=world"));
            let sent = sent.bearer_auth(credential).header("idempotency-key", key);
            let sent = sent.header("content-type", "text/plain").body(text.to_owned()).send().await;
            if let Ok(response) = sent {
                let status = response.status();
                let body = response.text().await.unwrap_or_default();
                if status.is_success() {
                    return serde_json::from_str(&body).expect("JSON");
                }
                assert!(status.is_server_error(), "{status} {body}");
            }
            assert!(Instant::now() < deadline, "{slug} was not acknowledged in time");
        }
        unreachable!("turns do not end")
    }
}

/// What was acknowledged: by story, and when.
type Acknowledged = Arc<Mutex<Vec<(String, Value, Instant)>>>;

/// Files updates, one story each, until told to end.
struct Load {
    tasks: Vec<JoinHandle<()>>,
    told: CancellationToken,
    acknowledged: Acknowledged,
}

impl Load {
    /// Begins with one story for each of `nodes`, filed at that node.
    fn begin(editor: &Editor, name: &str, nodes: &[usize]) -> Self {
        let (told, acknowledged) = (CancellationToken::new(), Acknowledged::default());
        let file = |(number, at): (usize, &usize)| {
            let (editor, told, acknowledged) = (editor.clone(), told.clone(), Arc::clone(&acknowledged));
            let (slug, at) = (format!("{name}-{number}"), *at);
            tokio::spawn(async move {
                for update in 1.. {
                    if told.is_cancelled() {
                        return;
                    }
                    let text = format!("Storm nears coast\n\n{update} ships are overdue.");
                    let answer = editor.file(at, &slug, &text, &format!("{slug}-{update}")).await;
                    acknowledged.lock().expect("whole").push((slug.clone(), answer, Instant::now()));
                }
            })
        };
        let tasks = nodes.iter().enumerate().map(file).collect();
        Self { tasks, told, acknowledged }
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().expect("whole").len()
    }

    /// Waits until so many more were acknowledged.
    async fn more(&self, count: usize) {
        let wanted = self.count() + count;
        let mut look = tokio::time::interval(Duration::from_millis(10));
        let deadline = Instant::now() + PATIENCE;
        while self.count() < wanted {
            look.tick().await;
            assert!(Instant::now() < deadline, "{} of {wanted} were acknowledged", self.count());
        }
    }

    /// Ends it; returns what was acknowledged.
    async fn end(self) -> Vec<(String, Value, Instant)> {
        self.told.cancel();
        for task in self.tasks {
            task.await.expect("every update was acknowledged");
        }
        self.acknowledged.lock().expect("whole").clone()
    }
}

/// Returns the longest time between two acknowledgements.
fn stall(acknowledged: &[(String, Value, Instant)]) -> Duration {
    let mut times: Vec<Instant> = acknowledged.iter().map(|(.., at)| *at).collect();
    times.sort_unstable();
    times.windows(2).map(|two| two[1] - two[0]).max().unwrap_or_default()
}

/// Says it where it is seen also when all is well.
fn report(line: &str) {
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
