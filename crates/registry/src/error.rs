//! What can go wrong with the file itself. What an operation refuses is in an enum of its own.

use std::error::Error;
use std::sync::Arc;

/// Why, as the system says it; shared by all who waited for the same commit.
pub(crate) type Cause = Arc<dyn Error + Send + Sync>;

/// Why the registry gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Nothing was stored: the same call may be repeated.
    #[error(
        "the registry is unavailable and nothing was stored; try again, and look at the disk if it stays so"
    )]
    Unavailable {
        /// Why.
        #[source]
        source: Cause,
    },
    /// The write may be stored: read before repeating the call.
    #[error("the registry may have stored this or not; read it before trying again")]
    OutcomeUnknown {
        /// Why.
        #[source]
        source: Cause,
    },
    /// It is stored, but the journal could not be emptied: what was erased may still be in it.
    #[error("it is erased, but its bytes may still be in the journal; ask again to have them removed")]
    JournalHeld,
    /// What is stored cannot be read: a repeat does not help.
    #[error("the registry is damaged; stop the service and restore registry.db from a backup")]
    Damaged {
        /// What cannot be read.
        #[source]
        source: Cause,
    },
}

impl StoreError {
    pub(crate) fn unavailable(why: &'static str) -> Self {
        Self::Unavailable { source: Arc::from(Box::<dyn Error + Send + Sync>::from(why)) }
    }

    pub(crate) fn unknown(why: &'static str) -> Self {
        Self::OutcomeUnknown { source: Arc::from(Box::<dyn Error + Send + Sync>::from(why)) }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let unreadable = matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
        );
        if unreadable || matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)) {
            return Self::Damaged { source: Arc::new(error) };
        }
        Self::Unavailable { source: Arc::new(error) }
    }
}

/// Gives an operation's error enum, which has a variant `Store`, SQLite's errors as well.
macro_rules! store_errors {
    ($name:ident) => {
        impl From<rusqlite::Error> for $name {
            fn from(error: rusqlite::Error) -> Self {
                Self::Store(error.into())
            }
        }
    };
}
pub(crate) use store_errors;

/// Why a registry could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it, and what it has in memory would be wrong.
    #[error("the registry at {path} is in use by another process; stop that one first")]
    InUse {
        /// Its file.
        path: String,
    },
    /// The file is something else: nothing was changed.
    #[error("{path} is no registry that this version reads: {problem}; move it away or use another release")]
    Foreign {
        /// The file.
        path: String,
        /// What does not fit.
        problem: String,
    },
    /// The registry that the nodes share cannot be joined.
    #[error(
        "the registry at {path} cannot join the one that the nodes share; see that NATS runs, then try again"
    )]
    Shared {
        /// Its file.
        path: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// What is stored cannot be read.
    #[error("the registry at {path} is damaged; restore it from a backup")]
    Damaged {
        /// Its file.
        path: String,
        /// What cannot be read.
        #[source]
        source: Cause,
    },
    /// The file system or SQLite refused.
    #[error("cannot open the registry at {path}; check the disk and the permissions")]
    Io {
        /// Its file.
        path: String,
        /// Why.
        #[source]
        source: Cause,
    },
}
