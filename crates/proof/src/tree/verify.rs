//! Checking a path: what whoever is shown a proof does, with nothing but hashes in hand.

use super::{SIZE_MAX, empty_root, node_hash};
use crate::hash::Hash;

/// Why a path proves nothing. Ask for another proof, or hold it against whoever made this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The entry is beyond the tree.
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
    /// Too many hashes, or too few.
    #[error("the path has another number of hashes than its tree asks for")]
    Length,
    /// The hashes lead elsewhere.
    #[error("the path does not lead to the root")]
    Root,
}

/// Checks that the leaf `leaf` stands at `index` of the tree of `size` entries with the root `root`.
///
/// RFC 9162 section 2.1.3.2, which checks what RFC 6962 section 2.1.1 makes.
///
/// # Errors
/// [`PathError`], and then nothing is proved.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    root: &Hash,
    path: &[Hash],
) -> Result<(), PathError> {
    if size > SIZE_MAX {
        return Err(PathError::Size);
    }
    if index >= size {
        return Err(PathError::OutOfRange { index, size });
    }
    let (mut place, mut last, mut node) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return Err(PathError::Length);
        }
        if place & 1 == 1 || place == last {
            node = node_hash(sibling, &node);
            // The last of a level without a sibling goes up as it is.
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            node = node_hash(&node, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(PathError::Length);
    }
    if node == *root { Ok(()) } else { Err(PathError::Root) }
}

/// Checks that the tree `new` (its size and root) begins with the tree `old`.
///
/// RFC 9162 section 2.1.4.2, which checks what RFC 6962 section 2.1.2 makes. The path is empty
/// where the old tree is empty, and where the sizes are equal.
///
/// # Errors
/// [`PathError`], and then nothing is proved; [`PathError::Root`] with two signed roots of one log
/// means that the log shows different histories, or that the path is not the one.
pub fn verify_consistency(old: (u64, &Hash), new: (u64, &Hash), path: &[Hash]) -> Result<(), PathError> {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if new_size > SIZE_MAX {
        return Err(PathError::Size);
    }
    if old_size > new_size {
        return Err(PathError::Shrunk { old: old_size, new: new_size });
    }
    if old_size == 0 || old_size == new_size {
        return verify_without_path(old, new, path);
    }
    // An older tree that is one perfect subtree is not on the path: its root is known.
    let (first, rest) = if old_size.is_power_of_two() {
        (old_root, path)
    } else {
        path.split_first().ok_or(PathError::Length)?
    };
    let skipped = old_size.trailing_zeros();
    // Both below 2^62, so shifting by less than 63 is sound.
    let (mut place, mut last) = ((old_size - 1) >> skipped, (new_size - 1) >> skipped);
    let (mut from_old, mut from_new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return Err(PathError::Length);
        }
        if place & 1 == 1 || place == last {
            from_old = node_hash(sibling, &from_old);
            from_new = node_hash(sibling, &from_new);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            from_new = node_hash(&from_new, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(PathError::Length);
    }
    if from_old == *old_root && from_new == *new_root { Ok(()) } else { Err(PathError::Root) }
}

/// Checks the two cases that need no hash: a beginning with nothing, and no growth.
fn verify_without_path(old: (u64, &Hash), new: (u64, &Hash), path: &[Hash]) -> Result<(), PathError> {
    if !path.is_empty() {
        return Err(PathError::Length);
    }
    let proved = if old.0 == 0 { *old.1 == empty_root() } else { true };
    let equal = old.0 != new.0 || old.1 == new.1;
    if proved && equal { Ok(()) } else { Err(PathError::Root) }
}
