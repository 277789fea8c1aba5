//! Leases: what only one of several services may do at a time, such as to publish.
//!
//! A lease is a key of a bucket on NATS. Who has it writes the key again and again, each time only if
//! nobody else has (by the key's revision). Who wants it watches: a key that was not written for
//! [`TERM`] is taken over. No clock is compared with another: the holder counts from before it asked,
//! the others from when they saw the answer, so the holder has stopped before anybody takes over, as
//! long as the clocks run about equally fast.
//!
//! A process that sleeps cannot stop. So whatever is done under a lease must be harmless if it is done
//! twice: the publisher's messages are guarded in the streams, the scheduler's commands in the log.

use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::kv::{Config, Entry, Operation, Store};
use async_nats::jetstream::stream::StorageType;
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use log::Replicas;
use publisher::server::SERVICE_INBOX;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::event_log::OnNats;
use crate::exit::Exit;
use crate::failure::Failure;

/// The bucket of all leases.
const BUCKET: &str = "WT_LEASES";
/// How long a lease goes on after it was written.
const TERM: Duration = Duration::from_secs(6);
/// How long its holder acts on it: what is in flight then has time to end.
const HOLD: Duration = Duration::from_secs(4);
/// How often the holder writes it.
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// How often the others look.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the bucket may take to be there while a cluster starts.
const BUCKET_PATIENCE: Duration = Duration::from_secs(30);

/// What a key says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    /// The process that has it; empty if it was given back.
    holder: String,
    /// Its process id, for people.
    process: u32,
}

/// The leases of one log, as one process sees them.
#[derive(Debug, Clone)]
pub(super) struct Leases {
    store: Store,
    log: String,
    me: String,
    context: Context,
    replicas: Replicas,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Lease {
    store: Store,
    key: String,
    me: String,
}

/// A lease that this process has.
#[derive(Debug)]
struct Having {
    revision: u64,
    /// Until when it may be acted on.
    until: Instant,
}

impl Leases {
    /// Finds the bucket where the log is, or makes it.
    ///
    /// # Errors
    /// The servers do not answer for it.
    pub(super) async fn open(on_nats: &OnNats) -> Result<Self, Failure> {
        let context = connect(on_nats, "writethru leases").await?;
        let until = Instant::now() + BUCKET_PATIENCE;
        let store = loop {
            match bucket(&context, on_nats.replicas).await {
                Ok(store) => break store,
                Err(error) if Instant::now() > until => {
                    return Err(Failure::new(Exit::Unavailable, "leases", "cannot use the bucket of leases")
                        .because(&*error)
                        .next(
                            "see that as many NATS servers run as the log has replicas, then start again",
                        ));
                }
                Err(error) => debug!(%error, "The bucket of leases is not there yet"),
            }
            sleep(LOOK_EVERY).await;
        };
        let me = Uuid::now_v7().as_simple().to_string();
        Ok(Self { store, log: on_nats.name.to_string(), me, context, replicas: on_nats.replicas })
    }

    /// Returns the connection that the leases are kept over.
    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Returns the log that they are of, and on how many servers things of it are kept.
    pub(super) fn log(&self) -> (&str, usize) {
        (&self.log, self.replicas.count())
    }

    /// Returns the lease on `what`.
    pub(super) fn of(&self, what: &str) -> Lease {
        Lease { store: self.store.clone(), key: format!("{}.{what}", self.log), me: self.me.clone() }
    }
}

impl Lease {
    /// Does `work` whenever this process has the lease, until `shutdown`. The work is told to end
    /// before anybody else may begin it, and has two seconds for that; it is given back in the end.
    pub(super) async fn keep<F>(
        self,
        shutdown: CancellationToken,
        mut work: impl FnMut(CancellationToken) -> F,
    ) where
        F: Future<Output = ()>,
    {
        loop {
            // May be dropped: a lease that was taken and is not used is free again after its term.
            let Some(mut having) = shutdown.run_until_cancelled(self.take()).await else { return };
            info!(lease = self.key, "This process has the lease now");
            let told = CancellationToken::new();
            let working = work(told.clone());
            tokio::pin!(working);
            let is_over = tokio::select! {
                biased;
                () = shutdown.cancelled() => true,
                () = self.renew(&mut having) => {
                    warn!(lease = self.key, "The lease is lost: another process may go on");
                    false
                }
                () = &mut working => true,
            };
            told.cancel();
            if !is_over {
                working.await;
                continue;
            }
            if !shutdown.is_cancelled() {
                // Who does the work notices that it has ended by itself.
                return;
            }
            working.await;
            self.give_back(&having).await;
            return;
        }
    }

