//! Changes as a subscriber sees them, with the articles around each: over NATS where there is one,
//! from the HTTP API where there is none.

mod poll;

use story::{Article, Desk};
use wire::Change;

use crate::failure::Failure;
use crate::session::Session;
use poll::Poll;

/// A change that has arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The change.
    pub(crate) change: Change,
    /// The article before; `None` if readers had seen nothing.
    pub(crate) before: Option<Article>,
    /// The article after, its hash compared with the change's.
    pub(crate) after: Article,
    /// Why the article had to be fetched whole, if it had to be.
    pub(crate) reset: Option<String>,
}

/// Where changes come from.
#[derive(Debug)]
pub(crate) enum Feed {
    /// The HTTP API.
    Poll(Box<Poll>),
}

impl Feed {
    /// Opens the feed of changes from now on, of one desk or all.
    ///
    /// # Errors
    /// Neither NATS nor the HTTP API can be reached.
    pub(crate) async fn open(session: &Session, desk: Option<&Desk>) -> Result<Self, Failure> {
        Ok(Self::Poll(Box::new(Poll::open(session.api()?, desk).await?)))
    }

    /// Returns where the changes come from.
    pub(crate) fn source(&self) -> String {
        match self {
            Self::Poll(poll) => poll.source(),
        }
    }

    /// Returns the next change, once there is one. Cancel-safe.
    ///
    /// # Errors
    /// The source says no in a way that waiting does not mend.
    pub(crate) async fn next(&mut self) -> Result<Seen, Failure> {
        match self {
            Self::Poll(poll) => poll.next().await,
        }
    }
}
