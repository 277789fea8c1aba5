//! The audit that does not end: reads the log from its beginning at a gentle pace, verifies every record, waits
//! for more, and once a day begins again. It finds what a disk has changed before anybody asks for it.
//!
//! It mends nothing and stops nothing: what it finds is said in `/readyz`, in the log and to Prometheus.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use gateway::{AuditStatus, Audited};
use jiff::Timestamp;
use log::{EventLog, Position, ReadError, Record, StoryKey};
use metrics::{counter, gauge};
use story::StoryId;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use uuid::Uuid;
use wire::Chain;

use super::roles::{Role, Roles};
use super::service::{Broken, Part, part};
use crate::commands::check;

/// Records read at once.
const PAGE_RECORDS: usize = 200;
/// The rest after each page: 2,000 records a second at most, some percent of a processor.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the end of the log is looked at, once it is reached.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long after the begin of a round the next one may begin.
const ROUND_EVERY: Duration = Duration::from_hours(24);
/// How long after a fault, or after the log could not be read, the next try is made.
const TRY_AGAIN_AFTER: Duration = Duration::from_mins(10);
/// Most stories whose state is kept in memory; of another one the records are read again.
const CHAINS_MAX: usize = 512;

/// Verifies a log, over and over.
pub(super) struct Auditor {
    log: EventLog,
    status: watch::Sender<AuditStatus>,
}

/// Why a round ends before the log does.
enum Trouble {
    /// The log says something that it did not say when it was written.
    Fault { position: Position, why: String },
    /// It cannot be read now.
    Unread(ReadError),
}

impl Auditor {
    /// Begins to audit `log`, if this process is to: of those that share a log, the ones that may keep its
    /// schedule. Returns how it goes.
    pub(super) fn begin(
        log: &EventLog,
        roles: &Roles,
        broken: &Broken,
    ) -> Option<(Part, watch::Receiver<AuditStatus>)> {
        roles.has(Role::Scheduler).then(|| {
            let (auditor, status) = Self::new(log.clone());
            (part("audit", broken, |told| auditor.run(told)), status)
        })
    }

    fn new(log: EventLog) -> (Self, watch::Receiver<AuditStatus>) {
        let (status, shown) = watch::channel(AuditStatus::default());
        (Self { log, status }, shown)
    }

    /// Audits until `shutdown`.
    async fn run(self, shutdown: CancellationToken) {
        let rounds = async {
            loop {
                match Box::pin(self.round(Instant::now())).await {
                    Ok(()) => self.status.send_modify(|status| status.rounds += 1),
                    Err(trouble) => {
                        self.tell(trouble);
                        tokio::time::sleep(TRY_AGAIN_AFTER).await;
                    }
                }
            }
        };
        // May be dropped: it only reads.
        shutdown.run_until_cancelled(rounds).await;
    }

    /// Reads the log once, and goes on with what is new until the next round is due.
    async fn round(&self, began: Instant) -> Result<(), Trouble> {
        let (mut position, mut stories) = (Position::ZERO, Stories::default());
        loop {
            let page = self.log.read(position.next(), PAGE_RECORDS).await.map_err(Trouble::of)?;
            for record in &page {
                if record.position != position.next() {
                    let why = "the record is missing".to_owned();
                    return Err(Trouble::Fault { position: position.next(), why });
                }
                stories.verify(&self.log, record).await?;
                position = record.position;
            }
            if !page.is_empty() {
                self.reached(position);
                tokio::time::sleep(PAUSE).await;
            } else if position < self.log.head() {
                let why = "the log ends before its head".to_owned();
                return Err(Trouble::Fault { position: position.next(), why });
            } else if began.elapsed() >= ROUND_EVERY {
                return Ok(());
            } else {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other number")]
    fn reached(&self, position: Position) {
        gauge!("writethru_audit_verified_position").set(position.0 as f64);
        let at = Timestamp::now();
        self.status.send_modify(|status| {
            // What was wrong is wrong until it is read again and right.
            if status.fault.as_ref().is_some_and(|fault| fault.position <= position.0) {
                status.fault = None;
            }
            status.verified = Some((position.0, at));
        });
    }

    fn tell(&self, trouble: Trouble) {
        match trouble {
            Trouble::Fault { position, why } => {
                counter!("writethru_audit_faults_total").increment(1);
                error!(%position, why, "The log does not verify: keep a copy of the data directory as it is");
                let fault = Some(Audited { position: position.0, why });
                self.status.send_modify(|status| status.fault = fault);
            }
            Trouble::Unread(error) => warn!(%error, "The log cannot be audited for now"),
        }
    }
}

impl Trouble {
    fn of(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { position, problem } => Self::Fault { position, why: problem },
            unread @ ReadError::Unavailable { .. } => Self::Unread(unread),
        }
    }
}

/// Where stories stand at the position that is reached.
#[derive(Default)]
struct Stories(HashMap<StoryKey, Chain>);

impl Stories {
    /// Verifies the next record of the log.
    async fn verify(&mut self, log: &EventLog, record: &Record) -> Result<(), Trouble> {
        if self.0.len() >= CHAINS_MAX && !self.0.contains_key(&record.story) {
            self.0.clear();
        }
        match self.0.entry(record.story) {
            Entry::Occupied(mut chain) => verified(record, chain.get_mut()),
            Entry::Vacant(place) => verified(record, place.insert(chain_before(log, record).await?)),
        }
    }
}

/// Returns where the story of `record` stood before it.
async fn chain_before(log: &EventLog, record: &Record) -> Result<Chain, Trouble> {
    let mut chain = Chain::new(StoryId::new(Uuid::from_bytes(record.story.0)));
    let mut next = 1;
    while next < record.revision {
        let page = log.read_story(record.story, next, PAGE_RECORDS).await.map_err(Trouble::of)?;
        if page.is_empty() {
            let why = format!("revision {next} of its story is missing");
            return Err(Trouble::Fault { position: record.position, why });
        }
        for earlier in page.iter().take_while(|earlier| earlier.revision < record.revision) {
            verified(earlier, &mut chain)?;
        }
        next += page.len() as u64;
    }
    Ok(chain)
}

fn verified(record: &Record, chain: &mut Chain) -> Result<(), Trouble> {
    check::record(record, chain).map_err(|why| Trouble::Fault { position: record.position, why })
}

#[cfg(test)]
mod tests {
    use log::{Batch, Command, Epoch, NewRecord, Options};

    use super::*;

    /// A log with one record that is no envelope.
    async fn log_of_nonsense(folder: &std::path::Path) -> EventLog {
        let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
        let log = EventLog::open(&folder.join("log.db"), options).await.unwrap();
        let record = NewRecord { envelope: b"{}".as_slice().into(), disclosures: b"".as_slice().into() };
        let batch = Batch { command: Command(b"one".as_slice().into()), records: vec![record] };
        log.append(StoryKey([1; 16]), 0, batch).await.unwrap();
        log
    }

    #[tokio::test]
    async fn what_does_not_verify_is_said_and_stays_said() {
        let folder = tempfile::tempdir().unwrap();
        let log = log_of_nonsense(folder.path()).await;
        let (auditor, mut shown) = Auditor::new(log.clone());
        let stop = CancellationToken::new();
        let running = tokio::spawn(auditor.run(stop.clone()));
        let status = shown.wait_for(|status| status.fault.is_some()).await.unwrap().clone();
        assert_eq!((status.fault.unwrap().position, status.verified), (1, None));
        stop.cancel();
        running.await.unwrap();
        log.close().await;
    }
}
