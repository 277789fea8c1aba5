//! The handle that callers hold: the limits are checked here, once, whatever lies behind.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::contract::{
    AppendError, Appended, Batch, CheckError, Checked, Command, Epoch, EraseError, ImportError, Moved,
    NameHash, OpenError, Pending, Position, ReadError, Record, StoryKey, limits,
};
use crate::jetstream::{self, ConnectError, JetStreamOptions};
use crate::sqlite;
use crate::tail::Tail;

/// How a log is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Drawn by the caller; becomes the epoch if this call creates the log.
    pub new_epoch: Epoch,
    /// Whether the log may be created.
    pub create: bool,
    /// Whether this process only reads: no writer lock is taken and appends are refused.
    pub read_only: bool,
}

/// A handle to an open log; clones share it.
///
/// Close it with [`Self::close`]: when the last handle is dropped instead, what was submitted is
/// still stored, but at some later moment, and the files stay locked until then.
#[derive(Debug, Clone)]
pub struct EventLog {
    backend: Backend,
}

/// Where the records are.
#[derive(Debug, Clone)]
enum Backend {
    Sqlite(Arc<sqlite::Store>),
    JetStream(Arc<jetstream::Store>),
}

/// Calls the same method of whichever back end there is.
macro_rules! on_backend {
    ($log:expr, $store:ident => $call:expr) => {
        match &$log.backend {
            Backend::Sqlite($store) => $call,
            Backend::JetStream($store) => $call,
        }
    };
}

/// Awaits the same method of whichever back end there is. What waits for a server is large, and goes to
/// the heap: whoever waits for a log in a file does not carry it.
macro_rules! await_backend {
    ($log:expr, $store:ident => $call:expr) => {
        match &$log.backend {
            Backend::Sqlite($store) => $call.await,
            Backend::JetStream($store) => Box::pin($call).await,
        }
    };
}

