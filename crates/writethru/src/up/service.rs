//! The parts of the service, joined: how they start, and in which order they end.

use std::sync::Arc;
use std::time::Duration;

use desk::{Desk, Seed};
use gateway::{Gateway, Measures, Parts};
use log::EventLog;
use projector::{Control, Projector, Views};
use publisher::Retention;
use registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::auditor::Auditor;
use super::carrying;
use super::data_dir::DataDir;
use super::edge::{self, Edge, PublisherCell};
use super::lease::Leases;
use super::nats::Found;
use super::notarial::Notarising;
use super::people;
use super::receipts::Receipts;
use super::relay::{Joint, Relay};
use super::roles::{Role, Roles};
use super::upkeep::Upkeep;
use super::websub::Announcer;
use crate::config::{NatsChoice, Settings};
use crate::event_log::{self, OnNats};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// How long the edge may take to finish what it has begun.
const EDGE_DRAIN_MAX: Duration = Duration::from_secs(12);
/// How long the views may take to catch up with the log.
const VIEWS_DRAIN_MAX: Duration = Duration::from_secs(10);

/// How long the views may stand still at the start before the service goes on without them.
const CATCH_UP_STEP: Duration = Duration::from_secs(5);

/// Tasks, and how to end them.
pub(super) type Part = (TaskTracker, CancellationToken);

/// A running service.
pub(crate) struct Service {
    log: EventLog,
    views: Views,
    registry: Registry,
    /// Where this process answers over HTTP, if it does.
    edge: Option<Edge>,
    relay: Relay,
    /// The transparency log, if this process keeps one.
    notary: Option<Notarising>,
    /// What carries to webhooks, if this process does.
    courier: Option<Part>,
    /// What ends before the views catch up, and what after NATS has.
    early: Vec<Part>,
    parts: Vec<Part>,
    broken: Broken,
}

impl Service {
    /// Starts every part that `roles` names, in the order in which they need each other.
    ///
    /// # Errors
    /// A part cannot start; those before it are ended and nothing is lost.
    pub(crate) async fn start(
        session: &Session,
        data: &DataDir,
        (listener, roles): (Option<TcpListener>, Roles),
        stop: CancellationToken,
    ) -> Result<Self, Failure> {
        let found = Found::begin(&session.settings, &data.paths).await?;
        let children = found.children.clone();
        let started = Self::start_on(session, data, (listener, roles), stop, found);
        match Box::pin(started).await {
            Ok(service) => Ok(service),
            Err(failure) => {
                end(children).await;
                Err(failure)
            }
        }
    }

    async fn start_on(
        session: &Session,
        data: &DataDir,
        (listener, roles): (Option<TcpListener>, Roles),
        stop: CancellationToken,
        found: Found,
    ) -> Result<Self, Failure> {
        let settings = &session.settings;
        // First of all: what is measured before is lost.
        let measures = Measures::install();
        let log = event_log::open_for_service(settings, &data.paths, found.broker.as_ref()).await?;
        let on_nats = OnNats::of(settings, found.broker.as_ref())?;
        let leases = leases(on_nats.as_ref(), &found).await?;
        let registry = people::open(&data.paths, on_nats.as_ref()).await?;
        let origin = edge::origin(settings, listener.as_ref())?;
        let (projector, views, control) = open_views(&log, data, &origin.base)?;
        let desk = open_desk(&log, &views).await?;
        let broken = Broken { first: Arc::default(), stop };
        let projector = part("projector", &broken, |told| projector.run(told));
        caught_up(&views, log.head()).await;
        let following = log.is_shared().then(|| {
            let desk = desk.clone();
            part("desk's follower", &broken, |told| async move { desk.run_following(told).await })
        });
        let scheduler =
            roles.has(Role::Scheduler).then(|| schedule((&desk, &views), leases.as_ref(), &broken));
        let announcing = announcing((settings, &views, &origin.base), &roles, leases.as_ref(), &broken)?;
        let (acknowledged, storing) = Receipts::new(registry.clone());
        let receipts = part("receipts", &broken, |told| storing.run(told));
        let notary =
            Notarising::begin((settings, &data.paths), &log, (&roles, leases.as_ref()), &broken).await?;
        let reader = notary.as_ref().map(Notarising::reader);
        let (auditing, audit) = Auditor::begin(&log, &roles, &broken).unzip();
        let webhooks = carrying::open((settings, &data.paths), &log, (&roles, leases.as_ref())).await?;
        let publisher = PublisherCell::default();
        let publishes = settings.nats != NatsChoice::Off && roles.has(Role::Publisher);
        let publishing = publishes.then(|| publisher.clone());
        let gateway = Gateway::new(Parts {
            log: log.clone(),
            desk,
            views: views.clone(),
            registry: registry.clone(),
            controls: edge::controls(control, publishing, (reader.clone(), webhooks.clone()), audit),
            measures,
            origin,
        })
        .with_websub_hub(settings.websub_hub.clone());
        let keeping = Upkeep::new(registry.clone(), gateway.clone(), data.paths.root.clone());
        let courier =
            webhooks.map(|webhooks| carrying::start(webhooks, (&gateway, &views), leases.as_ref(), &broken));
        let upkeep = part("upkeep", &broken, |told| keeping.run(told));
        let joint = Joint {
            settings: settings.clone(),
            paths: data.paths.clone(),
            gateway: gateway.clone(),
            views: views.clone(),
            epoch: log.epoch(),
            retention: retention(on_nats.as_ref()),
            broken: broken.clone(),
            publisher,
            roles,
            leases,
            notary: reader,
            receipts: acknowledged,
        };
        let relay = Relay::start(joint, found);
        let edge = listener.map(|listener| Edge::start(listener, gateway, &broken)).transpose()?;
        info!(log.head = log.head().0, "Service is ready");
        let parts = vec![receipts, projector];
        let early =
            [scheduler, following, auditing, announcing, Some(upkeep)].into_iter().flatten().collect();
        Ok(Self { log, views, registry, edge, relay, notary, courier, early, parts, broken })
    }

