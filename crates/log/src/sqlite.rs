//! The embedded back end: one SQLite file, one writer thread, group commit.
//!
//! - `log.db` holds one row per record, in the order of positions and with no other key: the
//!   cheapest thing SQLite can append to. The bytes of a row are in [`record`], the files in
//!   [`files`].
//! - What must be found by story or by command is in a second file, [`index`]: a consumer of the
//!   log that can be deleted. What it does not hold yet is in memory, [`recent`].
//! - One thread owns the write connection, [`writer`]. It decides what waits in order, commits it
//!   with one sync, publishes the new head, answers.
//! - Readers have their own connections, [`reader`]; the newest records are also in memory,
//!   [`ring`], so a live tail reads no file.
//!
//! Why a row per record and 16 KiB pages, where a row per group commit (a frame) would save SQLite
//! work: bodies of 1.6 KB on one thread, `synchronous=FULL`, disk at 0.15 ms per sync, thousand
//! records a second, two rounds:
//!
//! | bodies per commit | rows, 4 KiB pages | rows, 16 KiB | frames, 16 KiB |
//! |---|---|---|---|
//! | 1 | 7.2, 5.6 | 5.0, 6.8 | 5.8, 5.5 |
//! | 32 | 86, 82 | 106, 112 | 97, 123 |
//! | 128 | 110, 96 | 189, 190 | 209, 201 |
//!
//! The page size gives nearly everything. The last 5 to 10 % would cost a directory and a checksum
//! per frame, reads of a story that walk long overflow chains, and erasures that rewrite the
//! neighbours.

mod check;
mod checkpoint;
mod copy;
mod erase;
#[cfg(test)]
mod faults;
mod files;
mod follow;
mod group;
mod hot;
mod index;
mod open;
mod reader;
mod recent;
mod record;
mod ring;
mod shared;
mod story;
mod writer;

pub use copy::{Copied, copy, renew};

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use self::follow::Follower;
use self::group::Append;
use self::reader::Pool;
use self::record::Place;
use self::shared::Shared;
use self::writer::Request;
use crate::contract::{
    AppendError, Appended, Batch, CheckError, Checked, Command, Epoch, EraseError, OpenError, Pending,
    Position, ReadError, Record, StoryKey,
};
use crate::event_log::Options;
use crate::tail::Live;

/// An open log in SQLite. Arguments are within the limits: the handle in front checks them.
#[derive(Debug)]
pub(crate) struct Store {
    epoch: Epoch,
    pool: Pool,
    shared: Arc<Shared>,
    role: Role,
}

/// What this process does with the log.
#[derive(Debug)]
enum Role {
    /// It owns the writer.
    Writes {
        requests: mpsc::Sender<Request>,
        /// KiB that may still wait for the writer.
        queue_kib: Arc<Semaphore>,
    },
    /// It follows what another process writes.
    Reads { follower: Follower },
}

impl Store {
    pub(crate) async fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let owned = path.to_owned();
        tokio::task::spawn_blocking(move || open::open(&owned, &options))
            .await
            .unwrap_or_else(|panicked| Err(files::io(path, panicked)))
    }

    pub(crate) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(crate) fn head(&self) -> Position {
        self.shared.head()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Live> {
        self.shared.subscribe()
    }

    pub(crate) async fn submit(
        &self,
        story: StoryKey,
        expected: u64,
        batch: Batch,
    ) -> Result<Pending, AppendError> {
        let Role::Writes { requests, queue_kib } = &self.role else {
            return Err(AppendError::Unavailable { source: READ_ONLY.into() });
        };
        let closed = || AppendError::Unavailable { source: CLOSED.into() };
        let bodies = drafts(story, &batch);
        let kib = bodies.iter().map(Vec::len).sum::<usize>() / 1024 + 1;
        let permits = u32::try_from(kib).expect("limits::BATCH_BYTES_MAX is far below");
        let permit = Arc::clone(queue_kib).acquire_many_owned(permits).await.map_err(|_| closed())?;
        let (answer, answered) = oneshot::channel();
        let command = batch.command.0.as_ref().into();
        let append = Append { story, expected, command, bodies, answer, permit };
        requests.send(Request::Append(append)).await.map_err(|_| closed())?;
        Ok(Pending { answer: answered })
    }

    pub(crate) async fn find_command(
        &self,
        story: StoryKey,
        command: &Command,
    ) -> Result<Option<Appended>, ReadError> {
        let (head, command) = (self.head(), command.clone());
        self.pool.run(move |reader| reader.command(story, &command.0, head)).await
    }

    pub(crate) async fn read(&self, from: Position, records_max: usize) -> Result<Vec<Record>, ReadError> {
        let head = self.head();
        let from = from.max(Position(1));
        if from > head || records_max == 0 {
            return Ok(Vec::new());
        }
        if let Some(page) = self.shared.ring.read(from, records_max) {
            return Ok(page?);
        }
        self.pool.run(move |reader| reader.page(from, head, records_max)).await
    }

    pub(crate) async fn read_story(
        &self,
        story: StoryKey,
        revision: u64,
        records_max: usize,
    ) -> Result<Vec<Record>, ReadError> {
        let head = self.head();
        self.pool.story_page(story, revision, head, records_max).await
    }

    pub(crate) async fn erase(&self, position: Position, remaining: Bytes) -> Result<(), EraseError> {
        let unknown = |why: &str| EraseError::OutcomeUnknown { source: why.into() };
        let Role::Writes { requests, .. } = &self.role else { return Err(unknown(READ_ONLY)) };
        let (answer, answered) = oneshot::channel();
        let request = Request::Erase { position, remaining, answer };
        requests.send(request).await.map_err(|_| unknown(CLOSED))?;
        answered.await.unwrap_or_else(|_| Err(unknown(WRITER_GONE)))
    }

    pub(crate) async fn check(
        &self,
        mut progress: impl FnMut(Position, Position) + Send + 'static,
    ) -> Result<Checked, CheckError> {
        let shared = Arc::clone(&self.shared);
        self.pool
            .run(move |reader| Ok(check::check(reader, &shared, &mut progress)))
            .await
            .unwrap_or_else(|error| Err(CheckError::Unavailable { source: Box::new(error) }))
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
        let mut live = self.subscribe();
        match &self.role {
            // A writer that is gone already needs no telling.
            Role::Writes { requests, .. } => drop(requests.send(Request::Close).await),
            Role::Reads { follower } => follower.stop(),
        }
        // The sender lives in `self`, so waiting ends only with the thread that writes or follows.
        drop(live.wait_for(|live| live.ended).await);
    }
}

const READ_ONLY: &str = "the event log is open for reading only";
const CLOSED: &str = "the event log is closed";
const WRITER_GONE: &str = "the event log's writer has ended";

impl Pending {
    /// Returns the writer's answer: the records are durable.
    ///
    /// # Errors
    /// [`AppendError`] says whether the write may exist.
    pub async fn acknowledged(self) -> Result<Appended, AppendError> {
        self.answer.await.unwrap_or_else(|_| Err(AppendError::OutcomeUnknown { source: WRITER_GONE.into() }))
    }
}

fn drafts(story: StoryKey, batch: &Batch) -> Vec<Vec<u8>> {
    let batch_records = u16::try_from(batch.records.len()).expect("limits::BATCH_RECORDS_MAX fits 16 bits");
    let command = batch.command.0.as_ref();
    (0..)
        .zip(&batch.records)
        .map(|(place, record)| record::draft(story, command, Place { place, batch_records }, record))
        .collect()
}
