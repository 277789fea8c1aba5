//! One process of the server, from its start to its end.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpStream;
use tracing::warn;

use super::config::Files;
use super::leftover::STOP_TIMEOUT;
use super::{ServerOptions, StartError, Users};

/// Longest wait for a server to be ready: a big store is read first.
const READY_TIMEOUT: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Most bytes of a server's greeting.
const GREETING_BYTES_MAX: u64 = 64 * 1024;

/// A process that is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Child {
    process: tokio::process::Child,
    port: u16,
}

impl Child {
    /// Starts the process and returns once it is ready.
    pub(super) async fn start(
        options: &ServerOptions,
        users: Option<&Users>,
        port: Option<u16>,
    ) -> Result<Self, StartError> {
        let files = Files::new(&options.directory)?;
        files.write(options, port, users)?;
        let path = files.stderr();
        let stderr = std::fs::File::create(&path).map_err(|source| StartError::File { path, source })?;
        let mut process = tokio::process::Command::new(&options.binary.path)
            .arg("-c")
            .arg(files.config())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            // A signal from the terminal is for us: we end the server after our own work is done.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| StartError::Run { path: options.binary.path.clone(), source })?;
        let number = process.id().unwrap_or_default();
        tokio::select! {
            biased;
            status = process.wait() => {
                let status = status.map_err(|source| StartError::Run { path: options.binary.path.clone(), source })?;
                Err(StartError::Ended { status, log: files.log(), said: last_words(&files) })
            }
            ready = tokio::time::timeout(READY_TIMEOUT, ready(&files, number)) => match ready {
                Ok(port) => Ok(Self { process, port }),
                Err(_) => Err(StartError::Slow { seconds: READY_TIMEOUT.as_secs(), log: files.log() }),
            }
        }
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn process(&self) -> Option<u32> {
        self.process.id()
    }

    /// Returns how the process ended, once it has.
    pub(super) async fn ended(&mut self) -> String {
        match self.process.wait().await {
            Ok(status) => status.to_string(),
            Err(problem) => problem.to_string(),
        }
    }

    /// Asks the process to end and kills it if it does not in time.
    pub(super) async fn stop(&mut self) {
        let Some(process) = self.process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
        else {
            return; // It has ended and been waited for.
        };
        if let Err(problem) = kill_process(process, Signal::TERM) {
            warn!(error = %problem, "Cannot ask nats-server to end");
        }
        if tokio::time::timeout(STOP_TIMEOUT, self.process.wait()).await.is_err() {
            warn!("nats-server does not end when asked, killing it");
            if let Err(problem) = self.process.kill().await {
                warn!(error = %problem, "Cannot kill nats-server");
            }
        }
    }
}

/// Waits until the server has said its port and greets with `JetStream` on; returns the port.
async fn ready(files: &Files, process: u32) -> u16 {
    loop {
        if let Some(port) = said_port(files, process)
            && greets(port).await
        {
            return port;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn said_port(files: &Files, process: u32) -> Option<u16> {
    #[derive(Deserialize)]
    struct Ports {
        nats: Vec<String>,
    }
    // A file that is missing or half written is read again.
    let ports: Ports = serde_json::from_slice(&std::fs::read(files.ports(process)).ok()?).ok()?;
    ports.nats.iter().find_map(|url| url.rsplit(':').next()?.trim_end_matches('/').parse().ok())
}

async fn greets(port: u16) -> bool {
    #[derive(Deserialize)]
    struct Greeting {
        #[serde(default)]
        jetstream: bool,
    }
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await else { return false };
    let mut line = String::new();
    let mut reader = BufReader::new(stream.take(GREETING_BYTES_MAX));
    if reader.read_line(&mut line).await.is_err() {
        return false;
    }
    let greeting =
        line.strip_prefix("INFO ").and_then(|json| serde_json::from_str::<Greeting>(json.trim()).ok());
    greeting.is_some_and(|greeting| greeting.jetstream)
}

/// Returns the end of what the server said, for an error message.
fn last_words(files: &Files) -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let said = [read(files.log()), read(files.stderr())].concat();
    let lines: Vec<&str> = said.lines().rev().filter(|line| !line.is_empty()).take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}