impl EventLog {
    /// Opens the log at `path`, the path of its SQLite file; its other files stand beside it.
    ///
    /// # Errors
    /// [`OpenError`] says whether the file is in use, foreign, damaged or unreadable.
    pub async fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let store = sqlite::Store::open(path, options).await?;
        Ok(Self { backend: Backend::Sqlite(Arc::new(store)) })
    }

    /// Opens the log that `options` names on a NATS server; other processes may have it open too,
    /// also for writing.
    ///
    /// Acknowledged means durable only where the servers sync before they acknowledge
    /// (`sync_interval: always`), which cannot be seen from here.
    ///
    /// # Errors
    /// [`ConnectError`] says whether the server cannot be reached, cannot hold a log, or holds
    /// something else under that name.
    pub async fn connect(options: JetStreamOptions) -> Result<Self, ConnectError> {
        let store = jetstream::Store::connect(options).await?;
        Ok(Self { backend: Backend::JetStream(Arc::new(store)) })
    }

    /// Returns which life of the log this is.
    pub fn epoch(&self) -> Epoch {
        on_backend!(self, store => store.epoch())
    }

    /// Returns the place of the newest durable record.
    pub fn head(&self) -> Position {
        on_backend!(self, store => store.head())
    }

    /// Gives `batch` to the writer and returns once it is queued; the answer comes from
    /// [`Pending::acknowledged`]. Waits while the queue is full.
    ///
    /// Cancel-safe: dropped before it returns, nothing was submitted.
    ///
    /// # Errors
    /// Only what can be said without the writer: a limit, or a closed log.
    pub async fn submit(&self, story: StoryKey, expected: u64, batch: Batch) -> Result<Pending, AppendError> {
        check_limits(&batch)?;
        await_backend!(self, store => store.submit(story, expected, batch))
    }

    /// Stores `batch` behind revision `expected` of `story`; returns once it is durable.
    ///
    /// A command that was stored before gets its first answer, whatever `expected` and the records
    /// are now.
    ///
    /// # Errors
    /// [`AppendError`] says whether the write may exist.
    ///
    /// # Panics
    /// If the back end broke the contract: a bug of this crate.
    pub async fn append(
        &self,
        story: StoryKey,
        expected: u64,
        batch: Batch,
    ) -> Result<Appended, AppendError> {
        let records = batch.records.len() as u64;
        let appended = self.submit(story, expected, batch).await?.acknowledged().await?;
        assert!(
            appended.repeated || (appended.revision == expected + records && appended.first <= appended.last),
            "the back end answered {appended:?} to {records} records behind revision {expected}"
        );
        Ok(appended)
    }

    /// Stores `moved`, batches of another log in their order, right behind `after`, which must be
    /// the head; returns the new head once all of it is durable. For a log that nobody else writes:
    /// many batches together are much faster than one after the other.
    ///
    /// # Errors
    /// [`ImportError`] says whether some of them may be stored.
    pub async fn import(&self, after: Position, moved: Vec<Moved>) -> Result<Position, ImportError> {
        for Moved { batch, .. } in &moved {
            check_moved(batch)?;
        }
        match &self.backend {
            Backend::Sqlite(_) => self.import_in_order(after, moved).await,
            Backend::JetStream(store) => Box::pin(store.import(after, moved)).await,
        }
    }

    async fn import_in_order(&self, after: Position, moved: Vec<Moved>) -> Result<Position, ImportError> {
        let mut reached = self.head();
        if reached != after {
            return Err(ImportError::Elsewhere { expected: after, actual: reached });
        }
        let mut waiting = Vec::with_capacity(moved.len());
        for Moved { story, expected, batch } in moved {
            waiting.push(await_backend!(self, store => store.submit(story, expected, batch))?);
        }
        for pending in waiting {
            let appended = pending.acknowledged().await?;
            if appended.first != reached.next() {
                return Err(ImportError::Elsewhere { expected: reached, actual: appended.first });
            }
            reached = appended.last;
        }
        Ok(reached)
    }

    /// Returns whether other processes may write this log too: what was read may be old the moment
    /// after, and a name is free only if [`Self::claim`] says so.
    pub const fn is_shared(&self) -> bool {
        matches!(self.backend, Backend::JetStream(_))
    }

    /// Returns which story has the name `name`: `story` if nobody had it, and then for ever.
    ///
    /// In a log that one process writes nothing is kept: the caller knows every name itself.
    ///
    /// # Errors
    /// [`ReadError`]; repeat the call. `story` may have the name then.
    pub async fn claim(&self, name: NameHash, story: StoryKey) -> Result<StoryKey, ReadError> {
        match &self.backend {
            Backend::Sqlite(_) => Ok(story),
            Backend::JetStream(store) => Box::pin(store.claim(name, story)).await,
        }
    }

    /// Returns which story has claimed the name `name`; the story may have no record yet.
    ///
    /// # Errors
    /// [`ReadError`]; repeat the call.
    pub async fn claimed(&self, name: NameHash) -> Result<Option<StoryKey>, ReadError> {
        match &self.backend {
            Backend::Sqlite(_) => Ok(None),
            Backend::JetStream(store) => Box::pin(store.claimed(name)).await,
        }
    }

    /// Says that a log which was opened in [`Stage::Filling`](crate::Stage::Filling) is whole: from
    /// now on it is a log like any other.
    ///
    /// # Errors
    /// [`ConnectError`]; repeat the call.
    pub async fn finish(&self) -> Result<(), ConnectError> {
        match &self.backend {
            Backend::Sqlite(_) => Ok(()),
            Backend::JetStream(store) => Box::pin(store.finish()).await,
        }
    }

    /// Returns the answer that `command` got for `story`, if it was ever stored.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`]; repeat the call.
    pub async fn find_command(
        &self,
        story: StoryKey,
        command: &Command,
    ) -> Result<Option<Appended>, ReadError> {
        await_backend!(self, store => store.find_command(story, command))
    }

    /// Returns up to `records_max` records from `from` on, in order; fewer only at the head or at
    /// an internal page limit, none only at the head. Records read together share their memory:
    /// copy what is kept for long.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read(&self, from: Position, records_max: usize) -> Result<Vec<Record>, ReadError> {
        await_backend!(self, store => store.read(from, records_max.min(limits::PAGE_RECORDS_MAX)))
    }

    /// Returns up to `records_max` records of `story` from `revision` on, in order; fewer only at
    /// its end or at an internal page limit, none only at its end.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read_story(
        &self,
        story: StoryKey,
        revision: u64,
        records_max: usize,
    ) -> Result<Vec<Record>, ReadError> {
        await_backend!(self, store => store.read_story(story, revision.max(1), records_max.min(limits::PAGE_RECORDS_MAX)))
    }

    /// Returns a reader that gives every record from `from` on, past and to come, once each.
    pub fn tail(&self, from: Position) -> Tail {
        let live = on_backend!(self, store => store.subscribe());
        Tail::new(self.clone(), live, from)
    }

    /// Puts `remaining` in place of the disclosures at `position`, so that the old ones are
    /// physically gone from every file; the envelope is untouched. Returns once that is durable.
    /// What readers were given before is theirs.
    ///
    /// On a server they are then gone from the files of the leader; its replicas follow, and where
    /// there are several, the log of their consensus has the words until its next compaction, some
    /// minutes later.
    ///
    /// # Errors
    /// [`EraseError`] says whether the words may still be there.
    pub async fn erase(&self, position: Position, remaining: Bytes) -> Result<(), EraseError> {
        let (actual, limit) = (remaining.len(), limits::ERASED_BYTES_MAX);
        if actual > limit {
            return Err(EraseError::TooLarge { position, actual, limit });
        }
        await_backend!(self, store => store.erase(position, remaining))
    }

    /// Proves that the whole log is as it was written: every byte of every record, positions and
    /// revisions without holes, commands that occur once, and the indexes beside it. Tells
    /// `progress` the position it has reached and the one it goes to.
    ///
    /// # Errors
    /// [`CheckError`] names the first fault.
    pub async fn check(
        &self,
        progress: impl FnMut(Position, Position) + Send + 'static,
    ) -> Result<Checked, CheckError> {
        await_backend!(self, store => store.check(progress))
    }

    /// Stops taking appends, answers those already taken, and closes the files.
    pub async fn close(&self) {
        await_backend!(self, store => store.close());
    }
}

