//! The gateway's handle: what every request works with, whichever edge it comes in by.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use desk::Desk;
use formats::publication::Origin;
use jiff::Timestamp;
use log::{EventLog, Position};
use notary::State;
use projector::{Control, Views};
use registry::Registry;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use wire::{Cursor, Problem, ProblemKind};

use crate::access::Way;
use crate::departures::Departures;
use crate::limits::{
    AT_LEAST_WAIT_MAX, POLLS_MAX, PUSHES_MAX, REQUESTS_MAX, SEARCHES_MAX, WRITE_FAILURE_AGE,
};
use crate::measures::Measures;
use crate::problems::unavailable;
use crate::stream::Hub;

/// How far the publisher has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayStatus {
    /// Whether it is connected to NATS.
    pub is_connected: bool,
    /// The last position whose change has been acknowledged by NATS.
    pub published: Position,
    /// Changes that wait to be published.
    pub lag_events: u64,
}

/// What the binary lets requests reach beside the desk and the views.
#[derive(Clone, Default)]
pub struct Controls {
    /// Asks the projector to build its views again; without it, that is refused.
    pub projector: Option<Control>,
    /// Tells how far the publisher is; `None` where nothing publishes. Called on a request's own
    /// thread: it must not block.
    pub relay: Option<Arc<dyn Fn() -> RelayStatus + Send + Sync>>,
    /// Reads the transparency log; `None` where none is kept.
    pub notary: Option<notary::Reader>,
    /// Tells how far the log has been audited; `None` where nothing audits it.
    pub audit: Option<watch::Receiver<AuditStatus>>,
    /// Who is told of changes by webhooks; `None` where this process carries none.
    pub webhooks: Option<courier::Webhooks>,
}

/// How the audit of the log goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditStatus {
    /// The position up to which every record of this round is as it was written, and when that was found.
    pub verified: Option<(u64, Timestamp)>,
    /// Rounds over the whole log that have ended.
    pub rounds: u64,
    /// The first record that does not verify, until it does.
    pub fault: Option<Audited>,
}

/// What an audit has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audited {
    /// Where.
    pub position: u64,
    /// What is wrong there, in words.
    pub why: String,
}

impl fmt::Debug for Controls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controls")
            .field("projector", &self.projector.is_some())
            .field("relay", &self.relay.is_some())
            .field("notary", &self.notary.is_some())
            .field("audit", &self.audit.is_some())
            .field("webhooks", &self.webhooks.is_some())
            .finish()
    }
}

/// What the edge stands before.
#[derive(Debug)]
pub struct Parts {
    /// The event log.
    pub log: EventLog,
    /// The desk, over the log.
    pub desk: Desk,
    /// The views, over the log.
    pub views: Views,
    /// Who people and machines are, and what they may do.
    pub registry: Registry,
    /// What else requests may reach.
    pub controls: Controls,
    /// What is measured.
    pub measures: Measures,
    /// Who serves, as items of standards say it.
    pub origin: Origin,
}

/// The service's edge; clones share it.
#[derive(Debug, Clone)]
pub struct Gateway {
    pub(crate) inner: Arc<Inner>,
    /// How requests come in by this handle: a denial says so.
    pub(crate) way: Way,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) log: EventLog,
    pub(crate) desk: Desk,
    pub(crate) views: Views,
    pub(crate) registry: Registry,
    pub(crate) controls: Controls,
    pub(crate) measures: Measures,
    pub(crate) origin: Origin,
    /// The hub that feeds name.
    pub(crate) websub_hub: Option<String>,
    pub(crate) departures: Departures,
    pub(crate) places: Places,
    pub(crate) hub: Arc<Hub>,
    /// Cancelled when shutdown begins, so that no reader is waited for.
    pub(crate) closing: CancellationToken,
    /// When an append last failed, in seconds of Unix time; 0 after one has succeeded.
    write_failed: AtomicI64,
}

/// Bounds of what is at work at once.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) polls: Arc<Semaphore>,
    pub(crate) pushes: Arc<Semaphore>,
    pub(crate) rebuilds: Arc<Semaphore>,
    pub(crate) searches: Arc<Semaphore>,
}

impl Gateway {
    /// Returns the edge of `parts`.
    pub fn new(parts: Parts) -> Self {
        let Parts { log, desk, views, registry, controls, measures, origin } = parts;
        let departures = Departures::new(registry.clone());
        let hub = Arc::new(Hub::new(views.position()));
        let places = Places {
            requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
            polls: Arc::new(Semaphore::new(POLLS_MAX)),
            pushes: Arc::new(Semaphore::new(PUSHES_MAX)),
            rebuilds: Arc::new(Semaphore::new(1)),
            searches: Arc::new(Semaphore::new(SEARCHES_MAX)),
        };
        let write_failed = AtomicI64::new(0);
        let closing = CancellationToken::new();
        let inner = Inner {
            log,
            desk,
            views,
            registry,
            controls,
            measures,
            origin,
            websub_hub: None,
            departures,
            places,
            hub,
            closing,
            write_failed,
        };
        Self { inner: Arc::new(inner), way: Way::Http }
    }

