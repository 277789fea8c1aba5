//! Everything that has to do with NATS while the service runs: the child server, the publisher,
//! and the desk's commands over request/reply.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use log::Position;
use publisher::{NatsTarget, Options, Publisher, PublisherStatus, Retention};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use super::data_dir::{DataDir, Paths};
use super::edge::{self, Parts};
use super::nats;
use super::service::{Broken, keep};
use crate::config::{NatsChoice, Settings};
use crate::session::Session;

/// How long NATS may take to catch up with the views at the end.
const PUBLISHER_DRAIN_MAX: Duration = Duration::from_secs(5);

/// The service's side of NATS.
#[derive(Debug)]
pub(super) struct Relay {
    shared: Arc<Shared>,
    appeared: watch::Receiver<Option<String>>,
    children: (TaskTracker, CancellationToken),
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    paths: Paths,
    parts: Parts,
    broken: Broken,
    url: watch::Sender<Option<String>>,
    status: OnceLock<watch::Receiver<PublisherStatus>>,
    publishing: (TaskTracker, CancellationToken),
    commands: CancellationToken,
}

impl Relay {
    /// Starts what the configuration asks for. Where there is no NATS yet, goes on looking.
    pub(super) async fn start(session: &Session, data: &DataDir, parts: &Parts, broken: &Broken) -> Self {
        let url = watch::Sender::new(None);
        let shared = Arc::new(Shared {
            settings: session.settings.clone(),
            paths: data.paths.clone(),
            parts: parts.clone(),
            broken: broken.clone(),
            url,
            status: OnceLock::new(),
            publishing: (TaskTracker::new(), CancellationToken::new()),
            commands: CancellationToken::new(),
        });
        let children = (TaskTracker::new(), CancellationToken::new());
        match &session.settings.nats {
            NatsChoice::Off => {}
            NatsChoice::Url(url) => shared.connect(url.clone()),
            NatsChoice::Child => {
                let started =
                    nats::start_child(&shared.settings, &shared.paths, &children.0, children.1.clone()).await;
                match started {
                    Some(url) => shared.connect(url),
                    None => look_on(Arc::clone(&shared), &children),
                }
            }
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

    /// Stops taking commands over NATS.
    pub(super) fn stop_commands(&self) {
        self.shared.commands.cancel();
    }

    /// Waits for a bounded time until NATS has everything up to `position`, then ends the
    /// publisher and our server.
    pub(super) async fn drain(self, position: Position) {
        if let Some(status) = self.shared.status.get() {
            let mut status = status.clone();
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
        let (children, shutdown) = self.children;
        shutdown.cancel();
        children.close();
        children.wait().await;
    }
}

impl Shared {
    /// Starts to publish to the server at `url`, and to take commands there.
    fn connect(&self, url: String) {
        let target: NatsTarget = match url.parse() {
            Ok(target) => target,
            Err(problem) => {
                // The configuration has been checked: this is our own child's, and a bug.
                error!(error = %problem, nats.url = url, "Cannot use the NATS server");
                return;
            }
        };
        let options = Options {
            epoch: self.parts.log.epoch(),
            checkpoint: self.paths.publisher(),
            retention: Retention::default(),
        };
        let publisher = Publisher::new(self.parts.views.clone(), target, options);
        // Set once: there is one NATS server in the life of a service.
        let _ = self.status.set(publisher.status());
        let (tasks, shutdown) = &self.publishing;
        keep(tasks, "publisher", shutdown.clone(), &self.broken, publisher.run(shutdown.clone()));
        tasks.spawn(edge::take_commands(url.clone(), self.parts.clone(), self.commands.clone()));
        self.url.send_replace(Some(url));
    }
}

fn look_on(shared: Arc<Shared>, children: &(TaskTracker, CancellationToken)) {
    let (tasks, shutdown) = (children.0.clone(), children.1.clone());
    children.0.spawn(async move {
        let found = nats::wait_for_child(&shared.settings, &shared.paths, &tasks, shutdown).await;
        if let Some(url) = found {
            shared.connect(url);
        }
    });
}
