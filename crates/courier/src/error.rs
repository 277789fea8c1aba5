//! What can go wrong with the courier's file, and what is refused.

use std::path::Path;
use std::sync::Arc;

use crate::address::AddressError;

/// Why the file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not the courier's, or another version's: move it away.
    #[error("{path} is not a file of webhooks that this version reads: {problem}")]
    Foreign {
        /// The file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// The file system or SQLite refused.
    #[error("cannot open {path}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenError {
    /// Returns the error for a cause that a repeat may cure.
    pub(crate) fn io(path: &Path, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Io { path: path.display().to_string(), source: Box::new(source) }
    }
}

/// Why the file gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was stored: the same call may be repeated.
    #[error("the file of webhooks gave no answer and nothing was stored; try again")]
    Unavailable(#[source] rusqlite::Error),
    /// What is stored cannot be read: a repeat does not help.
    #[error("the file of webhooks is damaged; stop the service and move courier.db away")]
    Damaged(#[source] rusqlite::Error),
    /// The other nodes could not be told, and nothing was stored: the same call may be repeated.
    #[error("the webhooks that the nodes share are out of reach and nothing was stored; try again")]
    Untold(#[source] Arc<peers::PeerError>),
    /// The task that reads was lost: whether something was stored is not known.
    #[error("the file of webhooks may have stored this or not; look before trying again")]
    Lost,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType};
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        let is_unreadable = matches!(
            error,
            FromSqlConversionFailure(..) | InvalidColumnType(..) | IntegralValueOutOfRange(..)
        );
        if is_unreadable || matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)) {
            Self::Damaged(error)
        } else {
            Self::Unavailable(error)
        }
    }
}

/// Why nothing was done about a webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The file gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its address is not one that is called.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// There is no such webhook.
    #[error("there is no webhook {0}")]
    Unknown(String),
    /// There is no such delivery.
    #[error("the webhook has no delivery {0}")]
    UnknownDelivery(u64),
    /// It is disabled: enable it first.
    #[error("the webhook is disabled: enable it first")]
    Disabled,
    /// Too many are there.
    #[error("there are {limit} webhooks: remove one that is not used")]
    TooMany {
        /// How many may be.
        limit: usize,
    },
    /// A replay found as much waiting as may wait.
    #[error("too much waits for this webhook already: replay again when it has gone out")]
    Full,
    /// The views gave no answer.
    #[error("the views gave no answer")]
    Views(#[from] projector::ViewError),
}

impl From<rusqlite::Error> for WebhookError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::from(error).into()
    }
}
