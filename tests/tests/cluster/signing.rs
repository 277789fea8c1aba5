//! One transparency log that any node signs in its turn: whatever is killed, no two heads contradict each
//! other, and every node has the same files below them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use futures::StreamExt;
use proof::checkpoint::SignedCheckpoint;
use proof::note::VerifierKey;
use proof::tile::{Bundle, FilePath, bundle_entries};
use rustix::process::Signal;
use sha2::Sha256;
use tokio::task::JoinHandle;
use writethru_tests::api::Api;
use writethru_tests::{PATIENCE, writethru};

use crate::publishing::report;
use crate::running::{Cluster, Load, NODES};

/// Every head that a stranger has seen, wherever.
#[derive(Debug, Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, head: String) {
        self.0.lock().expect("whole").push(head);
    }

    /// Returns the heads by their size; there is one root to a size.
    #[track_caller]
    fn heads(&self, key: &VerifierKey) -> BTreeMap<u64, SignedCheckpoint> {
        let mut heads = BTreeMap::new();
        for text in self.0.lock().expect("whole").iter() {
            let head = SignedCheckpoint::parse(text.as_bytes()).expect("a head");
            head.note().verify(std::slice::from_ref(key)).expect("signed with the log's key");
            let (size, root) = (head.checkpoint().size(), *head.checkpoint().root());
            let known = heads.entry(size).or_insert(head);
            assert_eq!(*known.checkpoint().root(), root, "two heads over {size} records");
        }
        heads
    }
}

/// Watches everything that is published of heads, and what every node serves.
async fn watch(cluster: &Cluster) -> (Seen, Vec<JoinHandle<()>>) {
    let seen = Seen::default();
    let servers: Vec<&str> = cluster.nats.split(',').collect();
    let nats = async_nats::connect(servers).await.expect("connected");
    let mut heads = nats.subscribe("wt.v1.checkpoint").await.expect("subscribed");
    nats.flush().await.expect("flushed");
    let told = seen.clone();
    let mut watching = vec![tokio::spawn(async move {
        while let Some(head) = heads.next().await {
            told.note(String::from_utf8(head.payload.to_vec()).expect("text"));
        }
    })];
    for node in NODES {
        let (seen, url) = (seen.clone(), format!("{}/log/checkpoint", cluster.http[node]));
        watching.push(tokio::spawn(async move {
            let client = reqwest::Client::new();
            let mut look = tokio::time::interval(std::time::Duration::from_millis(20));
            loop {
                look.tick().await;
                let Ok(answer) = client.get(&url).send().await else { continue };
                if answer.status().is_success()
                    && let Ok(head) = answer.text().await
                {
                    seen.note(head);
                }
            }
        }));
    }
    (seen, watching)
}

/// Returns the newest head that `node` serves, once it is over `size` records.
async fn served(cluster: &Cluster, node: &str, size: u64) -> SignedCheckpoint {
    let api = Api::public(&cluster.http[node]);
    let mut look = tokio::time::interval(std::time::Duration::from_millis(50));
    let deadline = Instant::now() + PATIENCE;
    loop {
        look.tick().await;
        let answer = api.get("/log/checkpoint").await;
        if answer.status == 200 {
            let head = SignedCheckpoint::parse(&answer.body).expect("a head");
            if head.checkpoint().size() >= size {
                return head;
            }
        }
        assert!(Instant::now() < deadline, "node {node} has no head over {size} records: {}", answer.text());
    }
}

/// Returns every entry below a head of `size`, as `node` serves them.
async fn entries(cluster: &Cluster, node: &str, size: u64) -> Vec<Vec<u8>> {
    let api = Api::public(&cluster.http[node]);
    let mut found = Vec::new();
    for index in 0..size.div_ceil(256) {
        let bundle = Bundle::in_tree(index, size).expect("in the tree");
        let path = FilePath::Entries(bundle);
        let bytes = api.get(&format!("/log/{path}")).await.body;
        let entries = bundle_entries(bundle, &bytes).expect("a bundle");
        found.extend(entries.into_iter().map(<[u8]>::to_vec));
    }
    found
}

/// Sees that each head is one of the tree of `entries`, and continues the one before, by a stranger's tree.
fn check_heads(heads: &BTreeMap<u64, SignedCheckpoint>, entries: &[Vec<u8>]) {
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let (mut before, mut checked) = (None, 0);
    for (index, entry) in entries.iter().enumerate() {
        tree.push(entry.clone());
        let Some(head) = heads.get(&(index as u64 + 1)) else { continue };
        let root = tree.root();
        assert_eq!(root.as_bytes().as_slice(), head.checkpoint().root().0, "over {} records", index + 1);
        if let Some((size, earlier)) = before.replace((index + 1, root.clone())) {
            let proof = tree.prove_consistency(index + 1 - size);
            root.verify_consistency(&earlier, &proof).expect("it continues the head before");
        }
        checked += 1;
    }
    assert_eq!(checked, heads.len(), "a head is over more than there is");
}

