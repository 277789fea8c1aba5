//! The embedded back end: one SQLite file, one writer thread, group commit.

use std::path::Path;

use crate::contract::{
    AppendError, Appended, Batch, Command, Epoch, EraseError, OpenError, Pending, Position, ReadError,
    Record, StoryKey,
};

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
#[derive(Debug, Clone)]
pub struct EventLog {}

/// A reader that catches up and then follows: one stream, one hand-over.
#[derive(Debug)]
pub struct Tail {}

#[expect(clippy::unused_async, reason = "the contract is asynchronous")]
impl EventLog {
    /// Opens the log at `path`.
    ///
    /// # Errors
    /// [`OpenError`] says whether the file is in use, foreign or unreadable.
    pub async fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let _ = (path, options);
        todo!("open")
    }

    /// Returns which life of the log this is.
    pub fn epoch(&self) -> Epoch {
        todo!("epoch")
    }

    /// Returns the place of the newest durable record.
    pub fn head(&self) -> Position {
        todo!("head")
    }

    /// Gives `batch` to the writer and returns once it is queued; the answer comes from
    /// [`Pending::acknowledged`]. Waits while the queue is full.
    ///
    /// # Errors
    /// Only what can be said without the writer: a limit, or a closed log.
    pub async fn submit(&self, story: StoryKey, expected: u64, batch: Batch) -> Result<Pending, AppendError> {
        let _ = (story, expected, batch);
        todo!("submit")
    }

    /// Stores `batch` behind revision `expected` of `story`; returns once it is durable.
    ///
    /// # Errors
    /// [`AppendError`] says whether the write may exist.
    pub async fn append(
        &self,
        story: StoryKey,
        expected: u64,
        batch: Batch,
    ) -> Result<Appended, AppendError> {
        self.submit(story, expected, batch).await?.acknowledged().await
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
        let _ = (story, command);
        todo!("find_command")
    }

    /// Returns up to `records_max` records from `from` on, in order; fewer only at the head or at
    /// an internal page limit, none only at the head.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read(&self, from: Position, records_max: usize) -> Result<Vec<Record>, ReadError> {
        let _ = (from, records_max);
        todo!("read")
    }

    /// Returns up to `records_max` records of `story` from `revision` on, in order.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read_story(
        &self,
        story: StoryKey,
        revision: u64,
        records_max: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let _ = (story, revision, records_max);
        todo!("read_story")
    }

    /// Returns a reader that gives every record from `from` on, past and to come, once each.
    pub fn tail(&self, from: Position) -> Tail {
        let _ = from;
        todo!("tail")
    }

    /// Puts `remaining` in place of the disclosures at `position`, so that the old ones are
    /// physically gone from every file; the envelope is untouched. Returns once that is durable.
    ///
    /// # Errors
    /// [`EraseError`] says whether the words may still be there.
    pub async fn erase(&self, position: Position, remaining: bytes::Bytes) -> Result<(), EraseError> {
        let _ = (position, remaining);
        todo!("erase")
    }

    /// Stops taking appends, answers those already taken, and closes the files.
    pub async fn close(&self) {
        todo!("close")
    }
}

impl Tail {
    /// Returns the next records, at least one, waiting for the first to come.
    ///
    /// Cancel-safe: a record is only passed once it has been returned.
    ///
    /// # Errors
    /// [`ReadError`]; the reader stays where it was.
    pub async fn next_batch(&mut self) -> Result<Vec<Record>, ReadError> {
        todo!("next_batch")
    }
}

impl Pending {
    /// Returns the writer's answer: the records are durable.
    ///
    /// # Errors
    /// [`AppendError`] says whether the write may exist.
    pub async fn acknowledged(self) -> Result<Appended, AppendError> {
        let _ = self.answer;
        todo!("acknowledged")
    }
}
