//! Messages to and from the server, and what its answers mean. It decides nothing.
//!
//! Only an acknowledgement of JetStream counts: what a client "published" while it was not connected
//! is in its memory, and may still be sent later. So every failure says whether the message may be
//! stored nevertheless.

use std::time::Duration;

use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, RawMessageErrorKind, State, Stream};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{Client, HeaderMap, Message, Request, RequestErrorKind, ServerAddr, StatusCode, Subscriber};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::json;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::names::Names;
use super::options::ConnectError;
use super::patience::{Patience, insist};
use super::streams;
use crate::contract::Cause;

/// How long one request may take.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
/// Most KiB on their way to the server at once, so that no request waits for its turn longer than it
/// may take.
const SENDING_KIB_MAX: usize = 8 * 1024;
/// Most requests for many messages that are answered at once: a server cuts off who takes too much
/// too slowly.
const FETCHES_MAX: usize = 8;
/// Most messages that one request is answered with.
pub(super) const FETCH_MESSAGES_MAX: usize = 1_000;
/// Bytes after which an answer of many messages ends.
pub(super) const FETCH_BYTES: usize = 2 * 1024 * 1024;
/// Most batches that this process has open on the server, which takes 50 a stream from everyone.
const OPEN_BATCHES_MAX: usize = 12;

/// Why a message was not acknowledged.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Nothing was stored: another message is the last of its subject, or one with this id is known.
    Conflict,
    /// Nothing was stored, and the same message may be sent again.
    NotStored(Cause),
    /// It may be stored, now or later.
    Unknown(Cause),
}

/// Why a question was not answered: ask again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unanswered(String);

impl Unanswered {
    #[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
    pub(super) fn because(why: impl ToString) -> Self {
        Self(why.to_string())
    }
}

/// A message to be stored.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) subject: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Where the last of what was sent is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acknowledged {
    pub(super) sequence: u64,
    /// Whether it was there before.
    pub(super) duplicate: bool,
}

/// A stored message.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) sequence: u64,
    pub(super) body: Bytes,
}

/// Which messages are fetched: from a sequence on, of one subject or of all.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'a> {
    pub(super) stream: &'a str,
    pub(super) from: u64,
    pub(super) subject: Option<&'a str>,
    /// At most [`FETCH_MESSAGES_MAX`].
    pub(super) messages_max: usize,
    /// Bytes after which the answer ends.
    pub(super) bytes: usize,
}

/// The connections of one log: what is read does not hold up what is written.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) names: Names,
    writing: Client,
    reading: Client,
    pub(super) records: Stream<()>,
    pub(super) parts: Stream<()>,
    pub(super) claims: Stream<()>,
    patience: Duration,
    sending_kib: Semaphore,
    fetches: Semaphore,
    batches: Semaphore,
}

impl Link {
    pub(super) fn new(
        names: Names,
        (writing, reading): (Client, Client),
        (records, parts, claims): (Stream<()>, Stream<()>, Stream<()>),
        patience: Duration,
    ) -> Self {
        let [sending_kib, fetches, batches] =
            [SENDING_KIB_MAX, FETCHES_MAX, OPEN_BATCHES_MAX].map(Semaphore::new);
        Self { names, writing, reading, records, parts, claims, patience, sending_kib, fetches, batches }
    }

    /// Returns a whole patience.
    pub(super) fn patience(&self) -> Patience {
        Patience::new(self.patience)
    }

    /// Asks until there is an answer or the patience is over.
    pub(super) async fn insist<T, F>(&self, ask: impl FnMut() -> F) -> Result<T, Unanswered>
    where
        F: Future<Output = Result<T, Unanswered>>,
    {
        insist(self.patience, ask).await
    }

    /// Says that the log is whole.
    pub(super) async fn finish(&self) -> Result<(), ConnectError> {
        let context = context(&self.writing);
        let asking = streams::Asking { context: &context, patience: self.patience };
        streams::finish(&asking, &self.names.records).await
    }

