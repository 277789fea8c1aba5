//! Names of things: stories, desks, slugs, actors, commands and revisions.
//!
//! Each is a newtype that cannot hold an illegal value. None of them mints itself: ids come from
//! the caller.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits::{COMMAND_KEY_BYTES_MAX, TOKEN_BYTES_MAX};

/// Why a name was refused: what it names, what was given and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {given:?} is not legal: {rule}")]
pub struct IdentityError {
    /// What the name was for, such as "desk".
    pub what: &'static str,
    /// What was given, cut to 80 characters.
    pub given: String,
    /// What is allowed.
    pub rule: &'static str,
}

impl IdentityError {
    pub(crate) fn new(what: &'static str, given: &str, rule: &'static str) -> Self {
        Self { what, given: given.chars().take(80).collect(), rule }
    }
}

/// Identity of a story for its whole life: a `UUIDv7` (RFC 9562).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoryId(Uuid);

impl StoryId {
    /// Returns the story id that `uuid` is.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Returns the story id whose 16 bytes in network order are `bytes`.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Returns the 16 bytes of the id in network order: its form as a key in the log.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Returns the UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for StoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for StoryId {
    type Err = IdentityError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let uuid = Uuid::try_parse(given).map_err(|_| {
            IdentityError::new("story id", given, "a hyphenated UUID, such as `writethru list` prints")
        })?;
        Ok(Self(uuid))
    }
}

/// Number of an update within its story: 1 for the first, no gaps; 0 means "before the first".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The state before a story's first event.
    pub const ZERO: Self = Self(0);

    /// Returns the revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:expr, $rule:literal, $legal:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdentityError;

            fn from_str(given: &str) -> Result<Self, Self::Err> {
                let legal: fn(u8) -> bool = $legal;
                if given.is_empty() || given.len() > $max || !given.bytes().all(legal) {
                    return Err(IdentityError::new($what, given, $rule));
                }
                Ok(Self(given.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdentityError;

            fn try_from(given: String) -> Result<Self, Self::Error> {
                given.parse()
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let given = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                given.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use token;

fn subject_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

token!(
    /// Desk that owns a story, such as `world`. One token of a NATS subject.
    Desk, "desk", TOKEN_BYTES_MAX, "1 to 64 characters out of A-Z a-z 0-9 - _", subject_token
);
token!(
    /// Short working name of a story, such as `ceasefire-talks`; unique in the service.
    Slug, "slug", TOKEN_BYTES_MAX, "1 to 64 characters out of A-Z a-z 0-9 - _", subject_token
);
token!(
    /// Pseudonymous id of who acted. Names of people are kept elsewhere.
    ActorId, "actor", TOKEN_BYTES_MAX, "1 to 64 characters out of A-Z a-z 0-9 - _", subject_token
);
token!(
    /// A caller's idempotency key: the same key for the same story always gets the first answer.
    CommandKey, "idempotency key", COMMAND_KEY_BYTES_MAX, "1 to 128 visible ASCII characters",
    |byte| byte.is_ascii_graphic()
);
