//! The connection to NATS: one for the publisher's life, made again for ever when it is lost.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;
use tracing::warn;

use crate::message::PAYLOAD_BYTES_LEAST;
use crate::server::{SERVICE_INBOX, Seed};
use crate::trouble::Trouble;

/// How long an acknowledgement may take; then the outcome is unknown and the message is sent again.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a silent connection is checked.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(50);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(2);

/// Which NATS to publish to.
#[derive(Debug, Clone)]
pub struct NatsTarget {
    addresses: Vec<ServerAddr>,
    credentials: Option<PathBuf>,
    seed: Option<Seed>,
}

/// Text that names no NATS server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a NATS address is a URL such as nats://127.0.0.1:4222, or several with commas between them")]
pub struct TargetError;

impl FromStr for NatsTarget {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let addresses = text.split(',').map(|url| url.trim().parse().map_err(|_| TargetError));
        Ok(Self { addresses: addresses.collect::<Result<_, _>>()?, credentials: None, seed: None })
    }
}

impl NatsTarget {
    /// Signs in with the user's file of credentials at `path` (`.creds`).
    #[must_use]
    pub fn with_credentials(mut self, path: PathBuf) -> Self {
        self.credentials = Some(path);
        self
    }

    /// Signs in as the service, with its seed, and is answered in [`SERVICE_INBOX`].
    #[must_use]
    pub fn with_seed(mut self, seed: Seed) -> Self {
        self.seed = Some(seed);
        self
    }
}

/// The state of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) connected: bool,
    /// How many times it has been made or lost. Another number means: look again what is stored.
    pub(crate) turns: u64,
}

/// The connection and what can be asked of it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    link: watch::Receiver<Link>,
}

impl Connection {
    /// Begins to connect; [`Connection::ready`] waits until it is done.
    pub(crate) async fn begin(target: &NatsTarget) -> Result<Self, Trouble> {
        let (sender, link) = watch::channel(Link::default());
        let options = ConnectOptions::new()
            .name("writethru publisher")
            .retry_on_initial_connect()
            .max_reconnects(None)
            .ping_interval(PING_INTERVAL)
            .reconnect_delay_callback(reconnect_delay)
            .event_callback(move |event| {
                heard(&sender, &event);
                std::future::ready(())
            });
        let options = match &target.credentials {
            Some(path) => options.credentials_file(path).await.map_err(|error| {
                Trouble::Connect(format!("the credentials at {} cannot be read: {error}", path.display()))
            })?,
            None => options,
        };
        let options = match &target.seed {
            Some(seed) => options.nkey(seed.as_str().to_owned()).custom_inbox_prefix(SERVICE_INBOX),
            None => options,
        };
        let client = options.connect(target.addresses.as_slice()).await;
        let client = client.map_err(|error| Trouble::Connect(error.to_string()))?;
        let jetstream = jetstream::context::ContextBuilder::new().timeout(ACK_TIMEOUT).build(client.clone());
        Ok(Self { client, jetstream, link })
    }

    /// Waits until it is connected to a server that serves us, and returns the state of the link.
    ///
    /// Cancel-safe.
    pub(crate) async fn ready(&self) -> Result<Link, Trouble> {
        let mut link = self.link.clone();
        let now = link.wait_for(|link| link.connected).await.map(|link| *link);
        let now = now.map_err(|_| Trouble::Disconnected)?;
        let info = self.client.server_info();
        if !self.client.is_server_compatible(2, 12, 0) {
            return Err(Trouble::OldServer { version: info.version });
        }
        if info.max_payload < PAYLOAD_BYTES_LEAST {
            return Err(Trouble::SmallPayload { bytes: info.max_payload, least: PAYLOAD_BYTES_LEAST });
        }
        Ok(now)
    }

    /// Returns once the link is no longer as in `then`.
    ///
    /// Cancel-safe.
    pub(crate) async fn turned(&self, then: Link) {
        let mut link = self.link.clone();
        // The sender lives as long as the client.
        let _ = link.wait_for(|now| *now != then).await;
    }
}

fn reconnect_delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    (RECONNECT_DELAY_MIN * 2_u32.pow(doublings)).min(RECONNECT_DELAY_MAX)
}

fn heard(link: &watch::Sender<Link>, event: &Event) {
    let connected = match event {
        Event::Connected => true,
        Event::Disconnected | Event::Closed => false,
        Event::ServerError(_) | Event::ClientError(_) => {
            // A refused permission shows here and nowhere else.
            warn!(error = %event, "NATS reports a problem");
            return;
        }
        _ => return,
    };
    link.send_modify(|link| *link = Link { connected, turns: link.turns + 1 });
}
