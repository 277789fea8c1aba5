//! The second place of the heads where several processes share a log: a key of a bucket on NATS.
//!
//! It is written by compare-and-swap, on the key's revision, and read from the server that leads the
//! bucket. So of two processes that sign at once one loses, whatever either believes about whose turn
//! it is; and what is read is never older than what was read before by the same process.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::kv::{Config, Store};
use async_nats::jetstream::stream::{LastRawMessageErrorKind, StorageType};
use log::{Epoch, EventLog};
use proof::checkpoint::SignedCheckpoint;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::reader::words;

/// The bucket of the heads of all logs.
const BUCKET: &str = "WT_HEADS";
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// How often the place is looked at while a head is to be expected.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// How often it is otherwise: a head may get cosignatures.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The place of one log's heads.
#[derive(Debug, Clone)]
pub struct SharedHeads {
    store: Store,
    key: String,
}

/// The place cannot be read or written: try again, from what it says then.
#[derive(Debug, thiserror::Error)]
#[error("the shared head cannot be {what}: {why}")]
pub struct SharedError {
    what: &'static str,
    why: String,
}

/// What the place says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The signed head as text.
    pub(crate) note: String,
    /// The key's revision.
    pub(crate) revision: u64,
}

impl Found {
    /// Returns the head.
    pub(crate) fn head(&self) -> Result<SignedCheckpoint, String> {
        SignedCheckpoint::parse(self.note.as_bytes()).map_err(words)
    }
}

impl SharedHeads {
    /// Finds the bucket, or makes it on `replicas` servers; for the life `epoch` of the log `name`.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn open(
        context: &Context,
        replicas: usize,
        (name, epoch): (&str, Epoch),
    ) -> Result<Self, SharedError> {
        let store = match context.get_key_value(BUCKET).await {
            Ok(store) => store,
            Err(_) => context
                .create_key_value(Config {
                    bucket: BUCKET.to_owned(),
                    description: "The newest signed head of each transparency log".to_owned(),
                    history: 1,
                    storage: StorageType::File,
                    num_replicas: replicas,
                    ..Config::default()
                })
                .await
                .map_err(|error| failed("found", error))?,
        };
        Ok(Self { store, key: format!("{name}.{}", epoch.0) })
    }

    /// Returns what the leader of the bucket says.
    pub(crate) async fn newest(&self) -> Result<Option<Found>, SharedError> {
        let subject = format!("{}{}", self.store.prefix, self.key);
        let asked = self.store.stream.get_last_raw_message_by_subject(&subject);
        match timeout(REQUEST_TIMEOUT, asked).await.map_err(|error| failed("read", error))? {
            Ok(message) => {
                let note = String::from_utf8(message.payload.to_vec()).map_err(|e| failed("read", e))?;
                Ok(Some(Found { note, revision: message.sequence }))
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(failed("read", error)),
        }
    }

    /// Puts `note` in the place of what has `revision`, or of nothing if that is 0; returns its
    /// revision. After an error it may be there, now or later; then whatever is written after what was
    /// read before is refused.
    pub(crate) async fn swap(&self, revision: u64, note: String) -> Result<u64, SharedError> {
        let written = timeout(REQUEST_TIMEOUT, self.store.update(&self.key, note.into(), revision)).await;
        written.map_err(|error| failed("written", error))?.map_err(|error| failed("written", error))
    }

    /// Tells `newest` of whatever is put there, for ever: about at once while `log` has records that no
    /// head is over, else within half a second. Revisions only rise.
    ///
    /// It asks, rather than be told: whoever pushes messages to a process must be let through to it, and a
    /// consumer that died is not heard of.
    pub(crate) async fn follow(&self, newest: &watch::Sender<Option<Found>>, log: &EventLog) {
        let mut size = 0;
        loop {
            if let Ok(Some(found)) = self.newest().await
                && tell(newest, &found)
                && let Ok(head) = found.head()
            {
                size = head.checkpoint().size();
            }
            let asked = Instant::now();
            let is_due = || log.head().0 > size || asked.elapsed() >= LOOK_EVERY;
            sleep(ASK_EVERY).await;
            while !is_due() {
                sleep(ASK_EVERY).await;
            }
        }
    }
}

/// Returns whether that is news.
fn tell(newest: &watch::Sender<Option<Found>>, found: &Found) -> bool {
    newest.send_if_modified(|held| {
        let is_newer = held.as_ref().is_none_or(|held| held.revision < found.revision);
        if is_newer {
            *held = Some(found.clone());
        }
        is_newer
    })
}

fn failed(what: &'static str, error: impl std::error::Error) -> SharedError {
    SharedError { what, why: words(error) }
}
