//! Questions to the streams: what is there, and what is missing.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{DirectGetErrorKind, Stream};
use async_nats::jetstream::{Context, ErrorCode, Message};
use async_nats::{HeaderMap, header};
use futures::StreamExt;
use story::{Revision, StoryId};
use wire::{ArticleMessage, CloudEvent, Subject};

/// Most messages asked for at once: each may be as large as the server lets pass.
const PAGE_MESSAGES_MAX: usize = 64;
/// When the server forgets a consumer of ours that has gone away.
const CONSUMER_IDLE_MAX: Duration = Duration::from_secs(10);

/// Why a question has no answer: ask again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("JetStream does not answer: {0}")]
    Unavailable(String),
    /// A page came with a message missing.
    #[error("JetStream left out a message")]
    Incomplete,
}

/// Where a stream stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) created: String,
    pub(crate) last_sequence: u64,
}

/// Returns where the stream `name` stands; `None` if nobody has made it yet.
pub(crate) async fn mark(jetstream: &Context, name: &str) -> Result<Option<Mark>, ReadError> {
    let Some(stream) = stream(jetstream, name).await? else { return Ok(None) };
    let info = stream.cached_info();
    Ok(Some(Mark { created: info.created.to_string(), last_sequence: info.state.last_sequence }))
}

async fn stream(jetstream: &Context, name: &str) -> Result<Option<Stream>, ReadError> {
    match jetstream.get_stream(name).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Ok(None)
            }
            _ => Err(unavailable(&error)),
        },
    }
}

/// What of a stream is read.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    pub(crate) stream: &'a str,
    pub(crate) filter: Subject,
    /// First sequence, from 1.
    pub(crate) from: u64,
    pub(crate) headers_only: bool,
}

/// Calls `each` with every message of the selection that is there now, in order, until it answers
/// `false`.
pub(crate) async fn read(
    jetstream: &Context,
    selection: Selection<'_>,
    mut each: impl FnMut(&Message) -> bool,
) -> Result<(), ReadError> {
    let Some(stream) = stream(jetstream, selection.stream).await? else { return Ok(()) };
    let config = pull::Config {
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: selection.from.max(1) },
        ack_policy: AckPolicy::None,
        filter_subject: selection.filter.into(),
        headers_only: selection.headers_only,
        memory_storage: true,
        num_replicas: 1,
        inactive_threshold: CONSUMER_IDLE_MAX,
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await.map_err(|error| unavailable(&error))?;
    let mut pending = consumer.cached_info().num_pending;
    let mut expected = 1;
    while pending > 0 {
        let page = consumer.fetch().max_messages(PAGE_MESSAGES_MAX).messages().await;
        let mut page = page.map_err(|error| unavailable(&error))?;
        let before = expected;
        while let Some(message) = page.next().await {
            let message = message.map_err(|error| ReadError::Unavailable(error.to_string()))?;
            let info = message.info().map_err(|error| ReadError::Unavailable(error.to_string()))?;
            // Nothing is delivered twice here, so a number left out is a message lost on the way.
            if info.consumer_sequence != expected {
                return Err(ReadError::Incomplete);
            }
            expected += 1;
            pending = info.pending;
            if !each(&message) {
                return Ok(());
            }
        }
        if expected == before {
            return Err(ReadError::Incomplete);
        }
    }
    Ok(())
}

/// Returns the last message of `filter` in the stream of articles: `None` if there is none.
pub(crate) async fn last_article(
    jetstream: &Context,
    filter: &Subject,
) -> Result<Option<Result<ArticleMessage, String>>, ReadError> {
    let Some(stream) = stream(jetstream, wire::WT_ARTICLES).await? else { return Ok(None) };
    match stream.direct_get_last_for_subject(filter.as_str()).await {
        Ok(message) => Ok(Some(article(&message.payload))),
        Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
        Err(error) => Err(unavailable(&error)),
    }
}

/// Reads an article message; what is wrong is said in words.
pub(crate) fn article(payload: &[u8]) -> Result<ArticleMessage, String> {
    let event: Result<CloudEvent<ArticleMessage>, _> = serde_json::from_slice(payload);
    event.map(|event| event.data).map_err(|error| format!("its article message cannot be read: {error}"))
}

/// Returns the story and revision that a message of changes is about, as its id says; `true` if it
/// only tells that the story left the desk.
pub(crate) fn subject_of(headers: Option<&HeaderMap>) -> Option<(StoryId, Revision, bool)> {
    let id = headers?.get(header::NATS_MESSAGE_ID)?.as_str();
    let mut parts = id.split(':');
    let story = parts.next()?.parse().ok()?;
    let revision = parts.next()?.parse().ok()?;
    Some((story, Revision(revision), parts.next().is_some()))
}

fn unavailable(error: &dyn std::error::Error) -> ReadError {
    ReadError::Unavailable(match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    })
}
