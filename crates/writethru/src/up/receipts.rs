//! What subscribers say they have received and acknowledged, on its way into the registry.
//!
//! NATS keeps each until it is stored here, so one that cannot be stored is left to come again.

use jiff::Timestamp;
use publisher::Acknowledged;
use registry::{Registry, StoreError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Acknowledgements that wait to be stored; more wait in NATS.
const WAITING_MAX: usize = 64;

/// Takes acknowledgements from the publisher to the registry.
#[derive(Debug)]
pub(super) struct Receipts {
    registry: Registry,
    waiting: mpsc::Receiver<Acknowledged>,
}

impl Receipts {
    /// Returns the way into `registry`, and where to put acknowledgements for it.
    pub(super) fn new(registry: Registry) -> (mpsc::Sender<Acknowledged>, Self) {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        (sender, Self { registry, waiting })
    }

    /// Stores what comes, until `shutdown`.
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        loop {
            let said = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                // Cancel-safe: one is taken whole or stays in the channel.
                said = self.waiting.recv() => said,
            };
            // Without senders nothing comes any more; the end is still the shutdown's to say.
            let Some(said) = said else { return shutdown.cancelled().await };
            match self.store(&said).await {
                Ok(()) => said.stored(),
                Err(error) => warn!(
                    error = %crate::failure::chain(&error),
                    subscriber = %said.subscriber,
                    "Cannot store an acknowledgement: it comes again"
                ),
            }
        }
    }

    async fn store(&self, said: &Acknowledged) -> Result<(), StoreError> {
        let now = Timestamp::now();
        for receipt in &said.acknowledgement.received {
            self.registry.delivered(&said.subscriber, receipt.story, receipt.revision, now).await?;
        }
        if let Some(recall) = &said.acknowledgement.recall {
            self.registry.acknowledged(&said.subscriber, recall.story, recall.revision, now).await?;
        }
        Ok(())
    }
}
