//! Redaction: taking words out of a story's record, or saying something about them, and by what right.
//!
//! The domain knows which words only by opaque ids: the commitments that the envelope holds. What a
//! redaction does to the article that stands now is an ordinary edit; that the words are gone from
//! every revision is the fold's business, and that they are gone from the disk the desk's.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::block::BlockId;
use crate::field::Field;
use crate::identity::{ActorId, IdentityError, token};
use crate::kind::words;
use crate::limits::TOKEN_BYTES_MAX;
use crate::text::Text;

words!(
    /// What a redaction does.
    RedactionKind, "kind of redaction", {
        /// Takes a name out: other words stand in its place from now on, and the old ones are erased.
        Anonymise = "anonymise",
        /// Takes words from every reader and keeps them in the record, for who may read that.
        Withdraw = "withdraw",
        /// Leaves every word and says something about them.
        Annotate = "annotate",
        /// Erases words from every place where we keep them.
        Erase = "erase",
    }
);

token!(
    /// The authority for a redaction or a hold, such as `GDPR-Art.17` or `court:2026/1234`. It stands in
    /// the envelope for ever, so it is a reference and no sentence.
    Basis, "basis", TOKEN_BYTES_MAX, "1 to 64 characters out of A-Z a-z 0-9 . _ : / -",
    |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'/' | b'-')
);

/// One value of a text, by what names it for ever. Opaque here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub [u8; 32]);

/// What an event of kind redaction says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// What it does.
    pub kind: RedactionKind,
    /// By what right.
    pub basis: Basis,
    /// The values that it is about; never empty.
    pub values: Arc<[ValueId]>,
}

/// A command to redact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redact {
    /// What is done to which values.
    pub redaction: Redaction,
    /// What stands in their place in the article of now; only to anonymise.
    pub replacements: Vec<Replacement>,
    /// Why, for the record; readers are not told.
    pub reason: Text,
    /// The public note; an annotation is nothing without one.
    pub note: Text,
    /// Who approved it.
    pub approver: ActorId,
}

/// Other words for one value of the article of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Where.
    pub place: Place,
    /// Which value there, from 0.
    pub index: usize,
    /// The words; none takes the value out.
    pub text: Text,
}

/// Where a text stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// In a block.
    Block(BlockId),
    /// In a field.
    Field(Field),
}

impl RedactionKind {
    /// Returns whether the words are physically erased.
    pub const fn erases(self) -> bool {
        matches!(self, Self::Anonymise | Self::Erase)
    }

    /// Returns whether readers lose the words.
    pub const fn hides(self) -> bool {
        !matches!(self, Self::Annotate)
    }
}

impl Redaction {
    /// Returns the values that nobody reads any more in any revision: none for an annotation.
    pub fn hidden(&self) -> &[ValueId] {
        if self.kind.hides() { &self.values } else { &[] }
    }
}
