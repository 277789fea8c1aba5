//! The task behind a replica.
//!
//! The live path is a plain NATS subscription. Whatever may have been lost on it is noticed in one
//! of three ways: a change that does not start where the article stands, an event of the connection,
//! or a look at the stream of changes; then the story is healed from the streams.

mod heal;
mod intake;
mod recalled;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use futures::StreamExt;
use story::{Revision, StoryId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};
use wire::{ArticleMessage, ArticleView, WT_ARTICLES, WT_CHANGES};

use crate::builder::Settings;
use crate::connection::{Connection, Link};
use crate::healing::Gaps;
use crate::held::Held;
use crate::outbox::{Outbox, Owed};
use crate::reads::{self, Mark, ReadError, Selection};
use crate::recalls::Recalls;
use crate::replica::{Shared, Status};
use crate::update::{ResetReason, Update};

/// How far behind the newest change an article in its stream may be: many times what a publisher
/// sends at once before it has sent the articles too.
const ARTICLES_BEHIND_MAX: u64 = 1024;
const RETRY_DELAY: Duration = Duration::from_millis(250);

/// Why the replica does not follow for now.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the connection was lost")]
    Lost,
    #[error("cannot subscribe: {0}")]
    Subscribe(String),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// An article that is being fetched from the service.
type Fetched = (StoryId, Result<ArticleView, String>);

#[derive(Debug)]
pub(crate) struct Follower {
    connection: Connection,
    settings: Settings,
    shared: Arc<Shared>,
    outbox: Outbox,
    stories: HashMap<StoryId, Held>,
    gaps: Gaps,
    fetching: JoinSet<Fetched>,
    recalls: Recalls,
    /// Where the stream of changes stood when everything in it was last compared.
    checked: Mark,
    begun: bool,
}

impl Follower {
    pub(crate) fn new(
        connection: Connection,
        settings: Settings,
        shared: Arc<Shared>,
        updates: mpsc::Sender<Update>,
    ) -> Self {
        let outbox = Outbox::new(updates);
        let (stories, gaps, fetching) = (HashMap::new(), Gaps::default(), JoinSet::new());
        let (checked, begun) = (Mark::default(), false);
        let recalls = Recalls::new(settings.subscriber.clone());
        Self { connection, settings, shared, outbox, stories, gaps, fetching, recalls, checked, begun }
    }

