//! The one thread that writes: it takes what waits, decides it in order, commits it at once, and
//! only then publishes and answers.
//!
//! It never answers before the commit is synced, and after a failed commit it believes the file,
//! not its memory.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use metrics::{counter, histogram};
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::checkpoint::Checkpoints;
use super::erase;
use super::files::{integer, newest, wal_bytes};
use super::group::{Answer, Append, Group};
use super::hot::Hot;
use super::index::Lookup;
use super::shared::Shared;
use crate::bugs::Bug;
use crate::contract::{AppendError, Cause, EraseError, Position, limits};

/// Bytes after which a group is committed though more appends wait.
const GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Appends in a group from which on the next one waits for its like.
const LINGER_FROM: usize = 8;
/// How long one such wait is: far less than a sync.
const LINGER: Duration = Duration::from_micros(50);
/// Most such waits for one group.
const LINGERS_MAX: u32 = 8;

/// What the writer is asked.
#[derive(Debug)]
pub(super) enum Request {
    /// Store a batch.
    Append(Append),
    /// Put `remaining` in place of the disclosures at `position`.
    Erase { position: Position, remaining: Bytes, answer: oneshot::Sender<Result<(), EraseError>> },
    /// Answer what waits and end.
    Close,
    /// Let a test at the connection.
    #[cfg(test)]
    Inspect(Box<Inspection>),
}

/// What a test does with the writer's connection.
#[cfg(test)]
pub(super) struct Inspection(pub(super) Box<dyn FnOnce(&Connection) + Send>);

#[cfg(test)]
impl std::fmt::Debug for Inspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inspection")
    }
}

/// Everything the thread owns.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) log: Connection,
    pub(super) lookup: Lookup,
    pub(super) checkpoints: Checkpoints,
    pub(super) indexer: Option<JoinHandle<()>>,
    pub(super) shared: Arc<Shared>,
    pub(super) queue: mpsc::Receiver<Request>,
    pub(super) hot: Hot,
    /// Where the next record goes; unknown after a failure, until the file has said.
    pub(super) next: Option<Position>,
    /// Appends in the group before.
    pub(super) gathered: usize,
    /// Held as long as this process may write.
    pub(super) _lock: std::fs::File,
}

/// Ends the log for everyone who waits, even if the thread panics.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.recent.end();
        self.0.end();
    }
}

impl Writer {
    /// Serves requests until it is asked to close or nobody is left to ask, then closes the files.
    pub(super) fn run(self) {
        // Declared first, dropped last, also by a panic: files and lock are gone before anyone is
        // told that they are.
        let _end = End(Arc::clone(&self.shared));
        let mut writer = self;
        let mut left_over = None;
        while let Some(request) = left_over.take().or_else(|| writer.queue.blocking_recv()) {
            match request {
                Request::Append(append) => left_over = writer.serve_group(append),
                Request::Erase { position, remaining, answer } => {
                    // Who no longer waits for the answer wanted the erasure all the same.
                    let _ = answer.send(erase::erase(&writer, position, &remaining));
                }
                Request::Close => writer.queue.close(),
                #[cfg(test)]
                Request::Inspect(inspection) => inspection.0(&writer.log),
            }
        }
        writer.checkpoints.stop();
        writer.shared.recent.end();
        if writer.indexer.take().is_some_and(|indexer| indexer.join().is_err()) {
            warn!("Index thread of the event log panicked: the index catches up at the next start");
        }
    }

    /// Commits `append` with all that waits behind it; returns the request that was no append.
    ///
    /// What arrives while the group is being written still joins it, so groups grow with the load.
    /// Only after a large group does it [linger](Self::linger); a lone writer never waits.
    fn serve_group(&mut self, append: Append) -> Option<Request> {
        let first = match self.ready() {
            Ok(first) => first,
            Err(source) => {
                // Who dropped the receiver forgot the answer.
                let _ = append.answer.send(Err(AppendError::Unavailable { source }));
                return None;
            }
        };
        let mut group = Group::new(first);
        self.hot.begin_group();
        let (mut next, mut left_over, mut bytes) = (Some(append), None, 0);
        let (mut written, mut lingers_left) = (Ok(()), LINGERS_MAX);
        while let Some(append) = next.take() {
            bytes += append.bytes();
            let before = group.bodies.len();
            group.decide(append, &mut self.hot, &self.lookup);
            written = self.write(&group, before);
            if written.is_err() || bytes >= GROUP_BYTES_MAX || group.answers.len() >= limits::QUEUE_MAX {
                break;
            }
            match self.queue.try_recv() {
                Ok(Request::Append(append)) => next = Some(append),
                Ok(other) => left_over = Some(other),
                Err(_) => match self.linger(group.answers.len(), &mut lingers_left) {
                    Some(Request::Append(append)) => next = Some(append),
                    other => left_over = other,
                },
            }
        }
        self.gathered = group.answers.len();
        if Bug::AnswerBeforeCommit.is_planted() {
            answer_all(std::mem::take(&mut group.answers));
        }
        match written.and_then(|()| self.commit(&group)) {
            Ok(()) => self.publish(group),
            Err(failure) => self.fail(group, &failure),
        }
        left_over
    }

