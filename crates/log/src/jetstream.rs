//! The back end on a NATS server: three JetStream streams, and no state here that is not theirs.
//!
//! - The stream of **records** has one message a record, so that a sequence is a position, and one
//!   subject a story. Nothing is ever removed from it; the server refuses to. The bytes are in
//!   [`layout`], the settings in [`streams`].
//! - The stream of **parts** has what can be erased, and what is too large for one message. Parts
//!   are stored before the record that names them, so a record is whole as soon as it is there.
//!   An erasure writes down what is left, then has the old parts overwritten and removed.
//! - The stream of **claims** says which story has which name: the first message of a name's subject
//!   is the only one. It holds no record, and is told apart from them: `docs/adr/0013`.
//! - An append is decided in the [lane](lanes) of its story, by what is [known] of it, and has the
//!   server's word for it: the sequence that must be the last of the story's subject.
//! - Readers ask any replica, and the leader before they believe that something is missing:
//!   [`reader`].
//!
//! Why two streams. The server compares with the last message that a subject *has*. If words
//! stood in the records and the newest record of a story were erased by removing it, the one before
//! would be the last again, and a writer that never saw the newest could store another revision of
//! the same number. The price is a second round trip an append: `docs/adr/0010`.
//!
//! What is promised depends on the server: acknowledged means durable only where `sync_interval` is
//! `always` on every server of the stream, which no client can ask. And an erasure removes words from
//! the stream's files on every replica; a replicated stream also has them in its consensus log until
//! that is next compacted, some minutes later.
//!
//! Many processes may write the same log. Another process's erasure is seen once a replica that
//! answers has it. Who may publish on `wt.logged.<log>.>` can make readers wait for records that do
//! not exist; who may publish on the streams' subjects can write: permissions are the server's.
//!
//! What it costs: the first append to a story that has records, and the first look for a command of
//! it, read its records once, without the words; so does every look for a command in a story with
//! more than 256 Ki of them. An erasure reads all words of its story.

mod append;
mod check;
mod claims;
mod core;
mod erase;
mod follow;
mod import;
mod known;
mod lanes;
mod layout;
mod link;
mod names;
mod open;
mod options;
mod parts;
mod patience;
mod reader;
mod streams;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::AbortHandle;

use self::core::Core;
use self::lanes::{Append, Job, Lanes};
use crate::contract::{
    AppendError, Appended, Batch, CheckError, Checked, Command, Epoch, EraseError, ImportError, Moved,
    NameHash, Pending, Position, ReadError, Record, StoryKey, limits,
};
use crate::tail::Live;

pub use self::names::{LogName, LogNameError};
pub use self::options::{ConnectError, JetStreamOptions, Replicas, Stage};

const CLOSED: &str = "the event log is closed";
const READ_ONLY: &str = "the event log is open for reading only";

/// An open log on a server. Arguments are within the limits: the handle in front checks them.
#[derive(Debug)]
pub(crate) struct Store {
    core: Arc<Core>,
    epoch: Epoch,
    read_only: bool,
    /// Appends that may still wait.
    queue: Arc<Semaphore>,
    /// KiB that may still wait.
    queue_kib: Arc<Semaphore>,
    follower: AbortHandle,
}

impl Drop for Store {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Store {
    pub(crate) async fn connect(options: JetStreamOptions) -> Result<Self, ConnectError> {
        let (core, epoch) = open::open(&options).await?;
        let followed = Arc::clone(&core);
        let follower = tokio::spawn(async move { follow::follow(&followed).await }).abort_handle();
        Ok(Self {
            core,
            epoch,
            read_only: options.options.read_only,
            queue: Arc::new(Semaphore::new(limits::QUEUE_MAX)),
            queue_kib: Arc::new(Semaphore::new(limits::QUEUE_BYTES_MAX / 1024)),
            follower,
        })
    }

