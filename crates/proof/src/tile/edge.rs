//! Appending to a log: which files to write, and with which bytes.

use super::bundle::push_entry;
use super::{
    Bundle, BundleError, FULL_WIDTH, FilePath, HEIGHT, LEVEL_MAX, Tile, TileError, TileHashes,
    bundle_entries, hash_bytes, peaks,
};
use crate::entry::Entry;
use crate::hash::Hash;
use crate::tree::{Frontier, SIZE_MAX, entry_hash};

/// The right edge of a log: its partial tiles and its partial bundle, so all that appending needs.
///
/// Growing consumes it. So whoever fails to write the files has no edge any more that claims them,
/// and reads the old one again ([`Edge::resume`]).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    /// The hashes of the partial tile of each level, from level 0.
    levels: Vec<Vec<Hash>>,
    /// The bytes of the partial bundle.
    bundle: Vec<u8>,
}

/// What appending did: the files to write, and the edge after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grown {
    /// To be kept once `files` are durable.
    pub edge: Edge,
    /// Full files first, as they are complete; then the partial ones of the new size.
    pub files: Vec<File>,
}

/// One file of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it belongs.
    pub path: FilePath,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Nothing was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrowError {
    /// The log is full: begin another with a new origin.
    #[error("a log has at most 2^62 entries")]
    Full,
}

/// Why the files of a log are not the right edge of the tree with that root: do not append to them,
/// restore the log from another copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// A size that no tree has.
    #[error("a log has at most 2^62 entries")]
    Size,
    /// A partial tile is missing, or is none.
    #[error("the partial tile of level {level} cannot be used")]
    Tile {
        /// Its level.
        level: u8,
        /// What is wrong.
        source: TileError,
    },
    /// The partial bundle is missing, or is none.
    #[error("the partial bundle cannot be used")]
    Bundle {
        /// What is wrong.
        source: BundleError,
    },
    /// An entry of the partial bundle is not the one that the tree has.
    #[error("the entry {index} is not the one whose hash the log keeps")]
    Entry {
        /// Its index.
        index: u64,
    },
    /// The partial tiles make another root.
    #[error("the partial tiles do not make the root")]
    Root,
}

impl Edge {
    /// Returns the edge of an empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the files that [`Edge::resume`] needs for a log of `size` entries: the partial tiles
    /// from level 0, and the partial bundle last.
    pub fn files(size: u64) -> Vec<FilePath> {
        let tiles = (0..=LEVEL_MAX).filter_map(|level| Tile::partial(level, size)).map(FilePath::Tile);
        let bundle = Tile::partial(0, size).and_then(|tile| Bundle::new(tile.index(), tile.width()));
        tiles.chain(bundle.map(FilePath::Entries)).collect()
    }

    /// Returns the edge of the log of `size` entries with the root `root`, from the bytes of
    /// [`Edge::files`] in their order.
    ///
    /// # Errors
    /// [`ResumeError`], unless the files are those of that very tree.
    pub fn resume(size: u64, root: &Hash, files: &[Vec<u8>]) -> Result<Self, ResumeError> {
        if size > SIZE_MAX {
            return Err(ResumeError::Size);
        }
        let mut edge = Self { size, levels: Vec::new(), bundle: Vec::new() };
        let mut rest = files.iter().map(Vec::as_slice);
        for level in 0..=LEVEL_MAX {
            let mut hashes = Vec::new();
            if let Some(tile) = Tile::partial(level, size) {
                let bytes = rest.next().unwrap_or_default();
                let read = TileHashes::from_bytes(tile, bytes);
                hashes = read.map_err(|source| ResumeError::Tile { level, source })?.0;
            }
            edge.levels.push(hashes);
        }
        while edge.levels.last().is_some_and(Vec::is_empty) {
            edge.levels.pop();
        }
        if edge.root() != *root {
            return Err(ResumeError::Root);
        }
        if let Some(tile) = Tile::partial(0, size) {
            edge.bundle = rest.next().unwrap_or_default().to_vec();
            edge.check_bundle(tile)?;
        }
        Ok(edge)
    }

