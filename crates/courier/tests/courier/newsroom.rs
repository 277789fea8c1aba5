//! A newsroom with webhooks: a log, its desk, its projector and its courier, under a clock that stands.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use courier::{
    Clock, Courier, Delivery, DeliveryFilter, DeliveryState, Endpoint, EndpointId, Hand, Joint, NewEndpoint,
    Payload, Reach, Secret, Webhooks,
};
use desk::{ActRequest, Desk, PushRequest, Seed, StoryRef, Target};
use jiff::{SignedDuration, Timestamp};
use log::{Epoch, EventLog, Options, Position};
use projector::{Leaving, Projector, Views};
use story::{Act, BlockKind, Command, CopyBuilder, Deed, Field, GivenBlock, Push, Release, StoryId, Text};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::http::WebhookFilter;

/// How long anything may take that has to happen.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Newsroom {
    pub(crate) folder: TempDir,
    log: EventLog,
    desk: Desk,
    pub(crate) views: Views,
    pub(crate) webhooks: Webhooks,
    hand: Hand,
    pub(crate) left: Arc<Mutex<Vec<Leaving>>>,
    tasks: Vec<JoinHandle<()>>,
    shutdown: CancellationToken,
}

impl Newsroom {
    pub(crate) async fn start() -> Self {
        Self::on(tempfile::tempdir().unwrap(), noon()).await
    }

    pub(crate) async fn on(folder: TempDir, at: Timestamp) -> Self {
        Self::reaching(folder, at, Reach::Private).await
    }

    pub(crate) async fn reaching(folder: TempDir, at: Timestamp, reach: Reach) -> Self {
        let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
        let log = EventLog::open(&folder.path().join("log.db"), options).await.unwrap();
        let (projector, views, _) = Projector::open(log.clone(), &folder.path().join("views.db")).unwrap();
        let shutdown = CancellationToken::new();
        let (clock, hand) = Clock::standing(at);
        let life = (log.epoch(), log.head());
        let webhooks = Webhooks::open(&folder.path().join("courier.db"), life, reach, clock).unwrap();
        let left = Arc::new(Mutex::new(Vec::new()));
        let joint = Joint { webhooks: webhooks.clone(), views: views.clone() };
        let noted = Arc::clone(&left);
        let courier = Courier::new(joint, move |leaving| noted.lock().unwrap().push(leaving));
        let tasks =
            vec![tokio::spawn(projector.run(shutdown.clone())), tokio::spawn(courier.run(shutdown.clone()))];
        let desk = Desk::open(log.clone(), Seed::default()).await.unwrap();
        Self { folder, log, desk, views, webhooks, hand, left, tasks, shutdown }
    }

    /// Ends it in order; what it has written stays.
    pub(crate) async fn stop(self) -> TempDir {
        self.shutdown.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
        self.log.close().await;
        self.folder
    }

    /// Begins again on the same files, `later`.
    pub(crate) async fn again(self, at: Timestamp) -> Self {
        Self::on(self.stop().await, at).await
    }

    pub(crate) fn set(&self, at: Timestamp) {
        self.hand.set(at);
    }

    pub(crate) async fn push(&self, slug: &str, headline: &str, release: Release) -> StoryId {
        let mut copy = CopyBuilder::new();
        copy.field(Field::Headline, headline).unwrap();
        copy.list(Field::Tags, [slug]).unwrap();
        copy.body();
        copy.block(GivenBlock { id: None, kind: BlockKind::Paragraph, text: headline, marks: &[] }).unwrap();
        let request = PushRequest {
            target: Target::BySlug(slug.parse().unwrap()),
            push: Push {
                desk: Some("world".parse().unwrap()),
                kind: None,
                copy: copy.finish().0,
                release,
                note: Text::default(),
                correction: None,
                label: None,
                occurred: None,
                rebased: None,
            },
            actor: "a1".parse().unwrap(),
            command: None,
            expected: None,
            base: None,
        };
        self.desk.push(request).await.unwrap().story
    }

    pub(crate) async fn file(&self, slug: &str, headline: &str) -> StoryId {
        self.push(slug, headline, Release::Publish).await
    }

    /// Does `deed` to a story.
    pub(crate) async fn act(&self, story: StoryId, deed: Deed) {
        let act = Act {
            deed,
            reason: Text::uncut("Forged."),
            note: Text::default(),
            approver: Some("chief".parse().unwrap()),
        };
        let request = ActRequest {
            story: StoryRef::Id(story),
            command: Command::Act(Box::new(act)),
            actor: "a2".parse().unwrap(),
            key: None,
            expected: None,
        };
        self.desk.act(request).await.unwrap();
    }

    /// Returns once the views show everything.
    pub(crate) async fn viewed(&self) {
        self.views.reached(self.log.head()).await;
    }

    pub(crate) async fn add(&self, url: &str, filter: WebhookFilter, payload: Payload) -> (Endpoint, Secret) {
        let new = NewEndpoint {
            url: url.to_owned(),
            description: "A test".to_owned(),
            filter,
            payload,
            after: Position::ZERO,
        };
        self.webhooks.add(new).await.unwrap()
    }

    /// Adds an endpoint that is told of everything, in full.
    pub(crate) async fn hook(&self, url: &str) -> (EndpointId, Secret) {
        let (endpoint, secret) = self.add(url, WebhookFilter::default(), Payload::Full).await;
        (endpoint.id, secret)
    }

    pub(crate) async fn log_of(&self, id: &EndpointId) -> Vec<Delivery> {
        let mut all = self.webhooks.deliveries(id, DeliveryFilter::default(), 500).await.unwrap();
        all.reverse();
        all
    }

    /// Returns the log of deliveries once `holds` of it.
    pub(crate) async fn until(&self, id: &EndpointId, holds: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
        let looking = async {
            loop {
                let log = self.log_of(id).await;
                if holds(&log) {
                    return log;
                }
                tokio::task::yield_now().await;
            }
        };
        let Ok(log) = tokio::time::timeout(PATIENCE, looking).await else {
            panic!("it never came to that: {:#?}", self.log_of(id).await);
        };
        log
    }

    /// Returns the log once `count` deliveries were made and all are over.
    pub(crate) async fn over(&self, id: &EndpointId, count: usize) -> Vec<Delivery> {
        self.until(id, |log| log.len() == count && log.iter().all(|one| one.state != DeliveryState::Waiting))
            .await
    }
}

/// Returns `at`, so many seconds later.
pub(crate) fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at + SignedDuration::from_secs(seconds)
}

/// Returns when the tests began: the library that judges signatures reads the system's clock.
pub(crate) fn noon() -> Timestamp {
    static NOON: OnceLock<Timestamp> = OnceLock::new();
    *NOON.get_or_init(|| Timestamp::from_second(Timestamp::now().as_second()).unwrap())
}
