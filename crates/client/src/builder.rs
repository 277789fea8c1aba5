//! What a replica follows, and how it connects.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::ServerAddr;
use story::{ActorId, Desk, StoryId};
use wire::{ChangeFilter, Subject};

use crate::connection::{Connection, Target};
use crate::fetch::Service;
use crate::replica::Replica;

/// Updates that wait for the owner, unless the builder is told otherwise.
const UPDATES_WAITING: usize = 1024;
/// How often a quiet replica looks whether it has missed something.
const CHECK_EVERY: Duration = Duration::from_secs(15);

/// What is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    Desk(Desk),
    Story(StoryId),
}

impl Scope {
    /// The subjects of its changes.
    pub(crate) fn changes(&self) -> Subject {
        self.filter(None).subject()
    }

    /// The subjects of one story's changes within it.
    pub(crate) fn changes_of(&self, story: StoryId) -> Subject {
        self.filter(Some(story)).subject()
    }

    /// The subjects of its articles.
    pub(crate) fn articles(&self) -> Subject {
        match self {
            Self::Everything => Subject::articles_of(None),
            Self::Desk(desk) => Subject::articles_of(Some(desk)),
            Self::Story(story) => Subject::article_of(*story),
        }
    }

    /// The subjects of its recalls.
    pub(crate) fn recalls(&self) -> Subject {
        match self {
            Self::Everything => Subject::recalls_of(None),
            Self::Desk(desk) => Subject::recalls_of(Some(desk)),
            Self::Story(story) => Subject::recalls_of_story(*story),
        }
    }

    /// Whether a story on `desk` is part of it.
    pub(crate) fn follows(&self, desk: &Desk) -> bool {
        !matches!(self, Self::Desk(followed) if followed != desk)
    }

    fn filter(&self, story: Option<StoryId>) -> ChangeFilter {
        match self {
            Self::Everything => ChangeFilter { story, ..ChangeFilter::default() },
            Self::Desk(desk) => ChangeFilter { story, desk: Some(desk.clone()), ..ChangeFilter::default() },
            Self::Story(story) => ChangeFilter { story: Some(*story), ..ChangeFilter::default() },
        }
    }
}

/// How a replica treats its owner and its time.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) scope: Scope,
    pub(crate) updates_waiting: usize,
    pub(crate) check_every: Duration,
    pub(crate) service: Option<Service>,
    pub(crate) subscriber: Option<ActorId>,
}

/// Why a replica cannot be connected: each needs another setting. NATS being down is no error.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none.
    #[error("{given:?} is no NATS address: give a URL such as nats://127.0.0.1:4222")]
    Address {
        /// What was given.
        given: String,
    },
    /// The service's address is none.
    #[error("{given:?} is no address of the service: give a URL such as http://127.0.0.1:8080")]
    Service {
        /// What was given.
        given: String,
    },
    /// The file of credentials, or of the seed, cannot be read.
    #[error("cannot read the credentials at {path}")]
    Credentials {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// NATS refused the options.
    #[error("cannot connect to NATS")]
    Nats(#[from] async_nats::ConnectError),
}

/// Builds a [`Replica`].
#[derive(Debug, Clone)]
pub struct Builder {
    nats: String,
    service: Option<String>,
    credentials: Option<PathBuf>,
    seed: Option<PathBuf>,
    inbox_prefix: Option<String>,
    settings: Settings,
}

impl Builder {
    pub(crate) fn new(nats: &str) -> Self {
        let settings = Settings {
            scope: Scope::Everything,
            updates_waiting: UPDATES_WAITING,
            check_every: CHECK_EVERY,
            service: None,
            subscriber: None,
        };
        let nats = nats.to_owned();
        Self { nats, service: None, credentials: None, seed: None, inbox_prefix: None, settings }
    }

    /// Follows one story, whatever desk it is on.
    #[must_use]
    pub fn story(mut self, story: StoryId) -> Self {
        self.settings.scope = Scope::Story(story);
        self
    }

    /// Follows the stories of one desk; one that leaves it is [`Removed`](crate::Update::Removed).
    #[must_use]
    pub fn desk(mut self, desk: Desk) -> Self {
        self.settings.scope = Scope::Desk(desk);
        self
    }

    /// Follows every story: this is what an unchanged builder does.
    #[must_use]
    pub fn everything(mut self) -> Self {
        self.settings.scope = Scope::Everything;
        self
    }

    /// Fetches what is too large for a message from the service at this address, such as
    /// `http://127.0.0.1:8080`.
    #[must_use]
    pub fn service(mut self, url: &str) -> Self {
        self.service = Some(url.to_owned());
        self
    }

    /// Follows under a name. Recalls that came while the replica was away reach it when it is back, and
    /// it says on `wt.v1.ack.<subscriber>` which recalls it has applied and which revisions it has.
    ///
    /// A name is for one replica at a time: two that share one share its recalls, each getting some. The
    /// NATS user must be allowed to use a durable consumer of that name, and to publish there.
    #[must_use]
    pub fn subscriber(mut self, subscriber: ActorId) -> Self {
        self.settings.subscriber = Some(subscriber);
        self
    }

    /// Signs in with the user's file of credentials at `path` (`.creds`).
    #[must_use]
    pub fn credentials(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials = Some(path.into());
        self
    }

    /// Signs in with the seed in the file at `path`, such as `nats-subscriber-NAME.nkey` of
    /// `writethru nats config`; its user needs an [`inbox_prefix`](Builder::inbox_prefix) too.
    #[must_use]
    pub fn seed(mut self, path: impl Into<PathBuf>) -> Self {
        self.seed = Some(path.into());
        self
    }

    /// Asks for answers on subjects that begin so, where the user may not listen on `_INBOX`.
    #[must_use]
    pub fn inbox_prefix(mut self, prefix: &str) -> Self {
        self.inbox_prefix = Some(prefix.to_owned());
        self
    }

    /// Keeps up to `updates` for an owner that is slow; beyond that a story's updates become one
    /// [`Reset`](crate::Update::Reset). At least 1.
    #[must_use]
    pub fn updates_waiting(mut self, updates: usize) -> Self {
        self.settings.updates_waiting = updates.max(1);
        self
    }

    /// Looks this often whether a message was lost, though the connection held.
    #[must_use]
    pub fn check_every(mut self, interval: Duration) -> Self {
        self.settings.check_every = interval;
        self
    }

    /// Starts the replica on the present tokio runtime. NATS need not be there yet: the replica
    /// connects when it is, and its [`status`](Replica::status) says so.
    ///
    /// # Errors
    /// [`ConnectError`] names the setting that cannot work.
    pub async fn connect(mut self) -> Result<Replica, ConnectError> {
        let addresses: Result<Vec<ServerAddr>, _> =
            self.nats.split(',').map(|url| url.trim().parse()).collect();
        let addresses = addresses.map_err(|_| ConnectError::Address { given: self.nats.clone() })?;
        if let Some(url) = &self.service {
            let service = Service::new(url).ok_or_else(|| ConnectError::Service { given: url.clone() })?;
            self.settings.service = Some(service);
        }
        let Self { credentials, seed, inbox_prefix, .. } = self;
        let target = Target { addresses, credentials, seed, inbox_prefix };
        Ok(Replica::start(Connection::begin(target).await?, self.settings))
    }
}
