//! Appends to an UmaDB server of our own on this machine: one event a call, synced before it answers.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use umadb_client::{AsyncUmaDbClient, UmaDbClient};
use umadb_dcb::{DcbEvent, DcbEventStoreAsync};
use writethru_log::bench::{Load, Measured};

use crate::Answer;

/// How long the server may take to start.
const START_WAIT: Duration = Duration::from_secs(10);
/// Submitters share this many connections.
const CONNECTIONS_MAX: usize = 16;

/// A server that ends with this value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lets `load.submitters` tasks append one event at a time, each waiting for its answer, for `run`.
pub(crate) async fn appends(directory: &Path, program: &Path, load: Load, run: Duration) -> Answer<Measured> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let server = Command::new(program)
        .args(["--listen", &address, "--db-path"])
        .arg(directory.join("uma.db"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let _server = Server(server);
    let mut clients = Vec::new();
    for _ in 0..load.submitters.min(CONNECTIONS_MAX) {
        clients.push(Arc::new(connect(&format!("http://{address}")).await?));
    }
    let start = Instant::now();
    let mut submitters = JoinSet::new();
    for number in 0..load.submitters {
        let client = Arc::clone(&clients[number % clients.len()]);
        submitters.spawn(async move { submit_until(&client, load, number, start + run).await });
    }
    let mut calls = Vec::new();
    for submitted in submitters.join_all().await {
        calls.extend(submitted?);
    }
    Ok(Measured::new(calls.len() as u64, start.elapsed(), calls))
}

async fn connect(url: &str) -> Answer<AsyncUmaDbClient> {
    let began = Instant::now();
    loop {
        match UmaDbClient::new(url.to_owned()).connect_async().await {
            Ok(client) => return Ok(client),
            Err(error) if began.elapsed() > START_WAIT => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn submit_until(
    client: &AsyncUmaDbClient,
    load: Load,
    number: usize,
    end: Instant,
) -> Answer<Vec<Duration>> {
    let mut calls = Vec::new();
    while Instant::now() < end {
        let story = format!("story:{}", number * 8 + calls.len() % 8);
        let event = DcbEvent::new().event_type("Appended").tags([story]).data(vec![b'b'; load.record_bytes]);
        let call = Instant::now();
        client.append(vec![event], None, None).await?;
        calls.push(call.elapsed());
    }
    Ok(calls)
}
