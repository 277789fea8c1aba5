//! What somebody has to do from time to time: end requests that nobody decided, carry out what was
//! approved and cut off, forget deliveries that no recall asks for any more, look how much room is left.

use std::path::PathBuf;
use std::time::Duration;

use gateway::Gateway;
use jiff::{Timestamp, ToSpan};
use metrics::gauge;
use registry::{Registry, StoreError};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::disk;

/// How often requests are looked at.
const REQUESTS_EVERY: Duration = Duration::from_mins(1);
/// How often deliveries are.
const DELIVERIES_EVERY: Duration = Duration::from_hours(24);
/// How long it is known who got what, in hours: as long as NATS keeps the recalls that ask for it.
const DELIVERIES_KEPT_HOURS: i64 = 400 * 24;
/// Most parts in which deliveries are forgotten in one go, of 10,000 each.
const PARTS_MAX: usize = 100;

/// Does all that.
#[derive(Debug)]
pub(super) struct Upkeep {
    registry: Registry,
    gateway: Gateway,
    /// The data directory.
    folder: PathBuf,
}

impl Upkeep {
    pub(super) const fn new(registry: Registry, gateway: Gateway, folder: PathBuf) -> Self {
        Self { registry, gateway, folder }
    }

    /// Does it at once and then at its times, until `shutdown`.
    pub(super) async fn run(self, shutdown: CancellationToken) {
        let (mut requests, mut deliveries) = (interval(REQUESTS_EVERY), interval(DELIVERIES_EVERY));
        requests.set_missed_tick_behavior(MissedTickBehavior::Delay);
        deliveries.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let work = async {
            loop {
                let done = tokio::select! {
                    // Cancel-safe, both: a tick is taken or not.
                    _ = requests.tick() => {
                        self.look_at_disk();
                        self.look_at_requests().await
                    }
                    _ = deliveries.tick() => forget_deliveries(&self.registry, Timestamp::now()).await,
                };
                if let Err(error) = done {
                    warn!(
                        error = %crate::failure::chain(&error),
                        "Cannot tidy the registry: tried again at the next turn"
                    );
                }
            }
        };
        tokio::select! {
            biased;
            () = shutdown.cancelled() => {}
            // May be dropped: each write is whole, and a command once begun is finished by itself.
            () = work => {}
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other number")]
    fn look_at_disk(&self) {
        match disk::available_bytes(&self.folder) {
            Ok(bytes) => gauge!("writethru_disk_available_bytes").set(bytes as f64),
            Err(error) => warn!(%error, "Cannot look how much room is left on the disk"),
        }
        let size = |name: &str| std::fs::metadata(self.folder.join(name)).map(|file| file.len());
        if let Ok(bytes) = size("log.db") {
            // There is no write-ahead log where nothing waits in it.
            let bytes = bytes + size("log.db-wal").unwrap_or(0);
            gauge!("writethru_log_file_bytes").set(bytes as f64);
        }
    }

    async fn look_at_requests(&self) -> Result<(), StoreError> {
        self.registry.expire_requests(Timestamp::now()).await?;
        self.gateway.finish_approved().await;
        Ok(())
    }
}

/// Forgets who got what so long before `now` that no recall asks for it.
async fn forget_deliveries(registry: &Registry, now: Timestamp) -> Result<(), StoreError> {
    let before = now.checked_sub(DELIVERIES_KEPT_HOURS.hours()).unwrap_or(Timestamp::MIN);
    for _ in 0..PARTS_MAX {
        if registry.forget_deliveries(before).await? == 0 {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use registry::RecallQuery;
    use story::{Revision, StoryId};

    use super::*;

    #[tokio::test]
    async fn deliveries_are_kept_as_long_as_a_recall_may_ask_for_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let registry = Registry::open(&folder.path().join("registry.db")).await.expect("opens");
        let now = Timestamp::now();
        let story = StoryId::from_bytes([1; 16]);
        for (subscriber, days) in [("old", 401), ("new", 399)] {
            let at = now - (days * 24).hours();
            let subscriber = subscriber.parse().expect("an actor");
            registry.delivered(&subscriber, story, Revision(1), at).await.expect("noted");
        }
        forget_deliveries(&registry, now).await.expect("forgotten");
        let recall = RecallQuery { story, voided: vec![Revision(1)], recall: Revision(2) };
        let (_, known) = registry.recall_status(recall, None, 9).await.expect("read");
        let known: Vec<_> = known.iter().map(|line| line.subscriber.as_str()).collect();
        assert_eq!(known, ["new"]);
    }
}
