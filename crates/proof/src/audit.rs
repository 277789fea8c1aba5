//! Verifying a whole log offline: every entry and every tile, against one checkpoint.
//!
//! Works from the root down. A tile is believed once the tile above, or the root, says so; an entry
//! once its tile does. So the first fault is named by its place, and not just noticed at the end.
//! One tile a level is held at a time, however long the log is.

use std::collections::BTreeSet;

use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::tile::peaks;
use crate::tile::{
    Bundle, BundleError, FilePath, HEIGHT, LEVEL_MAX, Tile, TileError, TileHashes, bundle_entries,
};
use crate::tree::{Frontier, TileReader, entry_hash, join};

/// Where the tiles and the entries of a log are kept.
pub trait LogReader: TileReader {
    /// Returns the bytes of the bundle, exactly of its width.
    ///
    /// # Errors
    /// Whatever keeps the reader from it; a bundle that is not there is an error too.
    fn bundle(&self, bundle: Bundle) -> Result<Vec<u8>, Self::Error>;
}

/// The first thing that is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum Fault<E: std::error::Error + 'static> {
    /// A file could not be read: the reader says whether to try again.
    #[error("{path} could not be read")]
    Reader {
        /// Which one.
        path: FilePath,
        /// Why.
        source: E,
    },
    /// A file is no tile of its width.
    #[error("{} is no such tile", FilePath::Tile(*.tile))]
    Tile {
        /// Which one.
        tile: Tile,
        /// What is wrong with it.
        source: TileError,
    },
    /// The partial tiles do not make the root: one of them was changed, or the checkpoint is of
    /// another tree.
    #[error("the partial tiles do not make the checkpoint's root")]
    Root,
    /// A full tile is not the one that the tree has: it was changed.
    #[error("{} is not the tile that the tree has", FilePath::Tile(*.tile))]
    Changed {
        /// Which one.
        tile: Tile,
    },
    /// A file is no bundle of its width.
    #[error("{} is no such bundle", FilePath::Entries(*.bundle))]
    Bundle {
        /// Which one.
        bundle: Bundle,
        /// What is wrong with it.
        source: BundleError,
    },
    /// An entry is not the one that the tree has: it was changed.
    #[error("entry {index} is not the one that the tree has")]
    Entry {
        /// Its index, from 0.
        index: u64,
    },
}

/// Why a list of entries is not that of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// Entries are missing, or there are too many.
    #[error("the list has {listed} entries, the checkpoint {size}")]
    Size {
        /// How many entries the list has, counted no further than one beyond the checkpoint.
        listed: u64,
        /// How many it should have.
        size: u64,
    },
    /// One entry at least is another, or in another place. Audit with the log's tiles to learn which.
    #[error("the entries do not make the checkpoint's root")]
    Root,
}

/// Tiles of one log that are believed because the root of a checkpoint says so.
struct Believed<'a, R> {
    reader: &'a R,
    size: u64,
    /// The partial tile of each level, if it has one.
    partial: Vec<Option<TileHashes>>,
    /// The full tile of each level that was read last.
    full: Vec<Option<(Tile, TileHashes)>>,
}

/// Verifies every entry from the index `from` on, with all tiles above them, against `checkpoint`,
/// and shows each entry to `visit` once it is believed.
///
/// # Errors
/// [`Fault`]: the first one, from the left. What `visit` saw before it stays true.
pub fn audit<R: LogReader>(
    checkpoint: &Checkpoint,
    reader: &R,
    from: u64,
    mut visit: impl FnMut(u64, &[u8]),
) -> Result<(), Fault<R::Error>> {
    audit_bundles(checkpoint, reader, from >> HEIGHT.., |index, entry| {
        if index >= from {
            visit(index, entry);
        }
    })
}

/// Verifies the entries of some bundles, named by their places in rising order up to the first that the
/// tree does not have, with all tiles above them, against `checkpoint`. Reads exactly
/// [`files_of_bundles`].
///
/// # Errors
/// [`Fault`]: the first one. What `visit` saw before it stays true.
pub fn audit_bundles<R: LogReader>(
    checkpoint: &Checkpoint,
    reader: &R,
    places: impl IntoIterator<Item = u64>,
    mut visit: impl FnMut(u64, &[u8]),
) -> Result<(), Fault<R::Error>> {
    let mut tiles = Believed::open(checkpoint, reader)?;
    for place in places {
        let Some(bundle) = Bundle::in_tree(place, checkpoint.size()) else { break };
        let path = FilePath::Entries(bundle);
        let bytes = reader.bundle(bundle).map_err(|source| Fault::Reader { path, source })?;
        let entries = bundle_entries(bundle, &bytes).map_err(|source| Fault::Bundle { bundle, source })?;
        let hashes = tiles.hashes(bundle.tile())?;
        for (index, (entry, hash)) in (bundle.first_entry()..).zip(entries.iter().zip(hashes)) {
            if entry_hash(entry) != *hash {
                return Err(Fault::Entry { index });
            }
            visit(index, entry);
        }
    }
    Ok(())
}

