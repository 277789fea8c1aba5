//! The whole application as its users have it: the built binary, a real NATS server, a data dir.
//!
//! The binary is the one that `cargo test --workspace` builds beside the tests.

pub mod api;
#[cfg(target_os = "linux")]
pub mod clock;
pub mod nats;
pub mod people;
pub mod tables;
pub mod tools;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything that must happen may take on a machine that is busy with other tests.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// A real history that the project ships: the National Hurricane Center's advisories on Harvey.
pub fn harvey() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/writethru/fixtures/nhc-harvey-2017.jsonl")
}

/// Returns the built binary.
pub fn binary() -> PathBuf {
    let this = std::env::current_exe().expect("a test knows its own path");
    let built = this.ancestors().nth(2).expect("tests are built in target/<profile>/deps").join("writethru");
    assert!(built.exists(), "{} is missing: run `cargo build -p writethru` first", built.display());
    built
}

/// Returns the command line on `data`, free of what the environment says.
pub fn writethru(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    for name in [
        "WRITETHRU_DATA",
        "WRITETHRU_KEY",
        "WRITETHRU_KEY_FILE",
        "WRITETHRU_URL",
        "WRITETHRU_NATS_URL",
        "WRITETHRU_NATS_SEED",
        "WRITETHRU_LOG",
        "WRITETHRU_CONFIG",
    ] {
        command.env_remove(name);
    }
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    command.args(arguments).arg("--data").arg(data).stdin(Stdio::null());
    command
}

/// Runs a command to its end and returns its answer.
#[track_caller]
pub fn answer(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the binary runs");
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?} ended with {status}: {said}");
    String::from_utf8(stdout).expect("an answer is UTF-8")
}

/// Returns each line of `answer` as JSON.
#[track_caller]
pub fn json_lines(answer: &str) -> Vec<Value> {
    answer.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// A service with its own NATS server on a data dir of its own. Dropping it stops both.
#[derive(Debug)]
pub struct Service {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    /// Base URL of the HTTP API.
    pub http: String,
    /// URL of the NATS server; empty for a service without one.
    pub nats: String,
    /// Its data dir.
    pub data: PathBuf,
}

impl Service {
    /// Starts one on `data` and waits until it is ready.
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[], Stdio::null())
    }

    /// Starts one on `data` that adds what it logs to the file at `log`.
    pub fn start_logging(data: &Path, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("the temp dir is writable");
        Self::start_with(data, &[], file.into())
    }

    /// Starts one on `data` with more options, logging to `stderr`; waits until it is ready.
    pub fn start_with(data: &Path, options: &[&str], stderr: Stdio) -> Self {
        Self::start_in(data, options, &[], stderr)
    }

    /// Starts one as [`Service::start_with`] does, with more in its environment.
    pub fn start_in(data: &Path, options: &[&str], environment: &[(&str, &Path)], stderr: Stdio) -> Self {
        let anywhere: &[&str] = if options.contains(&"--http") { &[] } else { &["--http", "127.0.0.1:0"] };
        let mut child = writethru(data, &["up", "--json"])
            .args(anywhere)
            .args(options)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the binary runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("stdout is readable");
        let run: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            panic!(
                "the service did not become ready: {error}: {line:?}; run `{} up` to see why",
                binary().display()
            )
        });
        let url = |name: &str| run[name].as_str().unwrap_or_default().to_owned();
        assert!(!url("http").is_empty(), "http is missing in {run}");
        assert!(
            options.contains(&"--no-nats") || !url("nats").is_empty(),
            "there is no nats-server: run `make test`"
        );
        Self { http: url("http"), nats: url("nats"), child, stdout: Some(stdout), data: data.to_owned() }
    }

    /// Returns the key of whoever owns the data dir.
    pub fn owner_key(&self) -> String {
        let key = std::fs::read_to_string(self.data.join("owner.key")).expect("the service makes it");
        key.trim().to_owned()
    }

    /// Returns a command that talks to it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        writethru(&self.data, arguments)
    }

    /// Runs a command to its end and returns its answer.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        answer(self.command(arguments))
    }

    /// Ends it at once, as a power cut would end it.
    pub fn kill(&mut self) {
        self.child.kill().expect("the service is our child");
        self.child.wait().expect("the service is our child");
    }

    /// Ends it in order; asserts that it ended well.
    #[track_caller]
    pub fn stop(mut self) {
        self.interrupt();
        let deadline = Instant::now() + PATIENCE;
        let mut rest = String::new();
        let mut stdout = self.stdout.take().expect("a service is stopped once");
        stdout.read_to_string(&mut rest).expect("stdout is readable");
        assert!(Instant::now() < deadline, "the service took more than {PATIENCE:?} to end");
        let status = self.child.wait().expect("the service is our child");
        assert!(status.success(), "the service ended with {status}");
    }

    fn interrupt(&self) {
        let process = rustix::process::Pid::from_child(&self.child);
        // A service that has ended takes no signal, and needs none.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::INT);
    }
}

impl Drop for Service {
    /// Lets the service stop its NATS server; a killed one leaves that to [`Orphans`].
    fn drop(&mut self) {
        self.interrupt();
        let _ = self.child.wait();
    }
}

/// A data dir whose services are killed: if the test fails between two of them, a last one is started
/// and stopped in order, so that no NATS server outlives the test.
#[derive(Debug)]
pub struct Orphans(pub TempDir);

impl Drop for Orphans {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        drop(Service::start(&self.0.path().join("data")));
    }
}
