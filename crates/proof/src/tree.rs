//! The Merkle tree of RFC 6962 over the entries of a log, with SHA-256.
//!
//! Whoever holds the root of a tree can be shown in a few hashes that an entry stands in it at its
//! index ([`inclusion_path`](Plan::inclusion)), and that a later tree begins with it
//! ([`consistency`](Plan::consistency)). Nothing here reads a hash by itself: a [`Plan`] says which
//! tiles it needs, and works on what it is given.

mod frontier;
mod plan;
mod verify;

use sha2::{Digest as _, Sha256};

use crate::hash::Hash;

pub use frontier::{Frontier, FrontierError};
pub use plan::{Plan, PlanError, ReadError, TileReader};
pub use verify::{PathError, verify_consistency, verify_inclusion};

/// The largest tree that is spoken of: 2⁶² entries. No path in it is longer than [`PATH_MAX`].
pub const SIZE_MAX: u64 = 1 << 62;

/// The most hashes that an inclusion or a consistency path has.
pub const PATH_MAX: usize = 63;

/// Returns the root of the tree without entries: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// Returns the hash of an entry as a leaf: SHA-256 over the byte 0 and the entry (RFC 6962 section
/// 2.1).
pub fn entry_hash(entry: &[u8]) -> Hash {
    let mut digest = Sha256::new();
    digest.update([0]);
    digest.update(entry);
    Hash(digest.finalize().into())
}

/// Returns the hash over two subtrees: SHA-256 over the byte 1 and both (RFC 6962 section 2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut node = [1; 65];
    node[1..33].copy_from_slice(&left.0);
    node[33..].copy_from_slice(&right.0);
    Hash(Sha256::digest(node).into())
}

/// Returns the root over `hashes`, which are the roots of perfect subtrees of one height, as many
/// as a power of two.
pub(crate) fn perfect_root(hashes: &[Hash]) -> Hash {
    assert!(hashes.len().is_power_of_two(), "a perfect tree has a power of two of leaves");
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        let half = level.len() / 2;
        for place in 0..half {
            level[place] = node_hash(&level[2 * place], &level[2 * place + 1]);
        }
        level.truncate(half);
    }
    level[0]
}

/// Returns the root over `hashes`, the roots of perfect subtrees of falling heights, from the left.
pub(crate) fn join(hashes: &[Hash]) -> Hash {
    let joined = hashes.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
    joined.unwrap_or_else(empty_root)
}

/// Returns how many leaves stand left of the root's middle in a tree of `size`: the largest power
/// of two below it. The tree has two leaves or more.
pub(crate) fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}
