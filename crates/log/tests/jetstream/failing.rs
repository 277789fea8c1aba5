//! Servers that are killed and connections that lose answers: what was acknowledged is there once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use writethru_log::{AppendError, Appended, Command, EventLog, JetStreamOptions, Position, Replicas};

use crate::nats::{Alone, Cluster, Server, connect, jetstream, options};
use crate::support::{batch, read_all, story};

const WRITERS: u64 = 8;

/// What writers were told: for each command of a story, where it is.
type Told = HashMap<(u64, Command), Appended>;

/// Lets writers append to stories of their own until `enough`; returns what they were told.
fn write(log: &EventLog, enough: &Arc<AtomicBool>) -> JoinSet<Vec<(u64, Command, Appended)>> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (log, enough) = (log.clone(), Arc::clone(enough));
        writers.spawn(async move {
            let (mut told, mut revision) = (Vec::new(), 0);
            while !enough.load(Ordering::Acquire) {
                let given = batch(&format!("{writer}-{revision}"), 1 + usize::from(revision % 5 == 0));
                let command = given.command.clone();
                let appended = log.append(story(writer), revision, given).await.expect("stored");
                assert!(appended.revision > revision, "a command is new");
                revision = appended.revision;
                told.push((writer, command, appended));
            }
            told
        });
    }
    writers
}

/// Waits for `records` more than there are.
async fn more(log: &EventLog, records: u64) {
    let mut tail = log.tail(Position(log.head().0 + records));
    tail.next_batch().await.expect("the log goes on");
}

