//! A bundle's bytes: every entry after its length in two bytes, big end first.

use super::{Bundle, FULL_WIDTH};

/// The longest bundle: 256 entries of 65,535 bytes.
pub const BUNDLE_BYTES_MAX: usize = FULL_WIDTH as usize * (2 + u16::MAX as usize);

/// Bytes that are not the bundle asked for: read it again, or from another copy of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The bytes end in the middle.
    #[error("the bundle ends within its entry {entry}")]
    Short {
        /// Which entry of the bundle, from 0.
        entry: u16,
    },
    /// More bytes than a full bundle has.
    #[error("the bundle goes on for {bytes} bytes after its last entry")]
    Long {
        /// How many bytes were left.
        bytes: usize,
    },
}

/// Returns the entries of `bundle` from `bytes`, which are exactly its.
///
/// # Errors
/// [`BundleError`], if the bytes are of more entries, of fewer, or of none at all.
pub fn bundle_entries(bundle: Bundle, bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::with_capacity(usize::from(bundle.width()));
    let mut rest = bytes;
    for entry in 0..bundle.width() {
        let short = BundleError::Short { entry };
        let (length, after) = rest.split_first_chunk().ok_or(short)?;
        let (body, after) = after.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(short)?;
        entries.push(body);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(BundleError::Long { bytes: rest.len() }) }
}

/// Returns the bytes of `bundle` from `bytes`, which may be those of a wider version of it: a bundle
/// begins with every narrower one.
///
/// # Errors
/// [`BundleError::Short`], if the bytes are of fewer entries.
pub fn bundle_prefix(bundle: Bundle, bytes: &[u8]) -> Result<&[u8], BundleError> {
    let mut end = 0;
    for entry in 0..bundle.width() {
        let length = bytes.get(end..).and_then(<[u8]>::first_chunk).copied();
        let length = length.map(u16::from_be_bytes).ok_or(BundleError::Short { entry })?;
        end += 2 + usize::from(length);
    }
    bytes.get(..end).ok_or(BundleError::Short { entry: bundle.width() - 1 })
}

/// Appends an entry to a bundle's bytes. It fits, as an entry is at most 65,535 bytes.
pub(crate) fn push_entry(entry: &[u8], bundle: &mut Vec<u8>) {
    let length = u16::try_from(entry.len()).expect("an entry is at most 65,535 bytes");
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
}
