//! Notaries that share a log and take turns, each with files of its own, the head in a real nats-server.
//! The logs here are files: so one can be behind, or another, as no log on NATS is at will.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests fail as the tests do")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use futures::StreamExt;
use log::{Batch, Command, Epoch, EventLog, NewRecord, StoryKey};
use proof::checkpoint::SignedCheckpoint;
use publisher::server::{NatsServer, Search, ServerOptions, Sync, find};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use writethru_notary::{Notary, Options, Reader, SharedHeads, State, Status, Turn};

const PATIENCE: Duration = Duration::from_secs(30);
const EPOCH: Epoch = Epoch(7);

struct Nats {
    context: Context,
    server: NatsServer,
    folder: TempDir,
}

impl Nats {
    #[expect(clippy::disallowed_methods, reason = "tests are an edge: they read where the program is")]
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools");
        let given = std::env::var("NATS_SERVER_BIN").ok().map(Into::into);
        let search = Search { given, tools: Some(tools), path: std::env::var_os("PATH") };
        let binary = find(&search).await.expect("tests need a nats-server: run scripts/fetch-nats-server");
        let directory = folder.path().to_owned();
        let server = ServerOptions { binary, directory, port: None, sync: Sync::Relaxed };
        let server = NatsServer::start(server).await.unwrap();
        let client = async_nats::connect(server.url()).await.unwrap();
        Self { context: jetstream::new(client), server, folder }
    }

    async fn note(&self) -> String {
        let store = self.context.get_key_value("WT_HEADS").await.unwrap();
        String::from_utf8(store.get("0.7").await.unwrap().unwrap().to_vec()).unwrap()
    }
}

/// One of several: a log, the files, and whose turn it is.
struct Node {
    log: EventLog,
    reader: Reader,
    turn: Turn,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
    folder: TempDir,
}

impl Node {
    async fn start(nats: &Nats, key: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = log::Options { new_epoch: EPOCH, create: true, read_only: false };
        let log = EventLog::open(&folder.path().join("log.db"), options).await.unwrap();
        let options = Options {
            tiles: folder.path().join("tlog"),
            heads: folder.path().join("notary.db"),
            key: key.to_owned(),
            name: "news.example".to_owned(),
            witnesses: Vec::new(),
        };
        let place = SharedHeads::open(&nats.context, 1, ("0", EPOCH)).await.unwrap();
        let (notary, turn) = Notary::sharing(log.clone(), options, place).unwrap();
        let (reader, shutdown) = (notary.reader(), CancellationToken::new());
        let running = tokio::spawn(notary.run(shutdown.clone()));
        Self { log, reader, turn, shutdown, running, folder }
    }

    fn take_turn(&self) {
        let (turn, told) = (self.turn.clone(), self.shutdown.clone());
        tokio::spawn(async move { turn.take(told).await });
    }

