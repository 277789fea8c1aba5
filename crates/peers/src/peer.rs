//! One node's end of the stream, as whoever writes the file uses it.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::runtime::Handle;
use tracing::{info, warn};

use crate::rows::{self, RowError, Schema, Stale};
use crate::stream::{Kind, Message, PART_BYTES_MAX, Published, SharedError, SharedFile};

/// Messages after which all rows are written anew and what went before is deleted.
const MESSAGES_MAX: u64 = 512;
/// How long after a write that erases its words may be in earlier messages: the node that wrote it deletes
/// them after the first time, any other after the second.
const ERASE_AFTER: Duration = Duration::from_secs(5);
const ERASE_AFTER_OTHERS: Duration = Duration::from_secs(30);
/// How often it is asked what became of a write of which nobody said.
const ASK_MAX: u32 = 4;

/// The end.
#[derive(Debug)]
pub struct Peer {
    shared: SharedFile,
    schema: &'static Schema,
    runtime: Handle,
    /// The last message that was read, and what is written next follows on.
    seen: u64,
    /// Parts of a batch that is not whole yet.
    parts: Vec<Message>,
    /// Whether messages are missing since, so that only all rows will do.
    torn: bool,
    /// How many messages there are since all rows were written, and how many bytes; and how many those had.
    since: (u64, usize),
    whole_bytes: usize,
    /// Since when something waits to be erased, and for how long it may.
    erase: Option<(Instant, Duration)>,
}

