//! What a named subscriber keeps beside its articles: recalls that it has to acknowledge, and receipts
//! of what it got.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::pull::MessagesError;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::{ErrorCode, Message};
use futures::StreamExt;
use story::{ActorId, Revision, StoryId};
use tokio::task::JoinSet;
use tokio::time::Instant;
use wire::{Recall, Receipt, Subject, WT_RECALLS};

use crate::receipts::Receipts;

/// How often receipts are sent at most.
const RECEIPTS_EVERY: Duration = Duration::from_secs(1);
/// Most recalls that wait to be applied and acknowledged; NATS keeps the others.
const WAITING_MAX: i64 = 256;
/// Most recalls of a story that are remembered as told: one older than all of them counts as told.
const TOLD_MAX: usize = 256;
/// When a recall that was not acknowledged comes again.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// When NATS forgets a subscriber that has not come back.
const AWAY_MAX: Duration = Duration::from_hours(90 * 24);

/// A recall that came through the subscriber's consumer and is not acknowledged yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) recall: Recall,
    pub(crate) message: Message,
}

/// What a received revision does to the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    /// It follows them.
    Update,
    /// It calls them back, or may stand for one that did.
    Recall,
}

/// The side of recalls: nothing happens on it without a subscriber's name.
pub(crate) struct Recalls {
    pub(crate) subscriber: Option<ActorId>,
    /// Where recalls come from, while it is open.
    messages: Option<pull::Stream>,
    /// Whether the stream of recalls was looked for in vain: what is in it once it is there is new.
    was_missing: bool,
    /// By story and revision: recalls that the replica has not applied yet.
    pub(crate) waiting: BTreeMap<(StoryId, Revision), Waiting>,
    /// The recalls of each story that the owner was told of.
    told: HashMap<StoryId, Told>,
    receipts: Receipts,
    receipts_at: Instant,
    /// Acknowledgements on their way.
    pub(crate) sending: JoinSet<()>,
}

/// The recalls of one story that the owner was told of.
#[derive(Debug, Default)]
struct Told {
    /// The newest of them, [`TOLD_MAX`] at most.
    newest: BTreeSet<Revision>,
    /// Up to here all count as told.
    floor: Revision,
}

impl Told {
    /// Adds a recall; `false` if it was told of.
    fn add(&mut self, revision: Revision) -> bool {
        let is_new = revision > self.floor && self.newest.insert(revision);
        if self.newest.len() > TOLD_MAX
            && let Some(oldest) = self.newest.pop_first()
        {
            self.floor = oldest;
        }
        is_new
    }
}

impl fmt::Debug for Recalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recalls").field("subscriber", &self.subscriber).finish_non_exhaustive()
    }
}

impl Recalls {
    pub(crate) fn new(subscriber: Option<ActorId>) -> Self {
        Self {
            subscriber,
            messages: None,
            was_missing: false,
            waiting: BTreeMap::new(),
            told: HashMap::new(),
            receipts: Receipts::default(),
            receipts_at: Instant::now(),
            sending: JoinSet::new(),
        }
    }

    /// Opens the subscriber's durable consumer over the recalls of `filter`, if it is not open; what is
    /// wrong is said in words.
    pub(crate) async fn open(&mut self, jetstream: &Context, filter: Subject) -> Result<(), String> {
        let Some(subscriber) = self.subscriber.as_ref().filter(|_| self.messages.is_none()) else {
            return Ok(());
        };
        let stream = match jetstream.get_stream(WT_RECALLS).await {
            Ok(stream) => stream,
            Err(error) => {
                let is_missing = matches!(error.kind(), GetStreamErrorKind::JetStream(cause)
                    if cause.error_code() == ErrorCode::STREAM_NOT_FOUND);
                self.was_missing |= is_missing;
                return if is_missing { Ok(()) } else { Err(error.to_string()) };
            }
        };
        let present = stream.get_consumer::<pull::Config>(subscriber.as_str()).await.ok();
        let present = present.map(|consumer| consumer.cached_info().config.clone());
        let config = pull::Config {
            durable_name: Some(subscriber.to_string()),
            description: Some("Recalls for a subscriber".to_owned()),
            // Who comes for the first time has nothing that was called back before.
            deliver_policy: match present {
                Some(present) => present.deliver_policy,
                None if self.was_missing => DeliverPolicy::All,
                None => DeliverPolicy::New,
            },
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: WAITING_MAX,
            filter_subject: filter.into(),
            inactive_threshold: AWAY_MAX,
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(|error| error.to_string())?;
        let messages = consumer.messages().await.map_err(|error| error.to_string())?;
        self.messages = Some(messages);
        Ok(())
    }

    /// Closes the consumer's subscription, to open it again later.
    pub(crate) fn close(&mut self) {
        self.messages = None;
    }

    /// Returns the next message; `None` if no more come before it is opened again.
    ///
    /// Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, MessagesError>> {
        match &mut self.messages {
            Some(messages) => messages.next().await,
            None => std::future::pending().await,
        }
    }

    /// Takes note of a recall that the owner is told of; `false` if it had been told of it. Recalls come two
    /// ways, and overtake one another.
    pub(crate) fn tell(&mut self, story: StoryId, revision: Revision) -> bool {
        self.told.entry(story).or_default().add(revision)
    }

    /// Takes note that a revision has been received as `came` says.
    pub(crate) fn received(&mut self, story: StoryId, revision: Revision, came: Came) {
        match (self.subscriber.is_some(), came) {
            (true, Came::Update) => self.receipts.replaced(story, revision),
            (true, Came::Recall) => self.receipts.voided(story, revision),
            (false, _) => {}
        }
    }

    /// Returns when receipts are to be sent; `None` if there are none.
    pub(crate) fn receipts_due(&self) -> Option<Instant> {
        (!self.receipts.is_empty()).then_some(self.receipts_at)
    }

    /// Takes the receipts of one message; the next ones are due a while later.
    pub(crate) fn take_receipts(&mut self) -> Vec<Receipt> {
        self.receipts_at = Instant::now() + RECEIPTS_EVERY;
        self.receipts.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recall_that_was_overtaken_is_told_and_none_is_told_twice() {
        let mut told = Told::default();
        for (revision, is_new) in [(6, true), (5, true), (6, false), (5, false), (2, true), (7, true)] {
            assert_eq!(told.add(Revision(revision)), is_new, "{revision}");
        }
    }

    #[test]
    fn what_is_remembered_as_told_is_bounded() {
        let mut told = Told::default();
        let most = u64::try_from(TOLD_MAX).unwrap();
        assert!((1..=most + 1).all(|revision| told.add(Revision(revision + 1))));
        assert_eq!(told.newest.len(), TOLD_MAX);
        assert!(!told.add(Revision(1)) && !told.add(Revision(2)) && !told.add(Revision(3)));
    }
}