    /// Returns the edge with feeds that name `hub` (`WebSub`). Called before the edge is shared: after that it
    /// changes nothing.
    #[must_use]
    pub fn with_websub_hub(mut self, hub: Option<String>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.websub_hub = hub;
        }
        self
    }

    /// Returns where departures by public doors are noted: also for doors that are not the gateway's.
    pub fn departures(&self) -> &Departures {
        &self.inner.departures
    }

    pub(crate) fn views(&self) -> &Views {
        &self.inner.views
    }

    /// Returns the cursor of `position` in this life of the log.
    pub(crate) fn cursor(&self, position: Position) -> Cursor {
        Cursor { epoch: self.inner.log.epoch().0, position: position.0 }
    }

    /// Returns the position that `cursor` names in this life of the log.
    pub(crate) fn position(&self, cursor: Cursor) -> Result<Position, Problem> {
        let gone = |detail: &str| {
            Err(Problem::new(ProblemKind::CursorGone, detail).with("cursor", cursor.to_string()))
        };
        if cursor.epoch != self.inner.log.epoch().0 {
            return gone("the cursor is from another life of the log");
        }
        if cursor.position > self.inner.log.head().0 {
            return gone("the cursor is ahead of the log, which was put back to an earlier state");
        }
        Ok(Position(cursor.position))
    }

    /// Returns once the views include `at_least`: a caller reads what it has written.
    pub(crate) async fn catch_up(&self, at_least: Option<Cursor>) -> Result<(), Problem> {
        let Some(cursor) = at_least else { return Ok(()) };
        let position = self.position(cursor)?;
        self.reached(position).await
    }

    /// Returns once the views include `position`, or says that they are late.
    pub(crate) async fn reached(&self, position: Position) -> Result<(), Problem> {
        // The wait ends without success if the projector has stopped, so the position is asked again.
        let _ = tokio::time::timeout(AT_LEAST_WAIT_MAX, self.views().reached(position)).await;
        if self.views().position() >= position {
            return Ok(());
        }
        let behind = position.0 - self.views().position().0;
        Err(unavailable(format!("the views are {behind} events behind what was asked for")))
    }

    /// Returns how many events of the log the views do not show yet.
    pub(crate) fn views_lag(&self) -> u64 {
        self.inner.log.head().0.saturating_sub(self.views().position().0)
    }

    pub(crate) fn relay(&self) -> Option<RelayStatus> {
        self.inner.controls.relay.as_ref().map(|relay| relay())
    }

    /// Returns how many records stand under no signed head yet, if there is a notary.
    pub(crate) fn notary_lag(&self) -> Option<u64> {
        let notary = self.inner.controls.notary.as_ref()?;
        Some(self.inner.log.head().0.saturating_sub(notary.status().size()))
    }

    /// Returns how the notary does, in words, if there is one.
    pub(crate) fn notary_detail(&self) -> Option<String> {
        let status = self.inner.controls.notary.as_ref()?.status();
        Some(match &status.state {
            State::Starting => "is starting".to_owned(),
            State::Signing => format!("has signed {} records", status.size()),
            State::Following { unable: None } => {
                format!("has {} records that another node signed", status.size())
            }
            State::Following { unable: Some(why) } => {
                format!("has {} records that another node signed, and could not sign: {why}", status.size())
            }
            State::Retrying(why) => format!("tries again: {why}"),
            State::Parked(parked) => parked.to_string(),
        })
    }

    /// Returns whether the audit has found nothing, and how far it is, in words.
    pub(crate) fn audit_detail(&self) -> (bool, String) {
        let Some(audit) = &self.inner.controls.audit else {
            return (true, "nothing audits the log".to_owned());
        };
        let status = audit.borrow();
        match (&status.fault, status.verified) {
            (Some(Audited { position, why }), _) => {
                (false, format!("position {position} does not verify: {why}"))
            }
            (None, Some((position, at))) => (true, format!("verified up to position {position} at {at:.0}")),
            (None, None) => (true, "has read nothing yet".to_owned()),
        }
    }

    /// Remembers whether the log took the last append.
    pub(crate) fn wrote(&self, taken: bool) {
        let failed = if taken { 0 } else { Timestamp::now().as_second() };
        self.inner.write_failed.store(failed, Ordering::Relaxed);
    }

    /// Returns whether the log has refused an append lately and has taken none since.
    pub(crate) fn write_failed_lately(&self) -> bool {
        let failed = self.inner.write_failed.load(Ordering::Relaxed);
        failed != 0 && Timestamp::now().as_second() - failed < WRITE_FAILURE_AGE.as_secs().cast_signed()
    }
}
