//! Following a log that another process writes: asking SQLite, at a bounded interval, whether
//! the file changed, and taking in what is new.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rusqlite::Connection;
use tracing::warn;

use super::files;
use super::index;
use super::open::take_in;
use super::shared::Shared;
use crate::contract::{Epoch, ReadError};

/// How often the file is asked: the longest that a record is durable and not yet seen here.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Follows until nobody reads any more, `stop` is set, or the log cannot be understood.
pub(super) fn run(log: &Connection, path: &Path, epoch: Epoch, (shared, stop): (&Weak<Shared>, &AtomicBool)) {
    let mut seen: Option<i64> = None;
    while let Some(shared) = shared.upgrade() {
        if stop.load(Ordering::Acquire) {
            break;
        }
        match step(log, &shared, seen) {
            Ok(version) => seen = Some(version),
            Err(ReadError::Unavailable { source }) => {
                warn!(error = source, "Event log cannot be followed: trying again");
            }
            Err(damaged @ ReadError::Damaged { .. }) => {
                warn!(error = %damaged, "Event log is damaged: no longer following it");
                break;
            }
        }
        forget_indexed(path, epoch, &shared);
        drop(shared);
        std::thread::sleep(POLL_INTERVAL);
    }
    if let Some(shared) = shared.upgrade() {
        shared.end();
    }
}

/// Takes in what is new if the file is no longer the one `seen`; returns the one seen now.
fn step(log: &Connection, shared: &Shared, seen: Option<i64>) -> Result<i64, ReadError> {
    let version: i64 = log.pragma_query_value(None, "data_version", |row| row.get(0))?;
    if seen != Some(version) {
        let head = files::newest(log)?;
        take_in(log, shared.head(), head, &shared.recent, |_| Ok(()))?;
        shared.advance(head.max(shared.head()));
    }
    Ok(version)
}

/// Lets go of the batches that the writing process has put into the index file.
fn forget_indexed(path: &Path, epoch: Epoch, shared: &Shared) {
    let Some(sealed) = shared.recent.sealed_if_due() else { return };
    let indexed = index::open_reader(path, epoch).ok().flatten();
    if indexed.is_some_and(|(_, checkpoint)| checkpoint >= sealed.last()) {
        shared.recent.forget_sealed();
    }
}

/// The thread that follows, stopped when this is dropped.
#[derive(Debug)]
pub(super) struct Follower {
    stop: Arc<AtomicBool>,
}

impl Follower {
    /// Starts following with `log`.
    pub(super) fn start(
        log: Connection,
        path: &Path,
        epoch: Epoch,
        shared: &Arc<Shared>,
    ) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (path, told, shared) = (path.to_owned(), Arc::clone(&stop), Arc::downgrade(shared));
        std::thread::Builder::new()
            .name("log-follow".into())
            .spawn(move || run(&log, &path, epoch, (&shared, &told)))?;
        Ok(Self { stop })
    }

    /// Asks the thread to end; it does so within the interval.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop();
    }
}