/// Proves that the log has what was told, each once, in order, and nothing else.
async fn prove(log: &EventLog, writers: JoinSet<Vec<(u64, Command, Appended)>>) {
    let told: Told = writers
        .join_all()
        .await
        .into_iter()
        .flatten()
        .map(|(writer, command, appended)| ((writer, command), appended))
        .collect();
    let all = read_all(log).await;
    let mut revisions = HashMap::new();
    for record in &all {
        let revision = revisions.entry(record.story).or_insert(0);
        *revision += 1;
        assert_eq!(record.revision, *revision, "revisions of a story rise by one");
        let writer = u64::from_be_bytes(record.story.0[8..].try_into().expect("8 bytes"));
        let appended = told.get(&(writer, record.command.clone())).expect("it was acknowledged");
        assert!((appended.first..=appended.last).contains(&record.position));
    }
    let stored: u64 = told.values().map(|appended| appended.last.0 - appended.first.0 + 1).sum();
    assert_eq!(all.len() as u64, stored);
    let checked = log.check(|_, _| {}).await.expect("whole");
    assert_eq!((checked.records, checked.batches), (stored, told.len() as u64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_the_only_server_loses_and_doubles_nothing() {
    let directory = TempDir::new().expect("a folder");
    let more_config = jetstream(directory.path(), "sync_interval: always");
    let mut server = Server::start(directory.path(), None, &more_config);
    let log = connect(server.url(), "0", Replicas::One).await;
    let enough = Arc::new(AtomicBool::new(false));
    let writers = write(&log, &enough);
    for _ in 0..3 {
        more(&log, 100).await;
        let port = server.port();
        drop(server);
        server = Server::start(directory.path(), Some(port), &more_config);
    }
    more(&log, 100).await;
    enough.store(true, Ordering::Release);
    prove(&log, writers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_the_leader_loses_and_doubles_nothing() {
    let mut cluster = Cluster::start();
    let log = connect(cluster.urls(), "0", Replicas::Three).await;
    let urls = cluster.urls();
    let client = async_nats::connect(urls.split(',').collect::<Vec<_>>()).await.expect("connects");
    let streams = async_nats::jetstream::new(client);
    let enough = Arc::new(AtomicBool::new(false));
    let writers = write(&log, &enough);
    for stream in ["WT_LOG_0", "WT_WORDS_0"] {
        more(&log, 300).await;
        let info = streams.get_stream(stream).await.expect("there").cached_info().clone();
        let leader = info.cluster.and_then(|cluster| cluster.leader).expect("a leader");
        cluster.kill(&leader);
        more(&log, 300).await;
        cluster.start_again(&leader);
    }
    more(&log, 300).await;
    enough.store(true, Ordering::Release);
    prove(&log, writers).await;
    // A reader that comes later, and whichever server answers it.
    let later = connect(cluster.urls(), "0", Replicas::Three).await;
    assert_eq!(read_all(&later).await, read_all(&log).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_all_servers_at_once_loses_and_doubles_nothing() {
    let mut cluster = Cluster::start();
    let log = connect(cluster.urls(), "0", Replicas::Three).await;
    let enough = Arc::new(AtomicBool::new(false));
    let writers = write(&log, &enough);
    more(&log, 300).await;
    for node in ["n0", "n1", "n2"] {
        cluster.kill(node);
    }
    for node in ["n0", "n1", "n2"] {
        cluster.start_again(node);
    }
    more(&log, 300).await;
    enough.store(true, Ordering::Release);
    prove(&log, writers).await;
}

/// Passes bytes on to a server, and its answers back, unless they are to be lost.
struct Way {
    url: String,
    answers_lost: watch::Sender<bool>,
    passing: tokio::task::JoinHandle<()>,
}

impl Drop for Way {
    fn drop(&mut self) {
        self.passing.abort();
    }
}

impl Way {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("nats://{}", listener.local_addr().expect("bound"));
        let (answers_lost, lost) = watch::channel(false);
        let passing = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", port)).await.expect("the server is there");
                let lost = lost.clone();
                connections.spawn(async move {
                    let (mut asking, answered) = client.into_split();
                    let (answering, mut asked) = server.into_split();
                    tokio::select! {
                        _ = tokio::io::copy(&mut asking, &mut asked) => {}
                        () = pass_back(answering, answered, lost) => {}
                    }
                });
            }
        });
        Self { url, answers_lost, passing }
    }
}

/// Passes answers back, or loses them; a connection that lost some ends when no more are lost.
async fn pass_back(
    mut answering: OwnedReadHalf,
    mut answered: OwnedWriteHalf,
    mut lost: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 65_536];
    let mut incomplete = *lost.borrow_and_update();
    loop {
        tokio::select! {
            changed = lost.changed() => {
                if changed.is_err() || incomplete && !*lost.borrow_and_update() {
                    return;
                }
            }
            read = answering.read(&mut bytes) => {
                let Ok(count @ 1..) = read else { return };
                if *lost.borrow() {
                    incomplete = true;
                } else if incomplete || answered.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_is_lost_is_stored_once_and_answered() {
    let server = Alone::start();
    let way = Way::to(server.server.port()).await;
    let log = connect(way.url.clone(), "0", Replicas::One).await;
    let watcher = connect(server.server.url(), "0", Replicas::One).await;
    for number in 0..6 {
        // Without words there is one message, whose answer is lost; with words it is theirs.
        let mut given = batch(&number.to_string(), 1 + usize::from(number % 3 == 2));
        if number % 2 == 0 {
            given.records.iter_mut().for_each(|record| record.disclosures.clear());
        }
        let before = log.head();
        let revision = log.read_story(story(1), 1, usize::MAX).await.expect("readable").len() as u64;
        way.answers_lost.send_replace(true);
        let pending = log.submit(story(1), revision, given.clone()).await.expect("taken");
        let restored = async {
            if number % 2 == 0 {
                watcher.tail(before.next()).next_batch().await.expect("it was stored");
            } else {
                tokio::task::yield_now().await;
            }
            way.answers_lost.send_replace(false);
        };
        let (appended, ()) = tokio::join!(pending.acknowledged(), restored);
        let appended = appended.expect("stored");
        assert!(!appended.repeated, "it was this call that stored it");
        assert_eq!(appended.first, before.next());
    }
    let checked = log.check(|_, _| {}).await.expect("whole");
    assert_eq!(checked.batches, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_nobody_answers_says_whether_it_may_be_stored() {
    let server = Alone::start();
    let way = Way::to(server.server.port()).await;
    let given = JetStreamOptions {
        patience: Duration::from_millis(300),
        ..options(way.url.clone(), "0", Replicas::One)
    };
    let log = EventLog::connect(given).await.expect("opens");
    let watcher = connect(server.server.url(), "0", Replicas::One).await;
    way.answers_lost.send_replace(true);
    // With words, the record itself was never sent.
    let unavailable = log.append(story(1), 0, batch("with words", 1)).await;
    assert!(matches!(unavailable, Err(AppendError::Unavailable { .. })), "{unavailable:?}");
    let mut given = batch("without words", 1);
    given.records[0].disclosures.clear();
    let unknown = log.append(story(1), 0, given.clone()).await;
    assert!(matches!(unknown, Err(AppendError::OutcomeUnknown { .. })), "{unknown:?}");
    way.answers_lost.send_replace(false);
    // Whatever became of it, the same call again comes to one record.
    let again = loop {
        match log.append(story(1), 0, given.clone()).await {
            Ok(again) => break again,
            Err(AppendError::Unavailable { .. } | AppendError::OutcomeUnknown { .. }) => {}
            Err(error) => panic!("{error:?}"),
        }
    };
    assert_eq!((again.first, again.revision), (Position(1), 1));
    assert_eq!(read_all(&watcher).await.len(), 1);
}
