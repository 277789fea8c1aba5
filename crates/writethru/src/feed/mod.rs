//! Changes as a subscriber sees them, with the articles around each: over NATS where there is one,
//! from the HTTP API where there is none.

mod poll;
mod replica;

use story::{Article, Desk};
use wire::{Change, ViewError};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use poll::Poll;
use replica::Follower;

/// Something that has arrived.
#[derive(Debug, Clone)]
pub(crate) enum News {
    /// A change.
    Changed(Box<Seen>),
    /// An article was taken as a whole, because changes could not be.
    Reset(Box<Started>),
    /// Something that a person should know of and that passes by itself.
    Trouble(String),
}

/// A change and the articles around it, their hashes compared with the change's.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The change.
    pub(crate) change: Change,
    /// The article before; `None` if readers had seen nothing.
    pub(crate) before: Option<Article>,
    /// The article after.
    pub(crate) after: Article,
}

/// An article that was taken as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Started {
    /// Why.
    pub(crate) reason: String,
    /// What was known before.
    pub(crate) before: Option<Article>,
    /// What is known now.
    pub(crate) now: wire::ArticleView,
    /// The same, as an article.
    pub(crate) after: Article,
}

/// Where changes come from.
#[derive(Debug)]
pub(crate) enum Feed {
    /// A replica over NATS.
    Replica(Box<Follower>),
    /// The HTTP API.
    Poll(Box<Poll>),
}

impl Feed {
    /// Opens the feed of changes from now on, of one desk or all.
    ///
    /// # Errors
    /// Neither NATS nor the HTTP API can be reached.
    pub(crate) async fn open(session: &Session, desk: Option<&Desk>) -> Result<Self, Failure> {
        match session.nats_url()? {
            Some(url) => Ok(Self::Replica(Box::new(Follower::open(session, url, desk).await?))),
            None => Ok(Self::Poll(Box::new(Poll::open(session.api()?, desk).await?))),
        }
    }

    /// Returns where the changes come from.
    pub(crate) fn source(&self) -> String {
        match self {
            Self::Replica(follower) => follower.source(),
            Self::Poll(poll) => poll.source(),
        }
    }

    /// Returns the next news, once there is some. Cancel-safe.
    ///
    /// # Errors
    /// The source says no in a way that waiting does not mend.
    pub(crate) async fn next(&mut self) -> Result<News, Failure> {
        match self {
            Self::Replica(follower) => follower.next().await,
            Self::Poll(poll) => poll.next().await,
        }
    }
}

/// Returns the failure of an article that is none.
fn no_article(error: &ViewError) -> Failure {
    Failure::new(Exit::Failure, "answer-unreadable", "the service sent an article that is none")
        .because(error)
        .next("compare `writethru --version` with the server's (`writethru doctor`)")
}
