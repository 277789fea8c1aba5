//! The handle: opens the file, hands writes to the one thread that writes, verifies keys.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use peers::{Peer, Schema, SharedFile};
use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::authorize::Identity;
use crate::columns::micros;
use crate::denials::Denial;
use crate::directory::Directory;
use crate::error::{OpenError, StoreError};
use crate::limits::QUEUE_MAX;
use crate::outbox::Outbox;
use crate::policy::{self, Policy};
use crate::readers::Readers;
use crate::requests::RequestId;
use crate::secret::{self, Digest};
use crate::writer::{Durable, Message, Worked, Writer, Writing};
use crate::{file, writer};

/// Payloads on their way to the writer at once; each may be of `PAYLOAD_BYTES_MAX`.
const PAYLOADS_MOVING_MAX: usize = 4;
/// How often a node looks what others have written.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// After how long without having looked a node trusts no key.
const OUT_OF_TOUCH_AFTER: Duration = Duration::from_secs(15);

/// An open registry; clones share it.
///
/// A write is answered once it is durable. A future that is dropped may still write; none leaves a
/// write half done.
#[derive(Debug, Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    messages: mpsc::Sender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    readers: Arc<Readers>,
    memory: Arc<Memory>,
    payloads_moving: Semaphore,
    is_shared: bool,
}

/// What is known without asking the file.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) directory: Directory,
    pub(crate) outbox: Outbox,
    policy: RwLock<Policy>,
    /// Until when an approved payload is with whoever executes it, in microseconds.
    leases: Mutex<HashMap<RequestId, i64>>,
    /// When this node was last where the others are, if the registry is shared.
    heard: RwLock<Option<Instant>>,
}

impl Memory {
    pub(crate) fn set_policy(&self, policy: Policy) {
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = policy;
    }

    /// Notes that this node knows what the others do.
    pub(crate) fn heard(&self) {
        *self.heard.write().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Returns whether others may have revoked what is valid here.
    fn is_out_of_touch(&self) -> bool {
        let heard = *self.heard.read().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|heard| heard.elapsed() > OUT_OF_TOUCH_AFTER)
    }

