//! Appending and signing, in the order that makes it safe: the files, synced; the head in its second
//! place, by compare-and-swap; then the checkpoint, for all to see.
//!
//! Whoever gets an error has no sequencer any more and opens another, which reads everything again.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use log::Epoch;
use proof::Hash;
use proof::checkpoint::{Checkpoint, SignedCheckpoint};
use proof::entry::Entry;
use proof::note::{Signature, SignerKey};
use proof::tile::Edge;

use crate::heads::{Heads, HeadsError};
use crate::key::{KeyFileError, read_or_make};
use crate::options::{Options, origin_of};
use crate::reader::{Head, words};
use crate::shelf::{Shelf, WriteError};
use crate::status::Parked;

/// Why nothing more was signed.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Read everything again and try again.
    Again(String),
    /// A person has to look.
    Park(Parked),
}

/// The log, ready to be appended to.
#[derive(Debug)]
pub(crate) struct Sequencer {
    shelf: Shelf,
    heads: Heads,
    key: SignerKey,
    epoch: Epoch,
    edge: Edge,
    /// Size and root of the newest head in its second place.
    signed: Option<(u64, Hash)>,
    /// That head, once the files below it are there.
    head: Option<Arc<Head>>,
    /// That head as text, until they are.
    awaited: Option<SignedCheckpoint>,
}

const KEEP_KEY: &str = "put notary.key back from where you keep a copy, and start the service again";
const KEEP_HEADS: &str = "put notary.db back; if it is lost for good, move the folder tlog away and start \
                          the service again: witnesses still know what was signed";
const REBUILD: &str = "move the folder tlog away and start the service again: it is built anew from the log \
                       and has to come to the same head";
const RESTORED: &str = "the log is an older copy than what was signed: put the newer log.db back, or give the \
                        older one a life and an origin of its own with `writethru backup` and `writethru \
                        restore-backup` into a new data dir";

impl Sequencer {
    /// Opens the log of the event log `epoch`, which has `log_head` records. Blocks.
    pub(crate) fn open(options: &Options, epoch: Epoch, log_head: u64) -> Result<Self, Trouble> {
        let heads = Heads::open(&options.heads)?;
        let note = heads.newest(epoch)?;
        let signed = note.map(|note| SignedCheckpoint::parse(note.as_bytes())).transpose();
        let signed =
            signed.map_err(|error| park(format!("notary.db is damaged: {}", words(error)), KEEP_HEADS))?;
        let key = key(options, epoch, signed.as_ref())?;
        let shelf = Shelf::new(options.tiles.clone());
        let mut opened =
            Self { shelf, heads, key, epoch, edge: Edge::new(), signed: None, head: None, awaited: None };
        let Some(signed) = signed else {
            if options.tiles.join("checkpoint").exists() {
                let why = "the folder tlog holds a signed log, and notary.db knows nothing of it";
                return Err(park(why, KEEP_HEADS));
            }
            opened.shelf.sweep(0)?;
            return Ok(opened);
        };
        let (size, root) = (signed.checkpoint().size(), *signed.checkpoint().root());
        if log_head < size {
            let why = format!("a head over {size} records is signed, the log has {log_head}");
            return Err(park(why, RESTORED));
        }
        opened.signed = Some((size, root));
        // Without a checkpoint the files were deleted, or a crash cut off making them again.
        if !options.tiles.join("checkpoint").exists() || !options.tiles.join("tile").exists() {
            opened.shelf.sweep(0)?;
            opened.awaited = Some(signed);
            return Ok(opened);
        }
        opened.resume(signed)?;
        Ok(opened)
    }