    /// Returns a text that nobody else has.
    pub(super) fn unique(&self) -> String {
        let inbox = self.writing.new_inbox();
        inbox.rsplit('.').next().unwrap_or_default().to_owned()
    }

    /// Has one message stored.
    pub(super) async fn publish(&self, message: Outgoing) -> Result<Acknowledged, Refusal> {
        let _sending = self.room_for(message.body.len()).await;
        let request = Request::new().headers(message.headers).payload(message.body);
        self.acknowledgement(message.subject, request).await
    }

    /// Has all of `messages` stored, one behind the other and nothing between them, or none; the
    /// batch is known as `id`, which is never used again.
    pub(super) async fn publish_batch(
        &self,
        mut messages: Vec<Outgoing>,
        id: &str,
    ) -> Result<Acknowledged, Refusal> {
        let Some(mut last) = messages.pop() else {
            return Err(Refusal::NotStored("a batch has no messages".into()));
        };
        let _turn = self.batches.acquire().await;
        let bytes = messages.iter().map(|message| message.body.len()).sum::<usize>();
        let _sending = self.room_for(bytes + last.body.len()).await;
        let records = messages.len() as u64 + 1;
        for (number, mut message) in (1_u64..).zip(messages) {
            message.headers.insert("Nats-Batch-Id", id);
            message.headers.insert("Nats-Batch-Sequence", number.to_string().as_str());
            // Without a commit nothing is stored, so these need no answer: the commit's tells all.
            let sent = self.writing.publish_with_headers(message.subject, message.headers, message.body);
            match timeout(REQUEST_TIMEOUT, sent).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(Refusal::NotStored(error.into())),
                Err(late) => return Err(Refusal::NotStored(late.into())),
            }
        }
        last.headers.insert("Nats-Batch-Id", id);
        last.headers.insert("Nats-Batch-Sequence", records.to_string().as_str());
        last.headers.insert("Nats-Batch-Commit", "1");
        let request = Request::new().headers(last.headers).payload(last.body);
        self.acknowledgement(last.subject, request).await
    }

    async fn acknowledgement(&self, subject: String, request: Request) -> Result<Acknowledged, Refusal> {
        let request = request.timeout(Some(REQUEST_TIMEOUT));
        // Sending waits while a client that is not connected has its memory full.
        match timeout(2 * REQUEST_TIMEOUT, self.writing.send_request(subject, request)).await {
            Ok(Ok(answer)) => judge(&answer.payload),
            Ok(Err(error)) => Err(match error.kind() {
                RequestErrorKind::NoResponders
                | RequestErrorKind::InvalidSubject
                | RequestErrorKind::MaxPayloadExceeded => Refusal::NotStored(error.into()),
                _ => Refusal::Unknown(error.into()),
            }),
            Err(late) => Err(Refusal::Unknown(late.into())),
        }
    }

    async fn room_for(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        let kib = (bytes / 1024 + 1).min(SENDING_KIB_MAX);
        // The semaphore is never closed.
        self.sending_kib.acquire_many(u32::try_from(kib).unwrap_or(u32::MAX)).await.ok()
    }

    /// Returns stored messages in order, as the replica that answers has them: the newest may be
    /// missing there. The answer ends at what is `wanted`, at some bytes, or at the replica's end.
    pub(super) async fn fetch(&self, wanted: Wanted<'_>) -> Result<Vec<Stored>, Unanswered> {
        let _turn = self.fetches.acquire().await;
        let mut question = json!({
            "seq": wanted.from.max(1),
            "batch": wanted.messages_max.clamp(1, FETCH_MESSAGES_MAX),
            "max_bytes": wanted.bytes,
        });
        if let Some(subject) = wanted.subject {
            question["next_by_subj"] = subject.into();
        }
        let inbox = self.reading.new_inbox();
        let asked = async {
            let answers = self.reading.subscribe(inbox.clone()).await.map_err(Unanswered::because)?;
            let to = format!("$JS.API.DIRECT.GET.{}", wanted.stream);
            let question = question.to_string().into();
            self.reading.publish_with_reply(to, inbox, question).await.map_err(Unanswered::because)?;
            Ok(answers)
        };
        let mut answers = timeout(REQUEST_TIMEOUT, asked).await.map_err(Unanswered::because)??;
        let mut messages = Vec::new();
        while let Some(message) = next(&mut answers).await? {
            messages.push(message);
        }
        Ok(messages)
    }

    /// Returns the message at `sequence` as the leader has it.
    pub(super) async fn leader_message(
        &self,
        stream: &Stream<()>,
        sequence: u64,
    ) -> Result<Option<Bytes>, Unanswered> {
        match timeout(2 * REQUEST_TIMEOUT, stream.get_raw_message(sequence)).await {
            Ok(Ok(message)) => Ok(Some(message.payload)),
            Ok(Err(error)) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => Ok(None),
            Ok(Err(error)) => Err(Unanswered::because(error)),
            Err(late) => Err(Unanswered::because(late)),
        }
    }

    /// Returns the newest message of `subject` as the leader has it.
    pub(super) async fn leader_last(
        &self,
        stream: &Stream<()>,
        subject: &str,
    ) -> Result<Option<Stored>, Unanswered> {
        match timeout(2 * REQUEST_TIMEOUT, stream.get_last_raw_message_by_subject(subject)).await {
            Ok(Ok(message)) => Ok(Some(Stored { sequence: message.sequence, body: message.payload })),
            Ok(Err(error)) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => Ok(None),
            Ok(Err(error)) => Err(Unanswered::because(error)),
            Err(late) => Err(Unanswered::because(late)),
        }
    }

    /// Returns the state of the stream of records as the leader has it.
    pub(super) async fn records_info(&self) -> Result<State, Unanswered> {
        match timeout(2 * REQUEST_TIMEOUT, self.records.get_info()).await {
            Ok(Ok(info)) => Ok(info.state),
            Ok(Err(error)) => Err(Unanswered::because(error)),
            Err(late) => Err(Unanswered::because(late)),
        }
    }

    /// Returns the newest sequence of the stream of records as the leader has it.
    pub(super) async fn leader_head(&self) -> Result<u64, Unanswered> {
        Ok(self.records_info().await?.last_sequence)
    }

    /// Has the part at `sequence` overwritten and removed; nothing if it is not there.
    pub(super) async fn remove_part(&self, sequence: u64) -> Result<(), Unanswered> {
        let error = match timeout(2 * REQUEST_TIMEOUT, self.parts.delete_message(sequence)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => Unanswered::because(error),
            Err(late) => Unanswered::because(late),
        };
        // The server says the same of a message that is not there as of one that it cannot remove.
        match self.leader_message(&self.parts, sequence).await? {
            None => Ok(()),
            Some(_) => Err(error),
        }
    }

    /// Subscribes to what the server announces of new records.
    pub(super) async fn announcements(&self) -> Result<Subscriber, Unanswered> {
        self.reading.subscribe(self.names.announcements()).await.map_err(Unanswered::because)
    }

    /// Sends what is still to be sent and ends both connections.
    pub(super) async fn close(&self) {
        for client in [&self.writing, &self.reading] {
            // What was acknowledged is stored; nothing else is promised.
            let _ = timeout(REQUEST_TIMEOUT, client.drain()).await;
        }
    }
}

