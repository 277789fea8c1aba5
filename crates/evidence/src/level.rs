//! How much a bundle tells.

use std::fmt;
use std::str::FromStr;

/// Whom a bundle is for. The envelopes and proofs are the same in each; what differs are the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What readers have seen and may still see: for anybody.
    Public,
    /// Everything but what a redaction hides: for the house.
    Redacted,
    /// Everything that still exists, what was only withdrawn included: for auditors.
    Full,
}

/// A word that is no level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a level is one of public, redacted, full")]
pub struct LevelError;

impl Level {
    /// Every level, the least first.
    pub const ALL: [Self; 3] = [Self::Public, Self::Redacted, Self::Full];

    /// Returns the level's name in every format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Redacted => "redacted",
            Self::Full => "full",
        }
    }

    /// Returns what the level leaves out, in a sentence.
    pub(crate) const fn leaves_out(self) -> &'static str {
        match self {
            Self::Public => "Words that readers never saw, or may not see any more, are left out.",
            Self::Redacted => "Words that a redaction hides are left out.",
            Self::Full => "Only words that were erased are missing.",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = LevelError;

    fn from_str(given: &str) -> Result<Self, LevelError> {
        Self::ALL.into_iter().find(|level| level.as_str() == given).ok_or(LevelError)
    }
}