/// What catching up has changed.
#[derive(Debug, Default)]
pub struct CaughtUp {
    /// What tables tell of: the table, and the value.
    pub told: BTreeSet<(&'static str, String)>,
    /// Whether all may be another than before.
    pub all: bool,
    /// How many batches were read.
    pub batches: u64,
    /// Whether something was erased that the file's journal must not keep.
    pub erased: bool,
}

/// Why a node is not where the others are.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The stream cannot be read or written.
    #[error(transparent)]
    Shared(#[from] SharedError),
    /// What another node wrote cannot be stored.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The file refused.
    #[error("the file of this node refused")]
    File(#[from] rusqlite::Error),
    /// There is nothing to join, and what is here could not be told.
    #[error("what this node has could not be shared; start it again")]
    Alone,
    /// Another release wrote it.
    #[error("another node writes in format {theirs}, this one in {ours}; run the same release")]
    Format {
        /// Its format.
        theirs: i32,
        /// The one that this node reads.
        ours: i32,
    },
}

/// What became of telling the others.
#[derive(Debug)]
pub enum Told {
    /// They know: commit.
    All,
    /// Nothing was stored: undo, and decide again on what is newest.
    Nobody,
    /// It is stored, and what is here is to be undone: catching up brings it.
    Later,
    /// Nobody says.
    Unknown(SharedError),
}

impl Peer {
    /// Joins the stream with the file `db`: goes on where this node was, takes on what the others have, or
    /// is the first and tells of what is here. Blocks.
    ///
    /// # Errors
    /// [`PeerError`].
    pub fn join(shared: SharedFile, db: &Connection, runtime: Handle) -> Result<Self, PeerError> {
        let mut peer = Self {
            schema: shared.schema(),
            shared,
            runtime,
            seen: 0,
            parts: Vec::new(),
            torn: false,
            since: (0, 0),
            whole_bytes: 0,
            erase: None,
        };
        rows::capture(peer.schema, db)?;
        let known: Option<String> = setting(db, "shared-with")?;
        if known.as_deref() == Some(peer.shared.identity()) {
            peer.seen = setting(db, "shared-upto")?.unwrap_or_default();
            return Ok(peer);
        }
        let is_first = peer.runtime.block_on(peer.shared.next(0))?.is_none();
        if is_first && peer.tell_whole(db)? {
            info!("What this node has is what the nodes share from now on");
        } else if is_first && peer.runtime.block_on(peer.shared.next(0))?.is_none() {
            return Err(PeerError::Alone); // Nobody was first, and nobody says whether this node will be.
        } else {
            // What is here was never shared: the first message has all rows, and replaces it.
            keep_beside(peer.schema, db, peer.shared.identity())?;
            (peer.seen, peer.torn) = (0, true);
        }
        db.execute(
            "INSERT OR REPLACE INTO settings VALUES ('shared-with', ?1), ('shared-upto', ?2)",
            params![peer.shared.identity(), peer.seen],
        )?;
        Ok(peer)
    }

    /// Reads what others have written and stores it, outside of any transaction of the caller. Blocks.
    ///
    /// # Errors
    /// [`PeerError`]: try again.
    pub fn catch_up(&mut self, db: &Connection) -> Result<CaughtUp, PeerError> {
        let mut caught_up = CaughtUp::default();
        while let Some(message) = self.runtime.block_on(self.shared.next(self.seen + 1))? {
            if message.format != self.schema.format {
                return Err(PeerError::Format { theirs: message.format, ours: self.schema.format });
            }
            self.torn |= message.sequence != self.seen + 1;
            self.seen = message.sequence;
            if message.part.0 == 1 {
                self.parts.clear(); // Whoever began another did not come to its end.
            }
            let is_next = message.part.0 as usize == self.parts.len() + 1;
            let is_last = message.part.0 == message.part.1;
            if is_next {
                self.parts.push(message);
            }
            if is_next && is_last {
                self.store(db, &mut caught_up).inspect_err(|_| self.rewind(db))?;
            }
        }
        Ok(caught_up)
    }

    /// Stores the batch that is whole now.
    fn store(&mut self, db: &Connection, caught_up: &mut CaughtUp) -> Result<(), PeerError> {
        let parts = std::mem::take(&mut self.parts);
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(()) };
        let is_whole = first.kind == Kind::Whole;
        if self.torn && !is_whole {
            return Ok(()); // Before the one that has all rows.
        }
        let lines: Vec<u8> = parts.iter().flat_map(|part| part.bytes.iter().copied()).collect();
        let mut stale = Stale::default();
        db.execute_batch("BEGIN IMMEDIATE")?;
        let stored = if is_whole && self.torn {
            rows::replace(self.schema, db, &lines, &mut stale)
        } else if is_whole {
            Ok(()) // All of it is here.
        } else {
            rows::apply(self.schema, db, &lines, &mut stale)
        };
        let stored = stored.map_err(PeerError::from).and_then(|()| {
            note(db, last.sequence)?;
            Ok(db.execute_batch("COMMIT")?)
        });
        if let Err(error) = stored {
            drop(db.execute_batch("ROLLBACK"));
            return Err(error);
        }
        self.torn &= !is_whole;
        self.count(first.kind, (parts.len() as u64, lines.len()), ERASE_AFTER_OTHERS);
        caught_up.told.append(&mut stale.told);
        caught_up.all |= stale.all;
        caught_up.batches += 1;
        caught_up.erased |= first.kind != Kind::Rows;
        Ok(())
    }

    /// Forgets what was caught of a transaction that was undone, and reads again what could not be stored.
    pub fn rewind(&mut self, db: &Connection) {
        drop(rows::forget(db)); // If it fails, so does the next transaction.
        self.parts.clear();
        self.seen = setting(db, "shared-upto").ok().flatten().unwrap_or_default();
    }

    /// Tells the others of what the open transaction on `db` has written so far; one that has written nothing
    /// that is shared concerns nobody. `erases` says that what earlier messages hold is to be deleted soon. After
    /// [`Told::All`], commit; else undo. Blocks.
    ///
    /// # Errors
    /// The file refused: undo.
    pub fn tell(&mut self, db: &Connection, erases: bool) -> rusqlite::Result<Told> {
        let lines = rows::take(db)?;
        if lines.is_empty() {
            return Ok(Told::All);
        }
        let erases = erases || rows::erases(self.schema, &lines);
        let kind = if erases { Kind::Erasing } else { Kind::Rows };
        let before = self.seen;
        match self.publish(&lines, kind) {
            Sent::Stored(last) => {
                note(db, last)?;
                self.seen = last;
                let parts = last - before;
                self.count(kind, (parts, lines.len()), ERASE_AFTER);
                Ok(Told::All)
            }
            Sent::Refused => Ok(Told::Nobody),
            Sent::Unknown { id, error } => Ok(self.resolve(&id, before, error)),
        }
    }

    /// Finds out what became of the batch `id` behind the message `before`: puts another there, or is refused
    /// and reads what is. Blocks.
    fn resolve(&mut self, id: &str, before: u64, error: SharedError) -> Told {
        for _ in 0..ASK_MAX {
            match self.runtime.block_on(self.shared.next(before + 1)) {
                Ok(Some(message)) if message.id == id && message.part.1 == 1 => return Told::Later,
                // Of several parts it is not known whether the last is there, and later ones may come.
                Ok(Some(message)) if message.id == id => return Told::Unknown(error),
                Ok(Some(_)) => return Told::Nobody,
                Ok(None) => {}
                Err(_) => continue,
            }
            let nothing = message(self.schema, Bytes::new(), (1, 1), Kind::Rows, &new_id());
            if let Published::Stored(_) = self.runtime.block_on(self.shared.publish(nothing, before)) {
                return Told::Nobody; // It is read when catching up, and has no rows.
            }
        }
        Told::Unknown(error)
    }

    /// Deletes what need not be kept, when it is time to; outside of any transaction. Blocks.
    ///
    /// # Errors
    /// [`PeerError`]: it is tried again.
    pub fn tidy(&mut self, db: &Connection) -> Result<(), PeerError> {
        let is_long = self.since.0 >= MESSAGES_MAX && self.since.1 >= self.whole_bytes;
        let is_due = self.erase.is_some_and(|(since, delay)| since.elapsed() >= delay);
        if self.torn || !(is_long || is_due) {
            return Ok(());
        }
        let before = self.seen;
        if self.tell_whole(db)? {
            note(db, self.seen)?;
            self.runtime.block_on(self.shared.erase_before(before + 1))?;
        }
        Ok(())
    }

    /// Tells the others of all rows, if this node knows the newest; returns whether it does.
    fn tell_whole(&mut self, db: &Connection) -> Result<bool, PeerError> {
        let lines = rows::whole(self.schema, db)?;
        match self.publish(&lines, Kind::Whole) {
            Sent::Stored(last) => {
                self.seen = last;
                self.count(Kind::Whole, (0, lines.len()), ERASE_AFTER);
                Ok(true)
            }
            Sent::Refused => Ok(false),
            Sent::Unknown { error, .. } => {
                warn!(%error, "Cannot write what nodes share anew: tried again later");
                Ok(false)
            }
        }
    }

    fn publish(&mut self, lines: &[u8], kind: Kind) -> Sent {
        let id = new_id();
        let parts: Vec<&[u8]> = lines.chunks(PART_BYTES_MAX).collect();
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX).max(1);
        let (mut after, mut parts) = (self.seen, parts.into_iter());
        for part in 1..=count {
            let bytes = Bytes::copy_from_slice(parts.next().unwrap_or_default());
            let message = message(self.schema, bytes, (part, count), kind, &id);
            match self.runtime.block_on(self.shared.publish(message, after)) {
                Published::Stored(sequence) => after = sequence,
                // Its first parts, without the last, are none.
                Published::Refused => return Sent::Refused,
                Published::Unknown(error) => return Sent::Unknown { id, error },
            }
        }
        Sent::Stored(after)
    }

