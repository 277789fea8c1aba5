//! The notary of a running service: how it is set up, and its heads on NATS.

use std::time::Duration;

use async_nats::Client;
use log::EventLog;
use notary::{Notary, Options, Reader};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use wire::Subject;

use super::data_dir::Paths;
use super::roles::{Role, Roles};
use super::service::{Broken, Part, end, part};
use crate::config::Settings;
use crate::exit::Exit;
use crate::failure::Failure;

/// What a log is called whose service does not say where it is.
const UNNAMED: &str = "writethru.invalid";
/// How long the notary may take to sign what is in the log, at the end.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Returns how the notary of a data dir is set up.
pub(crate) fn options(settings: &Settings, paths: &Paths) -> Options {
    Options {
        tiles: paths.tlog(),
        heads: paths.notary(),
        key: paths.notary_key(),
        name: name(settings),
        witnesses: settings.notary.witnesses.clone(),
    }
}

/// Returns what the log is called: as configured, else the public address without its scheme.
fn name(settings: &Settings) -> String {
    let public = || settings.public_url.as_deref()?.split_once("://").map(|(_, rest)| rest.to_owned());
    settings.notary.name.clone().or_else(public).unwrap_or_else(|| UNNAMED.to_owned())
}

/// The transparency log of a running service.
pub(super) struct Notarising {
    reader: Reader,
    part: Part,
}

impl Notarising {
    /// Starts the notary of a data dir, if this process is to keep one: where processes share a log, that
    /// is whoever was told to by name, for what was signed is remembered beside the key of one of them.
    ///
    /// # Errors
    /// It cannot be set up.
    pub(super) fn begin(
        (settings, paths): (&Settings, &Paths),
        log: &EventLog,
        roles: &Roles,
        broken: &Broken,
    ) -> Result<Option<Self>, Failure> {
        let told = if log.is_shared() { roles.names(Role::Notary) } else { roles.has(Role::Notary) };
        if !told {
            return Ok(None);
        }
        let notary = Notary::new(log.clone(), options(settings, paths)).map_err(|error| {
            Failure::new(Exit::Usage, "notary", "cannot set up the transparency log")
                .because(&error)
                .next("set `[notary] name` in the configuration file")
        })?;
        let reader = notary.reader();
        Ok(Some(Self { reader, part: part("notary", broken, |told| notary.run(told)) }))
    }

    /// Returns how what is signed is read.
    pub(super) fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Waits for a bounded time until a head is over all of the log, unless the notary is parked.
    pub(super) async fn caught_up(&self, log: &EventLog) {
        let head = log.head().0;
        let mut status = self.reader.follow();
        let signed = status
            .wait_for(|status| status.size() >= head || matches!(status.state, notary::State::Parked(_)));
        if tokio::time::timeout(DRAIN_MAX, signed).await.is_err() {
            warn!(log.head = head, "The notary is behind the log: it goes on at the next start");
        }
    }

    /// Tells the notary to end, and waits until it has.
    pub(super) async fn end(self) {
        end(self.part).await;
    }
}

/// Publishes every newest head on NATS until `shutdown`. One that cannot be sent is passed over: the next
/// is over all that it was over.
pub(super) async fn announce(client: Client, reader: Reader, shutdown: CancellationToken) {
    let (mut status, mut told) = (reader.follow(), None);
    loop {
        let newer =
            status.wait_for(|status| status.checkpoint().is_some() && status.checkpoint() != told.as_deref());
        let head = match shutdown.run_until_cancelled(newer).await {
            Some(Ok(status)) => status.checkpoint().map(str::to_owned),
            _ => break,
        };
        if let Some(head) = &head
            && let Err(error) = client.publish(Subject::CHECKPOINT, head.clone().into()).await
        {
            warn!(%error, "Cannot publish a head of the transparency log");
        }
        told = head;
    }
    // What was handed over goes out, if it can.
    let _ = tokio::time::timeout(DRAIN_MAX, client.flush()).await;
}
