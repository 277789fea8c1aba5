//! A whole service as a process of its own, as users start it.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::broken;
use super::stage::{Memory, memory_of};
use crate::exit::Exit;
use crate::failure::Failure;

/// A service of our own, without NATS. Dropping it kills it.
pub(super) struct Service {
    child: Child,
    process: String,
    /// Where it listens.
    pub(super) address: String,
    key: String,
    client: reqwest::Client,
}

impl Service {
    /// Starts one in `folder`.
    ///
    /// # Errors
    /// It does not become ready.
    pub(super) async fn start(folder: &Path) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(|error| broken("this program is gone", &error))?;
        let mut child = Command::new(program)
            .args(["up", "--json", "--no-nats", "--http", "127.0.0.1:0", "--data"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| broken("the service does not start", &error))?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or_else(|| silent("the service has no voice"))?;
        let read = BufReader::new(stdout).read_line(&mut line).await;
        read.map_err(|error| broken("the service does not start", &error))?;
        let run: Value =
            serde_json::from_str(&line).map_err(|error| broken("the service does not start", &error))?;
        let base = run["http"].as_str().unwrap_or_default();
        let key = std::fs::read_to_string(folder.join("owner.key"));
        let client = reqwest::Client::builder().no_proxy().build();
        Ok(Self {
            process: run["pid"].to_string(),
            address: base.trim_start_matches("http://").to_owned(),
            key: key.map_err(|error| broken("the owner has no key", &error))?.trim().to_owned(),
            client: client.map_err(|error| broken("there is no client", &error))?,
            child,
        })
    }

    /// Files `text` as the newest of the story that is called `slug`.
    ///
    /// # Errors
    /// It is refused.
    pub(super) async fn push(&self, slug: &str, text: String) -> Result<(), Failure> {
        let url = format!("http://{}/v1/stories?slug={slug}&desk=bench", self.address);
        let request = self.client.post(url).bearer_auth(&self.key).header("content-type", "text/plain");
        let answer = request.body(text).send().await.and_then(reqwest::Response::error_for_status);
        answer.map(drop).map_err(|error| broken("a push was refused", &error))
    }

    /// Reads `path` to its last byte; returns how many bytes it is.
    ///
    /// # Errors
    /// It is not answered.
    pub(super) async fn read(&self, path: &str) -> Result<usize, Failure> {
        let request = self.client.get(format!("http://{}{path}", self.address)).bearer_auth(&self.key);
        let answer = async { request.send().await?.error_for_status()?.bytes().await };
        answer.await.map(|bytes| bytes.len()).map_err(|error| broken("a read was refused", &error))
    }

    /// Returns what memory it takes, where that can be known.
    pub(super) fn memory(&self) -> Option<Memory> {
        memory_of(&self.process)
    }

    /// Ends it at once.
    ///
    /// # Errors
    /// It does not end.
    pub(super) async fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill().await.map_err(|error| broken("the service does not end", &error))
    }
}

fn silent(what: &'static str) -> Failure {
    Failure::new(Exit::Failure, "bench", what)
}
