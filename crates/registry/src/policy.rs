//! The two-person rule: which acts need a second person.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use story::Kind;

use crate::access::Act;
use crate::words::words;

words!(
    /// What can be made to need a second person.
    Guarded, "guarded act", {
        /// Killing a story.
        Kill = "kill",
        /// Taking a story down for legal reasons.
        Takedown = "takedown",
        /// Correcting a story.
        Correction = "correction",
        /// A breaking alert.
        Alert = "alert",
        /// Taking words out of a story's record.
        Redaction = "redaction",
    }
);

impl Guarded {
    /// Returns what of this `act` is; for filed copy, `kind` says what is filed.
    pub const fn of(act: Act, kind: Option<Kind>) -> Option<Self> {
        match (act, kind) {
            (Act::Kill, _) | (Act::File, Some(Kind::Kill)) => Some(Self::Kill),
            (Act::Takedown, _) | (Act::File, Some(Kind::Takedown)) => Some(Self::Takedown),
            (Act::Correct, _) | (Act::File, Some(Kind::Correction)) => Some(Self::Correction),
            (Act::File, Some(Kind::Alert)) => Some(Self::Alert),
            (Act::Redact, _) => Some(Self::Redaction),
            _ => None,
        }
    }
}

/// Which of the guarded acts need a second person; by default none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Guarded>", into = "Vec<Guarded>")]
pub struct Policy(u8);

impl Policy {
    /// Returns this policy with `act` needing a second person.
    #[must_use]
    pub const fn with(self, act: Guarded) -> Self {
        Self(self.0 | 1 << act as u8)
    }

    /// Returns whether `act` needs a second person.
    pub const fn needs_second(self, act: Guarded) -> bool {
        self.0 & (1 << act as u8) != 0
    }

    /// Returns the acts that need a second person.
    pub fn acts(self) -> impl Iterator<Item = Guarded> {
        Guarded::ALL.iter().copied().filter(move |act| self.needs_second(*act))
    }
}

impl From<Vec<Guarded>> for Policy {
    fn from(acts: Vec<Guarded>) -> Self {
        acts.into_iter().fold(Self::default(), Self::with)
    }
}

impl From<Policy> for Vec<Guarded> {
    fn from(policy: Policy) -> Self {
        policy.acts().collect()
    }
}

pub(crate) fn load(db: &Connection) -> rusqlite::Result<Policy> {
    let bits: Option<u8> = db
        .prepare_cached("SELECT value FROM settings WHERE name = 'policy'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(bits.map(Policy).unwrap_or_default())
}

pub(crate) fn store(db: &Connection, policy: Policy) -> rusqlite::Result<()> {
    db.execute("INSERT OR REPLACE INTO settings VALUES ('policy', ?1)", params![policy.0]).map(drop)
}