    /// Follows until `shutdown`; whatever goes wrong is tried again.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let Some(trouble) = shutdown.run_until_cancelled(Box::pin(self.session())).await else {
                return self.take_leave().await;
            };
            match trouble {
                Trouble::Lost => debug!("The replica's connection was lost"),
                trouble => warn!(error = %trouble, "The replica does not follow for now"),
            }
            self.stand(if self.begun { Status::Lost } else { Status::Connecting });
            if shutdown.run_until_cancelled(tokio::time::sleep(RETRY_DELAY)).await.is_none() {
                return;
            }
        }
    }

    /// Subscribes, catches up, and follows until there is trouble.
    async fn session(&mut self) -> Trouble {
        let mut link = self.connection.link.clone();
        let Ok(now) = link.wait_for(|link| link.connected).await.map(|link| *link) else {
            return Trouble::Lost;
        };
        // Listen first: what comes while the articles are read is compared with them after.
        let subject = self.settings.scope.changes();
        let mut messages = match self.connection.client.subscribe(subject.to_string()).await {
            Ok(messages) => messages,
            Err(error) => return Trouble::Subscribe(error.to_string()),
        };
        if self.connection.client.flush().await.is_err() {
            return Trouble::Lost;
        }
        // And be there for recalls before the first article is.
        self.recalls.close();
        self.open_recalls().await;
        if let Err(trouble) = self.catch_up().await {
            return trouble.into();
        }
        self.stand(Status::Live);
        match self.follow(&mut messages, now).await {
            Ok(never) => match never {},
            Err(trouble) => trouble,
        }
    }

    async fn follow(
        &mut self,
        messages: &mut async_nats::Subscriber,
        mut then: Link,
    ) -> Result<std::convert::Infallible, Trouble> {
        let mut link = self.connection.link.clone();
        let mut check_at = Instant::now() + self.settings.check_every;
        loop {
            let (due, queue) = (self.gaps.next(), self.outbox.queue());
            self.settle_recalls();
            let receipts = self.recalls.receipts_due();
            tokio::select! {
                // Cancel-safe: each branch waits for a state, a time, room in a queue, or takes a
                // message whole.
                now = turned(&mut link, then) => {
                    let now = now.ok_or(Trouble::Lost)?;
                    if now.turns != then.turns {
                        return Err(Trouble::Lost);
                    }
                    then = now;
                    self.shared.count(|counts| counts.overruns += 1);
                    self.check().await?;
                }
                message = messages.next() => self.take(&message.ok_or(Trouble::Lost)?),
                permit = queue.reserve(), if self.outbox.owes() => {
                    // An error means that the owner is gone: the task is about to be ended.
                    if let Ok(permit) = permit && let Some(update) = self.owed() { permit.send(update) }
                }
                () = tokio::time::sleep_until(due.map_or(check_at, |(at, _)| at)), if due.is_some() => {
                    if let Some((_, story)) = due { self.heal(story).await? }
                }
                Some(fetched) = self.fetching.join_next(), if !self.fetching.is_empty() => self.fetched(fetched),
                recall = self.recalls.next() => self.take_recall(recall),
                () = tokio::time::sleep_until(receipts.unwrap_or(check_at)), if receipts.is_some() => {
                    self.send_receipts().await;
                }
                () = tokio::time::sleep_until(check_at) => {
                    self.open_recalls().await;
                    self.check().await?;
                    check_at = Instant::now() + self.settings.check_every;
                }
            }
        }
    }

    /// Reads the articles the first time, then sees what has been missed, and heals it.
    async fn catch_up(&mut self) -> Result<(), ReadError> {
        if !self.begun {
            self.begin().await?;
            self.begun = true;
        }
        self.check().await?;
        while let Some((at, story)) = self.gaps.next()
            && at <= Instant::now()
        {
            self.heal(story).await?;
        }
        Ok(())
    }

    /// Reads the latest article of every story.
    async fn begin(&mut self) -> Result<(), ReadError> {
        let jetstream = self.jetstream();
        let changes = reads::mark(&jetstream, WT_CHANGES).await?;
        let filter = self.settings.scope.articles();
        let selection = Selection { stream: WT_ARTICLES, filter, from: 1, headers_only: false };
        reads::read(&jetstream, selection, |message| {
            match reads::article(&message.payload) {
                Ok(ArticleMessage::Whole(view)) => self.begin_with(*view),
                Ok(ArticleMessage::Reference(reference)) => {
                    self.gaps.mark(reference.story, ResetReason::Large, reference.revision, u64::MAX);
                }
                Err(problem) => self.refuse(message.subject.as_str(), &problem),
            }
            true
        })
        .await?;
        if let Some(mark) = changes {
            let last_sequence = mark.last_sequence.saturating_sub(ARTICLES_BEHIND_MAX);
            self.checked = Mark { last_sequence, ..mark };
        }
        Ok(())
    }

    /// Compares what is held with every change that the stream got since the last look.
    async fn check(&mut self) -> Result<(), ReadError> {
        let jetstream = self.jetstream();
        let Some(now) = reads::mark(&jetstream, WT_CHANGES).await? else { return Ok(()) };
        if now.created != self.checked.created || now.last_sequence < self.checked.last_sequence {
            // Another stream, or it lost its end: compare all of it.
            self.checked = Mark { created: now.created.clone(), last_sequence: 0 };
        }
        if now.last_sequence > self.checked.last_sequence {
            let from = self.checked.last_sequence + 1;
            let filter = self.settings.scope.changes();
            let selection = Selection { stream: WT_CHANGES, filter, from, headers_only: true };
            reads::read(&jetstream, selection, |message| {
                if let (Some(about), Ok(info)) = (reads::subject_of(message.headers.as_ref()), message.info())
                {
                    self.compare(about, info.stream_sequence);
                }
                true
            })
            .await?;
            self.checked = now;
        }
        Ok(())
    }

    fn compare(&mut self, (story, revision, left): (StoryId, Revision, bool), sequence: u64) {
        let missed = match self.stories.get(&story) {
            Some(held) => held.revision() < revision,
            None => !left,
        };
        if missed {
            self.gaps.mark(story, ResetReason::Hole, revision, sequence);
        }
    }

    /// Makes the update that is owed next.
    fn owed(&mut self) -> Option<Update> {
        let (story, owed) = self.outbox.take()?;
        Some(match (owed, self.stories.get(&story)) {
            (Owed::Reset(reason), Some(held)) => {
                Update::Reset { story, reason, article: Arc::clone(held.view()) }
            }
            (Owed::Reset(_), None) => Update::Removed { story, desk: None },
            (Owed::Removed(desk), _) => Update::Removed { story, desk },
            (Owed::Unavailable(revision, reason), _) => Update::Unavailable { story, revision, reason },
            (Owed::Recalled(recall), _) => Update::Recalled { recall },
        })
    }

    fn stand(&self, status: Status) {
        self.shared.status.send_if_modified(|before| std::mem::replace(before, status) != status);
    }

    fn jetstream(&self) -> Context {
        self.connection.jetstream.clone()
    }
}

/// Returns the state of the link once it is no longer `then`.
///
/// Cancel-safe.
async fn turned(link: &mut watch::Receiver<Link>, then: Link) -> Option<Link> {
    link.wait_for(|now| *now != then).await.map(|now| *now).ok()
}
