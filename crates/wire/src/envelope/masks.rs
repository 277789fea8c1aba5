//! Masks: values that are read as erased, whether their words are still there or not.
//!
//! A redaction counts for every revision from the moment it is in the log. The words leave the disk a
//! little later, or, where they are only withdrawn, never; whoever folds a story with its masks sees
//! the same all the while.

use std::collections::HashSet;
use std::sync::Arc;

use proof::Commitment;
use story::Redaction;

use super::{Header, HeaderError};

/// What every envelope of a redaction holds, as the writer writes it.
const SIGN: &[u8] = b"\"kind\":\"redaction\"";

/// Values of one story that are read as erased. Cloning costs a reference count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Masks(Arc<HashSet<Commitment>>);

impl Masks {
    /// Returns the masks that the redactions among `envelopes` ask for. Cost: a look at each envelope,
    /// and the parsing of those that redact.
    ///
    /// # Errors
    /// [`HeaderError`] where an envelope that looks like a redaction cannot be read.
    pub fn of<'a>(envelopes: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, HeaderError> {
        let mut masks = Self::default();
        for envelope in envelopes {
            if let Some(redaction) = redaction_of(envelope)? {
                masks.add(&redaction);
            }
        }
        Ok(masks)
    }

    /// Adds what `redaction` hides; returns whether anything is new.
    pub fn add(&mut self, redaction: &Redaction) -> bool {
        let new = |value: &Commitment| !self.0.contains(value);
        let values: Vec<Commitment> =
            redaction.hidden().iter().map(|value| Commitment(value.0)).filter(new).collect();
        if values.is_empty() {
            return false;
        }
        Arc::make_mut(&mut self.0).extend(values);
        true
    }

    /// Returns whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the value behind `commitment` is hidden.
    pub fn hide(&self, commitment: Commitment) -> bool {
        !self.0.is_empty() && self.0.contains(&commitment)
    }
}

/// Returns what the record with this envelope redacts, if it redacts.
///
/// # Errors
/// [`HeaderError`] where it looks like a redaction and cannot be read.
pub fn redaction_of(envelope: &[u8]) -> Result<Option<Redaction>, HeaderError> {
    if memchr::memmem::find(envelope, SIGN).is_none() {
        return Ok(None);
    }
    Ok(Header::parse(envelope)?.redaction)
}