    /// Returns how many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the root of the tree.
    pub fn root(&self) -> Hash {
        self.frontier().root()
    }

    /// Returns the tree without its entries.
    pub fn frontier(&self) -> Frontier {
        Frontier::of(self.size, self.levels.iter().rev().flat_map(|hashes| peaks(hashes)).collect())
    }

    /// Appends `entries` in order and returns the edge after it, with every file that has to be
    /// written before a checkpoint of the new size may be signed.
    ///
    /// # Errors
    /// [`GrowError`], and then nothing was appended.
    pub fn grow(mut self, entries: &[Entry]) -> Result<Grown, GrowError> {
        let size = self.size.checked_add(entries.len() as u64).filter(|size| *size <= SIZE_MAX);
        let size = size.ok_or(GrowError::Full)?;
        let (old, mut files) = (self.size, Vec::new());
        for entry in entries {
            push_entry(entry.as_bytes(), &mut self.bundle);
            self.size += 1;
            if self.size.is_multiple_of(u64::from(FULL_WIDTH)) {
                let bundle = Bundle::new((self.size - 1) >> HEIGHT, FULL_WIDTH);
                let path = FilePath::Entries(bundle.expect("the bundle of an entry"));
                files.push(File { path, bytes: std::mem::take(&mut self.bundle) });
            }
            self.push(0, entry_hash(entry.as_bytes()), &mut files);
        }
        assert_eq!(self.size, size, "every entry is counted once");
        self.push_partials(old, &mut files);
        Ok(Grown { edge: self, files })
    }

    /// Puts `hash` at the end of a level; a tile that it fills is written, and its root goes up.
    fn push(&mut self, level: u8, hash: Hash, files: &mut Vec<File>) {
        let place = usize::from(level);
        if self.levels.len() == place {
            self.levels.push(Vec::with_capacity(FULL_WIDTH.into()));
        }
        self.levels[place].push(hash);
        if self.levels[place].len() == usize::from(FULL_WIDTH) {
            let tile = TileHashes(std::mem::take(&mut self.levels[place]));
            let index = (self.size - 1) >> (HEIGHT * (u32::from(level) + 1));
            let path = Tile::new(level, index, FULL_WIDTH).expect("the tile of an entry");
            files.push(File { path: FilePath::Tile(path), bytes: tile.to_bytes() });
            self.push(level + 1, tile.root(), files);
        }
    }

    /// Adds the partial files of the present size that the tree of `old` entries did not have.
    fn push_partials(&self, old: u64, files: &mut Vec<File>) {
        for (level, hashes) in (0..).zip(&self.levels) {
            let Some(tile) = Tile::partial(level, self.size) else { continue };
            if Tile::partial(level, old) == Some(tile) {
                continue;
            }
            files.push(File { path: FilePath::Tile(tile), bytes: hash_bytes(hashes) });
            if let Some(bundle) = Bundle::new(tile.index(), tile.width()).filter(|_| level == 0) {
                files.push(File { path: FilePath::Entries(bundle), bytes: self.bundle.clone() });
            }
        }
    }

    /// Checks that the partial bundle holds the entries whose hashes level 0 has.
    fn check_bundle(&self, tile: Tile) -> Result<(), ResumeError> {
        let bundle = Bundle::new(tile.index(), tile.width()).expect("a tile of level 0 has a bundle");
        let entries = bundle_entries(bundle, &self.bundle);
        let entries = entries.map_err(|source| ResumeError::Bundle { source })?;
        for (index, (entry, hash)) in (bundle.first_entry()..).zip(entries.iter().zip(&self.levels[0])) {
            if entry_hash(entry) != *hash {
                return Err(ResumeError::Entry { index });
            }
        }
        Ok(())
    }
}
