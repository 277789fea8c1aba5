//! The floor: what the disk, and SQLite without anything around it, do with the same bytes.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::Measured;

/// Appends and syncs that the probe takes the median of.
const PROBE_SYNCS: usize = 100;

/// How bare SQLite commits bodies.
#[derive(Debug, Clone, Copy)]
pub struct Bare {
    /// What a row is.
    pub shape: Shape,
    /// SQLite's page size; 4096 is its default.
    pub page_bytes: u32,
    /// Bodies in one transaction.
    pub records_per_commit: usize,
    /// Bytes of one body.
    pub record_bytes: usize,
}

/// What a row of a bare table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One body: `position INTEGER PRIMARY KEY, body BLOB`.
    Record,
    /// All bodies of one commit, copied and checksummed into one blob.
    Frame,
}

/// Returns the median time of a 4 KiB append with fdatasync in `directory`, in milliseconds: the
/// disk's mood.
///
/// # Errors
/// What the file system says.
pub fn probe(directory: &Path) -> io::Result<f64> {
    Ok(append_and_sync(directory, 4096, PROBE_SYNCS)?.p50_ms)
}

/// Appends `bytes` to a new file in `directory` and syncs them, `times` times.
///
/// # Errors
/// What the file system says.
pub fn append_and_sync(directory: &Path, bytes: usize, times: usize) -> io::Result<Measured> {
    let path = directory.join("probe");
    let mut file = File::create(&path)?;
    let body = vec![b'p'; bytes];
    let start = Instant::now();
    let mut calls = Vec::with_capacity(times);
    for _ in 0..times {
        let call = Instant::now();
        file.write_all(&body)?;
        file.sync_data()?;
        calls.push(call.elapsed());
    }
    let whole = start.elapsed();
    std::fs::remove_file(path)?;
    Ok(Measured::new(times as u64, whole, calls))
}

/// Commits groups of bodies on one thread for `duration`, to a new database in `directory`: WAL,
/// `synchronous=FULL`, every other setting SQLite's own. A call is one commit.
///
/// # Errors
/// What SQLite says.
pub fn bare_commits(directory: &Path, bare: &Bare, duration: Duration) -> rusqlite::Result<Measured> {
    let database = create(directory, bare.page_bytes)?;
    let body = vec![b'b'; bare.record_bytes];
    let (mut position, mut calls, mut records) = (0_i64, Vec::new(), 0);
    let start = Instant::now();
    while start.elapsed() < duration {
        let call = Instant::now();
        database.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut insert = database.prepare_cached("INSERT INTO log VALUES (?1, ?2)")?;
        match bare.shape {
            Shape::Record => {
                for _ in 0..bare.records_per_commit {
                    position += 1;
                    insert.execute((position, &body[..]))?;
                }
            }
            Shape::Frame => {
                let mut frame = Vec::with_capacity(bare.records_per_commit * body.len());
                for _ in 0..bare.records_per_commit {
                    frame.extend_from_slice(&crc32c::crc32c(&body).to_be_bytes());
                    frame.extend_from_slice(&body[4..]);
                }
                position += 1;
                insert.execute((position, &frame[..]))?;
            }
        }
        database.prepare_cached("COMMIT")?.execute([])?;
        calls.push(call.elapsed());
        records += bare.records_per_commit as u64;
    }
    let whole = start.elapsed();
    drop(database);
    remove(directory);
    Ok(Measured::new(records, whole, calls))
}

/// Lets `bare.records_per_commit` tasks send one body each to one writer thread, which commits
/// what waits and then answers, for `duration`: group commit, without a log around it. A call is
/// one body, from sending to answer.
///
/// # Errors
/// What SQLite says.
///
/// # Panics
/// If the writer thread panics: a bug of this crate.
pub async fn bare_group_commits(
    directory: &Path,
    bare: &Bare,
    duration: Duration,
) -> rusqlite::Result<Measured> {
    let database = create(directory, bare.page_bytes)?;
    let (sender, queue) = mpsc::channel(4096);
    let writer = std::thread::spawn(move || write_groups(&database, queue));
    let start = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..bare.records_per_commit {
        let (sender, bytes) = (sender.clone(), bare.record_bytes);
        senders.spawn(async move {
            let mut calls = Vec::new();
            while start.elapsed() < duration {
                let call = Instant::now();
                let (answer, answered) = oneshot::channel();
                // A writer that failed is told of below.
                if sender.send((vec![b'b'; bytes], answer)).await.is_err() || answered.await.is_err() {
                    break;
                }
                calls.push(call.elapsed());
            }
            calls
        });
    }
    drop(sender);
    let calls = senders.join_all().await.concat();
    let whole = start.elapsed();
    writer.join().expect("the loop below does not panic")?;
    remove(directory);
    Ok(Measured::new(calls.len() as u64, whole, calls))
}

/// Reads every body of the log at `path` with one statement, and counts its bytes. A call is the
/// whole scan.
///
/// # Errors
/// What SQLite says.
///
/// # Panics
/// If a body has no bytes: the file is no log.
pub fn bare_scan(path: &Path) -> rusqlite::Result<Measured> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let (mut records, mut bytes) = (0, 0);
    let start = Instant::now();
    let mut select = database.prepare("SELECT position, body FROM records ORDER BY position")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        bytes += row.get_ref(1)?.as_blob()?.len();
        records += 1;
    }
    let whole = start.elapsed();
    assert!(bytes >= records, "a body has bytes");
    Ok(Measured::new(records as u64, whole, vec![whole]))
}

fn write_groups(
    database: &Connection,
    mut queue: mpsc::Receiver<(Vec<u8>, oneshot::Sender<()>)>,
) -> rusqlite::Result<()> {
    let mut position = 0_i64;
    while let Some(first) = queue.blocking_recv() {
        let mut group = vec![first];
        while let Ok(next) = queue.try_recv() {
            group.push(next);
        }
        database.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for (body, _) in &group {
            position += 1;
            database.prepare_cached("INSERT INTO log VALUES (?1, ?2)")?.execute((position, &body[..]))?;
        }
        database.prepare_cached("COMMIT")?.execute([])?;
        for (_, answer) in group {
            // A sender whose time is over does not wait.
            let _ = answer.send(());
        }
    }
    Ok(())
}

fn create(directory: &Path, page_bytes: u32) -> rusqlite::Result<Connection> {
    let database = Connection::open(directory.join("bare.db"))?;
    database.pragma_update(None, "page_size", page_bytes)?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.execute_batch("CREATE TABLE log(position INTEGER PRIMARY KEY, body BLOB NOT NULL)")?;
    Ok(database)
}

fn remove(directory: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        // The last connection took the other two with it.
        let _ = std::fs::remove_file(directory.join(format!("bare.db{suffix}")));
    }
}
