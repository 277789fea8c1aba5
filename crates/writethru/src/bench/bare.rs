//! What the disk and SQLite can do by themselves: the measure that the service is held against.

use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::timings::{Spread, Timings};

/// Synced writes in a probe.
const PROBES: usize = 200;
/// Most records in one commit.
const COMMIT_RECORDS_MAX: usize = 1_000;

/// Returns how long a 4 KiB append and an fdatasync take, with `pause` between two: after a rest the
/// processor and the disk are slower to begin.
///
/// # Errors
/// The disk cannot be written.
pub(super) fn probe(folder: &Path, pause: Duration) -> io::Result<Spread> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut timings = Timings::default();
    for _ in 0..PROBES {
        std::thread::sleep(pause);
        let began = Instant::now();
        file.write_all(&[7_u8; 4096])?;
        file.sync_data()?;
        timings.add(began.elapsed());
    }
    Ok(timings.spread())
}

/// What bare group commit came to.
#[derive(Debug)]
pub(super) struct Committed {
    /// Acknowledged records.
    pub(super) records: u64,
    /// Time it took.
    pub(super) elapsed: Duration,
    /// From hand-over to acknowledgement.
    pub(super) acknowledged: Spread,
}

/// One record on its way: its bytes, and where to acknowledge it by giving their memory back.
type Append = (Vec<u8>, SyncSender<Vec<u8>>);

/// Lets `writers` threads hand records of `bytes` to one thread that commits all that wait in one
/// transaction of a table with a position and a blob, for `duration`.
///
/// # Errors
/// SQLite refuses.
pub(super) fn group_commit(
    folder: &Path,
    writers: usize,
    duration: Duration,
    bytes: usize,
) -> rusqlite::Result<Committed> {
    let connection = Connection::open(folder.join("bare.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE record (position INTEGER PRIMARY KEY, record BLOB NOT NULL);",
    )?;
    let (sender, receiver) = sync_channel::<Append>(4_096);
    let began = Instant::now();
    let end = began + duration;
    let mut timings = Timings::default();
    std::thread::scope(|scope| {
        let committer = scope.spawn(move || commit_all(connection, &receiver));
        let threads: Vec<_> = (0..writers)
            .map(|number| {
                let sender = sender.clone();
                scope.spawn(move || hand_over(&sender, number, bytes, end))
            })
            .collect();
        drop(sender);
        for thread in threads {
            // A thread that panicked has said so.
            timings.extend(thread.join().unwrap_or_default());
        }
        committer.join().unwrap_or(Ok(()))
    })?;
    let acknowledged = timings.spread();
    Ok(Committed { records: acknowledged.count as u64, elapsed: began.elapsed(), acknowledged })
}

fn hand_over(sender: &SyncSender<Append>, number: usize, bytes: usize, end: Instant) -> Timings {
    let mut timings = Timings::default();
    let (acknowledge, acknowledged) = sync_channel(1);
    let mut count = number as u64;
    let mut record = vec![0; bytes];
    while Instant::now() < end {
        count = count.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        record.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&count.to_le_bytes()));
        let began = Instant::now();
        if sender.send((record, acknowledge.clone())).is_err() {
            break;
        }
        let Ok(returned) = acknowledged.recv() else { break };
        record = returned;
        timings.add(began.elapsed());
    }
    timings
}

fn commit_all(mut connection: Connection, receiver: &Receiver<Append>) -> rusqlite::Result<()> {
    let mut waiting: Vec<Append> = Vec::new();
    while let Ok(first) = receiver.recv() {
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO record (record) VALUES (?1)")?;
            let mut next = Some(first);
            while let Some((record, acknowledge)) = next.take() {
                insert.execute([&record])?;
                waiting.push((record, acknowledge));
                if waiting.len() < COMMIT_RECORDS_MAX {
                    next = receiver.try_recv().ok();
                }
            }
        }
        transaction.commit()?;
        for (record, acknowledge) in waiting.drain(..) {
            // A writer that has gone needs no answer.
            let _ = acknowledge.send(record);
        }
    }
    Ok(())
}
