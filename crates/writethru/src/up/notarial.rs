//! The notary of a running service: how it is set up, and its heads on NATS.

use std::time::Duration;

use async_nats::Client;
use log::EventLog;
use notary::{Notary, Options, Reader, SetupError, SharedHeads, State, Status, Turn};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use wire::Subject;

use super::data_dir::Paths;
use super::lease::Leases;
use super::roles::{Role, Roles};
use super::service::{Broken, Part, end, part};
use crate::config::Settings;
use crate::exit::Exit;
use crate::failure::Failure;

/// What a log is called whose service does not say where it is.
const UNNAMED: &str = "writethru.invalid";
/// How long the notary may take to sign what is in the log, at the end.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// For how long the notary may be in trouble before another process may sign.
const UNFIT_AFTER: Duration = Duration::from_secs(2);

/// Returns how the notary of a data dir is set up.
pub(crate) fn options(settings: &Settings, paths: &Paths) -> Options {
    Options {
        tiles: paths.tlog(),
        heads: paths.notary(),
        key: settings.notary.key.clone().unwrap_or_else(|| paths.notary_key()),
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
    /// What takes turns at signing, where several processes share the log.
    turns: Option<Part>,
}

impl Notarising {
    /// Starts the notary of a data dir, if this process is to keep one. Where processes share a log, each
    /// keeps the files, and one at a time signs.
    ///
    /// # Errors
    /// It cannot be set up.
    pub(super) async fn begin(
        (settings, paths): (&Settings, &Paths),
        log: &EventLog,
        (roles, leases): (&Roles, Option<&Leases>),
        broken: &Broken,
    ) -> Result<Option<Self>, Failure> {
        if !roles.has(Role::Notary) {
            return Ok(None);
        }
        let (log, options) = (log.clone(), options(settings, paths));
        let set_up = |error: SetupError| {
            Failure::new(Exit::Usage, "notary", "cannot set up the transparency log")
                .because(&error)
                .next("set `[notary] name` in the configuration file")
        };
        let Some(leases) = leases else {
            let notary = Notary::new(log, options).map_err(set_up)?;
            let reader = notary.reader();
            let part = part("notary", broken, |told| notary.run(told));
            return Ok(Some(Self { reader, part, turns: None }));
        };
        let (name, replicas) = leases.log();
        let place = SharedHeads::open(leases.context(), replicas, (name, log.epoch())).await;
        let place = place.map_err(|error| {
            Failure::new(Exit::Unavailable, "notary", "cannot use the bucket of signed heads")
                .because(&error)
                .next("see that as many NATS servers run as the log has replicas, then start again")
        })?;
        let (notary, turn) = Notary::sharing(log, options, place).map_err(set_up)?;
        let reader = notary.reader();
        let turns =
            part("notary's turns", broken, |told| take_turns(leases.clone(), turn, reader.clone(), told));
        let part = part("notary", broken, |told| notary.run(told));
        Ok(Some(Self { reader, part, turns: Some(turns) }))
    }

    /// Returns how what is signed is read.
    pub(super) fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Waits for a bounded time until a head is over all of the log, unless this process does not sign.
    pub(super) async fn caught_up(&self, log: &EventLog) {
        let head = log.head().0;
        let mut status = self.reader.follow();
        let signed = status.wait_for(|status| {
            status.size() >= head || matches!(status.state, State::Parked(_) | State::Following { .. })
        });
        if tokio::time::timeout(DRAIN_MAX, signed).await.is_err() {
            warn!(log.head = head, "The notary is behind the log: it goes on at the next start");
        }
    }

    /// Tells the notary to end, and waits until it has; then another process may sign.
    pub(super) async fn end(self) {
        end(self.part).await;
        if let Some(turns) = self.turns {
            end(turns).await;
        }
    }
}

/// Takes the lease on signing whenever nobody has it and this process can sign, and gives it back when it
/// cannot.
async fn take_turns(leases: Leases, turn: Turn, reader: Reader, told: CancellationToken) {
    let mut status = reader.follow();
    loop {
        let may_sign = async { status.wait_for(Status::may_sign).await.is_ok() };
        let can = told.run_until_cancelled(may_sign).await == Some(true);
        // A notary that has ended changes nothing any more.
        if !can || status.has_changed().is_err() {
            told.cancelled().await;
            return;
        }
        let unfit = told.child_token();
        let lease = leases.of("notary");
        let keeping = lease.keep(unfit.clone(), |told| {
            let turn = turn.clone();
            Box::pin(async move { turn.take(told).await })
        });
        let watching = async {
            if unfit.run_until_cancelled(is_unfit(reader.follow())).await.is_some() {
                unfit.cancel();
            }
        };
        tokio::join!(keeping, watching);
        if told.is_cancelled() || status.has_changed().is_err() {
            continue;
        }
        warn!("This process cannot sign: another may go on, /readyz says why");
    }
}

/// Returns once the notary cannot sign, and not for a moment only.
async fn is_unfit(mut status: watch::Receiver<Status>) {
    loop {
        let Ok(is_for_good) = status
            .wait_for(|status| !status.may_sign())
            .await
            .map(|status| matches!(status.state, State::Parked(_)))
        else {
            return;
        };
        if is_for_good || tokio::time::timeout(UNFIT_AFTER, status.wait_for(Status::may_sign)).await.is_err()
        {
            return;
        }
    }
}

/// Publishes every newest head that is signed here on NATS until `shutdown`. One that cannot be sent is passed over: the next
/// is over all that it was over.
pub(super) async fn announce(client: Client, reader: Reader, shutdown: CancellationToken) {
    let (mut status, mut told) = (reader.follow(), None);
    loop {
        let newer = status.wait_for(|status| {
            status.is_signing() && status.checkpoint().is_some() && status.checkpoint() != told.as_deref()
        });
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
