//! The second place of the heads where several processes share a log: a key of a bucket on NATS.
//!
//! It is written by compare-and-swap, on the key's revision, and read from the server that leads the
//! bucket. So of two processes that sign at once one loses, whatever either believes about whose turn
//! it is; and what is read is never older than what was read before by the same process.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::kv::{Config, Operation, Store};
use async_nats::jetstream::stream::{LastRawMessageErrorKind, StorageType};
use futures::StreamExt;
use log::Epoch;
use proof::checkpoint::SignedCheckpoint;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::reader::words;

/// The bucket of the heads of all logs.
const BUCKET: &str = "WT_HEADS";
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// How long nothing may be heard before somebody looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait before following is begun again.
const AGAIN_AFTER: Duration = Duration::from_millis(200);

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

    /// Tells `newest` of whatever is put there, for ever: at once, or within a second while NATS is
    /// in trouble. Revisions only rise.
    pub(crate) async fn follow(&self, newest: &watch::Sender<Option<Found>>) {
        loop {
            if let Ok(mut heads) = self.store.watch_with_history(&self.key).await {
                // What has ended or fallen silent behind the place's back is begun again.
                while self.hear(&mut heads, newest).await {}
            }
            sleep(AGAIN_AFTER).await;
        }
    }

    /// Returns whether it is worth listening on.
    async fn hear(
        &self,
        heads: &mut async_nats::jetstream::kv::Watch,
        newest: &watch::Sender<Option<Found>>,
    ) -> bool {
        match timeout(LOOK_EVERY, heads.next()).await {
            Ok(Some(Ok(entry))) if entry.operation == Operation::Put => {
                let note = String::from_utf8_lossy(&entry.value).into_owned();
                tell(newest, Found { note, revision: entry.revision });
                true
            }
            Ok(Some(Ok(_))) => true,
            Ok(_) => false,
            Err(_) => match self.newest().await {
                Ok(Some(found)) => !tell(newest, found),
                Ok(None) | Err(_) => true,
            },
        }
    }
}

/// Returns whether that is news.
fn tell(newest: &watch::Sender<Option<Found>>, found: Found) -> bool {
    newest.send_if_modified(|held| {
        let is_newer = held.as_ref().is_none_or(|held| held.revision < found.revision);
        if is_newer {
            *held = Some(found);
        }
        is_newer
    })
}

fn failed(what: &'static str, error: impl std::error::Error) -> SharedError {
    SharedError { what, why: words(error) }
}
