//! Reading the log: what is served, receipts, and the proof that the files are those of the event log.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use log::{Epoch, EventLog, Position};
use proof::Hash;
use proof::audit::{LogReader, audit};
use proof::checkpoint::SignedCheckpoint;
use proof::entry::Entry;
use proof::note::VerifierKey;
use proof::receipt::Receipt;
use proof::tile::{self, Bundle, Edge, FilePath, Tile, TileHashes, bundle_prefix};
use proof::tree::{Plan, TileReader};
use tokio::sync::watch;

use crate::heads::Heads;
use crate::options::{Options, origin_of};
use crate::shelf::Shelf;
use crate::status::Status;

/// How often a reading starts again because the log has grown under it.
const CHECK_TRIES: u32 = 8;

/// A signed head, and all that is needed to read the log below it: the full files are on the shelf, and
/// never change; the partial ones are here.
#[derive(Debug)]
pub(crate) struct Head {
    signed: SignedCheckpoint,
    text: String,
    partials: Arc<Vec<tile::File>>,
    shelf: Shelf,
}

impl Head {
    /// Reads the partial files of the tree of `signed`.
    pub(crate) fn load(signed: SignedCheckpoint, shelf: &Shelf) -> io::Result<Self> {
        let files = Edge::files(signed.checkpoint().size());
        let read = files.into_iter().map(|path| Ok(tile::File { path, bytes: shelf.read(path)? }));
        let partials = Arc::new(read.collect::<io::Result<Vec<_>>>()?);
        Ok(Self { text: signed.to_text(), signed, partials, shelf: shelf.clone() })
    }

    /// Returns the head `signed` of the same log, of this size or a smaller one.
    pub(crate) fn with(&self, signed: SignedCheckpoint) -> Self {
        let (partials, shelf) = (Arc::clone(&self.partials), self.shelf.clone());
        Self { text: signed.to_text(), signed, partials, shelf }
    }

    pub(crate) fn signed(&self) -> &SignedCheckpoint {
        &self.signed
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn size(&self) -> u64 {
        self.signed.checkpoint().size()
    }

    pub(crate) fn root(&self) -> Hash {
        *self.signed.checkpoint().root()
    }

    /// Returns the bytes of the file at `path`, or of a wider version of it.
    fn widest(&self, path: FilePath) -> io::Result<Vec<u8>> {
        let held = self.partials.iter().find(|file| is_version_of(file.path, path));
        match held {
            Some(file) => Ok(file.bytes.clone()),
            None => self.shelf.read(full(path)),
        }
    }
}

/// Returns whether `wider` is a version of the file `path` that holds at least as much.
fn is_version_of(wider: FilePath, path: FilePath) -> bool {
    match (wider, path) {
        (FilePath::Tile(wider), FilePath::Tile(tile)) => {
            (wider.level(), wider.index()) == (tile.level(), tile.index()) && wider.width() >= tile.width()
        }
        (FilePath::Entries(wider), FilePath::Entries(bundle)) => {
            wider.index() == bundle.index() && wider.width() >= bundle.width()
        }
        _ => false,
    }
}

/// Returns the full version of a file.
fn full(path: FilePath) -> FilePath {
    match path {
        FilePath::Tile(tile) => Tile::new(tile.level(), tile.index(), tile::FULL_WIDTH).map(FilePath::Tile),
        FilePath::Entries(bundle) => Bundle::new(bundle.index(), tile::FULL_WIDTH).map(FilePath::Entries),
    }
    .unwrap_or(path)
}

impl TileReader for Head {
    type Error = io::Error;

    fn tile(&self, tile: Tile) -> io::Result<Vec<u8>> {
        self.widest(FilePath::Tile(tile))
    }
}

impl LogReader for Head {
    fn bundle(&self, bundle: Bundle) -> io::Result<Vec<u8>> {
        let bytes = self.widest(FilePath::Entries(bundle))?;
        let prefix = bundle_prefix(bundle, &bytes).map_err(invalid)?;
        Ok(prefix.to_vec())
    }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// A file of the log as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Its bytes: they never change.
    pub bytes: Bytes,
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The record is under no signed head yet: ask again in a moment, or see what the notary says.
    #[error("the record is under no signed head yet")]
    NotYet,
    /// The files could not be read, or are damaged: `writethru check` says which.
    #[error("the transparency log cannot be read")]
    Unreadable(#[source] io::Error),
}

/// A handle that reads what the notary keeps; clones share it.
#[derive(Debug, Clone)]
pub struct Reader {
    status: watch::Receiver<Status>,
}

impl Reader {
    pub(crate) fn new(status: watch::Receiver<Status>) -> Self {
        Self { status }
    }