    fn count(&mut self, kind: Kind, (messages, bytes): (u64, usize), delay: Duration) {
        match kind {
            Kind::Whole => (self.since, self.whole_bytes, self.erase) = ((0, 0), bytes, None),
            Kind::Rows => {}
            Kind::Erasing => _ = self.erase.get_or_insert((Instant::now(), delay)),
        }
        self.since.0 += messages;
        self.since.1 += bytes;
    }
}

/// What became of a batch.
enum Sent {
    Stored(u64),
    Refused,
    Unknown { id: String, error: SharedError },
}

/// Copies what was never shared to a file beside, if there is anything in it.
fn keep_beside(schema: &Schema, db: &Connection, identity: &str) -> Result<(), PeerError> {
    let is_empty = rows::whole(schema, db)?.is_empty();
    let Some(path) = db.path().filter(|_| !is_empty) else { return Ok(()) };
    let beside = format!("{path}.before-{}", identity.rsplit(' ').next().unwrap_or_default());
    // One that is there was made when this was tried before.
    if private().open(&beside).is_ok() {
        db.execute("VACUUM main INTO ?1", [&beside])?;
        warn!(file = beside, "This node has joined what the others share: its own is kept in a file beside");
    }
    Ok(())
}

fn message(schema: &Schema, bytes: Bytes, part: (u32, u32), kind: Kind, id: &str) -> Message {
    Message { sequence: 0, id: id.to_owned(), part, kind, format: schema.format, bytes }
}

/// Returns how a file is made that only its owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn new_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// Notes how far this node has come.
fn note(db: &Connection, upto: u64) -> rusqlite::Result<()> {
    db.execute("INSERT OR REPLACE INTO settings VALUES ('shared-upto', ?1)", [upto]).map(drop)
}

fn setting<T: rusqlite::types::FromSql>(db: &Connection, name: &str) -> rusqlite::Result<Option<T>> {
    db.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0)).optional()
}
