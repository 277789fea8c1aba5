//! Opening the log to append to it: from the files, as far as they go, below the newest signed head.

use std::io;

use log::Epoch;
use proof::Hash;
use proof::checkpoint::SignedCheckpoint;
use proof::note::SignerKey;
use proof::tile::Edge;
use tokio::runtime::Handle;
use tracing::info;

use crate::heads::Heads;
use crate::key::{KeyFileError, read_or_make};
use crate::ledger::Ledger;
use crate::options::{Options, origin_of};
use crate::reader::words;
use crate::sequencer::{KEEP_HEADS, KEEP_KEY, RESTORED, Sequencer, Trouble, park};
use crate::shared::{Found, SharedHeads};

const REBUILD: &str = "move the folder tlog away and start the service again: it is built anew from the log \
                       and has to come to the same head";

impl Sequencer {
    /// Opens the log of the event log `epoch`, which has `log_head` records, where nobody else signs. Blocks.
    pub(crate) fn open(options: &Options, epoch: Epoch, log_head: u64) -> Result<Self, Trouble> {
        let heads = Heads::open(&options.heads)?;
        let signed = newest(&heads, epoch)?;
        let key = key(options, epoch, signed.as_ref())?;
        let mut opened = Self::new(options, epoch, Ledger::Own(heads));
        opened.key = Some(key);
        let Some(signed) = signed else { return opened.first(options) };
        let (size, root) = place_of(&signed);
        if log_head < size {
            let why = format!("a head over {size} records is signed, the log has {log_head}");
            return Err(park(why, RESTORED));
        }
        opened.signed = Some((size, root));
        if !has_files(options) {
            opened.shelf.sweep(0)?;
            opened.awaited = Some(signed);
            return Ok(opened);
        }
        if let Some(missing) = opened.resume(&signed)? {
            let why = format!("the files are behind the signed head: {missing} is missing");
            return Err(park(why, REBUILD));
        }
        opened.shown = size;
        opened.show(signed)?;
        Ok(opened)
    }

    /// Opens it where several processes sign in turn, in a place that says `found`. What the files lack is
    /// made from the event log. Blocks.
    pub(crate) fn open_shared(
        options: &Options,
        (epoch, log_head): (Epoch, u64),
        (place, found): (SharedHeads, Option<Found>),
    ) -> Result<Self, Trouble> {
        let seen = Heads::open(&options.heads)?;
        let own = newest(&seen, epoch)?;
        let found = match (found, &own) {
            (None, Some(own)) => Some(put_first(options, own, &place)?),
            (found, _) => found,
        };
        let mut opened =
            Self::new(options, epoch, Ledger::Shared { seen, place: Box::new(place), revision: 0 });
        let Some(found) = found else {
            opened.origin = Some(origin(options, epoch, None)?);
            return opened.first(options);
        };
        let head = found.head().map_err(|why| damaged(&why))?;
        let (size, root) = place_of(&head);
        if let Some((own_size, own_root)) = own.as_ref().map(place_of) {
            if size < own_size {
                let why = format!("the shared head is over {size} records, one over {own_size} was here");
                return Err(Trouble::Again(why));
            }
            if size == own_size && root != own_root {
                return Err(park("the shared head is not the one that was here before", KEEP_HEADS));
            }
        }
        if log_head < size {
            let why = format!("a head over {size} records is signed, the log has {log_head} here");
            return Err(Trouble::Again(why));
        }
        opened.go_on(options, &[Some(&head), own.as_ref()])?;
        opened.adopt(&found)
    }

    /// Returns an empty log that nothing was ever signed of.
    fn first(self, options: &Options) -> Result<Self, Trouble> {
        if options.tiles.join("checkpoint").exists() {
            let why = "the folder tlog holds a signed log, and notary.db knows nothing of it";
            return Err(park(why, KEEP_HEADS));
        }
        self.shelf.sweep(0)?;
        Ok(self)
    }

    /// Goes on from the files below the first of `heads` that all are there of, or from none.
    fn go_on(&mut self, options: &Options, heads: &[Option<&SignedCheckpoint>]) -> Result<(), Trouble> {
        if has_files(options) {
            for head in heads.iter().flatten() {
                if self.resume(head)?.is_none() {
                    self.shown = self.edge.size();
                    return self.show(SignedCheckpoint::clone(head));
                }
            }
            info!("The files of the transparency log are not whole: they are made again from the log");
        }
        self.shelf.sweep(0)?;
        Ok(())
    }

