//! The task that keeps NATS up with the views.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use log::{Epoch, Position};
use metrics::{counter, gauge};
use projector::{Leaving, Views};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use wire::{Subject, WT_ARTICLES, WT_CHANGES, WT_RECALLS};

use crate::acks::{self, Acknowledged};
use crate::checkpoint::{self, Checkpoint};
use crate::connection::{Connection, Link, NatsTarget};
use crate::leaving::{Listener, Stream};
use crate::order::Order;
use crate::relay::{Progress, Relay};
use crate::streams::{Mark, Retention, Streams, clear_articles, look, mark};
use crate::trouble::Trouble;
use crate::waiting::Waiting;

/// Most changes read at once: each comes with its article, which may be large.
const ROWS_MAX: usize = 64;
/// How often an idle publisher looks whether the streams are as it left them.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How often the notes are written while much is relayed.
const NOTE_EVERY: Duration = Duration::from_secs(1);
/// How often articles are sent at most while there are changes.
const ARTICLES_EVERY: Duration = Duration::from_millis(50);
/// How long messages in flight are waited for at the end.
const FINISH_TIMEOUT: Duration = Duration::from_secs(1);
const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);
const RETRY_DELAY_MAX: Duration = Duration::from_secs(5);

/// What a publisher needs beside the views and NATS.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which life of the log the views are of.
    pub epoch: Epoch,
    /// File for the publisher's notes (`publisher.json`). Without it, some messages are repeated.
    pub checkpoint: PathBuf,
    /// How the streams are kept if the publisher makes them.
    pub retention: Retention,
}

/// How relaying goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublisherStatus {
    /// Whether there is a connection to a server that serves us.
    pub connected: bool,
    /// Everything up to here is acknowledged by NATS.
    pub published: Position,
    /// How many positions of the log the views are ahead of that; 0 if NATS is up to date.
    pub lag: u64,
    /// What keeps it from going on, in words; `None` while it goes on.
    pub last_error: Option<String>,
}

/// Relays changes from the views to NATS; see the crate's page for what it promises.
#[derive(Debug)]
pub struct Publisher {
    views: Views,
    target: NatsTarget,
    options: Options,
    progress: Mutex<Progress>,
    /// What the file says.
    noted: Mutex<Option<Checkpoint>>,
    /// When the streams that the progress is about were created: changes, articles, recalls.
    streams: Option<[String; 3]>,
    /// The newest redaction after which the stream of articles was made anew.
    redacted: AtomicU64,
    status: watch::Sender<PublisherStatus>,
    acknowledgements: Option<mpsc::Sender<Acknowledged>>,
    listener: Listener,
    /// Whether another publisher may be sending the same.
    has_rivals: bool,
}

impl Publisher {
    /// Returns the task; nothing happens before [`Publisher::run`].
    pub fn new(views: Views, target: NatsTarget, options: Options) -> Self {
        let (progress, status) = (Mutex::default(), watch::Sender::default());
        let (noted, streams, acknowledgements) = (Mutex::default(), None, None);
        let listener = Listener::default();
        let redacted = AtomicU64::new(0);
        Self {
            views,
            target,
            options,
            progress,
            noted,
            streams,
            redacted,
            status,
            acknowledgements,
            listener,
            has_rivals: false,
        }
    }

    /// Hands every acknowledgement of a subscriber to `handle`, which says when it is stored; until
    /// then NATS keeps it. Without a handle they all wait in their stream.
    #[must_use]
    pub fn with_acknowledgements(mut self, handle: mpsc::Sender<Acknowledged>) -> Self {
        self.acknowledgements = Some(handle);
        self
    }

    /// Has `tell` told of every message of a story that has, or had, an embargo or a schedule, just
    /// before it leaves; again, if it is sent again. Called while relaying goes on: it must not block.
    #[must_use]
    pub fn with_listener(mut self, tell: impl Fn(Stream, Leaving) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(tell);
        self
    }

    /// Guards every message against another publisher of the same log: each of them is stored once, and
    /// a story's in order, also if one that was asleep goes on after another has taken over. Costs one
    /// question to the stream for each story.
    #[must_use]
    pub fn with_rivals(mut self) -> Self {
        self.has_rivals = true;
        self
    }

