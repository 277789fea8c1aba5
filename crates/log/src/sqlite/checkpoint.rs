//! Moving the write-ahead log into the database file, outside the path of an acknowledgement.
//!
//! A thread of its own moves most of it while the writer goes on; then the writer, between two
//! groups, moves the little that came meanwhile, after which SQLite starts the write-ahead log
//! from its beginning again. So the file stays small and no append waits for a long checkpoint; and
//! a commit into a file that need not grow syncs faster, as no metadata changes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, ffi};
use tracing::warn;

/// Bytes in the write-ahead log at which the thread starts.
const START_BYTES: usize = 16 * 1024 * 1024;
/// Bytes in the write-ahead log at which the writer waits until it is empty: a reader that pins it
/// for long would let it grow for ever.
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// What one checkpoint did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moved {
    /// Whether every page of the write-ahead log is in the database file.
    pub(super) whole: bool,
    /// Whether nothing was done, as another one was at work.
    busy: bool,
}

/// How often [`settle`] asks, and how long it waits before it asks again.
const SETTLE_TRIES: usize = 20;
const SETTLE_PAUSE: Duration = Duration::from_millis(100);

/// Makes durable what the write-ahead log shows at the start.
///
/// A process that was killed may have left commits that it wrote and never synced: they are in the page
/// cache, so this process finds them, shows them and answers for them, and a power cut would take them.
/// A checkpoint syncs the write-ahead log before anything else.
pub(super) fn settle(log: &Connection) -> rusqlite::Result<()> {
    for _ in 0..SETTLE_TRIES {
        match passive(log) {
            Ok(Moved { busy: false, .. }) => return Ok(()),
            Ok(_) => std::thread::sleep(SETTLE_PAUSE),
            // No room to move it, behind the sync: it is durable where it is.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None))
}

/// Checkpoints as far as no reader is in the way.
pub(super) fn passive(log: &Connection) -> rusqlite::Result<Moved> {
    checkpoint(log, "PRAGMA wal_checkpoint(PASSIVE)")
}

/// Checkpoints everything and empties the write-ahead log's file; `whole` is false if readers
/// stayed in the way for as long as the connection's busy timeout.
pub(super) fn truncate(log: &Connection) -> rusqlite::Result<Moved> {
    checkpoint(log, "PRAGMA wal_checkpoint(TRUNCATE)")
}

fn checkpoint(log: &Connection, pragma: &str) -> rusqlite::Result<Moved> {
    log.prepare_cached(pragma)?.query_row([], |row| {
        let [busy, pages, moved]: [i64; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
        Ok(Moved { whole: busy == 0 && pages == moved, busy: busy != 0 })
    })
}

/// The writer's side of the checkpoints.
#[derive(Debug)]
pub(super) struct Checkpoints {
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    state: Arc<State>,
    /// Bytes written since the write-ahead log was last known to be moved whole.
    bytes: usize,
    /// Bytes at which the thread is asked next.
    ask_at: usize,
    /// Bytes at which the writer waits next.
    wait_at: usize,
    running: bool,
}

#[derive(Debug, Default)]
struct State {
    done: AtomicBool,
    /// Held by whoever checkpoints: SQLite refuses a second one at once, without waiting.
    turn: Mutex<()>,
}

impl Checkpoints {
    /// Starts the thread, which works on `log`.
    pub(super) fn start(log: Connection) -> std::io::Result<Self> {
        let state = Arc::new(State::default());
        // One may wait while one runs; more would be the same.
        let (ask, asked) = sync_channel(1);
        let shared = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("log-checkpoint".into())
            .spawn(move || run(&log, &asked, &shared))?;
        Ok(Self {
            ask: Some(ask),
            thread: Some(thread),
            state,
            bytes: 0,
            ask_at: START_BYTES,
            wait_at: BYTES_MAX,
            running: false,
        })
    }

    /// Notes that a commit made the write-ahead log grow by `bytes`, and does what is due.
    pub(super) fn committed(&mut self, log: &Connection, bytes: usize) {
        self.bytes += bytes;
        if self.running && self.state.done.swap(false, Ordering::AcqRel) {
            self.running = false;
            self.finish(log);
        }
        if !self.running && self.bytes >= self.ask_at {
            self.ask_at = self.bytes + START_BYTES;
            self.running = self.ask.as_ref().is_some_and(|ask| ask.try_send(()).is_ok());
        }
        if self.bytes >= self.wait_at {
            self.wait_at = self.bytes + BYTES_MAX;
            let moved = {
                let _turn = self.turn();
                truncate(log)
            };
            self.note(moved);
        }
    }

    /// Waits until no other checkpoint runs, and keeps it so.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.state.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the thread and waits for its end.
    pub(super) fn stop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            warn!("Checkpoint thread of the event log panicked: nothing is lost");
        }
    }

    /// Moves what was written while the thread was at work.
    fn finish(&mut self, log: &Connection) {
        let moved = {
            let _turn = self.turn();
            passive(log)
        };
        self.note(moved);
    }

    fn note(&mut self, moved: rusqlite::Result<Moved>) {
        match moved {
            Ok(Moved { whole: true, .. }) => {
                (self.bytes, self.ask_at, self.wait_at) = (0, START_BYTES, BYTES_MAX);
            }
            // A reader is in the way: a later round moves it.
            Ok(Moved { whole: false, .. }) => {}
            Err(error) => warn!(%error, "Checkpoint of the event log failed: trying again later"),
        }
    }
}

fn run(log: &Connection, asked: &Receiver<()>, state: &State) {
    while asked.recv().is_ok() {
        let moved = {
            let _turn = state.turn.lock().unwrap_or_else(PoisonError::into_inner);
            passive(log)
        };
        if let Err(error) = moved {
            warn!(%error, "Checkpoint of the event log failed: trying again later");
        }
        state.done.store(true, Ordering::Release);
    }
}
