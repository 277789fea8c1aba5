//! The stream on NATS that carries the rows of one file from node to node.
//!
//! Every write says which message it follows on, so that of two nodes that write at once one is refused and
//! nothing is ever decided on what has changed since. It is read from the server that leads it.

use std::error::Error;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::stream::{Config, LastRawMessageErrorKind, StorageType, Stream};
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use tokio::time::timeout;

use crate::rows::Schema;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// What the server calls a write that does not follow on the last, while another is on its way.
const CONFLICTS: [u64; 3] = [10_071, 10_164, 10_201];
/// Longest message: a server takes a mebibyte, headers included.
pub(crate) const PART_BYTES_MAX: usize = 900 * 1024;

const ID: &str = "Wt-Id";
const PART: &str = "Wt-Part";
const KIND: &str = "Wt-Kind";
const FORMAT: &str = "Wt-Format";

/// What the nodes of one log share of a file.
#[derive(Debug, Clone)]
pub struct SharedFile {
    context: Context,
    stream: Stream,
    subject: String,
    identity: String,
    schema: &'static Schema,
}

/// The stream cannot be read or written: try again.
#[derive(Debug, Clone, thiserror::Error)]
#[error("what the nodes share cannot be {what}: {why}")]
pub struct SharedError {
    what: &'static str,
    why: String,
}

/// What a batch of rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rows that were put and cut.
    Rows,
    /// The same, and they erase what earlier messages still hold.
    Erasing,
    /// All rows there are: nothing before it counts.
    Whole,
}

/// One message: a batch of rows, or a part of one.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) sequence: u64,
    /// Which batch.
    pub(crate) id: String,
    /// Which part of it, from 1, of how many.
    pub(crate) part: (u32, u32),
    pub(crate) kind: Kind,
    /// The format of the file that wrote it.
    pub(crate) format: i32,
    pub(crate) bytes: Bytes,
}

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Published {
    /// It is the one with this sequence.
    Stored(u64),
    /// Somebody else was first: nothing was stored.
    Refused,
    /// Nobody says.
    Unknown(SharedError),
}

impl SharedFile {
    /// Finds the stream of the log `name`, or makes it on `replicas` servers.
    ///
    /// # Errors
    /// [`SharedError`].
    pub async fn open(
        context: &Context,
        replicas: usize,
        (schema, name): (&'static Schema, &str),
    ) -> Result<Self, SharedError> {
        let subject = format!("wt.{}.{name}", schema.name);
        let config = Config {
            name: format!("WT_{}_{name}", schema.name.to_uppercase()),
            description: Some("What nodes share, row by row, in one order".to_owned()),
            subjects: vec![subject.clone()],
            storage: StorageType::File,
            num_replicas: replicas,
            duplicate_window: Duration::from_millis(100),
            ..Config::default()
        };
        let opened = context.get_or_create_stream(config).await;
        let stream = opened.map_err(|error| failed("found", &error))?;
        let info = stream.cached_info();
        let identity = format!("{} {}", info.config.name, info.created.unix_timestamp_nanos());
        Ok(Self { context: context.clone(), stream, subject, identity, schema })
    }

    /// Returns which rows are shared.
    pub(crate) fn schema(&self) -> &'static Schema {
        self.schema
    }

    /// Returns what no other stream is called, also not a later one of the same name.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// Returns the first message with `sequence` or a higher one.
    pub(crate) async fn next(&self, sequence: u64) -> Result<Option<Message>, SharedError> {
        let asked =
            self.stream.raw_message_builder().sequence(sequence).next_by_subject(self.subject.clone());
        match timeout(REQUEST_TIMEOUT, asked.send()).await.map_err(|error| failed("read", &error))? {
            Ok(message) => {
                let said = message.sequence;
                let (headers, bytes) = (message.headers, message.payload);
                read(said, &headers, bytes).map(Some).ok_or_else(|| SharedError {
                    what: "read",
                    why: format!("message {said} was written by another release"),
                })
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(failed("read", &error)),
        }
    }

    /// Stores `message` behind the one with the sequence `after`, and nowhere else.
    pub(crate) async fn publish(&self, message: Message, after: u64) -> Published {
        let mut headers = HeaderMap::new();
        let (part, parts) = message.part;
        headers.insert(ID, message.id.as_str());
        headers.insert(PART, format!("{part}/{parts}"));
        headers.insert(KIND, message.kind.as_str());
        headers.insert(FORMAT, message.format.to_string());
        headers.insert("Nats-Expected-Last-Sequence", after.to_string());
        let publishing = async {
            let sent =
                self.context.publish_with_headers(self.subject.clone(), headers, message.bytes).await?;
            sent.await
        };
        match timeout(REQUEST_TIMEOUT, publishing).await {
            Ok(Ok(stored)) => Published::Stored(stored.sequence),
            Ok(Err(error)) if is_conflict(&error) => Published::Refused,
            Ok(Err(error)) => Published::Unknown(failed("written", &error)),
            Err(error) => Published::Unknown(failed("written", &error)),
        }
    }

    /// Deletes every message before the one with `sequence`, so that no file of a server keeps it.
    pub(crate) async fn erase_before(&self, sequence: u64) -> Result<(), SharedError> {
        let mut at = 0;
        while let Some(message) = self.next(at).await?.filter(|message| message.sequence < sequence) {
            // Somebody else may have deleted it meanwhile.
            let deleted = timeout(REQUEST_TIMEOUT, self.stream.delete_message(message.sequence)).await;
            drop(deleted.map_err(|error| failed("tidied", &error))?);
            at = message.sequence + 1;
        }
        Ok(())
    }
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Erasing => "erasing",
            Self::Whole => "whole",
        }
    }
}

fn read(sequence: u64, headers: &HeaderMap, bytes: Bytes) -> Option<Message> {
    let text = |name: &str| Some(headers.get(name)?.as_str());
    let (part, parts) = text(PART)?.split_once('/')?;
    let kind = [Kind::Rows, Kind::Erasing, Kind::Whole];
    Some(Message {
        sequence,
        id: text(ID)?.to_owned(),
        part: (part.parse().ok()?, parts.parse().ok()?),
        kind: kind.into_iter().find(|kind| Some(kind.as_str()) == text(KIND))?,
        format: text(FORMAT)?.parse().ok()?,
        bytes,
    })
}

fn is_conflict(error: &jetstream::context::PublishError) -> bool {
    if error.kind() == PublishErrorKind::WrongLastSequence {
        return true;
    }
    let said = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
    said.is_some_and(|said| CONFLICTS.contains(&said.error_code().0))
}

fn failed(what: &'static str, error: &dyn Error) -> SharedError {
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        why = format!("{why}: {cause}");
        source = cause.source();
    }
    SharedError { what, why }
}
