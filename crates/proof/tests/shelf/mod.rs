//! A log's files in memory, and logs of a given length: what these tests read and spoil.

#![allow(dead_code, reason = "each test file and benchmark uses its own part")]

use std::cell::RefCell;
use std::collections::BTreeMap;

use proof::Hash;
use proof::audit::LogReader;
use proof::entry::Entry;
use proof::note::{Algorithm, SignerKey, VerifierKey};
use proof::tile::{Bundle, Edge, FilePath, Tile};
use proof::tree::{Plan, TileReader};
use writethru_proof as proof;

/// The files of a log by their paths.
#[derive(Clone, Default)]
pub(crate) struct Shelf {
    pub(crate) files: BTreeMap<FilePath, Vec<u8>>,
    /// What was asked for.
    pub(crate) asked: RefCell<Vec<FilePath>>,
}

/// There is no such file.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not on the shelf")]
pub(crate) struct Absent(FilePath);

impl Shelf {
    /// Returns the widest file at the place of `path`.
    fn widest(&self, path: FilePath) -> Result<Vec<u8>, Absent> {
        self.asked.borrow_mut().push(path);
        let full = match path {
            FilePath::Tile(tile) => Tile::new(tile.level(), tile.index(), 256).map(FilePath::Tile),
            FilePath::Entries(_) => None,
        };
        let widest = self.files.range(path..=full.unwrap_or(path)).next_back();
        widest.map(|(_, bytes)| bytes.clone()).ok_or(Absent(path))
    }
}

impl TileReader for Shelf {
    type Error = Absent;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, Absent> {
        self.widest(FilePath::Tile(tile))
    }
}

impl LogReader for Shelf {
    fn bundle(&self, bundle: Bundle) -> Result<Vec<u8>, Absent> {
        self.widest(FilePath::Entries(bundle))
    }
}

/// Returns the envelope number `index`.
pub(crate) fn envelope(index: u64) -> Vec<u8> {
    format!(r#"{{"revision":{index},"state":"{}"}}"#, "s".repeat((index % 97) as usize)).into_bytes()
}

/// Returns the entries from `from` up to `to`.
pub(crate) fn entries(from: u64, to: u64) -> Vec<Entry> {
    (from..to).map(|index| Entry::of_envelope(&envelope(index)).expect("an envelope")).collect()
}

/// Returns the log of `size` entries, written in one go.
pub(crate) fn log_of(size: u64) -> (Edge, Shelf) {
    let mut shelf = Shelf::default();
    let edge = grow(Edge::new(), size, &mut shelf);
    (edge, shelf)
}

/// Appends entries up to `size` and puts the files onto the shelf.
pub(crate) fn grow(edge: Edge, size: u64, shelf: &mut Shelf) -> Edge {
    let added = entries(edge.size(), size);
    let grown = edge.grow(&added).expect("grows");
    shelf.files.extend(grown.files.into_iter().map(|file| (file.path, file.bytes)));
    grown.edge
}

/// Returns the root of the first `size` entries.
pub(crate) fn root(shelf: &Shelf, size: u64) -> Hash {
    Plan::root(size).expect("a tree").read(shelf).expect("reads")[0]
}

/// Returns the inclusion path of `index` in the tree of `size`.
pub(crate) fn inclusion(shelf: &Shelf, index: u64, size: u64) -> Vec<Hash> {
    Plan::inclusion(index, size).expect("an entry of the tree").read(shelf).expect("reads")
}

/// Returns the consistency path between two sizes.
pub(crate) fn consistency(shelf: &Shelf, old: u64, new: u64) -> Vec<Hash> {
    Plan::consistency(old, new).expect("growth").read(shelf).expect("reads")
}

/// The origin of the logs here, and the name of their key.
pub(crate) const ORIGIN: &str = "wire.example/writethru/log";

/// Returns the log's key.
pub(crate) fn log_key() -> SignerKey {
    key(ORIGIN, Algorithm::Ed25519, 1)
}

/// Returns the key of the witness number `number`.
pub(crate) fn witness_key(number: u8) -> SignerKey {
    key(&format!("witness{number}.example/w"), Algorithm::Cosignature, 100 + number)
}

/// Returns a key made from one byte.
pub(crate) fn key(name: &str, algorithm: Algorithm, seed: u8) -> SignerKey {
    SignerKey::from_seed(name.parse().expect("a name"), algorithm, &[seed; 32]).expect("a key")
}

/// Returns the verifier keys of the witnesses 0 up to `count`.
pub(crate) fn witnesses(count: u8) -> Vec<VerifierKey> {
    (0..count).map(|number| witness_key(number).verifier().clone()).collect()
}

/// Calls `check` with every change of one byte of `bytes` to another.
pub(crate) fn spoil(bytes: &[u8], mut check: impl FnMut(usize, &[u8])) {
    let mut spoiled = bytes.to_vec();
    for place in 0..bytes.len() {
        for bit in [1, 0x20, 0x80] {
            spoiled[place] = bytes[place] ^ bit;
            check(place, &spoiled);
        }
        spoiled[place] = bytes[place];
    }
}
