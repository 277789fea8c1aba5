//! The digest of a story's state: what it holds at each path, by commitment.
//!
//! Two layers: a leaf a path, and the state over the leaves. Whoever keeps the leaves pays for an
//! update only what changed, and 32 bytes a path. No words are needed, so a state can be verified
//! after words have been erased.

use sha2::{Digest as _, Sha256};

use crate::commitment::Commitment;
use crate::hash::Hash;

/// Returns the digest of one path and the values that stand there, by commitment, in order.
///
/// SHA-256 over `writethru/path/v1`, the path's length, the path, the number of commitments, and
/// the commitments. Lengths and numbers are eight bytes, big end first.
pub fn leaf_hash(path: &str, commitments: &[Commitment]) -> Hash {
    let mut digest = Sha256::new();
    digest.update(b"writethru/path/v1");
    digest.update((path.len() as u64).to_be_bytes());
    digest.update(path);
    digest.update((commitments.len() as u64).to_be_bytes());
    for commitment in commitments {
        digest.update(commitment.0);
    }
    Hash(digest.finalize().into())
}

/// Returns the digest of a whole state: its leaves in order.
///
/// SHA-256 over `writethru/state/v1`, the number of leaves as eight bytes (big end first), and the
/// leaves.
pub fn state_hash<'a>(leaves: impl ExactSizeIterator<Item = &'a Hash>) -> Hash {
    let mut digest = Sha256::new();
    digest.update(b"writethru/state/v1");
    digest.update((leaves.len() as u64).to_be_bytes());
    for leaf in leaves {
        digest.update(leaf.0);
    }
    Hash(digest.finalize().into())
}