    /// Goes on from the files below `signed`; returns the first that is missing.
    fn resume(&mut self, signed: &SignedCheckpoint) -> Result<Option<String>, Trouble> {
        let (size, root) = place_of(signed);
        let mut files = Vec::new();
        for path in Edge::files(size) {
            match self.shelf.read(path) {
                Ok(bytes) => files.push(bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(path.to_string())),
                Err(error) => return Err(error.into()),
            }
        }
        let resumed = Edge::resume(size, &root, &files);
        self.edge = resumed.map_err(|error| {
            park(format!("the files are not below the signed head: {}", words(error)), REBUILD)
        })?;
        self.shelf.sweep(size)?;
        Ok(None)
    }
}

/// Returns size and root of a head.
pub(crate) fn place_of(signed: &SignedCheckpoint) -> (u64, Hash) {
    (signed.checkpoint().size(), *signed.checkpoint().root())
}

fn newest(heads: &Heads, epoch: Epoch) -> Result<Option<SignedCheckpoint>, Trouble> {
    let note = heads.newest(epoch)?;
    let signed = note.map(|note| SignedCheckpoint::parse(note.as_bytes())).transpose();
    signed.map_err(|error| park(format!("notary.db is damaged: {}", words(error)), KEEP_HEADS))
}

/// Without a checkpoint the files were deleted, or a crash cut off making them again.
fn has_files(options: &Options) -> bool {
    options.tiles.join("checkpoint").exists() && options.tiles.join("tile").exists()
}

pub(crate) fn damaged(why: &str) -> Trouble {
    park(format!("the shared head cannot be read: {why}"), KEEP_HEADS)
}

/// Puts the head that was signed here, when nobody shared the log, into the place that is shared now; for
/// whoever has the key that signed it.
fn put_first(options: &Options, own: &SignedCheckpoint, place: &SharedHeads) -> Result<Found, Trouble> {
    if key_of(options, own)?.is_err() {
        let (size, _) = place_of(own);
        return Err(Trouble::Again(format!("a head over {size} records was here, and no head is shared")));
    }
    let note = own.to_text();
    let revision = Handle::current().block_on(place.swap(0, note.clone()));
    let revision = revision.map_err(|error| Trouble::Again(error.to_string()))?;
    Ok(Found { note, revision })
}

/// Returns the key that signed `signed`, if it is here, or why not.
pub(crate) fn key_of(
    options: &Options,
    signed: &SignedCheckpoint,
) -> Result<Result<SignerKey, String>, Trouble> {
    let file = options.key.display();
    if !options.key.exists() {
        return Ok(Err(format!("there is no key here: copy the key of the node that signs to {file}")));
    }
    let name = origin(options, Epoch(0), Some(signed))?;
    let key = match read_or_make(&options.key, &name) {
        Ok(key) => key,
        Err(error) => return Ok(Err(words(error))),
    };
    let own = [key.verifier().clone()];
    if signed.note().verify(&own).is_err() {
        return Ok(Err(format!("the key in {file} is not the one that signs the log")));
    }
    Ok(Ok(key))
}

/// Returns the key to sign with: that of `signed`, if anything was signed before.
fn key(options: &Options, epoch: Epoch, signed: Option<&SignedCheckpoint>) -> Result<SignerKey, Trouble> {
    let name = origin(options, epoch, signed)?;
    if signed.is_some() && !options.key.exists() {
        return Err(park("the key that signed the log is gone", KEEP_KEY));
    }
    let key = made(options, &name)?;
    let own = [key.verifier().clone()];
    if signed.is_some_and(|signed| signed.note().verify(&own).is_err()) {
        return Err(park("the newest head was signed with another key than notary.key", KEEP_KEY));
    }
    Ok(key)
}

/// Returns the key in its file, which is made if there is none.
pub(crate) fn made(options: &Options, name: &proof::note::KeyName) -> Result<SignerKey, Trouble> {
    read_or_make(&options.key, name).map_err(|error| match error {
        KeyFileError::Io { .. } => Trouble::Again(words(error)),
        KeyFileError::Foreign { .. } => park(words(error), KEEP_KEY),
    })
}

/// Returns what the log is called: what it was signed under before, else as configured.
fn origin(
    options: &Options,
    epoch: Epoch,
    signed: Option<&SignedCheckpoint>,
) -> Result<proof::note::KeyName, Trouble> {
    match signed {
        Some(signed) => {
            signed.checkpoint().origin().parse().map_err(|_| park("the origin is no key's name", KEEP_HEADS))
        }
        None => {
            origin_of(&options.name, epoch).map_err(|error| park(error.to_string(), "set `[notary] name`"))
        }
    }
}
