//! What stands in the log for an envelope: the envelope itself, or a fixed form if it is too long.
//!
//! An entry of c2sp.org/tlog-tiles has at most 65,535 bytes. An envelope up to that length is its
//! own entry, byte by byte. A longer one is logged as its hash and its length. The two forms cannot
//! be taken for one another: an envelope is a JSON object, so it begins with `{`, and a long entry
//! begins with `w`; and each envelope has one form only, by its length.

use crate::hash::{Hash, envelope_hash};
use crate::tree::entry_hash;

/// The longest envelope that is its own entry, in bytes.
pub const SHORT_BYTES_MAX: usize = u16::MAX as usize;

/// The longest envelope of which the log speaks at all, in bytes.
pub const ENVELOPE_BYTES_MAX: u64 = u32::MAX as u64;

const LONG_TAG: &[u8; 23] = b"writethru/long-entry/v1";
const LONG_BYTES: usize = LONG_TAG.len() + 32 + 8;

/// One entry of the log: 1 to 65,535 bytes in one of the two forms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry(Vec<u8>);

/// What an entry says of its envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form<'a> {
    /// The envelope itself.
    Short(&'a [u8]),
    /// The hash of an envelope of more than 65,535 bytes, and its length.
    Long {
        /// [`envelope_hash`] of the envelope.
        hash: Hash,
        /// How many bytes it has.
        bytes: u64,
    },
}

/// Bytes that no log of ours holds: the log is of something else, or of a later version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Neither an envelope nor a long entry.
    #[error("an entry is an envelope, which begins with `{{`, or a long entry of version 1")]
    Form,
    /// An envelope that is too long for either form.
    #[error("an envelope has at most 2^32 - 1 bytes")]
    TooLong,
}

impl Entry {
    /// Returns the entry of `envelope`, its bytes exactly as they are stored.
    ///
    /// # Errors
    /// [`EntryError`], if the bytes do not begin as an envelope does, or are 4 GiB or more.
    pub fn of_envelope(envelope: &[u8]) -> Result<Self, EntryError> {
        if envelope.first() != Some(&b'{') {
            return Err(EntryError::Form);
        }
        if envelope.len() <= SHORT_BYTES_MAX {
            return Ok(Self(envelope.to_vec()));
        }
        let bytes = envelope.len() as u64;
        if bytes > ENVELOPE_BYTES_MAX {
            return Err(EntryError::TooLong);
        }
        let mut entry = Vec::with_capacity(LONG_BYTES);
        entry.extend_from_slice(LONG_TAG);
        entry.extend_from_slice(&envelope_hash(envelope).0);
        entry.extend_from_slice(&bytes.to_be_bytes());
        Ok(Self(entry))
    }

    /// Returns the entry that `bytes` are.
    ///
    /// # Errors
    /// [`EntryError`], if they are in neither form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryError> {
        form(bytes)?;
        Ok(Self(bytes.to_vec()))
    }

    /// Returns the bytes that are logged.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns what the entry says of its envelope.
    pub fn form(&self) -> Form<'_> {
        form(&self.0).expect("an entry was checked when it was made")
    }

    /// Returns whether this is the entry of `envelope`.
    pub fn is_of(&self, envelope: &[u8]) -> bool {
        match self.form() {
            Form::Short(own) => own == envelope,
            Form::Long { hash, bytes } => bytes == envelope.len() as u64 && hash == envelope_hash(envelope),
        }
    }

    /// Returns the hash that stands in the tree: SHA-256 over the byte 0 and the entry.
    pub fn hash(&self) -> Hash {
        entry_hash(&self.0)
    }
}

/// Returns what the bytes of an entry say.
fn form(bytes: &[u8]) -> Result<Form<'_>, EntryError> {
    if bytes.first() == Some(&b'{') && bytes.len() <= SHORT_BYTES_MAX {
        return Ok(Form::Short(bytes));
    }
    let rest = bytes.strip_prefix(LONG_TAG).ok_or(EntryError::Form)?;
    let (hash, length) = rest.split_first_chunk().ok_or(EntryError::Form)?;
    let bytes = u64::from_be_bytes(length.try_into().map_err(|_| EntryError::Form)?);
    let long = bytes > SHORT_BYTES_MAX as u64 && bytes <= ENVELOPE_BYTES_MAX;
    if long { Ok(Form::Long { hash: Hash(*hash), bytes }) } else { Err(EntryError::Form) }
}
