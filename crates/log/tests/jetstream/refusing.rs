//! What cannot hold a log is refused when the log is opened, by name.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::stream::Config;
use tempfile::TempDir;
use writethru_log::{ConnectError, EventLog, JetStreamOptions, Replicas};

use crate::nats::{Alone, Server, connect, options};

async fn streams(url: &str) -> jetstream::Context {
    jetstream::new(async_nats::connect(url).await.expect("connects"))
}

#[tokio::test]
async fn a_server_that_takes_small_messages_only_is_refused() {
    let directory = TempDir::new().expect("a folder");
    let more = format!("max_payload: 64KB\njetstream {{ store_dir: \"{}\" }}", directory.path().display());
    let server = Server::start(directory.path(), None, &more);
    let refused = EventLog::connect(options(server.url(), "0", Replicas::One)).await;
    let Err(ConnectError::Unfit { problem, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(problem, "its max_payload is 65536, 1048576 or more is needed");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("bound").port();
    drop(held);
    let refused =
        EventLog::connect(options(format!("nats://me:secret@127.0.0.1:{port}"), "0", Replicas::One)).await;
    let Err(refused @ ConnectError::Unreachable { .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.to_string(), format!("cannot connect to nats://127.0.0.1:{port}"));
}

#[tokio::test]
async fn a_server_without_jetstream_or_enough_peers_is_said_in_time() {
    let directory = TempDir::new().expect("a folder");
    let without = Server::start(directory.path(), None, "");
    let with = Alone::start();
    for (url, replicas) in [(without.url(), Replicas::One), (with.server.url(), Replicas::Three)] {
        let given = JetStreamOptions { patience: Duration::from_millis(200), ..options(url, "0", replicas) };
        let refused = EventLog::connect(given).await;
        assert!(matches!(refused, Err(ConnectError::Unavailable { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_stream_of_someone_else_is_not_taken_for_a_log() {
    let server = Alone::start();
    let url = server.server.url();
    let foreign = Config { name: "WT_LOG_0".to_owned(), subjects: vec!["x".to_owned()], ..Config::default() };
    streams(&url).await.create_stream(foreign).await.expect("made");
    let refused = EventLog::connect(options(url, "0", Replicas::One)).await;
    let Err(ConnectError::Foreign { stream, problem }) = refused else { panic!("{refused:?}") };
    assert_eq!((&*stream, &*problem), ("WT_LOG_0", "it was not made by Writethru"));
}

type Change = fn(&mut Config);

#[tokio::test]
async fn a_log_whose_streams_were_changed_is_refused() {
    let changes: [(&str, Change); 4] = [
        ("max_age", |config| config.max_age = Duration::from_hours(1)),
        ("max_msgs", |config| config.max_messages = 1_000_000),
        ("allow_direct", |config| config.allow_direct = false),
        ("republish", |config| config.republish = None),
    ];
    for (what, change) in changes {
        let server = Alone::start();
        let url = server.server.url();
        connect(url.clone(), "0", Replicas::One).await.close().await;
        let context = streams(&url).await;
        let mut config = context.get_stream("WT_LOG_0").await.expect("there").cached_info().config.clone();
        change(&mut config);
        context.update_stream(config).await.expect("changed");
        let refused = EventLog::connect(options(url, "0", Replicas::One)).await;
        let Err(ConnectError::Foreign { problem, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(problem, format!("its configuration was changed: {what}"));
    }
}

#[tokio::test]
async fn the_server_lets_nobody_remove_a_record() {
    let server = Alone::start();
    let url = server.server.url();
    connect(url.clone(), "0", Replicas::One).await;
    let context = streams(&url).await;
    let stream = context.get_stream("WT_LOG_0").await.expect("there");
    stream.delete_message(1).await.expect_err("removing is refused");
    stream.purge().await.expect_err("purging is refused");
    let mut config = stream.cached_info().config.clone();
    config.deny_delete = false;
    context.update_stream(config).await.expect_err("the refusal cannot be taken back");
}