    /// Waits a moment for more when `gathered` is far less than the group before; nothing if nobody
    /// came, or if nobody is worth waiting for.
    ///
    /// Who was answered together comes back together, a few microseconds of work apart. Without the
    /// wait, the first one starts a sync that all the others must sit out.
    fn linger(&mut self, gathered: usize, left: &mut u32) -> Option<Request> {
        if *left == 0 || self.gathered < LINGER_FROM || gathered * 4 >= self.gathered * 3 {
            return None;
        }
        *left -= 1;
        std::thread::sleep(LINGER);
        self.queue.try_recv().ok()
    }

    /// Returns where the next record goes, once there is room for it in the index's memory.
    fn ready(&mut self) -> Result<Position, Cause> {
        let next = match self.next {
            Some(next) => next,
            None => newest(&self.log)?.next(),
        };
        if !self.shared.recent.wait_for_room() {
            return Err("the index beside the log cannot be written".into());
        }
        self.next = Some(next);
        Ok(next)
    }

    /// Writes the bodies of `group` from the `before`th on; the first of all begins the transaction.
    fn write(&self, group: &Group, before: usize) -> Result<(), Failure> {
        let bodies = &group.bodies[before..];
        if bodies.is_empty() {
            return Ok(());
        }
        let write = || {
            if before == 0 {
                self.log.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            }
            let mut insert = self.log.prepare_cached("INSERT INTO records VALUES (?1, ?2)")?;
            for (position, body) in (group.first.0 + before as u64..).zip(bodies) {
                insert.execute((integer(position), &body[..]))?;
            }
            Ok(())
        };
        write().map_err(|source| Failure { source, committing: false })
    }

    fn commit(&self, group: &Group) -> Result<(), Failure> {
        if group.bodies.is_empty() {
            return Ok(());
        }
        let began = Instant::now();
        let committed = self.log.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        histogram!("writethru_log_commit_duration_seconds").record(began.elapsed());
        committed.map(drop).map_err(|source| Failure { source, committing: true })
    }

    /// Shows the group to readers, then answers its callers.
    fn publish(&mut self, group: Group) {
        if group.bodies.is_empty() {
            return answer_all(group.answers);
        }
        let next = group.next();
        let bytes = group.bodies.iter().map(Vec::len).sum();
        counter!("writethru_log_records_total").increment(group.bodies.len() as u64);
        #[expect(clippy::cast_precision_loss, reason = "a group is far smaller than what a float counts")]
        histogram!("writethru_log_group_records").record(group.bodies.len() as f64);
        self.next = Some(next);
        self.shared
            .recent
            .add(group.batches.into_iter().map(|staged| (staged.story, staged.command, staged.extent)));
        self.shared.ring.push(group.first, group.bodies.into_iter().map(Bytes::from).collect());
        self.shared.advance(Position(next.0 - 1));
        answer_all(group.answers);
        self.checkpoints.committed(&self.log, wal_bytes(bytes));
    }

    /// Finds out what a failed commit left, and tells everyone in the group.
    fn fail(&mut self, group: Group, failure: &Failure) {
        counter!("writethru_log_failed_commits_total").increment(1);
        // Some errors have rolled back already; then there is nothing to roll back.
        let rolled_back = self.log.is_autocommit() || self.log.execute_batch("ROLLBACK").is_ok();
        let head = newest(&self.log).ok().filter(|_| rolled_back);
        if failure.committing && head.is_some_and(|head| head.next() == group.next()) {
            return self.publish(group);
        }
        if Bug::MemoryBelieved.is_planted() {
            self.next = Some(group.next());
        } else {
            self.hot.clear();
            self.next = head.map(Position::next);
        }
        let nothing_stored =
            !failure.committing || failure.is_refusal() || Bug::UnknownToldAsRefused.is_planted();
        warn!(
            error = %failure.source,
            appends = group.answers.len(),
            nothing_stored,
            "Commit to the event log failed"
        );
        let why = failure.source.to_string();
        for Answer { to, .. } in group.answers {
            let source = why.clone().into();
            let _ = to.send(Err(if nothing_stored {
                AppendError::Unavailable { source }
            } else {
                AppendError::OutcomeUnknown { source }
            }));
        }
    }
}

/// Why a group was not committed.
#[derive(Debug)]
struct Failure {
    source: rusqlite::Error,
    /// Whether COMMIT itself failed.
    committing: bool,
}

impl Failure {
    /// Whether SQLite gave up before the commit's last page: a full disk fails a write, and the
    /// page that makes a transaction count is written last. A failed sync may have stored it.
    fn is_refusal(&self) -> bool {
        matches!(self.source.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy))
    }
}

fn answer_all(answers: Vec<Answer>) {
    for Answer { to, told, .. } in answers {
        // Who dropped the receiver forgot the answer, not the append.
        let _ = to.send(told);
    }
}

impl Append {
    fn bytes(&self) -> usize {
        self.bodies.iter().map(Vec::len).sum()
    }
}
