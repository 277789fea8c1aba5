//! A NATS server that runs on its own, as an operator's does: it outlives the service, and the other
//! way round.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct NatsServer {
    child: Child,
    /// Its configuration.
    config: PathBuf,
    /// Where it listens.
    port: u16,
}

impl NatsServer {
    /// Starts one with the configuration at `config` on any free port, and waits until it is ready.
    pub fn start(config: &Path) -> Self {
        Self::begin(config, "-1")
    }

    /// Kills it and starts it again on the same port, with what it has stored.
    #[must_use]
    pub fn restarted(mut self) -> Self {
        self.kill();
        Self::begin(&self.config, &self.port.to_string())
    }

    /// Ends it at once, as a power cut would end it.
    pub fn kill(&mut self) {
        // One that has ended cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        // One that has ended takes no signal.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) {
        self.child.wait().expect("it is our child");
    }

    /// Returns its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn begin(config: &Path, port: &str) -> Self {
        let mut child = Command::new(program())
            .args(["-a", "127.0.0.1", "-p", port, "-c"])
            .arg(config)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("tests need a nats-server: `make test` fetches one");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        let mut listens = None;
        let mut said = String::new();
        for line in lines.by_ref() {
            let line = line.expect("it logs UTF-8");
            if line.contains("Listening for client connections on") {
                listens = line.rsplit(':').next().and_then(|port| port.trim().parse().ok());
            }
            if line.contains("Server is ready") {
                break;
            }
            said = said + &line + "\n";
        }
        let port = listens.unwrap_or_else(|| panic!("nats-server does not listen:\n{said}"));
        // Read on, so that it is never held up by what it has to say.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, config: config.to_owned(), port }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns the program: as the environment says, else the project's, else the search path's.
#[expect(clippy::disallowed_methods, reason = "tests are an edge: they read where the program is")]
fn program() -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools/nats-server");
    let given = std::env::var("NATS_SERVER_BIN").ok().map(PathBuf::from);
    given.or_else(|| tools.exists().then_some(tools)).unwrap_or_else(|| "nats-server".into())
}
