//! A growing tree of which only the right edge is kept: enough for its root, whatever comes.

use super::{SIZE_MAX, join, node_hash};
use crate::hash::Hash;

/// The right edge of a tree: its size, and the roots of the perfect subtrees that it is made of.
///
/// Takes 32 bytes a bit of the size, so at most 2 KiB; appending an entry costs one hash on
/// average, and the root a hash a subtree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// From the left, so from the tallest: one a bit that is set in `size`.
    peaks: Vec<Hash>,
}

/// Bytes that are no frontier: hash the tree again from its entries or tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrontierError {
    /// Not eight bytes of size and 32 bytes a bit that is set in it.
    #[error("a frontier is its size in eight bytes and a hash of 32 bytes for every bit set in it")]
    Length,
    /// A size that no tree has.
    #[error("a tree has at most 2^62 entries")]
    Size,
}

impl Frontier {
    /// Returns the tree without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the tree whose perfect subtrees have the roots `peaks`, from the left.
    pub(crate) fn of(size: u64, peaks: Vec<Hash>) -> Self {
        assert_eq!(peaks.len(), size.count_ones() as usize, "one peak a bit of the size");
        Self { size, peaks }
    }

    /// Returns how many entries the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends one entry by its leaf hash.
    pub fn append(&mut self, leaf: Hash) {
        let mut node = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.peaks.pop().expect("one peak a bit of the size");
            node = node_hash(&left, &node);
        }
        self.peaks.push(node);
        self.size += 1;
    }

    /// Returns the root of the tree as it is now.
    pub fn root(&self) -> Hash {
        join(&self.peaks)
    }

    /// Returns the size as eight bytes, big end first, and the roots of the subtrees from the left.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.size.to_be_bytes().to_vec();
        for peak in &self.peaks {
            bytes.extend_from_slice(&peak.0);
        }
        bytes
    }

    /// Returns the frontier that [`Frontier::to_bytes`] wrote.
    ///
    /// The hashes are taken as they are: compare [`Frontier::root`] with a root that is trusted.
    ///
    /// # Errors
    /// [`FrontierError`], if the bytes are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let (size, hashes) = bytes.split_first_chunk().ok_or(FrontierError::Length)?;
        let size = u64::from_be_bytes(*size);
        if size > SIZE_MAX {
            return Err(FrontierError::Size);
        }
        let (peaks, rest) = hashes.as_chunks();
        if !rest.is_empty() || peaks.len() != size.count_ones() as usize {
            return Err(FrontierError::Length);
        }
        Ok(Self { size, peaks: peaks.iter().copied().map(Hash).collect() })
    }
}

impl Extend<Hash> for Frontier {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.append(leaf));
    }
}
