//! The log as files: tiles of hashes and bundles of entries, as c2sp.org/tlog-tiles has them.
//!
//! A full file never changes. A log is read by fetching files and published by writing some; which
//! ones and with what bytes is decided here ([`Edge`]), reading and writing them is left to others.

mod bundle;
mod edge;
mod path;

use crate::hash::Hash;
use crate::tree::{SIZE_MAX, join, perfect_root};

pub use bundle::{BUNDLE_BYTES_MAX, BundleError, bundle_entries, bundle_prefix};
pub use edge::{Edge, File, GrowError, Grown, ResumeError};
pub use path::{FilePath, PathError};

/// How many hashes a full tile holds, and how many entries a full bundle.
pub const FULL_WIDTH: u16 = 256;

/// How many levels of the tree lie between two levels of tiles.
pub const HEIGHT: u32 = 8;

/// The highest level on which a tree of at most 2⁶² entries has a tile.
pub const LEVEL_MAX: u8 = 7;

/// Which tile: its level (0 holds leaves), its index in the level, and how many hashes it holds.
///
/// Only tiles that a tree of at most [`SIZE_MAX`] entries has can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// Which bundle of entries: its index, and how many entries it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bundle {
    index: u64,
    width: u16,
}

/// A tile's hashes: 1 to 256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileHashes(Vec<Hash>);

/// Bytes that are not the tile asked for: read it again, or from another copy of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tile of {width} hashes has {} bytes, not {bytes}", u32::from(*.width) * 32)]
pub struct TileError {
    /// How many hashes were asked for.
    pub width: u16,
    /// How many bytes came.
    pub bytes: usize,
}

impl Tile {
    /// Returns the tile with these coordinates, unless no tree has it.
    pub fn new(level: u8, index: u64, width: u16) -> Option<Self> {
        if level > LEVEL_MAX || index > SIZE_MAX || !(1..=FULL_WIDTH).contains(&width) {
            return None;
        }
        // The entries below the tile's last hash have to be entries of a tree.
        let end = (u128::from(index) * 256 + u128::from(width)) << (HEIGHT * u32::from(level));
        (end <= u128::from(SIZE_MAX)).then_some(Self { level, index, width })
    }

    /// Returns the tile at this place as it is in a tree of `size` entries, if it is there.
    pub fn in_tree(level: u8, index: u64, size: u64) -> Option<Self> {
        if level > LEVEL_MAX {
            return None;
        }
        let hashes = size >> (HEIGHT * u32::from(level));
        let left = hashes.checked_sub(index.checked_mul(u64::from(FULL_WIDTH))?)?;
        Self::new(level, index, u16::try_from(left).unwrap_or(FULL_WIDTH).min(FULL_WIDTH))
    }

    /// Returns the rightmost tile of a level in a tree of `size` entries if it is partial.
    pub fn partial(level: u8, size: u64) -> Option<Self> {
        let full = size.checked_shr(HEIGHT * (u32::from(level) + 1)).unwrap_or(0);
        Self::in_tree(level, full, size).filter(|tile| !tile.is_full())
    }

    /// Returns the level: 0 holds leaves, each above it the roots of the full tiles below.
    pub fn level(self) -> u8 {
        self.level
    }

    /// Returns the place in the level, from 0.
    pub fn index(self) -> u64 {
        self.index
    }

    /// Returns how many hashes the tile holds.
    pub fn width(self) -> u16 {
        self.width
    }

    /// Returns whether the tile holds all hashes that it ever will.
    pub fn is_full(self) -> bool {
        self.width == FULL_WIDTH
    }

    /// Returns the tile that holds the root of this one once it is full.
    pub(crate) fn parent_place(self) -> (u8, u64, usize) {
        let place = usize::try_from(self.index % 256).expect("below 256");
        (self.level + 1, self.index >> HEIGHT, place)
    }
}

impl Bundle {
    /// Returns the bundle with these coordinates, unless no tree has it.
    pub fn new(index: u64, width: u16) -> Option<Self> {
        Tile::new(0, index, width).map(Self::of)
    }

    /// Returns the bundle at this place as it is in a tree of `size` entries, if it is there.
    pub fn in_tree(index: u64, size: u64) -> Option<Self> {
        Tile::in_tree(0, index, size).map(Self::of)
    }

    /// Returns the place of the bundle, from 0.
    pub fn index(self) -> u64 {
        self.index
    }

    /// Returns how many entries the bundle holds.
    pub fn width(self) -> u16 {
        self.width
    }

    /// Returns the index of its first entry in the log.
    pub fn first_entry(self) -> u64 {
        self.index << HEIGHT
    }

    /// Returns the tile of level 0 that holds the hashes of these entries.
    pub fn tile(self) -> Tile {
        Tile { level: 0, index: self.index, width: self.width }
    }

    fn of(tile: Tile) -> Self {
        Self { index: tile.index, width: tile.width }
    }
}

impl TileHashes {
    /// Returns the hashes of `tile` from `bytes`, which may be those of a wider version of it.
    ///
    /// A reader may so answer with the full tile where a partial one is gone
    /// (c2sp.org/tlog-tiles, Partial Tiles).
    ///
    /// # Errors
    /// [`TileError`], if the bytes are too few, more than a full tile, or no whole hashes.
    pub fn from_bytes(tile: Tile, bytes: &[u8]) -> Result<Self, TileError> {
        let (hashes, rest) = bytes.as_chunks();
        let width = usize::from(tile.width);
        if !rest.is_empty() || hashes.len() > usize::from(FULL_WIDTH) || hashes.len() < width {
            return Err(TileError { width: tile.width, bytes: bytes.len() });
        }
        Ok(Self(hashes[..width].iter().copied().map(Hash).collect()))
    }

    /// Returns the tile that holds `hashes`, unless they are none or more than 256.
    pub fn new(hashes: Vec<Hash>) -> Option<Self> {
        (1..=usize::from(FULL_WIDTH)).contains(&hashes.len()).then_some(Self(hashes))
    }

    /// Returns the tile as it is served: its hashes one after another.
    pub fn to_bytes(&self) -> Vec<u8> {
        hash_bytes(&self.0)
    }

    /// Returns the hashes.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }

    /// Returns the root over the tile's hashes, for a full one the hash that stands for it above.
    pub fn root(&self) -> Hash {
        join(&peaks(&self.0))
    }
}

/// Returns hashes one after another.
pub(crate) fn hash_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Returns the roots of the perfect subtrees over `hashes`, at most 256, from the left.
pub(crate) fn peaks(hashes: &[Hash]) -> Vec<Hash> {
    let mut rest = hashes;
    let mut peaks = Vec::with_capacity(hashes.len().count_ones() as usize);
    while !rest.is_empty() {
        let (perfect, after) = rest.split_at(1 << rest.len().ilog2());
        peaks.push(perfect_root(perfect));
        rest = after;
    }
    peaks
}
