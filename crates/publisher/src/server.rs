//! A nats-server of our own: found, checked, started as a child process and kept running.
//!
//! The child listens on loopback only, keeps the port it got when it is restarted, and writes to a
//! log file. It refuses a server older than [`Version::OLDEST`], and to end a process that it cannot
//! prove to be its own.

mod accounts;
mod binary;
mod child;
mod config;
mod leftover;
mod permissions;
mod seed;
mod subscriber;

use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

pub use accounts::Users;
pub use binary::{Binary, FindError, Search, Version, find};
use child::Child;
use leftover::end_leftover;
pub use permissions::{EDITOR_INBOX, SERVICE_INBOX};
pub use seed::{Seed, SeedError, SeedFileError, UserKey, write_private};
pub use subscriber::{SubscriberName, SubscriberNameError};

/// Longest wait between two attempts to start a server that keeps dying.
const RESTART_DELAY_MAX: Duration = Duration::from_secs(10);
/// Wait before the first such attempt.
const RESTART_DELAY_MIN: Duration = Duration::from_millis(100);
/// A server that lived this long was healthy: the next delay starts from the shortest again.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);

/// What a server needs to start.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The program.
    pub binary: Binary,
    /// Folder for everything of the server: its configuration, log file, process id and store. It
    /// is made if it is missing, and belongs to one running service at a time.
    pub directory: PathBuf,
    /// Port on loopback; `None` takes any free one.
    pub port: Option<u16>,
    /// When what it acknowledges is durable.
    pub sync: Sync,
}

/// When what a server acknowledges is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Some time later: enough for what the publisher sends, which is sent again if it is lost.
    Relaxed,
    /// Before it is acknowledged: what the event log needs, where the server keeps it.
    Always,
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file of the server could not be written: check the folder.
    #[error("cannot write {path}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder's name cannot stand in the server's configuration: choose another.
    #[error("the path {path} cannot be used for nats-server: it must be UTF-8 without control characters")]
    Path {
        /// The folder.
        path: PathBuf,
    },
    /// A server that an earlier run left behind does not end: end it by hand.
    #[error("nats-server process {process} of an earlier run does not end: end it and start again")]
    Leftover {
        /// Its process id.
        process: i32,
    },
    /// The program could not be run.
    #[error("cannot run {path}")]
    Run {
        /// The program.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It ended before it was ready, often because its port is taken: what it said comes along.
    #[error("nats-server ended at start ({status}), see {log}: {said}")]
    Ended {
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its log file.
        log: PathBuf,
        /// The end of what it said.
        said: String,
    },
    /// It was not ready in time and was ended.
    #[error("nats-server was not ready within {seconds} s, see {log}")]
    Slow {
        /// The time it had.
        seconds: u64,
        /// Its log file.
        log: PathBuf,
    },
}

/// A running nats-server. Dropping it kills the process; [`NatsServer::run`] ends it properly.
#[derive(Debug)]
pub struct NatsServer {
    options: ServerOptions,
    users: Option<Users>,
    child: Child,
}

impl NatsServer {
    /// Starts a server on which whoever connects may do everything, and returns once it accepts
    /// connections with `JetStream` on. A server that an earlier run left behind in the same folder is
    /// ended first.
    ///
    /// # Errors
    /// [`StartError`]; no process is left behind.
    pub async fn start(options: ServerOptions) -> Result<Self, StartError> {
        Self::begin(options, None).await
    }

    /// Like [`NatsServer::start`], with `users` who may do no more than they should. What the streams
    /// in the folder hold stays, whether it was stored with users or without.
    ///
    /// # Errors
    /// [`StartError`]; no process is left behind.
    pub async fn start_for(options: ServerOptions, users: Users) -> Result<Self, StartError> {
        Self::begin(options, Some(users)).await
    }

    async fn begin(options: ServerOptions, users: Option<Users>) -> Result<Self, StartError> {
        end_leftover(&options.directory).await?;
        let child = Child::start(&options, users.as_ref(), options.port).await?;
        info!(nats.port = child.port(), nats.version = %options.binary.version, "Started nats-server");
        Ok(Self { options, users, child })
    }

    /// Returns the URL that clients connect to. It stays the same for the life of this value.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.child.port())
    }

    /// Returns the id of the process that runs now.
    pub fn process(&self) -> Option<u32> {
        self.child.process()
    }

    /// Keeps the server running until `shutdown`, then ends it: it is asked first, and killed if it
    /// does not end in time. One that dies is started again on the same port, with growing delays.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut delay = RESTART_DELAY_MIN;
        loop {
            let began = tokio::time::Instant::now();
            let status = tokio::select! {
                biased;
                () = shutdown.cancelled() => return self.child.stop().await,
                // Cancel-safe: waiting for a process takes nothing from it.
                status = self.child.ended() => status,
            };
            warn!(nats.status = %status, "nats-server ended by itself, starting it again");
            if began.elapsed() >= HEALTHY_AFTER {
                delay = RESTART_DELAY_MIN;
            }
            self.start_again(&mut delay, &shutdown).await;
        }
    }

    /// Ends the server now: asks first, and kills it if it does not end in time.
    pub async fn stop(mut self) {
        self.child.stop().await;
    }

    /// Tries until the server runs again or `shutdown` comes. A start that has begun is seen through,
    /// which takes a bounded time: cut off, it would leave a process that nobody waits for.
    async fn start_again(&mut self, delay: &mut Duration, shutdown: &CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                // Cancel-safe: waiting for a time loses nothing.
                () = tokio::time::sleep(*delay) => {}
            }
            *delay = (*delay * 2).min(RESTART_DELAY_MAX);
            match Child::start(&self.options, self.users.as_ref(), Some(self.child.port())).await {
                Ok(child) => {
                    self.child = child;
                    info!(nats.port = self.child.port(), "Started nats-server again");
                    return;
                }
                Err(problem) => {
                    error!(error = %problem, delay_ms = delay.as_millis(), "nats-server does not start");
                }
            }
        }
    }
}