/// Returns the next message of an answer, nothing at its end.
async fn next(answers: &mut Subscriber) -> Result<Option<Stored>, Unanswered> {
    let message = timeout(REQUEST_TIMEOUT, answers.next()).await.map_err(Unanswered::because)?;
    let message = message.ok_or_else(|| Unanswered::because("the connection was closed"))?;
    match message.status {
        None => {}
        // The end of a batch; nothing from there on.
        Some(status) if status.as_u16() == 204 || status == StatusCode::NOT_FOUND => return Ok(None),
        Some(StatusCode::NO_RESPONDERS) => return Err(Unanswered::because("no replica answers")),
        Some(status) => {
            return Err(Unanswered::because(format!("{status} {}", message.description.unwrap_or_default())));
        }
    }
    let sequence = sequence_of(&message).ok_or_else(|| Unanswered::because("a message has no sequence"))?;
    Ok(Some(Stored { sequence, body: message.payload }))
}

/// Returns the sequence that the server says a message has.
pub(super) fn sequence_of(message: &Message) -> Option<u64> {
    message.headers.as_ref()?.get(async_nats::header::NATS_SEQUENCE)?.as_str().parse().ok()
}

/// Returns what the answer to a publication means.
fn judge(answer: &[u8]) -> Result<Acknowledged, Refusal> {
    let error = match serde_json::from_slice::<Response<PublishAck>>(answer) {
        Ok(Response::Ok(ack)) => {
            return Ok(Acknowledged { sequence: ack.sequence, duplicate: ack.duplicate });
        }
        Ok(Response::Err { error }) => error,
        Err(unreadable) => return Err(Refusal::Unknown(unreadable.into())),
    };
    Err(match error.error_code() {
        ErrorCode::STREAM_WRONG_LAST_SEQUENCE
        | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT
        | ErrorCode::ATOMIC_PUBLISH_CONTAINS_DUPLICATE_MESSAGE => Refusal::Conflict,
        ErrorCode::ATOMIC_PUBLISH_INCOMPLETE_BATCH
        | ErrorCode::ATOMIC_PUBLISH_TOO_MANY_INFLIGHT
        | ErrorCode::ATOMIC_PUBLISH_DISABLED
        | ErrorCode::INSUFFICIENT_RESOURCES
        | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED
        | ErrorCode::STREAM_SEALED
        | ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => Refusal::NotStored(Box::new(error)),
        // Also 10158: a message with this id, which can only be an earlier try, is being stored.
        _ => Refusal::Unknown(Box::new(error)),
    })
}

