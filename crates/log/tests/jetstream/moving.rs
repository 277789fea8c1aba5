//! Filling a log from another, and names that several processes give at once.

use futures::future::join_all;
use tempfile::TempDir;
use writethru_log::{
    AppendError, ConnectError, Epoch, EventLog, ImportError, JetStreamOptions, Moved, NameHash, Options,
    Position, Replicas, Stage, limits,
};

use crate::nats::{Alone, Cluster, connect, options};
use crate::support::{batch, read_all, story};

/// Returns batches of several stories and sizes, with their revisions.
fn batches(count: usize) -> Vec<Moved> {
    let mut revisions = [0; 5];
    (0..count)
        .map(|number| {
            let at = number % revisions.len();
            let records = 1 + number % 3;
            let expected = revisions[at];
            revisions[at] += records as u64;
            let batch = batch(&format!("command-{number}"), records);
            Moved { story: story(at as u64), expected, batch }
        })
        .collect()
}

fn filling(servers: String, replicas: Replicas) -> JetStreamOptions {
    JetStreamOptions { stage: Stage::Filling, ..options(servers, "0", replicas) }
}

async fn fill_and_compare(servers: String, replicas: Replicas) {
    let moved = batches(900);
    let folder = TempDir::new().expect("a folder");
    let given = Options { new_epoch: Epoch(7), create: true, read_only: false };
    let file = EventLog::open(&folder.path().join("log.db"), given).await.expect("opens");
    let head = file.import(Position::ZERO, moved.clone()).await.expect("taken");
    // Erased words may have left more bytes than a record may be appended with.
    let grown = bytes::Bytes::from(vec![b's'; limits::RECORD_BYTES_MAX + 1]);
    file.erase(Position(5), grown.clone()).await.expect("erased");
    let mut moved = moved;
    let (mut at, mut left) = (0, 4);
    while left >= moved[at].batch.records.len() {
        left -= moved[at].batch.records.len();
        at += 1;
    }
    moved[at].batch.records[left].disclosures = grown;
    let log = EventLog::connect(filling(servers.clone(), replicas)).await.expect("opens");
    assert_eq!(log.import(Position::ZERO, moved.clone()).await.expect("taken"), head);
    assert_eq!(read_all(&log).await, read_all(&file).await);
    assert_eq!(log.check(|_, _| {}).await.expect("whole").records, head.0);
    log.finish().await.expect("finished");
    log.close().await;
    let log = EventLog::connect(options(servers, "0", replicas)).await.expect("opens");
    let Moved { story, expected, batch } = moved[3].clone();
    let repeated = log.append(story, expected, batch).await.expect("its first answer");
    assert!(repeated.repeated && repeated.last < head, "{repeated:?}");
}

#[tokio::test]
async fn what_is_moved_is_the_same_on_one_server() {
    let server = Alone::start();
    fill_and_compare(server.server.url(), Replicas::One).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_moved_is_the_same_on_three() {
    let cluster = Cluster::start();
    fill_and_compare(cluster.urls(), Replicas::Three).await;
}

#[tokio::test]
async fn a_log_that_is_being_filled_is_open_to_nobody_else_and_a_whole_one_is_not_filled() {
    let server = Alone::start();
    let url = server.server.url();
    let log = EventLog::connect(filling(url.clone(), Replicas::One)).await.expect("opens");
    log.import(Position::ZERO, batches(4)).await.expect("taken");
    let refused = EventLog::connect(options(url.clone(), "0", Replicas::One)).await;
    assert!(matches!(refused, Err(ConnectError::Unfinished { .. })), "{refused:?}");
    // Who was cut off goes on.
    drop(log);
    let log = EventLog::connect(filling(url.clone(), Replicas::One)).await.expect("opens again");
    assert!(log.head() > Position::ZERO);
    log.finish().await.expect("finished");
    log.close().await;
    let refused = EventLog::connect(filling(url, Replicas::One)).await;
    assert!(matches!(refused, Err(ConnectError::Taken { .. })), "{refused:?}");
}

#[tokio::test]
async fn batches_that_do_not_begin_at_the_end_are_not_taken() {
    let server = Alone::start();
    let log = connect(server.server.url(), "0", Replicas::One).await;
    log.append(story(1), 0, batch("first", 1)).await.expect("stored");
    let folder = TempDir::new().expect("a folder");
    let given = Options { new_epoch: Epoch(7), create: true, read_only: false };
    let file = EventLog::open(&folder.path().join("log.db"), given).await.expect("opens");
    for log in [log, file] {
        let before = log.head();
        let refused = log.import(Position(7), batches(2)).await;
        let Err(ImportError::Elsewhere { expected: Position(7), actual }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((actual, log.head()), (before, before));
        let empty = Moved { story: story(1), expected: 0, batch: batch("empty", 0) };
        let refused = log.import(before, vec![empty]).await;
        assert!(
            matches!(refused, Err(ImportError::Refused { source: AppendError::Empty { .. } })),
            "{refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_many_want_at_once_goes_to_one_of_them_for_ever() {
    let cluster = Cluster::start();
    let urls = cluster.urls();
    let logs = join_all((0..3).map(|_| connect(urls.clone(), "0", Replicas::Three))).await;
    for round in 0..20 {
        let name = NameHash([round; 32]);
        assert_eq!(logs[0].claimed(name).await.expect("answered"), None);
        let wanted = logs.iter().zip(1..).map(|(log, number)| log.claim(name, story(number)));
        let given: Vec<_> =
            join_all(wanted).await.into_iter().map(|given| given.expect("answered")).collect();
        assert!(given.iter().all(|owner| *owner == given[0]), "{given:?}");
        assert_eq!(logs[1].claimed(name).await.expect("answered"), Some(given[0]));
        assert_eq!(logs[2].claim(name, story(9)).await.expect("answered"), given[0]);
    }
}