    /// Appends the records `from` to `to` of the history that is called `way`.
    async fn append(&self, from: u64, to: u64, way: &str) {
        for number in from..to {
            let mut story = [0; 16];
            story[..8].copy_from_slice(&number.to_be_bytes());
            let envelope = Bytes::from(format!(r#"{{"id":"{way}-{number}"}}"#));
            let record = NewRecord { envelope, disclosures: Bytes::from_static(b"words") };
            let command = Command(Bytes::from(format!("c{number}")));
            self.log.append(StoryKey(story), 0, Batch { command, records: vec![record] }).await.unwrap();
        }
    }

    async fn until(&self, holds: impl FnMut(&Status) -> bool) -> Status {
        let mut status = self.reader.follow();
        let status = tokio::time::timeout(PATIENCE, status.wait_for(holds)).await;
        status.expect("in time").expect("the notary runs").clone()
    }

    async fn stop(self) -> TempDir {
        self.shutdown.cancel();
        self.running.await.unwrap();
        self.log.close().await;
        self.folder
    }
}

fn key(nats: &Nats, name: &str) -> std::path::PathBuf {
    nats.folder.path().join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_believe_it_is_their_turn_one_at_a_time_signs() {
    let nats = Nats::start().await;
    let key = key(&nats, "notary.key");
    let (one, other) = (Node::start(&nats, &key).await, Node::start(&nats, &key).await);
    one.take_turn();
    one.append(0, 1, "a").await;
    one.until(|status| status.size() == 1).await;
    other.append(0, 1, "a").await;
    let store = nats.context.get_key_value("WT_HEADS").await.unwrap();
    let mut put = store.watch_with_history("0.7").await.unwrap();
    let watching = tokio::spawn(async move {
        let mut before = 0;
        while before < 400 {
            let head = SignedCheckpoint::parse(&put.next().await.unwrap().unwrap().value).unwrap();
            let size = head.checkpoint().size();
            assert!(size > before, "a head over {size} was put in the place of one over {before}");
            before = size;
        }
    });
    other.take_turn();
    for from in (1..400).step_by(7) {
        tokio::join!(one.append(from, from + 7, "a"), other.append(from, from + 7, "a"));
    }
    let size = one.log.head().0;
    assert_eq!(size, 400);
    tokio::time::timeout(PATIENCE, watching).await.expect("in time").unwrap();
    let head = one.until(|status| status.size() == size).await;
    let same = other.until(|status| status.size() == size).await;
    assert_eq!(head.checkpoint(), same.checkpoint());
    assert_eq!(head.checkpoint().unwrap(), nats.note().await);
    let (one, other) = (one.stop().await, other.stop().await);
    for file in ["tlog/tile/0/000", "tlog/tile/entries/000", "tlog/checkpoint"] {
        let [one, other] = [&one, &other].map(|node| fs::read(node.path().join(file)).unwrap());
        assert_eq!(one, other, "{file}");
    }
    drop(nats.server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_log_is_behind_the_shared_head_does_not_sign() {
    let nats = Nats::start().await;
    let key = key(&nats, "notary.key");
    let ahead = Node::start(&nats, &key).await;
    ahead.take_turn();
    ahead.append(0, 20, "a").await;
    let head = ahead.until(|status| status.size() == 20).await;
    let behind = Node::start(&nats, &key).await;
    behind.append(0, 10, "a").await;
    behind.take_turn();
    behind.append(10, 15, "a").await;
    behind
        .until(|status| matches!(&status.state, State::Retrying(why) if why.contains("the log has 15")))
        .await;
    assert_eq!(behind.reader.status().size(), 0, "nothing is served but what was signed");
    assert_eq!(nats.note().await, head.checkpoint().unwrap());
    behind.append(15, 20, "a").await;
    let caught_up = behind.until(|status| status.size() == 20).await;
    assert_eq!(caught_up.checkpoint(), head.checkpoint());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_went_another_way_is_not_signed() {
    let nats = Nats::start().await;
    let key = key(&nats, "notary.key");
    let one = Node::start(&nats, &key).await;
    one.take_turn();
    one.append(0, 20, "a").await;
    let head = one.until(|status| status.size() == 20).await;
    let other = Node::start(&nats, &key).await;
    other.append(0, 19, "a").await;
    other.append(19, 25, "b").await;
    other.take_turn();
    let status = other.until(|status| matches!(status.state, State::Parked(_))).await;
    let State::Parked(parked) = &status.state else { unreachable!("it is parked") };
    assert!(parked.why.contains("not those that were signed"), "{parked}");
    assert_eq!((status.size(), nats.note().await.as_str()), (0, head.checkpoint().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_head_that_was_put_back_is_not_signed_over() {
    let nats = Nats::start().await;
    let node = Node::start(&nats, &key(&nats, "notary.key")).await;
    node.take_turn();
    node.append(0, 10, "a").await;
    node.until(|status| status.size() == 10).await;
    let old = nats.note().await;
    node.append(10, 20, "a").await;
    let head = node.until(|status| status.size() == 20).await;
    let store = nats.context.get_key_value("WT_HEADS").await.unwrap();
    store.put("0.7", old.clone().into()).await.unwrap();
    node.until(|status| matches!(status.state, State::Retrying(_))).await;
    node.append(20, 25, "a").await;
    node.until(|status| matches!(&status.state, State::Retrying(why) if why.contains("one over 20"))).await;
    assert_eq!(nats.note().await, old, "nothing was signed over it");
    store.put("0.7", head.checkpoint().unwrap().to_owned().into()).await.unwrap();
    node.until(|status| status.size() == 25).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_the_key_follows_and_signs_once_it_has_it() {
    let nats = Nats::start().await;
    let (right, elsewhere) = (key(&nats, "notary.key"), key(&nats, "elsewhere.key"));
    let one = Node::start(&nats, &right).await;
    one.take_turn();
    one.append(0, 20, "a").await;
    one.until(|status| status.size() == 20).await;
    let other = Node::start(&nats, &elsewhere).await;
    other.append(0, 25, "a").await;
    other.take_turn();
    let status = other.until(|status| status.size() == 20 && !status.may_sign()).await;
    assert!(
        matches!(&status.state, State::Following { unable: Some(why) } if why.contains("no key here")),
        "{:?}",
        status.state
    );
    fs::copy(&right, &elsewhere).unwrap();
    one.append(20, 21, "a").await;
    let head = other.until(|status| status.size() == 25).await;
    let head = SignedCheckpoint::parse(head.checkpoint().unwrap().as_bytes()).unwrap();
    assert_eq!(head.checkpoint().origin(), "news.example/log/7");
}
