//! How the notary does, for whoever watches the service.

use std::fmt;
use std::sync::Arc;

use crate::reader::Head;

/// Why the notary signs nothing more, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// What it found.
    pub why: String,
    /// What a person does now.
    pub next: &'static str,
}

/// What the notary is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum State {
    /// It reads its files, or makes them again from the event log.
    #[default]
    Starting,
    /// It signs what comes.
    Signing,
    /// Another process signs; this one keeps the files below what it signed.
    Following {
        /// Why this one could not sign in its place, if so.
        unable: Option<String>,
    },
    /// Something failed and is tried again: what.
    Retrying(String),
    /// It signs nothing until a person has looked and started the service again.
    Parked(Parked),
}

/// How far the notary is.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// What it is doing.
    pub state: State,
    pub(crate) head: Option<Arc<Head>>,
    /// The newest head that a witness has cosigned.
    pub(crate) cosigned: Option<Arc<Head>>,
}

impl Status {
    /// Returns whether this process signs.
    pub fn is_signing(&self) -> bool {
        self.state == State::Signing
    }

    /// Returns whether this process could sign, now or if it were its turn.
    pub fn may_sign(&self) -> bool {
        matches!(self.state, State::Signing | State::Following { unable: None })
    }

    /// Returns how many records the newest signed head is over.
    pub fn size(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.size())
    }

    /// Returns how many records the newest head is over that a witness has cosigned.
    pub fn cosigned_size(&self) -> u64 {
        self.cosigned.as_ref().map_or(0, |head| head.size())
    }

    /// Returns the newest signed head as it is served.
    pub fn checkpoint(&self) -> Option<&str> {
        self.head.as_ref().map(|head| head.text())
    }
}

impl fmt::Display for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signs nothing: {}; {}", self.why, self.next)
    }
}
