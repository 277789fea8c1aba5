//! The one thread that writes: it takes what waits, does it in order in one transaction, syncs it
//! once, brings the memory up to the file, and only then answers.
//!
//! Each write has a savepoint, so one that is refused takes nothing of the others with it. After a
//! failed commit the thread believes the file, not its memory.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::sync::Arc;

use peers::{Peer, Told};
use rusqlite::Connection;
use story::ActorId;
use tokio::sync::mpsc;
use tracing::{error, warn};

use crate::error::StoreError;
use crate::outbox::Waiting;
use crate::store::Memory;
use crate::{denials, departures, file, keys, policy};

/// Most writes in one transaction.
const GROUP_MAX: usize = 256;
/// How often a group is done again because another node was first.
const ATTEMPTS_MAX: u32 = 100;

/// What the thread is told.
pub(crate) enum Message {
    /// Do this.
    Job(Job),
    /// Look into the outbox.
    Look,
    /// Answer what waits and end.
    Close,
}

/// A write, with the way back to its caller. It is given the open transaction, or the reason why
/// there is none; it says whether to keep what it did. Where that had to be undone, it is done again.
pub(crate) type Job = Box<dyn FnMut(Result<&mut Writing<'_>, StoreError>) -> Worked + Send>;

/// What a write has done.
pub(crate) struct Worked {
    /// Whether it is to be kept.
    pub(crate) keep: bool,
    /// Tells the caller, once it is known whether the transaction is durable.
    pub(crate) answer: Answer,
}

/// Tells the caller of a write.
pub(crate) type Answer = Box<dyn FnOnce(Result<Durable, StoreError>) + Send>;

/// A commit that is synced.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Durable {
    /// Whether nothing that was erased is left in the journal.
    pub(crate) journal_is_clean: bool,
}

/// What came of a group.
struct Done {
    /// Of the jobs that were done, in their order.
    answers: Vec<Answer>,
    outcome: Result<(), StoreError>,
    actors: BTreeSet<ActorId>,
    erased: bool,
}

impl Done {
    fn nothing() -> Self {
        Self { answers: Vec::new(), outcome: Ok(()), actors: BTreeSet::new(), erased: false }
    }

    fn failed(error: StoreError) -> Self {
        Self { outcome: Err(error), ..Self::nothing() }
    }
}

fn tidy(peer: &mut Peer, db: &Connection) {
    if let Err(error) = peer.tidy(db) {
        warn!(error = &error as &dyn std::error::Error, "Cannot tidy the shared registry: tried again later");
    }
}

/// An open transaction, and what in memory it makes stale.
pub(crate) struct Writing<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) memory: &'a Memory,
    /// Actors whose keys must be read anew.
    pub(crate) actors: BTreeSet<ActorId>,
    /// Whether something was erased that the journal must not keep.
    pub(crate) erased: bool,
}

/// Everything the thread owns.
pub(crate) struct Writer {
    pub(crate) db: Connection,
    pub(crate) queue: mpsc::Receiver<Message>,
    pub(crate) memory: Arc<Memory>,
    /// Actors whose keys could not be read: tried again with the next group.
    pub(crate) stale: BTreeSet<ActorId>,
    /// Whether the journal may hold what was erased.
    pub(crate) journal_dirty: bool,
    /// The other nodes, if the registry is shared.
    pub(crate) peer: Option<Peer>,
    /// Held as long as this process may write.
    pub(crate) lock: File,
}

impl Writer {
    /// Serves until it is told to close or nobody is left to tell it, then closes the file.
    pub(crate) fn run(mut self) {
        let mut open = true;
        while open {
            let mut group = VecDeque::new();
            open = self.gather(&mut group);
            self.commit(group);
        }
        if let Err(error) = file::empty_journal(&self.db) {
            warn!(error = &error as &dyn std::error::Error, "Cannot empty the registry's journal");
        }
        let Self { db, lock, .. } = self;
        drop(db); // Before the lock, so that whoever gets the lock finds the file closed.
        drop(lock);
    }