    /// Returns whether nothing has ever been filed.
    pub(crate) fn is_empty(&self) -> bool {
        self.log.head() == log::Position::ZERO
    }

    /// Returns the base URL of the HTTP API, if there is one.
    pub(crate) fn http(&self) -> Option<String> {
        self.edge.as_ref().map(Edge::url)
    }

    /// Returns the URL of NATS, if there is one by now.
    pub(crate) fn nats(&self) -> Option<String> {
        self.relay.url()
    }

    /// Returns the URL of a NATS server that has appeared. Cancel-safe.
    pub(crate) async fn nats_appeared(&mut self) -> Option<String> {
        self.relay.appeared().await
    }

    /// Ends every part in order: the edge takes nothing new and finishes what it has; then the
    /// views catch up, then the notary, then NATS, each for a bounded time; then registry and log are closed, and
    /// last our NATS server ends, where both may be kept. Returns what broke while the service ran, if anything
    /// did.
    pub(crate) async fn drain(self) -> Option<Failure> {
        let edge = async {
            if let Some(edge) = self.edge {
                edge.drain().await;
            }
        };
        let edges = async { tokio::join!(edge, self.relay.drain_commands()) };
        if tokio::time::timeout(EDGE_DRAIN_MAX, edges).await.is_err() {
            warn!("Some requests were cut off: they took too long to finish");
        }
        // What falls due from now on goes out at the next start.
        for part in self.early {
            end(part).await;
        }
        let head = self.log.head();
        if tokio::time::timeout(VIEWS_DRAIN_MAX, self.views.reached(head)).await.is_err() {
            warn!(log.head = head.0, "Views are behind the log: they catch up at the next start");
        }
        if let Some(notary) = &self.notary {
            notary.caught_up(&self.log).await;
        }
        if let Some(courier) = self.courier {
            end(courier).await;
        }
        self.relay.drain(self.views.position()).await;
        if let Some(notary) = self.notary {
            notary.end().await;
        }
        for part in self.parts {
            end(part).await;
        }
        self.registry.close().await;
        self.log.close().await;
        self.relay.end().await;
        info!(log.head = head.0, "Service has ended");
        self.broken.first.lock().await.take()
    }
}

/// Returns the leases of the log, if several processes may share it.
async fn leases(on_nats: Option<&OnNats>, found: &Found) -> Result<Option<Leases>, Failure> {
    let Some(on_nats) = on_nats else { return Ok(None) };
    if found.children.0.is_empty() {
        warn_of_unseen_servers();
    }
    Leases::open(on_nats).await.map(Some)
}

fn warn_of_unseen_servers() {
    warn!(
        "The event log is on NATS servers whose configuration cannot be seen from here: without \
         `sync_interval: always` on every one of them, a power cut loses what was acknowledged"
    );
}