    pub(crate) fn leases(&self) -> MutexGuard<'_, HashMap<RequestId, i64>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// Opens the registry at `path` and makes it if there is none; only its owner may read the file.
    /// One process has it at a time.
    ///
    /// # Errors
    /// [`OpenError`] says what to do about the file.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let owned = path.to_owned();
        tokio::task::spawn_blocking(move || start(&owned, None))
            .await
            .unwrap_or_else(|abandoned| Err(file::io(path, abandoned)))
    }

    /// Returns what of a registry nodes share.
    pub fn schema() -> &'static Schema {
        &crate::shared::SCHEMA
    }

    /// Opens the registry at `path` as one of those that the nodes of a log share; they have what any of them
    /// writes. What was in the file of a node that joins others is kept beside it, and theirs is in it from
    /// then on; the first node brings what it has.
    ///
    /// # Errors
    /// [`OpenError`] says what to do about the file, or the stream.
    pub async fn open_shared(path: &Path, shared: SharedFile) -> Result<Self, OpenError> {
        let (owned, runtime) = (path.to_owned(), Handle::current());
        let opened = tokio::task::spawn_blocking(move || start(&owned, Some((shared, runtime)))).await;
        let registry = opened.unwrap_or_else(|abandoned| Err(file::io(path, abandoned)))?;
        let inner = Arc::downgrade(&registry.inner);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let Some(inner) = inner.upgrade() else { return };
                // A writer that is busy looks by itself, and one that is gone needs no telling.
                drop(inner.messages.try_send(Message::Look));
            }
        });
        Ok(registry)
    }

    /// Returns whose key `secret` is, if it is valid at `now`. Asks memory only, and is right from
    /// the moment when a key was added, rotated or revoked. Where several nodes share the registry, what
    /// another did counts within a second; a node that has not heard of the others for fifteen holds no key
    /// valid, since they may have revoked it.
    pub fn verify(&self, secret: &str, now: Timestamp) -> Option<Identity> {
        if self.inner.memory.is_out_of_touch() {
            return None; // The writer says so in the log.
        }
        let id = secret::key_id(secret)?;
        let now = micros(now);
        let verified = self.inner.memory.directory.verify(id, Digest::of(secret), now)?;
        if verified.note_use && self.inner.memory.outbox.used(id, now) {
            self.tell();
        }
        Some(verified.identity)
    }

    /// Returns what needs a second person.
    pub fn policy(&self) -> Policy {
        *self.inner.memory.policy.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what needs a second person. Requests that wait already stay as they are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_policy(&self, policy: Policy) -> Result<(), StoreError> {
        self.write(move |writing| Ok::<_, StoreError>(policy::store(writing.db, policy)?)).await
    }

    /// Records a denial without waiting: it is kept soon, or counted as not kept if too many wait.
    pub fn deny(&self, denial: Denial) {
        if self.inner.memory.outbox.deny(denial) {
            self.tell();
        }
    }

    /// Writes what waits, lets no more begin, and closes the file.
    pub async fn close(&self) {
        self.inner.readers.close();
        // A writer that is gone needs no telling.
        drop(self.inner.messages.send(Message::Close).await);
        let thread = self.inner.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
    }

    /// Has `work` done by the writer, and returns once it is durable; an error of `work` undoes it.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnOnce(&mut Writing<'_>) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write_durable(work).await.map(|(value, _)| value)
    }

    /// As [`Registry::write`], and says what has become of the journal.
    pub(crate) async fn write_durable<T, E>(
        &self,
        work: impl FnOnce(&mut Writing<'_>) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<(T, Durable), E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let answer = Arc::new(Mutex::new(Some(answer)));
        let job: writer::Job = Box::new(move |writing| {
            let done = writing.map_err(E::from).and_then(work.clone());
            let answer = Arc::clone(&answer);
            Worked {
                keep: done.is_ok(),
                answer: Box::new(move |outcome| {
                    let Some(answer) = answer.lock().unwrap_or_else(PoisonError::into_inner).take() else {
                        return;
                    };
                    // Nobody waits any more if this fails, and that is their choice.
                    drop(answer.send(outcome.map_err(E::from).and_then(|durable| Ok((done?, durable)))));
                }),
            }
        });
        let sent = self.inner.messages.send(Message::Job(job)).await;
        sent.map_err(|_| E::from(StoreError::unavailable("it is closed")))?;
        answered.await.unwrap_or_else(|_| Err(StoreError::unknown("its writer has ended").into()))
    }

    /// Runs `query` on a connection that reads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.inner.is_shared {
            self.write(|_| Ok::<_, StoreError>(())).await?; // What other nodes wrote is here then.
        }
        self.inner.readers.run(query).await
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.inner.memory
    }

    pub(crate) fn payloads_moving(&self) -> &Semaphore {
        &self.inner.payloads_moving
    }

    /// Has the writer look into the outbox. A full queue needs no telling: the writer looks before
    /// each group.
    pub(crate) fn tell(&self) {
        drop(self.inner.messages.try_send(Message::Look));
    }
}