    /// Returns a receiver that shows how relaying goes.
    pub fn status(&self) -> watch::Receiver<PublisherStatus> {
        self.status.subscribe()
    }

    /// Relays until `shutdown`, then waits a moment for messages in flight. Every trouble is tried
    /// again, with growing delays; none ends the task and nothing is passed over.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let noted = checkpoint::read(&self.options.checkpoint).await;
        let known = noted.as_ref().filter(|noted| noted.epoch == self.options.epoch.0);
        self.redacted.store(known.map_or(0, |noted| noted.redacted), Ordering::Relaxed);
        *self.noted() = noted;
        let mut delay = RETRY_DELAY_MIN;
        let mut connection = None;
        loop {
            let before = self.progress().all;
            let Some(trouble) = Box::pin(self.session(&mut connection, &shutdown)).await else { break };
            if self.progress().all > before {
                delay = RETRY_DELAY_MIN;
            }
            self.report(&trouble, delay);
            if shutdown.run_until_cancelled(tokio::time::sleep(delay)).await.is_none() {
                break;
            }
            delay = (delay * 2).min(RETRY_DELAY_MAX);
        }
        self.note().await;
    }

    /// Connects if need be, sees what the streams hold, and relays until there is trouble; returns
    /// `None` at shutdown.
    async fn session(
        &mut self,
        connection: &mut Option<Connection>,
        shutdown: &CancellationToken,
    ) -> Option<Trouble> {
        let begun = Box::pin(async {
            let connection = match connection {
                Some(connection) => connection,
                None => connection.insert(Connection::begin(&self.target).await?),
            };
            let link = tokio::select! {
                biased;
                // Cancel-safe: both only look at a state.
                link = connection.ready() => link?,
                () = self.show_lag() => return Err(Trouble::Disconnected),
            };
            let streams = Streams::ensure(&connection.jetstream, &self.options.retention);
            let streams = Box::pin(streams).await?;
            self.resume(&streams).await?;
            Ok((connection, link, streams))
        });
        match shutdown.run_until_cancelled(begun).await? {
            Ok((connection, link, streams)) => {
                let acks = acks::take(streams.acks.clone(), self.acknowledgements.clone());
                tokio::select! {
                    biased;
                    trouble = self.relay(connection, link, &streams, shutdown) => trouble,
                    // Never ends. Dropped, what was not stored yet comes again.
                    never = acks => match never {},
                }
            }
            Err(trouble) => Some(trouble),
        }
    }

    /// Finds where to go on.
    async fn resume(&mut self, streams: &Streams) -> Result<(), Trouble> {
        let changes = look(&streams.changes, WT_CHANGES, Subject::CHANGES).await?;
        let articles = look(&streams.articles, WT_ARTICLES, Subject::ARTICLES).await?;
        let recalls = mark(&streams.recalls, WT_RECALLS).await?;
        let looked = (&changes, &articles, &recalls);
        let resume = checkpoint::resume(self.noted().as_ref(), self.options.epoch, looked);
        let found = Some([changes.mark.created, articles.mark.created, recalls.created]);
        let same = self.streams == found;
        self.streams = found;
        let mut progress = self.progress();
        // What was acknowledged in this life is known, as long as the streams have it.
        let kept = same
            && progress.changes_sequence <= changes.mark.last_sequence
            && progress.articles_sequence <= articles.mark.last_sequence
            && progress.recalls_sequence <= recalls.last_sequence;
        if !kept {
            info!(log.position = resume.all().0, "Relaying changes to NATS from here on");
            progress.resume(resume);
            progress.acknowledged_change(changes.mark.last_sequence);
            progress.acknowledged_article(articles.mark.last_sequence);
            progress.acknowledged_recall(recalls.last_sequence);
        }
        Ok(())
    }

    /// Relays until there is trouble (`Some`) or shutdown (`None`).
    async fn relay(
        &self,
        connection: &Connection,
        link: Link,
        streams: &Streams,
        shutdown: &CancellationToken,
    ) -> Option<Trouble> {
        let relay = Relay {
            jetstream: &connection.jetstream,
            streams,
            progress: &self.progress,
            epoch: self.options.epoch,
            payload_bytes_max: connection.client.server_info().max_payload,
            listener: &self.listener,
            order: self.has_rivals.then(|| Order::new(self.options.epoch)),
        };
        let waiting = Waiting::default();
        let loops = async {
            tokio::try_join!(
                self.send_changes(&relay, &waiting, shutdown),
                self.send_articles(&relay, &waiting, shutdown),
                self.keep_notes(streams, shutdown),
            )
        };
        tokio::select! {
            biased;
            done = finish(loops, shutdown) => done?.err(),
            // Cancel-safe: it only looks at a state.
            () = connection.turned(link) => Some(Trouble::Disconnected),
        }
    }

    /// Sends every change as it comes, and leaves its article to [`Self::send_articles`].
    async fn send_changes(
        &self,
        relay: &Relay<'_>,
        waiting: &Waiting,
        shutdown: &CancellationToken,
    ) -> Result<(), Trouble> {
        let mut follow = self.views.follow();
        let mut sent = self.progress().all;
        while !shutdown.is_cancelled() {
            let seen = *follow.borrow_and_update();
            let rows = self.views.outgoing(sent, ROWS_MAX).await?;
            relay.send_changes(&rows).await?;
            let is_last = rows.len() < ROWS_MAX;
            sent = rows.last().map_or(sent, |row| row.position);
            if is_last {
                // Behind the last change there may be records that no reader hears of.
                sent = sent.max(seen);
            }
            self.progress().reached_changes(sent);
            self.clear_redacted(relay, sent).await?;
            if shutdown.run_until_cancelled(waiting.add(rows, sent)).await.is_none() {
                break;
            }
            if is_last {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    // Cancel-safe: it only looks at a state.
                    moved = follow.changed() => if moved.is_err() {
                        shutdown.cancelled().await; // The projector has ended: nothing more will come.
                    }
                }
            }
        }
        Ok(())
    }

    /// Has the stream of articles made anew if a redaction up to `sent` asks for it; that is reported as
    /// trouble, after which every article is sent again.
    async fn clear_redacted(&self, relay: &Relay<'_>, sent: Position) -> Result<(), Trouble> {
        let Some(newest) = self.views.newest_redaction(sent).await? else { return Ok(()) };
        if newest.0 <= self.redacted.load(Ordering::Relaxed) {
            return Ok(());
        }
        clear_articles(relay.jetstream).await?;
        self.redacted.store(newest.0, Ordering::Relaxed);
        info!(log.position = newest.0, "Making the stream of articles anew, without what was redacted");
        Err(Trouble::StreamChanged { stream: WT_ARTICLES })
    }

    /// Sends the newest article of every story that has changed: at once if the last ones went a
    /// while ago, else a moment later, so that a story which changes quickly is not sent whole each
    /// time, and no change ever waits for an article.
    async fn send_articles(
        &self,
        relay: &Relay<'_>,
        waiting: &Waiting,
        shutdown: &CancellationToken,
    ) -> Result<(), Trouble> {
        while let Some((articles, upto)) = shutdown.run_until_cancelled(waiting.take()).await {
            let next = tokio::time::Instant::now() + ARTICLES_EVERY;
            relay.send_articles(articles).await?;
            self.progress().reached(upto);
            self.show();
            if shutdown.run_until_cancelled(tokio::time::sleep_until(next)).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Writes down how far relaying has come, and sees now and then that the streams are as they were
    /// left.
    async fn keep_notes(&self, streams: &Streams, shutdown: &CancellationToken) -> Result<(), Trouble> {
        let mut look_at = tokio::time::Instant::now() + LOOK_EVERY;
        while shutdown.run_until_cancelled(tokio::time::sleep(NOTE_EVERY)).await.is_some() {
            self.note().await;
            if tokio::time::Instant::now() >= look_at {
                let Some(looked) = shutdown.run_until_cancelled(self.look_again(streams)).await else {
                    break;
                };
                looked?;
                look_at = tokio::time::Instant::now() + LOOK_EVERY;
            }
        }
        Ok(())
    }

    /// Sees that the streams are as they were left.
    async fn look_again(&self, streams: &Streams) -> Result<(), Trouble> {
        let Some(left) = self.checkpoint() else { return Ok(()) };
        let mut parts = vec![
            (&streams.changes, WT_CHANGES, &left.changes),
            (&streams.articles, WT_ARTICLES, &left.articles),
        ];
        parts.extend(left.recalls.as_ref().map(|left| (&streams.recalls, WT_RECALLS, left)));
        for (stream, name, left) in parts {
            let now = mark(stream, name).await?;
            if now.created != left.created || now.last_sequence < left.last_sequence {
                return Err(Trouble::StreamChanged { stream: name });
            }
        }
        Ok(())
    }

    /// Writes down how far relaying has come, if that is not what the file says.
    async fn note(&self) {
        let now = self.checkpoint();
        let is_noted = now == *self.noted();
        let Some(checkpoint) = now.as_ref().filter(|_| !is_noted) else { return };
        if let Err(error) = checkpoint::write(&self.options.checkpoint, checkpoint).await {
            let path = self.options.checkpoint.display();
            warn!(%error, %path, "Cannot write the publisher's notes: after a restart some messages repeat");
        }
        *self.noted() = now;
    }

    /// Returns how far relaying has come, once the streams are known.
    fn checkpoint(&self) -> Option<Checkpoint> {
        let [changes, articles, recalls] = self.streams.clone()?;
        let progress = self.progress();
        Some(Checkpoint {
            epoch: self.options.epoch.0,
            position: progress.all.0,
            changes: Mark { created: changes, last_sequence: progress.changes_sequence },
            articles: Mark { created: articles, last_sequence: progress.articles_sequence },
            recalls: Some(Mark { created: recalls, last_sequence: progress.recalls_sequence }),
            redacted: self.redacted.load(Ordering::Relaxed),
        })
    }

    fn show(&self) {
        let (published, lag) = self.lag();
        let now = PublisherStatus { connected: true, published, lag, last_error: None };
        self.status.send_if_modified(|status| {
            let changed = *status != now;
            *status = now;
            changed
        });
    }

    /// Shows how the views move away while nothing can be relayed. Never returns.
    async fn show_lag(&self) {
        let mut follow = self.views.follow();
        loop {
            let (_, lag) = self.lag();
            self.status.send_modify(|status| status.lag = lag);
            if follow.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Returns how far relaying has come, and how many positions the views are ahead of that.
    fn lag(&self) -> (Position, u64) {
        let published = self.progress().all;
        let lag = self.views.position().0.saturating_sub(published.0);
        #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; its last digits do not matter")]
        gauge!("writethru_publish_lag_positions").set(lag as f64);
        (published, lag)
    }

    fn report(&self, trouble: &Trouble, delay: Duration) {
        counter!("writethru_publish_retries_total").increment(1);
        let delay_ms = delay.as_millis();
        let last_error = match std::error::Error::source(trouble) {
            Some(source) => format!("{trouble}: {source}"),
            None => trouble.to_string(),
        };
        if trouble.needs_a_person() {
            error!(error = last_error, delay_ms, "Changes are not relayed to NATS");
        } else {
            warn!(error = last_error, delay_ms, "Relaying to NATS is interrupted and will be tried again");
        }
        let connected = !matches!(trouble, Trouble::Disconnected | Trouble::Connect(_));
        let (published, lag) = self.lag();
        self.status.send_replace(PublisherStatus { connected, published, lag, last_error: Some(last_error) });
    }

    fn noted(&self) -> MutexGuard<'_, Option<Checkpoint>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what `sending` returns, or `None` if it takes too long after `shutdown`.
async fn finish<T>(sending: impl Future<Output = T>, shutdown: &CancellationToken) -> Option<T> {
    let late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(FINISH_TIMEOUT).await;
    };
    tokio::select! {
        biased;
        // Cancel-safe: what is in flight then has an unknown outcome, and is sent again next time.
        sent = sending => Some(sent),
        () = late => None,
    }
}
