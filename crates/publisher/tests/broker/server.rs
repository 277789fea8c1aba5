//! A real nats-server, started, killed, left behind and ended.

use crate::nats;
use crate::publisher::server::{NatsServer, ServerOptions, StartError, Sync};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio_util::sync::CancellationToken;

fn pid(process: u32) -> Pid {
    Pid::from_raw(i32::try_from(process).expect("an id")).expect("an id")
}

/// Returns once the server has answered.
async fn round_trip(client: &async_nats::Client) {
    let jetstream = async_nats::jetstream::new(client.clone());
    while jetstream.query_account().await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_server_that_is_killed_comes_back_on_the_same_port() {
    let folder = tempfile::tempdir().unwrap();
    let server = nats::start(folder.path(), None).await;
    let (url, first) = (server.url(), server.process().unwrap());
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(server.run(shutdown.clone()));
    let client = nats::client(&url).await;

    kill_process(pid(first), Signal::KILL).unwrap();
    let recorded = folder.path().join("nats-server.pid");
    let mut second = first;
    while second == first {
        // Between two servers the file is missing or empty.
        let text = std::fs::read_to_string(&recorded).unwrap_or_default();
        second = text.trim().parse().unwrap_or(first);
        tokio::task::yield_now().await;
    }
    round_trip(&client).await;
    shutdown.cancel();
    running.await.unwrap();
    assert!(test_kill_process(pid(second)).is_err(), "the server still runs");
}

#[tokio::test]
async fn a_server_that_an_earlier_run_left_behind_is_ended_first() {
    let folder = tempfile::tempdir().unwrap();
    let server = nats::start(folder.path(), None).await;
    let left = server.process().unwrap();
    // As if we had been killed: nothing of ours runs any more, the process does.
    std::mem::forget(server);

    let server = nats::start(folder.path(), None).await;
    assert_ne!(server.process().unwrap(), left);
    server.stop().await;
    let status = std::fs::read_to_string(format!("/proc/{left}/stat"));
    assert!(status.is_err() || status.unwrap().contains(") Z "), "the old server still runs");
}

#[tokio::test]
async fn a_process_that_only_has_the_number_of_an_old_server_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut stranger = tokio::process::Command::new("sleep").arg("600").kill_on_drop(true).spawn().unwrap();
    std::fs::write(folder.path().join("nats-server.pid"), stranger.id().unwrap().to_string()).unwrap();

    nats::start(folder.path(), None).await.stop().await;

    assert!(stranger.try_wait().unwrap().is_none(), "a stranger's process was ended");
}

#[tokio::test]
async fn a_taken_port_is_said_at_start() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = nats::start(first.path(), None).await;
    let port = server.url().rsplit(':').next().unwrap().parse().unwrap();
    let options = ServerOptions {
        binary: nats::binary().await,
        directory: second.path().to_owned(),
        port: Some(port),
        sync: Sync::Relaxed,
    };
    let refused = NatsServer::start(options).await.unwrap_err();
    assert!(matches!(&refused, StartError::Ended { said, .. } if said.contains("in use")), "{refused}");
}

#[tokio::test]
async fn a_folder_with_odd_characters_in_its_name_is_no_hindrance() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("a \"b\" \\ $HOME 'c' # d");
    nats::start(&odd, None).await.stop().await;
    assert!(odd.join("nats-server.log").is_file());
}
