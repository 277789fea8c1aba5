//! Making roots and paths: which stored hashes they need, in which tiles, and what to do with them.
//!
//! A plan is made from sizes alone, so whoever fetches tiles over a network asks for all of them at
//! once. What a plan makes is only as good as the tiles that it is given: check it against a root
//! with [`verify_inclusion`](super::verify_inclusion) or
//! [`verify_consistency`](super::verify_consistency) before it leaves the house.

use std::ops::Range;

use super::{SIZE_MAX, join, perfect_root, split};
use crate::hash::Hash;
use crate::tile::{HEIGHT, Tile, TileError, TileHashes};

/// A root, or a path, that is to be made from tiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The tiles to read, in order, each once.
    tiles: Vec<Tile>,
    /// Each hash of the answer as the perfect subtrees that it is over, from the left.
    hashes: Vec<Vec<Subtree>>,
}

/// Where the leaves of a perfect subtree, or hashes that stand for some of them, are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Subtree {
    tile: Tile,
    first: usize,
    hashes: usize,
}

/// What no tree has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The entry is beyond the tree: wait until it is in one.
    #[error("a tree of {size} entries has none at index {index}")]
    OutOfRange {
        /// The entry's index, from 0.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("a tree of {new} entries does not begin with one of {old}")]
    Shrunk {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
    /// A size that no tree has.
    #[error("a tree has at most 2^62 entries")]
    Size,
}

/// Where the tiles of a log are kept.
pub trait TileReader {
    /// Why a tile could not be read.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Returns the bytes of the tile, or of a wider version of it.
    ///
    /// # Errors
    /// Whatever keeps the reader from it; a tile that is not there is an error too.
    fn tile(&self, tile: Tile) -> Result<Vec<u8>, Self::Error>;
}

/// Why tiles did not make what was planned.
#[derive(Debug, thiserror::Error)]
pub enum ReadError<E: std::error::Error + 'static> {
    /// A tile could not be read: the reader says whether to try again.
    #[error("the tile {tile:?} could not be read")]
    Reader {
        /// Which one.
        tile: Tile,
        /// Why.
        source: E,
    },
    /// What was read is not the tile: take it from another copy of the log.
    #[error("what was read is not the tile {tile:?}")]
    Tile {
        /// Which one.
        tile: Tile,
        /// What is wrong.
        source: TileError,
    },
}

impl Plan {
    /// Plans the root of the tree of `size` entries: one hash.
    ///
    /// # Errors
    /// [`PlanError::Size`] above 2⁶² entries.
    pub fn root(size: u64) -> Result<Self, PlanError> {
        Self::over(size, std::iter::once(0..size))
    }

