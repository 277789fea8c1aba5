//! Everything that has to do with NATS while the service runs: the child server, the publisher,
//! and the desk's commands over request/reply.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectOptions};
use gateway::{Gateway, NatsService, PublicDoor};
use log::{Epoch, Position};
use projector::Views;
use publisher::server::SERVICE_INBOX;
use publisher::{Acknowledged, NatsTarget, Options, Publisher, Retention, Stream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use super::data_dir::Paths;
use super::edge::PublisherCell;
use super::lease::Leases;
use super::nats::{self, Broker, Found};
use super::notarial;
use super::roles::{Role, Roles};
use super::service::{Broken, keep};
use crate::config::{NatsChoice, Settings};

/// How long NATS may take to catch up with the views at the end.
const PUBLISHER_DRAIN_MAX: Duration = Duration::from_secs(5);

/// The service's side of NATS.
#[derive(Debug)]
pub(super) struct Relay {
    shared: Arc<Shared>,
    appeared: watch::Receiver<Option<String>>,
    children: (TaskTracker, CancellationToken),
}

/// What the relay needs of the rest of the service.
#[derive(Debug)]
pub(super) struct Joint {
    /// The configuration.
    pub(super) settings: Settings,
    /// The files.
    pub(super) paths: Paths,
    /// Answers commands.
    pub(super) gateway: Gateway,
    /// What is published.
    pub(super) views: Views,
    /// Which life of the log it is of.
    pub(super) epoch: Epoch,
    /// How the streams are kept that the publisher makes.
    pub(super) retention: Retention,
    /// Where to say that something broke.
    pub(super) broken: Broken,
    /// Where to put how the publisher does.
    pub(super) publisher: PublisherCell,
    /// What this process does.
    pub(super) roles: Roles,
    /// Whose turn it is, where several processes share the log.
    pub(super) leases: Option<Leases>,
    /// The transparency log, whose heads are published, if this process keeps one.
    pub(super) notary: Option<notary::Reader>,
    /// Where acknowledgements go.
    pub(super) receipts: mpsc::Sender<Acknowledged>,
}

#[derive(Debug)]
struct Shared {
    joint: Joint,
    url: watch::Sender<Option<String>>,
    publishing: (TaskTracker, CancellationToken),
    commanding: (TaskTracker, CancellationToken),
}

impl Relay {
    /// Starts what the configuration asks for, with what was `found`. Where there is no NATS yet, goes
    /// on looking.
    pub(super) fn start(joint: Joint, found: Found) -> Self {
        let shared = Arc::new(Shared {
            joint,
            url: watch::Sender::new(None),
            publishing: (TaskTracker::new(), CancellationToken::new()),
            commanding: (TaskTracker::new(), CancellationToken::new()),
        });
        let Found { broker, children } = found;
        match broker {
            Some(broker) => shared.connect(broker),
            None if shared.joint.settings.nats == NatsChoice::Child => {
                look_on(Arc::clone(&shared), &children);
            }
            None => {}
        }
        let mut appeared = shared.url.subscribe();
        appeared.mark_unchanged();
        Self { shared, appeared, children }
    }

    /// Returns the URL of NATS, if there is one by now.
    pub(super) fn url(&self) -> Option<String> {
        self.shared.url.borrow().clone()
    }

    /// Returns the URL of a NATS server that has appeared since the start. Cancel-safe.
    pub(super) async fn appeared(&mut self) -> Option<String> {
        // The sender lives as long as `shared`.
        self.appeared.changed().await.ok()?;
        self.appeared.borrow_and_update().clone()
    }

    /// Takes no more commands over NATS and returns once those begun are finished.
    pub(super) async fn drain_commands(&self) {
        let (tasks, shutdown) = &self.shared.commanding;
        shutdown.cancel();
        tasks.close();
        tasks.wait().await;
    }

    /// Waits for a bounded time until NATS has everything up to `position`, then ends the publisher.
    pub(super) async fn drain(&self, position: Position) {
        if let Some(mut status) = self.shared.joint.publisher.status() {
            let caught_up = status.wait_for(|status| !status.connected || status.published >= position);
            match tokio::time::timeout(PUBLISHER_DRAIN_MAX, caught_up).await {
                Ok(Ok(status)) if status.published >= position => {}
                _ => warn!("NATS has not got everything yet: the rest follows at the next start"),
            }
        }
        let (publishing, shutdown) = &self.shared.publishing;
        shutdown.cancel();
        publishing.close();
        publishing.wait().await;
    }

    /// Ends our server, if there is one: what is kept there has to be closed before.
    pub(super) async fn end(self) {
        let (children, shutdown) = self.children;
        shutdown.cancel();
        children.close();
        children.wait().await;
    }
}

impl Shared {
    /// Starts to publish to a server, and to take commands there.
    fn connect(&self, broker: Broker) {
        let url = broker.url.clone();
        let target: NatsTarget = match (url.parse(), &broker.seed) {
            (Ok(target), None) => target,
            (Ok(target), Some(seed)) => NatsTarget::with_seed(target, seed.clone()),
            (Err(problem), _) => {
                // The configuration has been checked: this is our own child's, and a bug.
                error!(error = %problem, nats.url = url, "Cannot use the NATS server");
                return;
            }
        };
        if self.joint.roles.has(Role::Publisher) {
            self.publish(target);
        }
        if let Some(heads) = self.joint.notary.clone() {
            let (tasks, shutdown) = &self.publishing;
            tasks.spawn(tell_heads(broker.clone(), heads, shutdown.clone()));
        }
        if self.joint.roles.has(Role::Desk) {
            let (tasks, shutdown) = &self.commanding;
            tasks.spawn(take_commands(broker, self.joint.gateway.clone(), shutdown.clone()));
        }
        self.url.send_replace(Some(url));
    }

    /// Publishes to `target`: always, or whenever it is this process's turn.
    fn publish(&self, target: NatsTarget) {
        let (tasks, shutdown) = &self.publishing;
        let make = self.publisher(target);
        let cell = self.joint.publisher.clone();
        match &self.joint.leases {
            None => {
                let publisher = make();
                cell.begins(publisher.status());
                let run = publisher.run(shutdown.clone());
                keep(tasks, "publisher", shutdown.clone(), &self.joint.broken, run);
            }
            Some(leases) => {
                cell.is_elsewhere();
                let work = move |told: CancellationToken| {
                    let publisher = make().with_rivals();
                    let cell = cell.clone();
                    cell.begins(publisher.status());
                    Box::pin(async move {
                        publisher.run(told).await;
                        cell.is_elsewhere();
                    })
                };
                let turns = leases.of("publisher").keep(shutdown.clone(), work);
                keep(tasks, "publisher", shutdown.clone(), &self.joint.broken, turns);
            }
        }
    }

    /// Returns how a publisher to `target` is made.
    fn publisher(&self, target: NatsTarget) -> impl Fn() -> Publisher + Send + 'static {
        let Joint { gateway, views, epoch, paths, receipts, retention, .. } = &self.joint;
        let options = Options { epoch: *epoch, checkpoint: paths.publisher(), retention: retention.clone() };
        let (gateway, views, receipts) = (gateway.clone(), views.clone(), receipts.clone());
        move || {
            let departures = gateway.departures().clone();
            Publisher::new(views.clone(), target.clone(), options.clone())
                .with_acknowledgements(receipts.clone())
                .with_listener(move |stream, leaving| departures.left(door(stream), leaving))
        }
    }
}

