//! The edge: the HTTP API, listening until it is drained.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use formats::publication::Origin;
use gateway::{Controls, Gateway, RelayStatus};
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

/// How the publisher does, once there is one.
pub(super) type PublisherCell = Arc<OnceLock<watch::Receiver<PublisherStatus>>>;

/// Returns what else requests may reach.
pub(super) fn controls(
    control: Control,
    publisher: Option<PublisherCell>,
    notary: Option<notary::Reader>,
) -> Controls {
    let relay = publisher
        .map(|cell| -> Arc<dyn Fn() -> RelayStatus + Send + Sync> { Arc::new(move || relay_status(&cell)) });
    Controls { projector: Some(control), relay, notary }
}

fn relay_status(cell: &PublisherCell) -> RelayStatus {
    let status = cell.get().map(|status| status.borrow().clone()).unwrap_or_default();
    RelayStatus { is_connected: status.connected, published: status.published, lag_events: status.lag }
}

/// Returns who serves, as items of standards say it: what the configuration says, else where
/// `listener` is.
///
/// # Errors
/// The listener has no address.
pub(super) fn origin(settings: &Settings, listener: &TcpListener) -> Result<Origin, Failure> {
    let base = match &settings.public_url {
        Some(base) => base.clone(),
        None => url(listener.local_addr().map_err(|error| no_address(&error))?),
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
