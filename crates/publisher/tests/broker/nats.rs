//! A nats-server of its own for each test. A missing program is a failure, not a pass.

use std::path::Path;
use std::time::Duration;

use crate::publisher::server::{Binary, NatsServer, Search, ServerOptions, find};

#[expect(clippy::disallowed_methods, reason = "tests are an edge: they read where the program is")]
fn given() -> Option<std::path::PathBuf> {
    std::env::var("NATS_SERVER_BIN").ok().map(Into::into)
}

pub(crate) async fn binary() -> Binary {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools");
    let search = Search { given: given(), tools: Some(tools), path: std::env::var_os("PATH") };
    find(&search).await.expect("tests need a nats-server: run scripts/fetch-nats-server")
}

/// Starts a server that keeps everything in `directory`.
pub(crate) async fn start(directory: &Path, port: Option<u16>) -> NatsServer {
    let options = ServerOptions { binary: binary().await, directory: directory.to_owned(), port };
    NatsServer::start(options).await.expect("nats-server starts")
}

/// Returns a client that tries for ever.
pub(crate) async fn client(url: &str) -> async_nats::Client {
    async_nats::ConnectOptions::new()
        .retry_on_initial_connect()
        .reconnect_delay_callback(|_| Duration::from_millis(20))
        .connect(url)
        .await
        .expect("options that work")
}