/// Returns the door that a stream is.
const fn door(stream: Stream) -> PublicDoor {
    match stream {
        Stream::Changes => PublicDoor::NatsChanges,
        Stream::Articles => PublicDoor::NatsArticles,
        Stream::Recalls => PublicDoor::NatsRecalls,
    }
}

/// Takes the desk's commands over NATS until `shutdown`.
async fn take_commands(broker: Broker, gateway: Gateway, shutdown: CancellationToken) {
    let url = broker.url.clone();
    let client = match client(broker, "writethru desk").await {
        Ok(client) => client,
        Err(problem) => {
            error!(error = %problem, nats.url = url, "Takes no commands over NATS");
            return;
        }
    };
    if let Err(problem) = NatsService::new(gateway, client).run(shutdown).await {
        error!(error = %problem, nats.url = url, "Takes no commands over NATS");
    }
}

/// Publishes the heads of the transparency log until `shutdown`.
async fn tell_heads(broker: Broker, heads: notary::Reader, shutdown: CancellationToken) {
    let url = broker.url.clone();
    match client(broker, "writethru notary").await {
        Ok(client) => notarial::announce(client, heads, shutdown).await,
        Err(problem) => error!(error = %problem, nats.url = url, "Publishes no heads over NATS"),
    }
}

/// Returns a connection to `broker` as `name`, which is made, and made again, when it can be.
async fn client(broker: Broker, name: &str) -> Result<Client, ConnectError> {
    let Broker { url, seed } = broker;
    let mut options = ConnectOptions::new().name(name).retry_on_initial_connect().max_reconnects(None);
    if let Some(seed) = seed {
        options = options.nkey(seed.as_str().to_owned()).custom_inbox_prefix(SERVICE_INBOX);
    }
    let addresses: Vec<&str> = url.split(',').map(str::trim).collect();
    options.connect(addresses).await
}

fn look_on(shared: Arc<Shared>, children: &(TaskTracker, CancellationToken)) {
    let (tasks, shutdown) = (children.0.clone(), children.1.clone());
    children.0.spawn(async move {
        let found = nats::wait_for_child(&shared.joint.settings, &shared.joint.paths, &tasks, shutdown).await;
        if let Some(broker) = found {
            shared.connect(broker);
        }
    });
}