    /// Returns how the notary does. Does not block.
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Returns a receiver that shows how the notary does.
    pub fn follow(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Returns the file that has `path` below the log's address, such as `tile/0/000.p/7`; `None` if
    /// the log has no such file yet, or never. A partial file stays as long as the log does, also once
    /// a wider one is there.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn file(&self, path: &str) -> io::Result<Option<Served>> {
        let Ok(path) = path.parse::<FilePath>() else { return Ok(None) };
        let Some(head) = self.status().head else { return Ok(None) };
        let (level, index, width) = match path {
            FilePath::Tile(tile) => (tile.level(), tile.index(), tile.width()),
            FilePath::Entries(bundle) => (0, bundle.index(), bundle.width()),
        };
        if Tile::in_tree(level, index, head.size()).is_none_or(|tile| tile.width() < width) {
            return Ok(None);
        }
        let read = tokio::task::spawn_blocking(move || match path {
            FilePath::Tile(tile) => {
                let hashes = TileHashes::from_bytes(tile, &head.tile(tile)?).map_err(invalid)?;
                Ok(hashes.to_bytes())
            }
            FilePath::Entries(bundle) => head.bundle(bundle),
        });
        let bytes = read.await.map_err(io::Error::other)??;
        Ok(Some(Served { bytes: bytes.into() }))
    }

    /// Returns the receipt (c2sp.org/tlog-proof) of the record at `position`, waiting up to `patience`
    /// for a head over it. Under a head that was cosigned, if there is one over it.
    ///
    /// # Errors
    /// [`ProveError`].
    pub async fn receipt(&self, position: Position, patience: Duration) -> Result<String, ProveError> {
        let mut status = self.status.clone();
        let covered = status.wait_for(|status| status.size() >= position.0);
        let status = match tokio::time::timeout(patience, covered).await {
            Ok(Ok(status)) => status.clone(),
            _ => return Err(ProveError::NotYet),
        };
        let head = status.cosigned.filter(|head| head.size() >= position.0).or(status.head);
        let head = head.ok_or(ProveError::NotYet)?;
        let index = position.0.checked_sub(1).ok_or(ProveError::NotYet)?;
        let made = tokio::task::spawn_blocking(move || receipt(&head, index));
        made.await.map_err(io::Error::other).flatten().map_err(ProveError::Unreadable)
    }
}

fn receipt(head: &Head, index: u64) -> io::Result<String> {
    let path = Plan::inclusion(index, head.size()).map_err(invalid)?.read(head).map_err(invalid)?;
    let place = usize::try_from(index % 256).expect("below 256");
    let leaf = leaves_beside(head, index)?.get(place).copied().ok_or(io::ErrorKind::InvalidData)?;
    let receipt = Receipt::new(&leaf, index, path, head.signed.clone()).map_err(invalid)?;
    Ok(receipt.to_text())
}

/// Returns the leaves of the tile that has the one at `index`, which the tree has.
fn leaves_beside(head: &Head, index: u64) -> io::Result<Vec<Hash>> {
    let tile = Tile::in_tree(0, index / 256, head.size()).ok_or(io::ErrorKind::InvalidInput)?;
    let hashes = TileHashes::from_bytes(tile, &head.tile(tile)?).map_err(invalid)?;
    Ok(hashes.hashes().to_vec())
}

/// Returns the last entry of the log under `head`.
pub(crate) fn last_entry(head: &Head) -> io::Result<Option<Entry>> {
    let Some(last) = head.size().checked_sub(1) else { return Ok(None) };
    let bundle = Bundle::in_tree(last / 256, head.size()).ok_or(io::ErrorKind::InvalidData)?;
    let bytes = head.bundle(bundle)?;
    let entries = tile::bundle_entries(bundle, &bytes).map_err(invalid)?;
    let last = entries.last().ok_or(io::ErrorKind::InvalidData)?;
    Entry::from_bytes(last).map(Some).map_err(invalid)
}

/// Returns the verifier key of the log over the event log `epoch`: by the origin that it was signed under
/// first, or would be. Changes nothing. Blocks.
///
/// # Errors
/// In words; also that there is no key yet.
pub fn verifier_key(options: &Options, epoch: Epoch) -> Result<VerifierKey, String> {
    let heads = Heads::look(&options.heads).map_err(words)?;
    let note = heads.map(|heads| heads.newest(epoch)).transpose().map_err(words)?.flatten();
    let signed = note.map(|note| SignedCheckpoint::parse(note.as_bytes())).transpose().map_err(words)?;
    let name = match signed {
        Some(signed) => signed.checkpoint().origin().parse().map_err(words)?,
        None => origin_of(&options.name, epoch).map_err(words)?,
    };
    if !options.key.is_file() {
        return Err(format!("there is no {}", options.key.display()));
    }
    Ok(crate::key::read_or_make(&options.key, &name).map_err(words)?.verifier().clone())
}

/// What a check of the files found to be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// The log's origin.
    pub origin: String,
    /// How many records the signed head is over.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Proves the files below the newest signed head: every entry and every tile against its root, and every
/// entry against the record of `log`; and that the head is signed with the key. Changes nothing. `None`
/// if nothing was ever signed.
///
/// # Errors
/// The first fault in words.
pub async fn check_files(options: &Options, log: &EventLog) -> Result<Option<Audited>, String> {
    let (own, epoch) = (options.clone(), log.epoch());
    let audited =
        tokio::task::spawn_blocking(move || newest(&own, epoch)?.map(|head| audited(&own, head)).transpose());
    let Some(head) = audited.await.map_err(words)?? else { return Ok(None) };
    let head = Arc::new(head);
    compare(&head, log).await?;
    let origin = head.signed.checkpoint().origin().to_owned();
    Ok(Some(Audited { origin, size: head.size(), root: head.root() }))
}

/// Returns the newest signed head and what reads the files below it; `None` if nothing was ever signed.
/// Verifies nothing and changes nothing, also beside a service that runs. Blocks.
///
/// # Errors
/// The files cannot be read, in words.
pub fn snapshot(options: &Options, epoch: Epoch) -> Result<Option<Snapshot>, String> {
    Ok(newest(options, epoch)?.map(Snapshot))
}

/// A signed head, and the log below it.
#[derive(Debug)]
pub struct Snapshot(Head);

impl Snapshot {
    /// Returns the head as it was signed and cosigned.
    pub fn head(&self) -> &SignedCheckpoint {
        &self.0.signed
    }
}

impl TileReader for Snapshot {
    type Error = io::Error;