    /// Returns once this process has the lease. Cancel-safe, but that the lease may be taken.
    async fn take(&self) -> Having {
        let mut seen: Option<(u64, Instant)> = None;
        loop {
            let until = Instant::now() + HOLD;
            if let Some(revision) = self.try_to_take(&mut seen).await
                && Instant::now() < until
            {
                return Having { revision, until };
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Takes the lease if it is free; returns its revision.
    async fn try_to_take(&self, seen: &mut Option<(u64, Instant)>) -> Option<u64> {
        let entry = timeout(REQUEST_TIMEOUT, self.store.entry(&self.key)).await.ok()?.ok()?;
        let Some(entry) = entry.filter(|entry| entry.operation == Operation::Put) else {
            let made = timeout(REQUEST_TIMEOUT, self.store.create(&self.key, self.mine())).await;
            return made.ok()?.ok();
        };
        let now = Instant::now();
        let is_old = match *seen {
            Some((revision, since)) if revision == entry.revision => now.duration_since(since) >= TERM,
            _ => {
                *seen = Some((entry.revision, now));
                false
            }
        };
        let holder = holder(&entry);
        // Ours is what we took and did not hear of: nobody acts on it.
        let is_free = holder.is_empty() || holder == self.me;
        if !is_old && !is_free {
            return None;
        }
        self.write(self.mine(), entry.revision).await
    }

    /// Keeps the lease as long as it can; returns once it may not be acted on any more.
    async fn renew(&self, having: &mut Having) {
        loop {
            sleep_until((Instant::now() + RENEW_EVERY).min(having.until)).await;
            let began = Instant::now();
            if began >= having.until {
                return;
            }
            let Ok(renewed) = timeout_at(having.until, self.write_again(having.revision)).await else {
                return;
            };
            match renewed {
                Renewed::Yes(revision) => *having = Having { revision, until: began + HOLD },
                Renewed::Unknown => {}
                Renewed::Lost => return,
            }
        }
    }

    async fn write_again(&self, revision: u64) -> Renewed {
        if let Some(revision) = self.write(self.mine(), revision).await {
            return Renewed::Yes(revision);
        }
        // Either an earlier write was stored after all, or somebody else has it, or nobody answers.
        let entry = timeout(REQUEST_TIMEOUT, self.store.entry(&self.key)).await;
        let Ok(Ok(Some(entry))) = entry else { return Renewed::Unknown };
        if entry.revision <= revision {
            return Renewed::Unknown;
        }
        if holder(&entry) != self.me {
            return Renewed::Lost;
        }
        self.write(self.mine(), entry.revision).await.map_or(Renewed::Unknown, Renewed::Yes)
    }

    /// Lets another process have it at once.
    async fn give_back(&self, having: &Having) {
        let free = Held { holder: String::new(), process: 0 };
        // If it does not arrive, the others wait for the end of the term.
        let _ = self.write(written(&free), having.revision).await;
    }

    async fn write(&self, value: Bytes, revision: u64) -> Option<u64> {
        let written = timeout(REQUEST_TIMEOUT, self.store.update(&self.key, value, revision)).await;
        written.ok()?.ok()
    }

    fn mine(&self) -> Bytes {
        written(&Held { holder: self.me.clone(), process: std::process::id() })
    }
}

/// What became of a renewal.
enum Renewed {
    Yes(u64),
    Unknown,
    Lost,
}

fn written(held: &Held) -> Bytes {
    serde_json::to_vec(held).expect("two plain members are JSON").into()
}

/// Returns who has the lease; whoever wrote what cannot be read is somebody.
fn holder(entry: &Entry) -> String {
    serde_json::from_slice::<Held>(&entry.value).map_or_else(|_| "?".to_owned(), |held| held.holder)
}

async fn bucket(
    context: &Context,
    replicas: Replicas,
) -> Result<Store, Box<dyn std::error::Error + Send + Sync>> {
    if let Ok(store) = context.get_key_value(BUCKET).await {
        return Ok(store);
    }
    let config = Config {
        bucket: BUCKET.to_owned(),
        description: "Which process publishes and which keeps the schedule".to_owned(),
        history: 1,
        storage: StorageType::File,
        num_replicas: replicas.count(),
        ..Config::default()
    };
    Ok(context.create_key_value(config).await?)
}

/// Connects to where the log is, as `name`.
///
/// # Errors
/// No server answers.
pub(super) async fn connect(on_nats: &OnNats, name: &str) -> Result<Context, Failure> {
    let mut options = ConnectOptions::new()
        .name(name)
        .max_reconnects(None)
        .ping_interval(Duration::from_secs(2))
        .reconnect_delay_callback(|_| Duration::from_millis(200));
    if let Some(seed) = &on_nats.broker.seed {
        options = options.nkey(seed.as_str().to_owned()).custom_inbox_prefix(SERVICE_INBOX);
    }
    let addresses: Vec<&str> = on_nats.broker.url.split(',').map(str::trim).collect();
    let client = options.connect(addresses).await.map_err(|error| {
        Failure::new(Exit::Unavailable, "leases", "cannot connect to the servers of the leases")
            .because(&error)
    })?;
    Ok(jetstream::context::ContextBuilder::new().timeout(REQUEST_TIMEOUT).build(client))
}
