//! A process that is killed in mid-load loses nothing it acknowledged and doubles nothing.
//!
//! The process that is killed is this test's own binary, started again with the name of one of
//! its tests and a directory in the environment.

#[path = "support/file.rs"]
mod file;
mod support;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};

use tempfile::TempDir;
use tokio::task::JoinSet;
use writethru_log::{Appended, Checked, Command, Position};

use self::file::open;
use self::support::{batch, read_all, story};

/// Names the log that [`the_process_that_is_killed`] writes to.
const LOG_VARIABLE: &str = "WRITETHRU_LOG_TEST_CRASH";
const SUBMITTERS: u64 = 32;

/// Is killed when it runs as a child, and does nothing when it runs as a test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_is_killed() {
    let Some(path) = std::env::var_os(LOG_VARIABLE).map(PathBuf::from) else { return };
    let log = open(&path).await;
    let mut submitters = JoinSet::new();
    for submitter in 0..SUBMITTERS {
        let log = log.clone();
        submitters.spawn(async move {
            let mut revision =
                log.read_story(story(submitter), 1, usize::MAX).await.expect("readable").len() as u64;
            loop {
                let name = format!("{submitter} behind {revision}");
                let records = 1 + usize::try_from(revision % 3).expect("small");
                let appended =
                    log.append(story(submitter), revision, batch(&name, records)).await.expect("stored");
                revision = appended.revision;
                // One call is one write: a line is whole or not there.
                let line = format!("ack,{submitter},{name},{},{}\n", appended.first, appended.last);
                std::io::stdout().write_all(line.as_bytes()).expect("the parent reads");
            }
        });
    }
    submitters.join_all().await;
}

fn start(path: &Path) -> Child {
    Process::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "the_process_that_is_killed", "--nocapture"])
        .env(LOG_VARIABLE, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts")
}

/// What the children were told, by story and command.
type Acknowledged = HashMap<(u64, String), (Position, Position)>;

/// Lets a child write until it was acknowledged `appends` times more, and kills it.
fn kill_after(path: &Path, appends: usize, acknowledged: &mut Acknowledged) {
    let mut child = start(path);
    let mut heard = 0;
    let told = BufReader::new(child.stdout.take().expect("piped"));
    for line in told.lines().map_while(Result::ok) {
        let Some((_, line)) = line.split_once("ack,") else { continue };
        let fields: Vec<&str> = line.split(',').collect();
        let [submitter, name, first, last] = fields[..] else { continue };
        let place = |field: &str| field.parse().map(Position);
        let (Ok(submitter), Ok(first), Ok(last)) = (submitter.parse(), place(first), place(last)) else {
            continue;
        };
        let before = acknowledged.insert((submitter, name.to_owned()), (first, last));
        assert_eq!(before, None, "{name} was acknowledged twice");
        heard += 1;
        if heard == appends {
            // What it says between this and its end is heard too: the pipe is read to its end.
            child.kill().expect("killed");
        }
    }
    assert!(heard >= appends, "the child ended by itself");
    child.wait().expect("ended");
}

/// Proves that the log holds everything that was acknowledged, once, and nothing in pieces.
async fn check_against(path: &Path, acknowledged: &Acknowledged) -> Checked {
    let log = open(path).await;
    let checked = log.check(|_, _| {}).await.expect("whole");
    let all = read_all(&log).await;
    assert_eq!(checked.records, all.len() as u64);
    for ((submitter, name), (first, last)) in acknowledged {
        let at = usize::try_from(first.0).expect("small") - 1;
        let records = usize::try_from(last.0 - first.0).expect("small") + 1;
        let given = batch(name, records);
        for (record, given) in all[at..at + records].iter().zip(&given.records) {
            assert_eq!(record.story, story(*submitter));
            assert_eq!((&record.envelope, &record.disclosures), (&given.envelope, &given.disclosures));
        }
        let command = Command(name.clone().into());
        let found = log.find_command(story(*submitter), &command).await.expect("looked up");
        let (first, last) = (*first, *last);
        assert!(
            matches!(found, Some(Appended { first: f, last: l, .. }) if (f, l) == (first, last)),
            "{name}"
        );
    }
    // A process that dies is holding no lock, and the log goes on.
    log.close().await;
    checked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_append_survives_kill_9() {
    let home = TempDir::new().expect("a directory");
    let path = home.path().join("log.db");
    let mut acknowledged = Acknowledged::new();
    // Moments drawn once: early, in the middle of groups, and behind a first checkpoint.
    for appends in [1, 37, 503, 1_009, 2, 211, 3_001] {
        kill_after(&path, appends, &mut acknowledged);
        let checked = check_against(&path, &acknowledged).await;
        let lost = acknowledged.len() as u64 > checked.batches;
        assert!(!lost, "{} batches for {} answers", checked.batches, acknowledged.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_write_ahead_log_gives_a_whole_beginning_of_the_log() {
    let home = TempDir::new().expect("a directory");
    let path = home.path().join("log.db");
    let mut acknowledged = Acknowledged::new();
    kill_after(&path, 300, &mut acknowledged);
    let whole = copy(&home, "whole");
    let bytes = std::fs::read(whole.join("log.db-wal")).expect("the child left one");
    let mut records = u64::MAX;
    // Cut ever shorter, at odd places; and once not cut but spoilt in the middle.
    for cut in [bytes.len(), bytes.len() - 1, bytes.len() / 2 + 7, bytes.len() / 5, 33, 0] {
        let torn = copy(&home, &format!("cut-{cut}"));
        std::fs::write(torn.join("log.db-wal"), &bytes[..cut]).expect("written");
        let left = check_torn(&torn).await;
        assert!(left <= records, "a shorter file holds no more");
        records = left;
    }
    let torn = copy(&home, "spoilt");
    let mut spoilt = bytes.clone();
    spoilt[bytes.len() / 2] ^= 0x10;
    std::fs::write(torn.join("log.db-wal"), spoilt).expect("written");
    check_torn(&torn).await;
}

/// Opens what a power cut left of a log; every batch in it must be whole. Returns its records.
async fn check_torn(directory: &Path) -> u64 {
    let log = open(&directory.join("log.db")).await;
    let checked = log.check(|_, _| {}).await.expect("whole");
    log.append(story(1_000), 0, batch("goes on", 2)).await.expect("stored");
    log.close().await;
    checked.records
}

/// Copies the log's files into a directory of their own, without the index and without SQLite's
/// shared memory, as a restart finds them.
fn copy(home: &TempDir, name: &str) -> PathBuf {
    let to = home.path().join(name);
    std::fs::create_dir(&to).expect("created");
    for file in ["log.db", "log.db-wal"].map(OsStr::new) {
        std::fs::copy(home.path().join(file), to.join(file)).expect("copied");
    }
    to
}