    fn tile(&self, tile: Tile) -> io::Result<Vec<u8>> {
        self.0.tile(tile)
    }
}

impl LogReader for Snapshot {
    fn bundle(&self, bundle: Bundle) -> io::Result<Vec<u8>> {
        self.0.bundle(bundle)
    }
}

/// Returns the newest head that was signed.
fn newest(options: &Options, epoch: Epoch) -> Result<Option<Head>, String> {
    // A service that runs may have gone on between reading the head and its files.
    for left in (0..CHECK_TRIES).rev() {
        let Some(heads) = Heads::look(&options.heads).map_err(words)? else { return Ok(None) };
        let Some(note) = heads.newest(epoch).map_err(words)? else { return Ok(None) };
        let signed = SignedCheckpoint::parse(note.as_bytes()).map_err(words)?;
        match Head::load(signed, &Shelf::new(options.tiles.clone())) {
            Err(error) if left > 0 && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(words(error)),
            Ok(head) => return Ok(Some(head)),
        }
    }
    Ok(None)
}

fn audited(options: &Options, head: Head) -> Result<Head, String> {
    let checkpoint = head.signed.checkpoint();
    let name = checkpoint.origin().parse().map_err(words)?;
    if options.key.is_file() {
        let key = crate::key::read_or_make(&options.key, &name).map_err(words)?;
        let own = [key.verifier().clone()];
        head.signed.note().verify(&own).map_err(|error| {
            format!("the head is not signed with the key of {}: {}", options.key.display(), words(error))
        })?;
        served(options, &own).map_err(|why| format!("the file checkpoint, which is served: {why}"))?;
    }
    audit(checkpoint, &head, 0, |_, _| {}).map_err(words)?;
    Ok(head)
}

/// Verifies the head that stands beside the tiles for whoever copies them. It may be an earlier one than the
/// newest, or a later one than was read, or not there yet: what counts is in the second place, and a crash may
/// come between.
fn served(options: &Options, own: &[VerifierKey]) -> Result<(), String> {
    let text = match Shelf::new(options.tiles.clone()).checkpoint() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(words)?,
    };
    let signed = SignedCheckpoint::parse(&text).map_err(words)?;
    signed.note().verify(own).map_err(words).map(drop)
}

/// Compares every entry with its record.
async fn compare(head: &Arc<Head>, log: &EventLog) -> Result<(), String> {
    let mut index = 0;
    while index < head.size() {
        let records = log.read(Position(index + 1), 4_096).await.map_err(words)?;
        if records.is_empty() {
            return Err(format!("a head over {} records is signed, the log has {index}", head.size()));
        }
        let own = Arc::clone(head);
        let compared = tokio::task::spawn_blocking(move || {
            let mut leaves = Vec::new();
            for record in records {
                if index == own.size() {
                    break;
                }
                let entry = Entry::of_envelope(&record.envelope).map_err(words)?;
                let place = usize::try_from(index % 256).expect("below 256");
                if leaves.is_empty() || place == 0 {
                    leaves = leaves_beside(&own, index).map_err(words)?;
                }
                if leaves.get(place) != Some(&entry.hash()) {
                    return Err(format!("position {} is not what was signed", record.position));
                }
                index += 1;
            }
            Ok(index)
        });
        index = compared.await.map_err(words)??;
    }
    Ok(())
}

/// Returns an error and its causes in one line.
pub(crate) fn words(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
