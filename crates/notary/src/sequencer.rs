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
use proof::note::{KeyName, Signature, SignerKey};
use proof::tile::Edge;

use crate::heads::HeadsError;
use crate::ledger::Ledger;
use crate::opening::{damaged, key_of, made, place_of};
use crate::options::Options;
use crate::reader::{Head, words};
use crate::shared::Found;
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
    options: Options,
    pub(crate) shelf: Shelf,
    ledger: Ledger,
    pub(crate) key: Option<SignerKey>,
    /// What the log will be called, until something is signed.
    pub(crate) origin: Option<KeyName>,
    /// Why this process cannot sign, where others can.
    unable: Option<String>,
    epoch: Epoch,
    pub(crate) edge: Edge,
    /// Size and root of the newest head in its second place.
    pub(crate) signed: Option<(u64, Hash)>,
    /// The newest head, once the files below it are there.
    head: Option<Arc<Head>>,
    /// How many records the newest head is over that was ever shown from these files.
    pub(crate) shown: u64,
    /// The head in its second place, until its files are there.
    pub(crate) awaited: Option<SignedCheckpoint>,
}

pub(crate) const KEEP_KEY: &str =
    "put notary.key back from where you keep a copy, and start the service again";
pub(crate) const KEEP_HEADS: &str = "put notary.db back; if it is lost for good, move the folder tlog away and \
                                     start the service again: witnesses still know what was signed";
const REBUILD: &str = "move the folder tlog away and start the service again: it is built anew from the log \
                       and has to come to the same head";
pub(crate) const RESTORED: &str = "the log is an older copy than what was signed: put the newer log.db back, or \
                                   give the older one a life and an origin of its own with `writethru backup` \
                                   and `writethru restore-backup` into a new data dir";

impl Sequencer {
    /// Returns the empty log, to be opened.
    pub(crate) fn new(options: &Options, epoch: Epoch, ledger: Ledger) -> Self {
        Self {
            options: options.clone(),
            shelf: Shelf::new(options.tiles.clone()),
            ledger,
            key: None,
            origin: None,
            unable: None,
            epoch,
            edge: Edge::new(),
            signed: None,
            head: None,
            shown: 0,
            awaited: None,
        }
    }

    /// Returns how many records are in the files.
    pub(crate) fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Returns how many records the newest head is over, whoever signed it.
    pub(crate) fn signed_size(&self) -> u64 {
        self.signed.map_or(0, |(size, _)| size)
    }

    /// Returns the newest head, unless its files are still being made again.
    pub(crate) fn head(&self) -> Option<&Arc<Head>> {
        self.head.as_ref()
    }

    /// Returns whether files that were signed before are still being made again.
    pub(crate) fn is_rebuilding(&self) -> bool {
        self.awaited.is_some()
    }

    /// Returns why this process could not sign if it were its turn, if so.
    pub(crate) fn unable(&self) -> Option<&str> {
        self.unable.as_deref()
    }

    /// Takes the head that somebody else has signed for the one to go on from: what is signed next
    /// follows on it. What was known before changes nothing. Blocks.
    pub(crate) fn adopt(mut self, found: &Found) -> Result<Self, Trouble> {
        if found.revision <= self.ledger.revision() {
            return Ok(self);
        }
        let head = found.head().map_err(|why| damaged(&why))?;
        let (size, root) = place_of(&head);
        if size < self.edge.size() || size < self.signed_size() {
            let why = format!("the shared head is over {size} records, one over more was here");
            return Err(Trouble::Again(why));
        }
        if self.signed.is_some_and(|known| known.0 == size && known.1 != root) {
            return Err(park("two heads over as many records are signed, and differ", RESTORED));
        }
        match key_of(&self.options, &head)? {
            Ok(key) => (self.key, self.unable) = (Some(key), None),
            Err(why) => (self.key, self.unable) = (None, Some(why)),
        }
        self.ledger.saw(found.revision);
        (self.signed, self.awaited) = (Some((size, root)), Some(head));
        self.arrive()?;
        Ok(self)
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
        grown.shelf.drop_partials(old, [grown.shown, grown.edge.size()])?;
        grown.arrive()?;
        Ok(grown)
    }

    /// Shows the head that was awaited, if the files are there by now.
    fn arrive(&mut self) -> Result<(), Trouble> {
        let size = self.edge.size();
        let Some(awaited) = self.awaited.take_if(|head| head.checkpoint().size() == size) else {
            return Ok(());
        };
        if *awaited.checkpoint().root() != self.edge.root() {
            let why = format!("the log's first {size} records are not those that were signed");
            return Err(park(why, RESTORED));
        }
        self.show(awaited)
    }

    fn append_new(mut self, entries: &[Entry]) -> Result<Self, Trouble> {
        let key = match (self.key.take(), &self.origin) {
            (Some(key), _) => key,
            (None, Some(origin)) => made(&self.options, origin)?,
            (None, None) => return Err(Trouble::Again("there is no key to sign with".to_owned())),
        };
        let (old, before) = (self.edge.size(), self.signed);
        let mut grown = self.grow(entries)?;
        let (size, root) = (grown.edge.size(), grown.edge.root());
        assert_eq!(
            before.map_or(0, |(size, _)| size),
            old,
            "what is signed next follows on what was signed last"
        );
        let origin = key.verifier().name().as_str().to_owned();
        let checkpoint = Checkpoint::new(&origin, size, root).expect("a key's name is a line");
        let signed = checkpoint.sign(&key);
        grown.key = Some(key);
        grown.swap(&signed)?;
        grown.show(signed)?;
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
        self.ledger.swap(self.epoch, self.signed, signed)?;
        self.signed = Some(place_of(signed));
        Ok(())
    }

    /// Puts a head that stands in its second place before everybody.
    pub(crate) fn show(&mut self, signed: SignedCheckpoint) -> Result<(), Trouble> {
        let head = Head::load(signed, &self.shelf)?;
        self.ledger.remember(self.epoch, head.signed())?;
        self.shelf.write_checkpoint(head.text())?;
        self.shelf.drop_partials(self.shown, [head.size(); 2])?;
        self.shown = head.size();
        self.head = Some(Arc::new(head));
        Ok(())
    }

    /// Adds cosignatures that were verified to the head that they are of, if it is still the newest, and
    /// returns that head with them. Blocks.
    pub(crate) fn cosign(&mut self, of: &Head, by: &[Signature]) -> Result<Option<Arc<Head>>, Trouble> {
        let newest = self.head.as_ref().filter(|head| (head.size(), head.root()) == (of.size(), of.root()));
        let Some(newest) = newest else { return Ok(None) };
        if self.signed != Some((newest.size(), newest.root())) {
            return Ok(None); // Somebody else has signed since.
        }
        let mut signed = newest.signed().clone();
        for signature in by {
            signed.add(signature.clone()).map_err(|error| Trouble::Again(words(error)))?;
        }
        self.swap(&signed)?;
        self.show(signed)?;
        Ok(self.head.clone())
    }
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
