//! Erased words are gone, wherever an erasure was cut off.

use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use writethru_log::{EraseError, EventLog, NewRecord, Position, Replicas};

use crate::nats::{Alone, connect};
use crate::support::{batch, read_all, story};

/// Returns the files under `directory` that hold `word`.
fn holding(directory: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("readable").map(|entry| entry.expect("readable")) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, word));
        } else if std::fs::read(&path).expect("readable").windows(word.len()).any(|at| at == word.as_bytes())
        {
            found.push(path.display().to_string());
        }
    }
    found
}

async fn open(server: &Alone) -> EventLog {
    connect(server.server.url(), "0", Replicas::One).await
}

#[tokio::test]
async fn erased_words_are_in_no_file() {
    let server = Alone::start();
    let log = open(&server).await;
    let mut given = batch("push", 3);
    given.records[1].disclosures = Bytes::from_static(b"the secret of five sources");
    given.records[2].disclosures = Bytes::from("a long secret of sources. ".repeat(50_000));
    log.append(story(1), 0, given).await.expect("stored");
    for word in ["secret of five", "long secret"] {
        assert_ne!(holding(server.directory.path(), word), Vec::<String>::new());
    }
    log.erase(Position(2), Bytes::from_static(b"of five sources")).await.expect("erased");
    assert_ne!(holding(server.directory.path(), "of five sources"), Vec::<String>::new());
    log.erase(Position(2), Bytes::from_static(b"sources")).await.expect("erased");
    log.erase(Position(3), Bytes::new()).await.expect("erased");
    for word in ["secret", "of five"] {
        assert_eq!(holding(server.directory.path(), word), Vec::<String>::new());
    }
    assert_eq!(read_all(&log).await[1].disclosures, "sources");
    log.check(|_, _| {}).await.expect("whole");
}

/// Who dies between storing words and the record that names them leaves words that no record names.
#[tokio::test]
async fn words_that_no_record_names_go_with_those_of_their_revision() {
    let server = Alone::start();
    let log = open(&server).await;
    log.append(story(1), 0, batch("push", 1)).await.expect("stored");
    let client = async_nats::connect(server.server.url()).await.expect("connects");
    let context = async_nats::jetstream::new(client);
    let words = context.get_stream("WT_WORDS_0").await.expect("there");
    let part = words.get_raw_message(1).await.expect("there");
    context.publish(part.subject, part.payload).await.expect("sent").await.expect("stored");
    log.erase(Position(1), Bytes::new()).await.expect("erased");
    assert_eq!(holding(server.directory.path(), "disclosed"), Vec::<String>::new());
}

/// The erasure is dropped after one poll, two polls, and so on, until one comes to its end.
#[tokio::test]
async fn an_erasure_cut_off_anywhere_is_whole_or_not_begun() {
    let server = Alone::start();
    let log = open(&server).await;
    let record = |number: usize| NewRecord {
        envelope: Bytes::from(format!("envelope {number}")),
        disclosures: Bytes::from(format!("secret {number}; kept {number}")),
    };
    let mut given = batch("push", 0);
    given.records = (0..200).map(record).collect();
    log.append(story(1), 0, given).await.expect("stored");
    let mut cut_short = 0;
    for number in 0..200 {
        let position = Position(number as u64 + 1);
        let kept = Bytes::from(format!("kept {number}"));
        let whole = polled(log.erase(position, kept.clone()), number / 2).await;
        let read = log.read(position, 1).await.expect("readable").remove(0);
        assert_eq!(read.envelope, record(number).envelope);
        assert!(read.disclosures == kept || !whole && read.disclosures == record(number).disclosures);
        // Opening finishes what was written down.
        let again = open(&server).await;
        let read = again.read(position, 1).await.expect("readable").remove(0);
        if read.disclosures == kept {
            let secret = format!("secret {number};");
            assert_eq!(holding(server.directory.path(), &secret), Vec::<String>::new());
        }
        again.erase(position, kept.clone()).await.expect("erased");
        assert_eq!(again.read(position, 1).await.expect("readable")[0].disclosures, kept);
        again.close().await;
        cut_short += usize::from(!whole);
        if whole && number % 2 == 1 {
            break;
        }
    }
    assert!(cut_short > 10, "only {cut_short} erasures were cut short");
    log.check(|_, _| {}).await.expect("whole");
}

/// Polls `erasure` at most so many `times`; returns whether it came to its end.
async fn polled(erasure: impl Future<Output = Result<(), EraseError>>, times: usize) -> bool {
    let mut erasure = pin!(erasure);
    let mut polls = 0;
    poll_fn(|cx| {
        if polls == times {
            return Poll::Ready(false);
        }
        polls += 1;
        erasure.as_mut().poll(cx).map(|erased| {
            erased.expect("erased");
            true
        })
    })
    .await
}