    /// Waits for the first write and takes those that wait behind it; returns false at the end.
    fn gather(&mut self, group: &mut VecDeque<Job>) -> bool {
        let mut next = self.queue.blocking_recv();
        loop {
            match next {
                None | Some(Message::Close) => break,
                Some(Message::Job(job)) => group.push_back(job),
                Some(Message::Look) => {}
            }
            if group.len() >= GROUP_MAX {
                return true;
            }
            next = match self.queue.try_recv() {
                Ok(message) => Some(message),
                Err(_) => return true, // Empty, or closed: then the next wait says so.
            };
        }
        self.queue.close();
        while let Ok(message) = self.queue.try_recv() {
            if let Message::Job(job) = message {
                group.push_back(job);
            }
        }
        false
    }

    /// Does a group and the outbox, and answers.
    fn commit(&mut self, mut group: VecDeque<Job>) {
        let waiting = self.memory.outbox.take();
        let is_idle = group.is_empty() && waiting.is_empty() && self.stale.is_empty();
        if is_idle && (self.peer.is_none() || self.queue.is_closed()) {
            return;
        }
        let mut done = match self.peer.take() {
            None => self.attempt(&mut group, &waiting, |_, _| Ok(Told::All)).0,
            Some(mut peer) => {
                let done = self.agree(&mut peer, &mut group, &waiting);
                self.peer = Some(peer);
                done
            }
        };
        if let Err(error) = &done.outcome {
            if !is_idle {
                warn!(error = error as &dyn std::error::Error, "A write to the registry failed");
            }
            self.memory.outbox.put_back(waiting);
            let left = group.iter_mut().skip(done.answers.len());
            done.answers.extend(left.map(|job| job(Err(error.clone())).answer));
        }
        self.refresh(std::mem::take(&mut done.actors));
        self.journal_dirty |= done.erased;
        if self.journal_dirty {
            self.journal_dirty = !file::empty_journal(&self.db).unwrap_or(false);
        }
        let outcome = done.outcome.map(|()| Durable { journal_is_clean: !self.journal_dirty });
        for answer in done.answers {
            answer(outcome.clone());
        }
    }

    /// Does a group and the outbox in one transaction, and commits it if `tell` has told the others; else
    /// undoes it. Returns what came of it, and of telling.
    fn attempt(
        &mut self,
        group: &mut VecDeque<Job>,
        waiting: &Waiting,
        tell: impl FnOnce(&Connection, bool) -> Result<Told, StoreError>,
    ) -> (Done, Told) {
        let leases = self.memory.leases().clone();
        let mut writing =
            Writing { db: &self.db, memory: &self.memory, actors: BTreeSet::new(), erased: false };
        let mut answers = Vec::with_capacity(group.len());
        let mut told = Told::All;
        let outcome = match self.db.execute_batch("BEGIN IMMEDIATE") {
            Ok(()) => {
                let kept = denials::store(&self.db, waiting)
                    .and_then(|()| departures::store(&self.db, waiting))
                    .and_then(|()| keys::store_uses(&self.db, &waiting.used));
                let mut jobs = group.iter_mut();
                // A failed statement may have ended the transaction; then nothing else may run.
                while !self.db.is_autocommit()
                    && kept.is_ok()
                    && let Some(job) = jobs.next()
                {
                    answers.push(one(job, &mut writing));
                }
                kept.map_err(StoreError::from).and_then(|()| in_transaction(&self.db)).and_then(|()| {
                    told = tell(&self.db, writing.erased)?;
                    if matches!(told, Told::All) { end(&self.db) } else { Ok(()) }
                })
            }
            Err(error) => Err(error.into()),
        };
        let Writing { actors, erased, .. } = writing;
        if !self.db.is_autocommit() {
            drop(self.db.execute_batch("ROLLBACK")); // If it fails, so does the next BEGIN.
            *self.memory.leases() = leases;
        }
        (Done { answers, outcome, actors, erased }, told)
    }