/// Returns the files that [`audit_bundles`] reads in a tree of `size` entries, and no other: the bundles,
/// the tiles above them, and the partial tiles, which make the root. Every inclusion path of an entry in
/// these bundles is made of these tiles.
pub fn files_of_bundles(size: u64, places: impl IntoIterator<Item = u64>) -> BTreeSet<FilePath> {
    let partial = (0..=LEVEL_MAX).filter_map(|level| Tile::partial(level, size));
    let mut files: BTreeSet<FilePath> = partial.map(FilePath::Tile).collect();
    for place in places {
        let Some(bundle) = Bundle::in_tree(place, size) else { break };
        files.insert(FilePath::Entries(bundle));
        let mut above = Some(bundle.tile());
        while let Some(tile) = above {
            let (level, index, _) = tile.parent_place();
            let is_new = files.insert(FilePath::Tile(tile));
            above = Tile::in_tree(level, index, size).filter(|_| is_new && tile.is_full());
        }
    }
    files
}

/// Verifies a list of all entries, without tiles, against `checkpoint`.
///
/// # Errors
/// [`ListFault`], if the list is not that of the checkpoint.
pub fn audit_list<'a>(
    checkpoint: &Checkpoint,
    entries: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(), ListFault> {
    let (mut frontier, size) = (Frontier::new(), checkpoint.size());
    for entry in entries {
        frontier.append(entry_hash(entry));
        if frontier.size() > size {
            break;
        }
    }
    if frontier.size() != size {
        return Err(ListFault::Size { listed: frontier.size(), size });
    }
    if frontier.root() == *checkpoint.root() { Ok(()) } else { Err(ListFault::Root) }
}

impl<'a, R: TileReader> Believed<'a, R> {
    /// Reads the partial tiles, which the root is over.
    fn open(checkpoint: &Checkpoint, reader: &'a R) -> Result<Self, Fault<R::Error>> {
        let size = checkpoint.size();
        let mut partial = Vec::new();
        for level in 0..=LEVEL_MAX {
            let tile = Tile::partial(level, size);
            partial.push(tile.map(|tile| read(reader, tile)).transpose()?);
        }
        let edge: Vec<Hash> = partial.iter().rev().flatten().flat_map(|tile| peaks(tile.hashes())).collect();
        if join(&edge) != *checkpoint.root() {
            return Err(Fault::Root);
        }
        let full = partial.iter().map(|_| None).collect();
        Ok(Self { reader, size, partial, full })
    }

    /// Returns the hashes of a tile of the tree.
    fn hashes(&mut self, tile: Tile) -> Result<&[Hash], Fault<R::Error>> {
        let level = usize::from(tile.level());
        if tile.is_full() && self.full[level].as_ref().is_none_or(|(held, _)| *held != tile) {
            let (above, index, place) = tile.parent_place();
            let parent = Tile::in_tree(above, index, self.size).expect("a full tile has one above it");
            let expected = self.hashes(parent)?[place];
            let read = read(self.reader, tile)?;
            if read.root() != expected {
                return Err(Fault::Changed { tile });
            }
            self.full[level] = Some((tile, read));
        }
        let full = self.full[level].as_ref().filter(|_| tile.is_full()).map(|(_, hashes)| hashes);
        let hashes = full.or(self.partial[level].as_ref()).expect("a tile of the tree is full or partial");
        Ok(hashes.hashes())
    }
}

fn read<R: TileReader>(reader: &R, tile: Tile) -> Result<TileHashes, Fault<R::Error>> {
    let path = FilePath::Tile(tile);
    let bytes = reader.tile(tile).map_err(|source| Fault::Reader { path, source })?;
    TileHashes::from_bytes(tile, &bytes).map_err(|source| Fault::Tile { tile, source })
}