fn within(what: &'static str, actual: usize, limit: usize) -> Result<(), AppendError> {
    if actual > limit { Err(AppendError::TooLarge { what, actual, limit }) } else { Ok(()) }
}

/// As [`check_limits`], but for what an erasure has left: more bytes than were appended.
fn check_moved(batch: &Batch) -> Result<(), AppendError> {
    check_shape(batch)?;
    let bytes = |record: &crate::contract::NewRecord| record.envelope.len() + record.disclosures.len();
    within("bytes", batch.records.iter().map(bytes).sum(), limits::QUEUE_BYTES_MAX / 2)
}

fn check_limits(batch: &Batch) -> Result<(), AppendError> {
    check_shape(batch)?;
    let mut all = 0;
    for record in &batch.records {
        let bytes = record.envelope.len().saturating_add(record.disclosures.len());
        within("bytes in a record", bytes, limits::RECORD_BYTES_MAX)?;
        all += bytes;
    }
    within("bytes", all, limits::BATCH_BYTES_MAX)
}

/// Checks what is counted in a batch, not weighed.
fn check_shape(batch: &Batch) -> Result<(), AppendError> {
    if batch.records.is_empty() {
        return Err(AppendError::Empty { what: "records" });
    }
    if batch.command.0.is_empty() {
        return Err(AppendError::Empty { what: "command" });
    }
    within("bytes in its command", batch.command.0.len(), limits::COMMAND_BYTES_MAX)?;
    within("records", batch.records.len(), limits::BATCH_RECORDS_MAX)
}
