//! Disclosures: the words of a record, and how some of them are erased.

use proof::{Salt, Seed};

use super::Damaged;

/// The values that one record brought in, by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disclosures {
    /// As written: every value, and the seed that all salts come from.
    Whole {
        /// The seed; `None` if there are no values.
        seed: Option<Seed>,
        /// The values in order.
        values: Vec<String>,
    },
    /// After an erasure: each value with its own salt, `None` where it was erased.
    Partial(Vec<Option<Disclosure>>),
}

/// One value and its salt: what opens a commitment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// The salt.
    pub salt: Salt,
    /// The value.
    pub value: String,
}

/// Why disclosures could not be read or erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisclosuresError {
    /// The bytes are not disclosures that were ever written.
    #[error("the disclosures are damaged")]
    Damaged(#[from] Damaged),
    /// There is no such value; nothing was erased.
    #[error("there is no value {index}, only {count} values")]
    NoValue {
        /// The index asked for.
        index: usize,
        /// How many values there are.
        count: usize,
    },
}

impl Disclosures {
    /// Returns the disclosures that `bytes` are.
    ///
    /// # Errors
    /// [`DisclosuresError::Damaged`] for anything but the bytes that [`Disclosures::to_bytes`]
    /// makes. No bytes make it panic.
    pub fn parse(bytes: &[u8]) -> Result<Self, DisclosuresError> {
        let _ = bytes;
        todo!("parse")
    }

    /// Returns the disclosures without the values at `indexes`: words and salts are gone for good,
    /// and so is the seed. A value that is erased already stays so.
    ///
    /// # Errors
    /// [`DisclosuresError::NoValue`], and nothing is erased.
    pub fn erase(&self, indexes: &[usize]) -> Result<Self, DisclosuresError> {
        let _ = indexes;
        todo!("erase")
    }

    /// Returns the one form in bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        todo!("to_bytes")
    }
}