/// Returns a client of a server, as a log wants it.
pub(super) async fn connect(
    servers: Vec<ServerAddr>,
    options: async_nats::ConnectOptions,
) -> Result<Client, async_nats::ConnectError> {
    options
        .ping_interval(Duration::from_secs(5))
        .request_timeout(Some(REQUEST_TIMEOUT))
        .reconnect_delay_callback(|attempts| {
            Duration::from_millis(50 * u64::try_from(attempts.min(20)).unwrap_or(20))
        })
        .event_callback(|event| async move {
            // A refused permission shows nowhere else.
            if let async_nats::Event::ServerError(error) = event {
                tracing::warn!(%error, "The server of the event log refuses something");
            }
        })
        .connect(servers)
        .await
}

/// Returns the JetStream interface of a client.
pub(super) fn context(client: &Client) -> jetstream::Context {
    jetstream::ContextBuilder::new().timeout(REQUEST_TIMEOUT).build(client.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_stored_is_never_called_refused() {
        let told = |code: u64| {
            judge(format!(r#"{{"error":{{"code":400,"err_code":{code},"description":""}}}}"#).as_bytes())
        };
        for conflict in [10071, 10164, 10201] {
            assert!(matches!(told(conflict), Err(Refusal::Conflict)), "{conflict}");
        }
        for not_stored in [10176, 10210, 10174] {
            assert!(matches!(told(not_stored), Err(Refusal::NotStored(_))), "{not_stored}");
        }
        for unknown in [10158, 10163, 10077, 10008, 1] {
            assert!(matches!(told(unknown), Err(Refusal::Unknown(_))), "{unknown}");
        }
        for unreadable in ["", "{}", "no JSON", r#"{"stream":"S"}"#] {
            assert!(matches!(judge(unreadable.as_bytes()), Err(Refusal::Unknown(_))), "{unreadable}");
        }
        let ack = judge(br#"{"stream":"S","seq":7,"duplicate":true}"#).expect("an acknowledgement");
        assert_eq!((ack.sequence, ack.duplicate), (7, true));
    }
}