fn start(path: &Path, shared: Option<(SharedFile, Handle)>) -> Result<Registry, OpenError> {
    let lock = file::lock(path)?;
    let db = file::open_writer(path)?;
    let is_shared = shared.is_some();
    let peer = match shared {
        None => {
            // Alone, it goes another way than the others, and cannot go on with them.
            let left = db.execute("DELETE FROM settings WHERE name IN ('shared-with', 'shared-upto')", []);
            left.map_err(|error| file::refused(path, error))?;
            None
        }
        Some((shared, runtime)) => {
            let joined = Peer::join(shared, &db, runtime).and_then(|mut peer| {
                peer.catch_up(&db)?;
                Ok(peer)
            });
            Some(joined.map_err(|error| OpenError::Shared {
                path: path.display().to_string(),
                source: Arc::new(error),
            })?)
        }
    };
    let memory = Arc::new(Memory::default());
    let loaded = memory.directory.load(&db).and_then(|()| policy::load(&db));
    memory.set_policy(loaded.map_err(|error| file::refused(path, error))?);
    if is_shared {
        memory.heard();
    }
    let (messages, queue) = mpsc::channel(QUEUE_MAX);
    let writer = Writer {
        db,
        queue,
        memory: Arc::clone(&memory),
        stale: BTreeSet::new(),
        journal_dirty: true, // Whoever wrote it last may have ended before it was emptied.
        peer,
        lock,
    };
    let thread = std::thread::Builder::new()
        .name("registry-write".into())
        .spawn(move || writer.run())
        .map_err(|error| file::io(path, error))?;
    Ok(Registry {
        inner: Arc::new(Inner {
            messages,
            thread: Mutex::new(Some(thread)),
            readers: Readers::new(path.to_owned()),
            memory,
            payloads_moving: Semaphore::new(PAYLOADS_MOVING_MAX),
            is_shared,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::denials::tests::denial;
    use crate::keys::{KeyError, NewKey};
    use crate::{NewActor, NumberedRange, Secret};

    async fn with_a_key(folder: &Path) -> (Registry, NewKey, Secret) {
        let registry = Registry::open(&folder.join("registry.db")).await.unwrap();
        let actor = registry.add_actor(NewActor::default(), Timestamp::UNIX_EPOCH).await.unwrap();
        let new = NewKey::of(actor.id);
        let (_, secret) = registry.add_key(new.clone(), Timestamp::UNIX_EPOCH).await.unwrap();
        (registry, new, secret)
    }

    async fn pages_max(registry: &Registry, more: u64) {
        registry
            .write(move |writing| {
                let pages: u64 = writing.db.pragma_query_value(None, "page_count", |row| row.get(0))?;
                writing.db.pragma_update(None, "max_page_count", pages + more)?;
                Ok::<_, StoreError>(())
            })
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_full_disk_stores_nothing_says_so_and_is_got_over() {
        let folder = tempfile::tempdir().unwrap();
        let (registry, new, secret) = with_a_key(folder.path()).await;
        let now = Timestamp::UNIX_EPOCH;
        pages_max(&registry, 0).await;
        let mut stored = 0;
        let full = loop {
            match registry.add_key(new.clone(), now).await {
                Ok(_) => stored += 1, // There is room on the pages that exist.
                Err(error) => break error,
            }
        };
        assert!(matches!(full, KeyError::Store(StoreError::Unavailable { .. })), "{full:?}");
        assert!(registry.verify(secret.expose(), now).is_some(), "what was valid still is");
        for second in 0..1_000 {
            registry.deny(denial(second)); // More than there is room for.
        }
        let range = NumberedRange { from: Timestamp::MIN, to: Timestamp::MAX, before: None };
        let kept = registry.denials(range, 1_000).await.unwrap();
        let lost = registry.denials_not_kept().await.unwrap();
        assert_eq!(kept.len() as u64 + lost, 1_000);
        assert!(lost > 0, "or this test would prove nothing");
        pages_max(&registry, 1_000).await;
        let (_, later) = registry.add_key(new, now).await.unwrap();
        assert!(registry.verify(later.expose(), now).is_some());
        assert_eq!(registry.keys(None, None, 1_000).await.unwrap().len(), 1 + stored + 1);
        assert_eq!(registry.denials(range, 1_000).await.unwrap(), kept);
        assert_eq!(registry.denials_not_kept().await.unwrap(), lost, "counted once");
    }

    #[tokio::test]
    async fn a_write_that_is_refused_takes_nothing_of_the_others_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(&folder.path().join("registry.db")).await.unwrap();
        let insert = |number: u64| {
            registry.write(move |writing| {
                writing.db.execute("INSERT INTO settings VALUES (?1, 1)", [format!("n{number}")])?;
                if number.is_multiple_of(2) { Ok(()) } else { Err(StoreError::unavailable("it is odd")) }
            })
        };
        let (a, b, c, d) = tokio::join!(insert(1), insert(2), insert(3), insert(4));
        assert_eq!([a, b, c, d].map(|one| one.is_ok()), [false, true, false, true]);
        let names: String = registry
            .read(|db| db.query_row("SELECT group_concat(name) FROM settings", [], |row| row.get(0)))
            .await
            .unwrap();
        assert_eq!(names, "n2,n4");
    }

    #[tokio::test]
    async fn the_writers_connection_syncs_each_commit_and_overwrites_what_it_deletes() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::open(&folder.path().join("registry.db")).await.unwrap();
        let settings: Vec<i64> = registry
            .write(|writing| {
                ["synchronous", "secure_delete"]
                    .into_iter()
                    .map(|name| Ok(writing.db.pragma_query_value(None, name, |row| row.get(0))?))
                    .collect::<Result<_, StoreError>>()
            })
            .await
            .unwrap();
        assert_eq!(settings, [2, 1], "FULL, ON");
    }
}
