//! The cluster itself: its processes, and an editor who files there.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use writethru_tests::{PATIENCE, answer, binary, writethru};

/// The nodes, by the names that `scripts/cluster` gives them.
pub(crate) const NODES: [&str; 2] = ["a", "b"];

/// A running cluster. Dropping it ends every process of it.
pub(crate) struct Cluster {
    script: Child,
    leash: Option<ChildStdin>,
    folder: tempfile::TempDir,
    pub(crate) nats: String,
    pub(crate) http: HashMap<&'static str, String>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temp dir");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut script = Command::new(root.join("scripts/cluster"))
            .arg(folder.path())
            .env("WRITETHRU_BIN", binary())
            .env("WRITETHRU_COURIER_ALLOW_PRIVATE", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
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

    pub(crate) fn data(&self, node: &str) -> PathBuf {
        self.folder.path().join(node)
    }

    /// Returns the process that is called `name`: a node, or n1, n2 or n3.
    pub(crate) fn process(&self, name: &str) -> Pid {
        let text = std::fs::read_to_string(self.folder.path().join(format!("{name}.pid"))).expect("a pid");
        Pid::from_raw(text.trim().parse().expect("a number")).expect("a process")
    }

    pub(crate) fn signal(&self, name: &str, signal: Signal) {
        kill_process(self.process(name), signal).expect("it runs");
    }

    pub(crate) async fn jetstream(&self) -> jetstream::Context {
        let servers: Vec<&str> = self.nats.split(',').collect();
        jetstream::new(async_nats::connect(servers).await.expect("connected"))
    }

    /// Returns the server that leads the stream of the log's records.
    pub(crate) async fn leader(&self) -> String {
        let stream = self.jetstream().await.get_stream("WT_LOG_0").await.expect("the log");
        let info = stream.cached_info().cluster.clone().expect("a cluster");
        info.leader.expect("a leader")
    }

    /// Returns the node that publishes, once it is not `other_than`.
    pub(crate) async fn publisher(&self, other_than: Option<&str>) -> &'static str {
        self.holder("publisher", other_than).await
    }

    /// Returns the node that has the lease on `what`, once it is not `other_than`.
    pub(crate) async fn holder(&self, what: &str, other_than: Option<&str>) -> &'static str {
        let leases = self.jetstream().await.get_key_value("WT_LEASES").await.expect("the bucket");
        let mut look = tokio::time::interval(Duration::from_millis(50));
        let deadline = Instant::now() + PATIENCE;
        loop {
            look.tick().await;
            let held = leases.get(format!("0.{what}")).await.ok().flatten();
            let held: Option<Value> = held.and_then(|held| serde_json::from_slice(&held).ok());
            let process = held.and_then(|held| held["process"].as_i64()).unwrap_or_default();
            let is_holder = |name: &&str| i64::from(self.process(name).as_raw_nonzero().get()) == process;
            if let Some(node) = NODES.into_iter().find(is_holder).filter(|node| Some(*node) != other_than) {
                return node;
            }
            assert!(Instant::now() < deadline, "nobody has the lease on {what}");
        }
    }

    /// Runs a command on a node's data dir, which knows where the log is.
    pub(crate) fn run(&self, node: &str, arguments: &[&str]) -> String {
        let mut command = writethru(&self.data(node), arguments);
        command.env("WRITETHRU_LOG_URL", format!("{}/0", self.nats)).env("WRITETHRU_NATS_URL", &self.nats);
        answer(command)
    }

    pub(crate) fn editor(&self) -> Editor {
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
pub(crate) struct Editor {
    client: reqwest::Client,
    nodes: Vec<(String, String)>,
}

impl Editor {
    /// Files `text` under `slug` at the node `at`, and at the other if that one does not answer, with the
    /// same key until it is acknowledged; returns the answer.
    pub(crate) async fn file(&self, at: usize, slug: &str, text: &str, key: &str) -> Value {
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
pub(crate) type Acknowledged = Arc<Mutex<Vec<(String, Value, Instant)>>>;

/// Files updates, one story each, until told to end.
pub(crate) struct Load {
    tasks: Vec<JoinHandle<()>>,
    told: CancellationToken,
    acknowledged: Acknowledged,
}

impl Load {
    /// Begins with one story for each of `nodes`, filed at that node.
    pub(crate) fn begin(editor: &Editor, name: &str, nodes: &[usize]) -> Self {
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

    pub(crate) fn count(&self) -> usize {
        self.acknowledged.lock().expect("whole").len()
    }

    /// Waits until so many more were acknowledged.
    pub(crate) async fn more(&self, count: usize) {
        let wanted = self.count() + count;
        let mut look = tokio::time::interval(Duration::from_millis(10));
        let deadline = Instant::now() + PATIENCE;
        while self.count() < wanted {
            look.tick().await;
            assert!(Instant::now() < deadline, "{} of {wanted} were acknowledged", self.count());
        }
    }

    /// Ends it; returns what was acknowledged.
    pub(crate) async fn end(self) -> Vec<(String, Value, Instant)> {
        self.told.cancel();
        for task in self.tasks {
            task.await.expect("every update was acknowledged");
        }
        self.acknowledged.lock().expect("whole").clone()
    }
}