    /// Does a group on the newest that any node has written, and has all nodes know of it.
    fn agree(&mut self, peer: &mut Peer, group: &mut VecDeque<Job>, waiting: &Waiting) -> Done {
        for _ in 0..ATTEMPTS_MAX {
            if let Err(error) = self.catch_up(peer) {
                return Done::failed(error);
            }
            if group.is_empty() && waiting.is_empty() {
                tidy(peer, &self.db);
                return Done::nothing();
            }
            let (mut done, told) = self.attempt(group, waiting, |db, erases| Ok(peer.tell(db, erases)?));
            match told {
                Told::All => {
                    if done.outcome.is_err() {
                        peer.rewind(&self.db); // The others may know what the file does not.
                    } else {
                        tidy(peer, &self.db);
                    }
                    return done;
                }
                Told::Nobody => peer.rewind(&self.db),
                Told::Later => {
                    if let Err(error) = self.catch_up(peer) {
                        warn!(error = &error as &dyn std::error::Error, "Cannot read what was just written");
                    }
                    return done;
                }
                Told::Unknown(error) => {
                    peer.rewind(&self.db);
                    done.outcome = Err(StoreError::OutcomeUnknown { source: Arc::new(error) });
                    return done;
                }
            }
        }
        Done::failed(StoreError::unavailable("other nodes keep writing it"))
    }

    /// Brings file and memory up to what other nodes have written.
    fn catch_up(&mut self, peer: &mut Peer) -> Result<(), StoreError> {
        let caught_up = peer.catch_up(&self.db).map_err(|error| {
            warn!(error = &error as &dyn std::error::Error, "Cannot read what other nodes wrote");
            StoreError::Unavailable { source: Arc::new(error) }
        })?;
        if caught_up.all {
            self.memory.directory.load(&self.db)?;
        }
        self.memory.heard();
        self.journal_dirty |= caught_up.erased;
        if caught_up.batches > 0 {
            // What is no id of an actor has no keys.
            let actors = caught_up.told.iter().filter_map(|(_, actor)| actor.parse().ok());
            self.refresh(actors.collect());
        }
        Ok(())
    }

    /// Brings the memory up to the file.
    fn refresh(&mut self, actors: BTreeSet<ActorId>) {
        self.stale.extend(actors);
        let (db, memory) = (&self.db, &self.memory);
        self.stale.retain(|actor| match memory.directory.reload(db, actor) {
            Ok(()) => false,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                error!(error, actor.id = %actor, "Cannot read the keys of {actor}: none is valid until they can be");
                true
            }
        });
        match policy::load(db) {
            Ok(policy) => memory.set_policy(policy),
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "Cannot read the registry's policy");
            }
        }
    }
}

/// Does one write in a savepoint of its own.
fn one(job: &mut Job, writing: &mut Writing<'_>) -> Answer {
    let db = writing.db;
    if let Err(error) = db.execute_batch("SAVEPOINT one") {
        return job(Err(error.into())).answer;
    }
    let Worked { keep, answer } = job(Ok(writing));
    let after = if keep { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
    if let Err(error) = db.execute_batch(after) {
        // Only if the transaction is gone, and then the end of the group says so to everyone.
        warn!(error = &error as &dyn std::error::Error, "A savepoint of the registry was lost");
        drop(db.execute_batch("ROLLBACK"));
    }
    answer
}

/// Refuses to go on in a transaction that is gone.
fn in_transaction(db: &Connection) -> Result<(), StoreError> {
    if db.is_autocommit() {
        return Err(StoreError::unavailable("the transaction was rolled back"));
    }
    Ok(())
}

/// Commits. An error before the commit means that nothing is stored; one within it may mean either.
fn end(db: &Connection) -> Result<(), StoreError> {
    in_transaction(db)?;
    db.execute_batch("COMMIT").map_err(|error| {
        if db.is_autocommit() {
            return StoreError::OutcomeUnknown { source: Arc::new(error) };
        }
        match db.execute_batch("ROLLBACK") {
            Ok(()) => StoreError::from(error),
            Err(_) => StoreError::OutcomeUnknown { source: Arc::new(error) },
        }
    })
}
