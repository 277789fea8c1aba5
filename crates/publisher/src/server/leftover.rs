//! A server that an earlier run of ours left behind, because that run was killed.
//!
//! A process is ended only if it runs with our own configuration file: the process id alone may by
//! now belong to someone else.

use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tracing::warn;

use super::StartError;
use super::config::Files;

/// How long a process has to end after it was asked; after that it is killed.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a killed process has to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Ends the server that `directory` says is running, if it is one of ours.
pub(super) async fn end_leftover(directory: &Path) -> Result<(), StartError> {
    let files = Files::new(directory)?;
    let Some(process) = recorded(&files) else { return Ok(()) };
    if !is_ours(process, &files).await {
        return Ok(());
    }
    warn!(nats.process = process.as_raw_pid(), "Ending a nats-server that an earlier run left behind");
    // Errors mean that it has ended meanwhile.
    let _ = kill_process(process, Signal::TERM);
    if gone(process, &files, STOP_TIMEOUT).await {
        return Ok(());
    }
    let _ = kill_process(process, Signal::KILL);
    if gone(process, &files, KILL_TIMEOUT).await {
        return Ok(());
    }
    Err(StartError::Leftover { process: process.as_raw_pid() })
}

fn recorded(files: &Files) -> Option<Pid> {
    let text = std::fs::read_to_string(files.process()).ok()?;
    text.trim().parse().ok().filter(|process| *process > 1).and_then(Pid::from_raw)
}

/// Returns whether `process` was started with our configuration file.
async fn is_ours(process: Pid, files: &Files) -> bool {
    let config = files.config();
    let Some(config) = config.to_str() else { return false };
    let number = process.as_raw_pid().to_string();
    if let Ok(arguments) = std::fs::read(format!("/proc/{number}/cmdline")) {
        return arguments.split(|byte| *byte == 0).any(|argument| argument == config.as_bytes());
    }
    // Systems without /proc.
    let asked = tokio::process::Command::new("ps").args(["-o", "command=", "-p", &number]).output().await;
    asked.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(config))
}

/// Returns whether the process ended in time. One that has ended but is still waited for by its
/// parent has no arguments any more, and counts.
async fn gone(process: Pid, files: &Files, within: Duration) -> bool {
    let look = async {
        while is_ours(process, files).await {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(within, look).await.is_ok()
}
