//! A running publisher.

use publisher::{Acknowledged, Options, Publisher, PublisherStatus, Retention};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::newsroom::{EPOCH, Newsroom};

pub(crate) struct Relay {
    task: JoinHandle<()>,
    shutdown: CancellationToken,
    status: watch::Receiver<PublisherStatus>,
}

impl Relay {
    pub(crate) fn begin(newsroom: &Newsroom, url: &str) -> Self {
        Self::of(newsroom, url, |publisher| publisher)
    }

    /// Hands acknowledgements over, too.
    pub(crate) fn with_acknowledgements(
        newsroom: &Newsroom,
        url: &str,
    ) -> (Self, mpsc::Receiver<Acknowledged>) {
        let (sender, acknowledgements) = mpsc::channel(8);
        (Self::of(newsroom, url, |publisher| publisher.with_acknowledgements(sender)), acknowledgements)
    }

    fn of(newsroom: &Newsroom, url: &str, with: impl FnOnce(Publisher) -> Publisher) -> Self {
        let options = Options {
            epoch: EPOCH,
            checkpoint: newsroom.path().join("publisher.json"),
            retention: Retention::default(),
        };
        let publisher =
            with(Publisher::new(newsroom.views.clone(), url.parse().expect("an address"), options));
        let (status, shutdown) = (publisher.status(), CancellationToken::new());
        Self { task: tokio::spawn(publisher.run(shutdown.clone())), shutdown, status }
    }

    /// Returns once NATS has everything that the views have.
    pub(crate) async fn caught_up(&mut self, newsroom: &Newsroom) {
        let head = newsroom.views.position();
        self.status.wait_for(|status| status.published >= head).await.expect("it runs");
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("it ends");
    }
}