/// Returns every file below `folder` that never changes: the full ones.
fn full_files(folder: &Path, root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if path.extension().is_none() {
                found.extend(full_files(&path, root));
            }
        } else {
            let name = path.strip_prefix(root).expect("below it").to_owned();
            found.insert(name, fs::read(&path).expect("read"));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_signing_node_is_killed_under_load_and_no_two_heads_contradict_each_other() {
    let cluster = Cluster::start();
    let first = cluster.holder("notary", None).await;
    let other = NODES.into_iter().find(|node| *node != first).expect("there are two");
    let at = NODES.iter().position(|node| *node == other).expect("it is one of them");
    let (seen, watching) = watch(&cluster).await;
    let load = Load::begin(&cluster.editor(), "heads", &[at, at, at, at]);
    load.more(150).await;
    // It sleeps past the end of its lease, and wakes up believing that it is its turn.
    cluster.signal(first, Signal::STOP);
    cluster.holder("notary", Some(first)).await;
    load.more(60).await;
    cluster.signal(first, Signal::CONT);
    load.more(60).await;
    // Then the one that signs is killed; the other has everything and goes on.
    let (dead, alive) = (other, first);
    cluster.signal(dead, Signal::KILL);
    let began = Instant::now();
    cluster.holder("notary", Some(dead)).await;
    let handed = began.elapsed();
    load.more(60).await;
    let acknowledged = load.end().await;
    let head = served(&cluster, alive, acknowledged.len() as u64).await;
    for task in watching {
        task.abort();
    }
    let key: VerifierKey = cluster.run(alive, &["notary", "key", "show"]).trim().parse().expect("a key");
    let heads = seen.heads(&key);
    report(&format!(
        "the node that signs slept and was killed under load: {} heads were seen, all of one tree of {} records; \
         another signs {} ms after the kill",
        heads.len(),
        acknowledged.len(),
        handed.as_millis(),
    ));
    check_heads(&heads, &entries(&cluster, alive, head.checkpoint().size()).await);
    receipts_verify(&cluster, alive, &key, &acknowledged[0].1["story"]).await;
    // Beside this folder a kill leaves files that were not finished.
    let (dead, alive) = (cluster.data(dead).join("tlog/tile"), cluster.data(alive).join("tlog/tile"));
    let (dead, alive) = (full_files(&dead, &dead), full_files(&alive, &alive));
    assert!(!dead.is_empty(), "there are full files");
    for (name, bytes) in dead {
        assert!(alive.get(&name) == Some(&bytes), "{} differs", name.display());
    }
}

/// Sees that `node` gives a receipt that whoever has the log's key verifies.
async fn receipts_verify(cluster: &Cluster, node: &str, key: &VerifierKey, story: &serde_json::Value) {
    let story = story.as_str().expect("an id");
    let owner = fs::read_to_string(cluster.data(node).join("owner.key")).expect("the node makes it");
    let api = Api::public(&cluster.http[node]).with(Some(owner.trim()));
    let folder = tempfile::tempdir().expect("a temp dir");
    for revision in [1, 2, 20] {
        let path = format!("/v1/stories/{story}/revisions/{revision}/receipt?envelope=true");
        let receipt = api.get(&path).await;
        assert_eq!(receipt.status, 200, "{}", receipt.text());
        let file = folder.path().join("one.tlog-proof");
        fs::write(&file, &receipt.body).expect("written");
        let file = file.to_str().expect("UTF-8");
        let verified = writethru(folder.path(), &["verify", file, "--key", &key.to_string()]).output();
        let verified = verified.expect("it runs");
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_come_from_any_node_whoever_signs() {
    let cluster = Cluster::start();
    cluster.holder("notary", None).await;
    let load = Load::begin(&cluster.editor(), "any", &[0, 1]);
    load.more(60).await;
    let written = load.end().await;
    for node in NODES {
        let key: VerifierKey = cluster.run(node, &["notary", "key", "show"]).trim().parse().expect("a key");
        served(&cluster, node, written.len() as u64).await;
        receipts_verify(&cluster, node, &key, &written[0].1["story"]).await;
        let log = format!("{}/log", cluster.http[node]);
        let key = key.to_string();
        let verified = writethru(&cluster.data(node), &["verify", &log, "--key", &key]).output();
        let verified = verified.expect("it runs");
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        cluster.run(node, &["check"]);
    }
}
