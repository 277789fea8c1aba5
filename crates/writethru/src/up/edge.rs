//! The edge: the HTTP API, listening until it is drained.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use formats::publication::Origin;
use gateway::{AuditStatus, Controls, Gateway, RelayStatus};
use projector::Control;
use publisher::PublisherStatus;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::service::{Broken, keep};
use crate::config::Settings;
use crate::exit::Exit;
use crate::failure::Failure;

/// How the publisher of this process does, while there is one.
#[derive(Debug, Clone, Default)]
pub(super) struct PublisherCell(Arc<Mutex<Publishing>>);

#[derive(Debug, Default)]
enum Publishing {
    /// There is none yet.
    #[default]
    NotYet,
    /// This one.
    Here(watch::Receiver<PublisherStatus>),
    /// Another process publishes.
    Elsewhere,
}

impl PublisherCell {
    /// Takes note of a publisher that begins.
    pub(super) fn begins(&self, status: watch::Receiver<PublisherStatus>) {
        *self.lock() = Publishing::Here(status);
    }

    /// Takes note that it is another process's turn.
    pub(super) fn is_elsewhere(&self) {
        *self.lock() = Publishing::Elsewhere;
    }

    /// Returns how the publisher of this process does, if there is one.
    pub(super) fn status(&self) -> Option<watch::Receiver<PublisherStatus>> {
        match &*self.lock() {
            Publishing::Here(status) => Some(status.clone()),
            Publishing::NotYet | Publishing::Elsewhere => None,
        }
    }

    fn relay_status(&self) -> RelayStatus {
        let status = match &*self.lock() {
            Publishing::Here(status) => status.borrow().clone(),
            Publishing::NotYet => PublisherStatus::default(),
            // What waits there is shown there.
            Publishing::Elsewhere => PublisherStatus { connected: true, ..PublisherStatus::default() },
        };
        RelayStatus { is_connected: status.connected, published: status.published, lag_events: status.lag }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Publishing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what else requests may reach.
pub(super) fn controls(
    control: Control,
    publisher: Option<PublisherCell>,
    notary: Option<notary::Reader>,
    audit: Option<watch::Receiver<AuditStatus>>,
) -> Controls {
    let relay = publisher
        .map(|cell| -> Arc<dyn Fn() -> RelayStatus + Send + Sync> { Arc::new(move || cell.relay_status()) });
    Controls { projector: Some(control), relay, notary, audit }
}

/// Returns who serves, as items of standards say it: what the configuration says, else where
/// `listener` is, if there is one.
///
/// # Errors
/// The listener has no address.
pub(super) fn origin(settings: &Settings, listener: Option<&TcpListener>) -> Result<Origin, Failure> {
    let base = match (&settings.public_url, listener) {
        (Some(base), _) => base.clone(),
        (None, Some(listener)) => url(listener.local_addr().map_err(|error| no_address(&error))?),
        (None, None) => url(settings.http),
    };
    let host = || reqwest::Url::parse(&base).ok()?.host_str().map(str::to_owned);
    let provider = settings.provider.clone().or_else(host).unwrap_or_else(|| base.clone());
    Ok(Origin { base, provider })
}

/// Returns the URL of `address`; for a wildcard, the one by which this machine reaches it.
fn url(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        let loopback: std::net::IpAddr =
            if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() };
        address.set_ip(loopback);
    }
    format!("http://{address}")
}

fn no_address(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Unavailable, "bind", "the listener has no address").because(error)
}

/// The HTTP API, listening.
#[derive(Debug)]
pub(super) struct Edge {
    address: SocketAddr,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Edge {
    /// Starts to answer on `listener`.
    ///
    /// # Errors
    /// The listener has no address.
    pub(super) fn start(listener: TcpListener, gateway: Gateway, broken: &Broken) -> Result<Self, Failure> {
        let address = listener.local_addr().map_err(|error| no_address(&error))?;
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let told = shutdown.clone();
        keep(&tasks, "HTTP server", shutdown.clone(), broken, async move {
            if let Err(error) = gateway.serve(listener, told).await {
                tracing::error!(error = %crate::failure::chain(&error), "HTTP server has failed");
            }
        });
        Ok(Self { address, tasks, shutdown })
    }

    /// Returns the base URL; for a wildcard address, the one by which this machine reaches it.
    pub(super) fn url(&self) -> String {
        url(self.address)
    }

    /// Takes nothing new and returns once everything begun is finished.
    pub(super) async fn drain(self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