    /// Goes on from the files below `signed`.
    fn resume(&mut self, signed: SignedCheckpoint) -> Result<(), Trouble> {
        let (size, root) = (signed.checkpoint().size(), *signed.checkpoint().root());
        let mut files = Vec::new();
        for path in Edge::files(size) {
            files.push(self.shelf.read(path).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {
                    park(format!("the files are behind the signed head: {path} is missing"), REBUILD)
                }
                _ => Trouble::from(error),
            })?);
        }
        let resumed = Edge::resume(size, &root, &files);
        self.edge = resumed.map_err(|error| {
            park(format!("the files are not below the signed head: {}", words(error)), REBUILD)
        })?;
        self.shelf.sweep(size)?;
        self.show(signed)
    }

    /// Returns how many records are in the files.
    pub(crate) fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Returns the newest head, unless its files are still being made again.
    pub(crate) fn head(&self) -> Option<&Arc<Head>> {
        self.head.as_ref()
    }

    /// Returns whether files that were signed before are still being made again.
    pub(crate) fn is_rebuilding(&self) -> bool {
        self.awaited.is_some()
    }

    /// Appends the records' envelopes in order, and signs a head over all there is. Blocks.
    pub(crate) fn append(mut self, envelopes: &[Bytes]) -> Result<Self, Trouble> {
        let entries: Result<Vec<_>, _> =
            envelopes.iter().map(|envelope| Entry::of_envelope(envelope)).collect();
        let entries = entries.map_err(|error| {
            park(format!("a record has no envelope: {}", words(error)), "run `writethru check`")
        })?;
        let again = self.awaited.as_ref().map_or(0, |head| head.checkpoint().size() - self.edge.size());
        let again = usize::try_from(again).map_or(entries.len(), |again| again.min(entries.len()));
        let (again, new) = entries.split_at(again);
        if !again.is_empty() {
            self = self.append_again(again)?;
        }
        if new.is_empty() { Ok(self) } else { self.append_new(new) }
    }

    /// Appends what was signed before: it has to come to the same head.
    fn append_again(self, entries: &[Entry]) -> Result<Self, Trouble> {
        let old = self.edge.size();
        let mut grown = self.grow(entries)?;
        grown.shelf.drop_partials(old, grown.edge.size())?;
        if let Some(awaited) = grown.awaited.take_if(|head| head.checkpoint().size() == grown.edge.size()) {
            if *awaited.checkpoint().root() != grown.edge.root() {
                let why =
                    format!("the log's first {} records are not those that were signed", grown.edge.size());
                return Err(park(why, RESTORED));
            }
            grown.show(awaited)?;
        }
        Ok(grown)
    }

    fn append_new(self, entries: &[Entry]) -> Result<Self, Trouble> {
        let (old, before) = (self.edge.size(), self.signed);
        let mut grown = self.grow(entries)?;
        let (size, root) = (grown.edge.size(), grown.edge.root());
        assert_eq!(
            before.map_or(0, |(size, _)| size),
            old,
            "what is signed next follows on what was signed last"
        );
        let origin = grown.key.verifier().name().as_str().to_owned();
        let checkpoint = Checkpoint::new(&origin, size, root).expect("a key's name is a line");
        let signed = checkpoint.sign(&grown.key);
        grown.swap(&signed)?;
        grown.show(signed)?;
        grown.shelf.drop_partials(old, size)?;
        Ok(grown)
    }

    /// Writes the files of `entries`.
    fn grow(mut self, entries: &[Entry]) -> Result<Self, Trouble> {
        let grown = std::mem::take(&mut self.edge).grow(entries);
        let grown = grown.map_err(|error| park(words(error), "begin another log"))?;
        self.shelf.write(&grown.files)?;
        self.edge = grown.edge;
        Ok(self)
    }

    /// Puts a head into its second place.
    fn swap(&mut self, signed: &SignedCheckpoint) -> Result<(), Trouble> {
        if !self.heads.swap(self.epoch, self.signed, signed)? {
            let why = "notary.db holds another head than was read: another process signs with it";
            return Err(park(why, "stop the other process and start this one again"));
        }
        self.signed = Some((signed.checkpoint().size(), *signed.checkpoint().root()));
        Ok(())
    }

    /// Puts a head that stands in its second place before everybody.
    fn show(&mut self, signed: SignedCheckpoint) -> Result<(), Trouble> {
        let head = Head::load(signed, &self.shelf)?;
        self.shelf.write_checkpoint(head.text())?;
        self.head = Some(Arc::new(head));
        Ok(())
    }

    /// Adds cosignatures that were verified to the head that they are of, if it is still the newest, and
    /// returns that head with them. Blocks.
    pub(crate) fn cosign(&mut self, of: &Head, by: &[Signature]) -> Result<Option<Arc<Head>>, Trouble> {
        let newest = self.head.as_ref().filter(|head| (head.size(), head.root()) == (of.size(), of.root()));
        let Some(newest) = newest else { return Ok(None) };
        let mut signed = newest.signed().clone();
        for signature in by {
            signed.add(signature.clone()).map_err(|error| Trouble::Again(words(error)))?;
        }
        self.swap(&signed)?;
        self.show(signed)?;
        Ok(self.head.clone())
    }
}

/// Returns the key to sign with: that of `signed`, if anything was signed before.
fn key(options: &Options, epoch: Epoch, signed: Option<&SignedCheckpoint>) -> Result<SignerKey, Trouble> {
    let name = match signed {
        Some(signed) => signed
            .checkpoint()
            .origin()
            .parse()
            .map_err(|_| park("the origin is no key's name", KEEP_HEADS))?,
        None => {
            origin_of(&options.name, epoch).map_err(|error| park(error.to_string(), "set `[notary] name`"))?
        }
    };
    if signed.is_some() && !options.key.exists() {
        return Err(park("the key that signed the log is gone", KEEP_KEY));
    }
    let key = read_or_make(&options.key, &name).map_err(|error| match error {
        KeyFileError::Io { .. } => Trouble::Again(words(error)),
        KeyFileError::Foreign { .. } => park(words(error), KEEP_KEY),
    })?;
    let own = [key.verifier().clone()];
    if signed.is_some_and(|signed| signed.note().verify(&own).is_err()) {
        return Err(park("the newest head was signed with another key than notary.key", KEEP_KEY));
    }
    Ok(key)
}

pub(crate) fn park(why: impl Into<String>, next: &'static str) -> Trouble {
    Trouble::Park(Parked { why: why.into(), next })
}

impl From<HeadsError> for Trouble {
    fn from(error: HeadsError) -> Self {
        match error {
            HeadsError::Sqlite(_) => Self::Again(words(error)),
            HeadsError::Foreign => park(words(error), KEEP_HEADS),
        }
    }
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Io(_) => Self::Again(words(error)),
            WriteError::Differs { .. } => park(words(error), REBUILD),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Again(words(error))
    }
}
