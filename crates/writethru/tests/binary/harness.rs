//! A running service in a data dir of its own, and the command line beside it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_writethru");

/// Returns the command line, free of what the environment says.
pub(crate) fn writethru() -> Command {
    let mut command = Command::new(BINARY);
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
    command
}

/// What a finished command said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Its exit code.
    pub(crate) code: i32,
    /// Its answer.
    pub(crate) stdout: String,
    /// Everything else.
    pub(crate) stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("it ended by itself"),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

impl Said {
    /// Returns the answer as the one JSON value that it is.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the problem on stderr.
    #[track_caller]
    pub(crate) fn problem(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts the exit code and returns the rest.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Said {
    command.stdin(Stdio::null()).output().expect("the binary runs").into()
}

/// A service on a data dir of its own. Dropping it kills it.
pub(crate) struct Service {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: Option<BufReader<ChildStderr>>,
    /// What `run.json` says.
    pub(crate) run: Value,
    folder: Option<tempfile::TempDir>,
    data: PathBuf,
}

impl Service {
    /// Starts one on a new data dir.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--no-nats"])
    }

    /// Starts one on a new data dir, with these options.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temp dir");
        let data = folder.path().join("data");
        let mut service = Self::start_on(&data, options);
        service.folder = Some(folder);
        service
    }

    /// Starts one on `data` with more options.
    pub(crate) fn start_on(data: &Path, options: &[&str]) -> Self {
        let mut child = writethru()
            .args(["up", "--json", "--http", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut stderr = child.stderr.take().expect("stderr is piped");
        let mut line = String::new();
        stdout.read_line(&mut line).expect("stdout is readable");
        let Ok(run) = serde_json::from_str(&line) else {
            let mut said = String::new();
            let _ = child.kill();
            std::io::Read::read_to_string(&mut stderr, &mut said).expect("stderr is readable");
            panic!("the service did not become ready: {line:?} {said}");
        };
        Self { child, stdout, stderr: Some(BufReader::new(stderr)), run, folder: None, data: data.to_owned() }
    }

    /// Returns its data dir.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Returns a file beside the data dir with this content.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.data.parent().expect("the data dir has a parent").join(name);
        std::fs::write(&path, content).expect("the temp dir is writable");
        path
    }

    /// Returns a command that talks to it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = writethru();
        command.args(arguments).arg("--data").arg(&self.data);
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        run(&mut self.command(arguments))
    }

    /// Files `copy` under `slug` on desk `world`; returns the answer.
    #[track_caller]
    pub(crate) fn push(&self, slug: &str, copy: &str) -> Value {
        let file = self.file("copy.txt", copy);
        let file = file.to_str().expect("a temp dir is UTF-8");
        self.run(&["push", file, "--slug", slug, "--desk", "world", "--json"]).exits(0).json()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).expect("the service runs");
    }

    /// Returns the next line of what it says on stderr.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        let stderr = self.stderr.as_mut().expect("a service ends once");
        let read = stderr.read_line(&mut line).expect("stderr is readable");
        assert_ne!(read, 0, "the service has ended");
        line
    }

    /// Waits for the end; returns the exit code and what was said on stderr.
    pub(crate) fn wait(&mut self) -> (i32, String) {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut rest).expect("stdout is readable");
        let mut said = String::new();
        let mut stderr = self.stderr.take().expect("a service ends once");
        std::io::Read::read_to_string(&mut stderr, &mut said).expect("stderr is readable");
        let status = self.child.wait().expect("the service is our child");
        (status.code().unwrap_or(-1), said)
    }

    /// Ends it in order; asserts that it ended well.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.signal(rustix::process::Signal::INT);
        let (code, said) = self.wait();
        assert_eq!(code, 0, "{said}");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A service that has ended cannot be killed, and need not be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