    /// Plans the inclusion path of the entry `index` in the tree of `size` entries (RFC 6962
    /// section 2.1.1).
    ///
    /// # Errors
    /// [`PlanError`] for an entry that the tree does not have.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, PlanError> {
        if index >= size {
            return Err(PlanError::OutOfRange { index, size });
        }
        let (mut part, mut siblings) = (0..size, Vec::new());
        while part.end - part.start > 1 {
            let middle = part.start + split(part.end - part.start);
            if index < middle {
                siblings.push(middle..part.end);
                part.end = middle;
            } else {
                siblings.push(part.start..middle);
                part.start = middle;
            }
        }
        Self::over(size, siblings.into_iter().rev())
    }

    /// Plans the path that shows that the tree of `new` entries begins with the one of `old` (RFC
    /// 6962 section 2.1.2). It is empty from the empty tree, and between equal sizes.
    ///
    /// # Errors
    /// [`PlanError::Shrunk`], if the older tree is larger.
    pub fn consistency(old: u64, new: u64) -> Result<Self, PlanError> {
        if old > new {
            return Err(PlanError::Shrunk { old, new });
        }
        let (mut part, mut siblings) = (0..new, Vec::new());
        while old > 0 && part.end != old {
            let middle = part.start + split(part.end - part.start);
            if old <= middle {
                siblings.push(middle..part.end);
                part.end = middle;
            } else {
                siblings.push(part.start..middle);
                part.start = middle;
            }
        }
        // The verifier knows the root of the older tree, so not where it stands by itself.
        if part.start > 0 {
            siblings.push(part);
        }
        Self::over(new, siblings.into_iter().rev())
    }

    /// Returns the tiles that are needed, each once.
    pub fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// Returns the planned hashes from `read`, the bytes of [`Plan::tiles`] in their order.
    ///
    /// # Errors
    /// [`TileError`] with its tile, where bytes are not that tile's or are missing.
    pub fn hashes(&self, read: &[Vec<u8>]) -> Result<Vec<Hash>, (Tile, TileError)> {
        let mut contents = Vec::with_capacity(self.tiles.len());
        for (place, tile) in self.tiles.iter().enumerate() {
            let bytes = read.get(place).map_or(&[][..], Vec::as_slice);
            contents.push(TileHashes::from_bytes(*tile, bytes).map_err(|error| (*tile, error))?);
        }
        let subtree = |subtree: &Subtree| {
            let tile = self.tiles.binary_search(&subtree.tile).expect("every subtree's tile is planned");
            perfect_root(&contents[tile].hashes()[subtree.first..subtree.first + subtree.hashes])
        };
        let roots = |hash: &Vec<Subtree>| join(&hash.iter().map(subtree).collect::<Vec<_>>());
        Ok(self.hashes.iter().map(roots).collect())
    }

    /// Reads the tiles and returns the planned hashes.
    ///
    /// # Errors
    /// [`ReadError`], if a tile cannot be read or is none.
    pub fn read<R: TileReader>(&self, reader: &R) -> Result<Vec<Hash>, ReadError<R::Error>> {
        let mut read = Vec::with_capacity(self.tiles.len());
        for tile in &self.tiles {
            let bytes = reader.tile(*tile);
            read.push(bytes.map_err(|source| ReadError::Reader { tile: *tile, source })?);
        }
        self.hashes(&read).map_err(|(tile, source)| ReadError::Tile { tile, source })
    }

    /// Plans one hash over each of `parts` of a tree of `size` entries.
    fn over(size: u64, parts: impl Iterator<Item = Range<u64>>) -> Result<Self, PlanError> {
        if size > SIZE_MAX {
            return Err(PlanError::Size);
        }
        let hashes: Vec<Vec<Subtree>> = parts.map(|part| subtrees(part, size)).collect();
        let mut tiles: Vec<Tile> = hashes.iter().flatten().map(|subtree| subtree.tile).collect();
        tiles.sort_unstable();
        tiles.dedup();
        Ok(Self { tiles, hashes })
    }
}

/// Returns the perfect subtrees that the leaves of `part` make in a tree of `size`, from the left.
///
/// `part` begins where a subtree of the tree begins, so its subtrees are those of the tree.
fn subtrees(part: Range<u64>, size: u64) -> Vec<Subtree> {
    let (mut first, mut subtrees) = (part.start, Vec::new());
    while first < part.end {
        let height = (part.end - first).ilog2();
        subtrees.push(Subtree::at(first, height, size));
        first += 1 << height;
    }
    subtrees
}

impl Subtree {
    /// Returns where the subtree of this height whose first leaf is `first` is stored.
    fn at(first: u64, height: u32, size: u64) -> Self {
        let (level, above) = (height / HEIGHT, height % HEIGHT);
        let place = first >> (HEIGHT * level);
        let level = u8::try_from(level).expect("a height is below 63, so a level below 8");
        let tile = Tile::in_tree(level, place >> HEIGHT, size).expect("the tree has its own subtrees");
        let first = usize::try_from(place % 256).expect("below 256");
        Self { tile, first, hashes: 1 << above }
    }
}