    pub(crate) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(crate) fn head(&self) -> Position {
        self.core.head()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Live> {
        self.core.subscribe()
    }

    pub(crate) async fn submit(
        &self,
        story: StoryKey,
        expected: u64,
        batch: Batch,
    ) -> Result<Pending, AppendError> {
        let unavailable = |why: &str| AppendError::Unavailable { source: why.into() };
        if self.read_only {
            return Err(unavailable(READ_ONLY));
        }
        let bytes = |record: &crate::contract::NewRecord| record.envelope.len() + record.disclosures.len();
        let kib = batch.records.iter().map(bytes).sum::<usize>() / 1024 + 1;
        let kib = u32::try_from(kib).expect("limits::BATCH_BYTES_MAX is far below");
        let slot = Arc::clone(&self.queue).acquire_owned().await.map_err(|_| unavailable(CLOSED))?;
        let share =
            Arc::clone(&self.queue_kib).acquire_many_owned(kib).await.map_err(|_| unavailable(CLOSED))?;
        let (answer, answered) = oneshot::channel();
        let append = Append { expected, batch, answer, _room: [slot, share] };
        Lanes::give(&self.core, story, Job::Append(append)).map_err(|_| unavailable(CLOSED))?;
        Ok(Pending { answer: answered })
    }

    pub(crate) async fn find_command(
        &self,
        story: StoryKey,
        command: &Command,
    ) -> Result<Option<Appended>, ReadError> {
        let (answer, answered) = oneshot::channel();
        let job = Job::Find { command: command.clone(), answer };
        Lanes::give(&self.core, story, job).map_err(|_| closed())?;
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    pub(crate) async fn read(&self, from: Position, records_max: usize) -> Result<Vec<Record>, ReadError> {
        self.must_be_open()?;
        let (from, head) = (from.max(Position(1)), self.head());
        if from > head || records_max == 0 {
            return Ok(Vec::new());
        }
        self.core.page(from, head, records_max).await
    }

    pub(crate) async fn read_story(
        &self,
        story: StoryKey,
        revision: u64,
        records_max: usize,
    ) -> Result<Vec<Record>, ReadError> {
        self.must_be_open()?;
        self.core.story_page(story, revision, records_max).await
    }

    pub(crate) async fn import(&self, after: Position, moved: Vec<Moved>) -> Result<Position, ImportError> {
        if self.read_only || self.core.ended() {
            let why = if self.read_only { READ_ONLY } else { CLOSED };
            return Err(AppendError::Unavailable { source: why.into() }.into());
        }
        self.core.import(after, moved).await
    }

    pub(crate) async fn claim(&self, name: NameHash, story: StoryKey) -> Result<StoryKey, ReadError> {
        self.must_be_open()?;
        if self.read_only {
            return Err(ReadError::Unavailable { source: READ_ONLY.into() });
        }
        self.core.claim(name, story).await
    }

    pub(crate) async fn claimed(&self, name: NameHash) -> Result<Option<StoryKey>, ReadError> {
        self.must_be_open()?;
        self.core.claimed(name).await
    }

    pub(crate) async fn finish(&self) -> Result<(), ConnectError> {
        self.core.link.finish().await
    }

    pub(crate) async fn erase(&self, position: Position, remaining: Bytes) -> Result<(), EraseError> {
        let unknown = |why: &str| EraseError::OutcomeUnknown { source: why.into() };
        if self.read_only {
            return Err(unknown(READ_ONLY));
        }
        if self.core.ended() {
            return Err(unknown(CLOSED));
        }
        self.core.erase(position, remaining).await
    }

    pub(crate) async fn check(
        &self,
        mut progress: impl FnMut(Position, Position) + Send + 'static,
    ) -> Result<Checked, CheckError> {
        self.must_be_open()?;
        self.core.check(&mut progress).await
    }

    pub(crate) async fn close(&self) {
        self.core.lanes.close().await;
        self.follower.abort();
        self.core.end();
        self.core.link.close().await;
    }

    fn must_be_open(&self) -> Result<(), ReadError> {
        if self.core.ended() { Err(closed()) } else { Ok(()) }
    }
}

fn closed() -> ReadError {
    ReadError::Unavailable { source: CLOSED.into() }
}
