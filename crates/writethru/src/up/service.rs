//! The parts of the service, joined: how they start, and in which order they end.

use std::sync::Arc;
use std::time::Duration;

use desk::{Desk, Seed};
use gateway::{Gateway, Measures, Parts};
use log::EventLog;
use notary::Reader;
use projector::{Control, Projector, Views};
use registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::data_dir::DataDir;
use super::edge::{self, Edge, PublisherCell};
use super::notarial;
use super::people;
use super::receipts::Receipts;
use super::relay::{Joint, Relay};
use super::upkeep::Upkeep;
use crate::config::NatsChoice;
use crate::event_log;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// How long the edge may take to finish what it has begun.
const EDGE_DRAIN_MAX: Duration = Duration::from_secs(12);
/// How long the views may take to catch up with the log.
const VIEWS_DRAIN_MAX: Duration = Duration::from_secs(10);

/// How long the views may stand still at the start before the service goes on without them.
const CATCH_UP_STEP: Duration = Duration::from_secs(5);

/// A running service.
pub(crate) struct Service {
    log: EventLog,
    views: Views,
    registry: Registry,
    edge: Edge,
    relay: Relay,
    projector: (TaskTracker, CancellationToken),
    scheduler: (TaskTracker, CancellationToken),
    receipts: (TaskTracker, CancellationToken),
    upkeep: (TaskTracker, CancellationToken),
    notary: (Reader, TaskTracker, CancellationToken),
    broken: Broken,
}

impl Service {
    /// Starts every part, in the order in which they need each other.
    ///
    /// # Errors
    /// A part cannot start; those before it are dropped and nothing is lost.
    pub(crate) async fn start(
        session: &Session,
        data: &DataDir,
        listener: TcpListener,
        stop: CancellationToken,
    ) -> Result<Self, Failure> {
        let log = event_log::open_or_create(&data.paths).await?;
        let registry = people::open(&data.paths).await?;
        let (projector, views, control) = open_views(&log, data)?;
        let seed = seed(&views).await?;
        let desk = Desk::open(log.clone(), seed).await.map_err(|error| {
            Failure::new(Exit::Unavailable, "log", "cannot read the event log").because(&error)
        })?;
        let broken = Broken { first: Arc::default(), stop };
        let (projecting, shutdown) = (TaskTracker::new(), CancellationToken::new());
        keep(&projecting, "projector", shutdown.clone(), &broken, projector.run(shutdown.clone()));
        caught_up(&views, log.head()).await;
        let scheduler = (TaskTracker::new(), CancellationToken::new());
        scheduler.0.spawn(finish_redactions(desk.clone(), views.clone(), scheduler.1.clone()));
        let (clock, told) = (desk.clone(), scheduler.1.clone());
        keep(&scheduler.0, "scheduler", told.clone(), &broken, async move { clock.run_schedule(told).await });
        let receipts = (TaskTracker::new(), CancellationToken::new());
        let (acknowledged, storing) = Receipts::new(registry.clone());
        keep(&receipts.0, "receipts", receipts.1.clone(), &broken, storing.run(receipts.1.clone()));
        let notary = notarial::open(&session.settings, &data.paths, &log)?;
        let (reader, notarising) = (notary.reader(), (TaskTracker::new(), CancellationToken::new()));
        keep(&notarising.0, "notary", notarising.1.clone(), &broken, notary.run(notarising.1.clone()));
        let publisher = PublisherCell::default();
        let told = (session.settings.nats != NatsChoice::Off).then(|| Arc::clone(&publisher));
        let gateway = Gateway::new(Parts {
            log: log.clone(),
            desk,
            views: views.clone(),
            registry: registry.clone(),
            controls: edge::controls(control, told, Some(reader.clone())),
            measures: Measures::install(),
            origin: edge::origin(&session.settings, &listener)?,
        })
        .with_websub_hub(session.settings.websub_hub.clone());
        let upkeep = (TaskTracker::new(), CancellationToken::new());
        let keeping = Upkeep::new(registry.clone(), gateway.clone(), data.paths.root.clone());
        keep(&upkeep.0, "upkeep", upkeep.1.clone(), &broken, keeping.run(upkeep.1.clone()));
        let joint = Joint {
            settings: session.settings.clone(),
            paths: data.paths.clone(),
            gateway: gateway.clone(),
            views: views.clone(),
            epoch: log.epoch(),
            broken: broken.clone(),
            publisher,
            notary: reader.clone(),
            receipts: acknowledged,
        };
        let relay = Relay::start(joint).await?;
        let edge = Edge::start(listener, gateway, &broken)?;
        info!(log.head = log.head().0, "Service is ready");
        let projector = (projecting, shutdown);
        let notary = (reader, notarising.0, notarising.1);
        Ok(Self { log, views, registry, edge, relay, projector, scheduler, receipts, upkeep, notary, broken })
    }

    /// Returns whether nothing has ever been filed.
    pub(crate) fn is_empty(&self) -> bool {
        self.log.head() == log::Position::ZERO
    }

    /// Returns the base URL of the HTTP API.
    pub(crate) fn http(&self) -> String {
        self.edge.url()
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
    /// views catch up, then the notary, then NATS, each for a bounded time; then the log is closed. Returns what
    /// broke while the service ran, if anything did.
    pub(crate) async fn drain(self) -> Option<Failure> {
        let edges = async { tokio::join!(self.edge.drain(), self.relay.drain_commands()) };
        if tokio::time::timeout(EDGE_DRAIN_MAX, edges).await.is_err() {
            warn!("Some requests were cut off: they took too long to finish");
        }
        // What falls due from now on goes out at the next start.
        end(self.scheduler).await;
        end(self.upkeep).await;
        let head = self.log.head();
        if tokio::time::timeout(VIEWS_DRAIN_MAX, self.views.reached(head)).await.is_err() {
            warn!(log.head = head.0, "Views are behind the log: they catch up at the next start");
        }
        let (reader, notarising, told) = self.notary;
        notarial::caught_up(&reader, &self.log).await;
        self.relay.drain(self.views.position()).await;
        end((notarising, told)).await;
        end(self.receipts).await;
        end(self.projector).await;
        self.registry.close().await;
        self.log.close().await;
        info!(log.head = head.0, "Service has ended");
        self.broken.first.lock().await.take()
    }
}

/// Tells a part to end, and waits until it has.
async fn end((tasks, shutdown): (TaskTracker, CancellationToken)) {
    shutdown.cancel();
    tasks.close();
    tasks.wait().await;
}

fn open_views(log: &EventLog, data: &DataDir) -> Result<(Projector, Views, Control), Failure> {
    Projector::open(log.clone(), &data.paths.views()).map_err(|error| {
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
