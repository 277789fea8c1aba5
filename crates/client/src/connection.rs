//! The connection to NATS, and what it says of itself.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream;
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;
use tracing::warn;

use crate::builder::ConnectError;

/// How long one question to `JetStream` may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
const PING_INTERVAL: Duration = Duration::from_secs(5);
const RECONNECT_DELAY_MIN: Duration = Duration::from_millis(50);
const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(2);
/// Most messages that wait to be taken; more are lost, noticed and fetched.
const WAITING_MESSAGES_MAX: usize = 1024;

/// The state of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) connected: bool,
    /// How many times it has been made or lost.
    pub(crate) turns: u64,
    /// How many times messages were lost because too many were waiting.
    pub(crate) overruns: u64,
}

/// What the owner wants of the connection.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) addresses: Vec<ServerAddr>,
    pub(crate) credentials: Option<PathBuf>,
    pub(crate) seed: Option<PathBuf>,
    pub(crate) inbox_prefix: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) jetstream: jetstream::Context,
    pub(crate) link: watch::Receiver<Link>,
}

impl Connection {
    /// Begins to connect; it goes on for ever, and again after a loss.
    pub(crate) async fn begin(target: Target) -> Result<Self, ConnectError> {
        let (sender, link) = watch::channel(Link::default());
        let mut options = ConnectOptions::new()
            .name("writethru client")
            .retry_on_initial_connect()
            .max_reconnects(None)
            .ping_interval(PING_INTERVAL)
            .subscription_capacity(WAITING_MESSAGES_MAX)
            .reconnect_delay_callback(reconnect_delay)
            .event_callback(move |event| {
                heard(&sender, &event);
                std::future::ready(())
            });
        if let Some(prefix) = target.inbox_prefix {
            options = options.custom_inbox_prefix(prefix);
        }
        if let Some(path) = target.credentials {
            let signed = options.credentials_file(&path).await;
            options = signed.map_err(|source| ConnectError::Credentials { path, source })?;
        }
        if let Some(path) = target.seed {
            let seed = std::fs::read_to_string(&path);
            let seed = seed.map_err(|source| ConnectError::Credentials { path, source })?;
            options = options.nkey(seed.trim().to_owned());
        }
        let client = options.connect(target.addresses.as_slice()).await?;
        let jetstream =
            jetstream::context::ContextBuilder::new().timeout(REQUEST_TIMEOUT).build(client.clone());
        Ok(Self { client, jetstream, link })
    }
}

fn reconnect_delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    (RECONNECT_DELAY_MIN * 2_u32.pow(doublings)).min(RECONNECT_DELAY_MAX)
}

fn heard(link: &watch::Sender<Link>, event: &Event) {
    match event {
        Event::Connected => link.send_modify(|link| (link.connected, link.turns) = (true, link.turns + 1)),
        Event::Disconnected | Event::Closed => {
            link.send_modify(|link| (link.connected, link.turns) = (false, link.turns + 1));
        }
        Event::SlowConsumer(_) => link.send_modify(|link| link.overruns += 1),
        // A refused permission shows here and nowhere else.
        Event::ServerError(_) | Event::ClientError(_) => warn!(error = %event, "NATS reports a problem"),
        _ => {}
    }
}