/// Starts a part that must not end before it is told to.
pub(super) fn part<F>(name: &'static str, broken: &Broken, run: impl FnOnce(CancellationToken) -> F) -> Part
where
    F: Future<Output = ()> + Send + 'static,
{
    let (tasks, told) = (TaskTracker::new(), CancellationToken::new());
    keep(&tasks, name, told.clone(), broken, run(told.clone()));
    (tasks, told)
}

/// Releases what is due and finishes redactions: always, or whenever it is this process's turn.
fn schedule((desk, views): (&Desk, &Views), leases: Option<&Leases>, broken: &Broken) -> Part {
    let (desk, views) = (desk.clone(), views.clone());
    let work = move |told: CancellationToken| {
        let (desk, finishing) = (desk.clone(), finish_redactions(desk.clone(), views.clone(), told.clone()));
        Box::pin(async move { tokio::join!(desk.run_schedule(told), finishing).0 })
    };
    match leases {
        None => part("scheduler", broken, work),
        Some(leases) => {
            let lease = leases.of("scheduler");
            part("scheduler", broken, |told| lease.keep(told, work))
        }
    }
}

/// Tells the hub, if there is one, which feeds at `base` have changed: always, or whenever it is this process's
/// turn.
fn announcing(
    (settings, views, base): (&Settings, &Views, &str),
    roles: &Roles,
    leases: Option<&Leases>,
    broken: &Broken,
) -> Result<Option<Part>, Failure> {
    let Some(hub) = settings.websub_hub.as_deref().filter(|_| roles.has(Role::Publisher)) else {
        return Ok(None);
    };
    let announcer = Announcer::new(views.clone(), hub, base)?;
    Ok(Some(match leases {
        None => part("announcer", broken, |told| announcer.run(told)),
        Some(leases) => {
            let lease = leases.of("websub");
            let work = move |told: CancellationToken| announcer.clone().run(told);
            part("announcer", broken, |told| lease.keep(told, work))
        }
    }))
}

/// Returns how the publisher's streams are kept: on as many servers as the log.
fn retention(on_nats: Option<&OnNats>) -> Retention {
    let replicas = on_nats.map_or(1, |on_nats| on_nats.replicas.count());
    Retention { replicas, ..Retention::default() }
}

/// Tells a part to end, and waits until it has.
pub(super) async fn end((tasks, shutdown): Part) {
    shutdown.cancel();
    tasks.close();
    tasks.wait().await;
}

fn open_views(log: &EventLog, data: &DataDir, base: &str) -> Result<(Projector, Views, Control), Failure> {
    let opened = Projector::open(log.clone(), &data.paths.views());
    let opened = opened.map(|(projector, views, control)| (projector, views.served_at(base), control));
    opened.map_err(|error| {
        Failure::new(Exit::Unavailable, "views", "cannot open the views")
            .because(&error)
            .next("they hold nothing that the log does not: delete views.db and start again")
    })
}

/// Returns once the views show all of the log up to `head`, so that whoever asks a service that
/// says it is ready finds everything; or once they have stood still for too long: then what they
/// lack comes when it can.
async fn caught_up(views: &Views, head: log::Position) {
    let mut reached = views.position();
    while reached < head {
        info!(log.head = head.0, views.position = reached.0, "Views are catching up with the log");
        // Whether it arrived or took too long shows in where the views stand then.
        let _ = tokio::time::timeout(CATCH_UP_STEP, views.reached(head)).await;
        if views.position() == reached {
            warn!(
                log.head = head.0,
                views.position = reached.0,
                "Views stand still: starting with what they have"
            );
            return;
        }
        reached = views.position();
    }
}

async fn open_desk(log: &EventLog, views: &Views) -> Result<Desk, Failure> {
    Desk::open(log.clone(), seed(views).await?)
        .await
        .map_err(|error| Failure::new(Exit::Unavailable, "log", "cannot read the event log").because(&error))
}

/// Returns what the views know of slugs, sources and what is due, so that the desk need not read
/// the whole log.
async fn seed(views: &Views) -> Result<Seed, Failure> {
    let upto = views.position();
    let read = async {
        let (slugs, sources) = (views.slugs().await?, views.sources().await?);
        Ok::<_, projector::ViewError>(Seed { slugs, sources, due: views.due().await?, upto })
    };
    read.await.map_err(|error| {
        Failure::new(Exit::Unavailable, "views", "cannot read the views")
            .because(&error)
            .next("they hold nothing that the log does not: delete views.db and start again")
    })
}

/// Runs `task`, which must not end before `told`: if it does, by itself or by a panic, that is
/// noted in `broken` and ends the service.
pub(super) fn keep(
    tasks: &TaskTracker,
    name: &'static str,
    told: CancellationToken,
    broken: &Broken,
    task: impl Future<Output = ()> + Send + 'static,
) {
    let broken = broken.clone();
    let task = tokio::spawn(task);
    tasks.spawn(async move {
        let ended = task.await;
        if told.is_cancelled() && ended.is_ok() {
            return;
        }
        let failure = Failure::new(Exit::Failure, "part-ended", format!("the {name} has ended by itself"))
            .next("look at the log lines above; start the service again");
        broken.first.lock().await.get_or_insert(failure);
        broken.stop.cancel();
    });
}

/// What broke first while the service ran, and how to end it then.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    first: Arc<Mutex<Option<Failure>>>,
    stop: CancellationToken,
}

/// Erases what redactions of earlier runs left on the disk, as after a loss of power.
async fn finish_redactions(desk: Desk, views: Views, shutdown: CancellationToken) {
    match views.redacted_stories().await {
        // Cancel-safe: each story is looked at again at the next start.
        Ok(stories) => drop(shutdown.run_until_cancelled(desk.finish_redactions(stories)).await),
        Err(error) => warn!(%error, "Cannot see whether redactions are finished: restart the service"),
    }
}
