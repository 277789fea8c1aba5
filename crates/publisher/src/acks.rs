//! Acknowledgements of subscribers, on their way to whoever stores them.
//!
//! NATS keeps each until it is stored: one that is lost on the way comes again, so whoever stores them
//! may get one twice.

use std::convert::Infallible;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{AckKind, Message};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use metrics::counter;
use story::ActorId;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};
use wire::{Acknowledgement, Subject, WT_ACKS};

use crate::streams::trouble;
use crate::trouble::Trouble;

/// Name of the durable consumer: what it has not acknowledged comes again after a restart.
const CONSUMER: &str = "writethru";
/// Most acknowledgements that are being stored at once.
const STORING_MAX: usize = 64;
/// When one that was handed over and not stored is handed over again.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// How long it waits after NATS has failed it, or one was not stored.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// An acknowledgement that waits to be stored. Dropped without [`Acknowledged::stored`], it comes again.
#[derive(Debug)]
pub struct Acknowledged {
    /// Who says it, as the subject has it: NATS' permissions say who may use which subject.
    pub subscriber: ActorId,
    /// What is said.
    pub acknowledgement: Acknowledgement,
    /// Its place in the stream of acknowledgements: the same one has the same place when it comes again.
    pub sequence: u64,
    stored: oneshot::Sender<()>,
}

impl Acknowledged {
    /// Says that it is stored durably, so that it need not come again.
    pub fn stored(self) {
        // An error means that the session has ended: it comes again.
        let _ = self.stored.send(());
    }
}

/// Takes acknowledgements from `stream` to `handle` for ever; without a handle, does nothing for ever.
pub(crate) async fn take(stream: Stream, handle: Option<mpsc::Sender<Acknowledged>>) -> Infallible {
    let Some(handle) = handle else { return std::future::pending().await };
    loop {
        match Box::pin(take_until_trouble(&stream, &handle)).await {
            Ok(()) => return std::future::pending().await,
            Err(problem) => debug!(error = %problem, "Acknowledgements cannot be taken for now"),
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
}

/// Takes acknowledgements until there is trouble, or until the handle is gone (`Ok`).
async fn take_until_trouble(stream: &Stream, handle: &mpsc::Sender<Acknowledged>) -> Result<(), Trouble> {
    let config = pull::Config {
        durable_name: Some(CONSUMER.to_owned()),
        description: Some("Stores acknowledgements".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        ..pull::Config::default()
    };
    let consumer = stream.get_or_create_consumer(CONSUMER, config).await;
    let consumer = consumer.map_err(|error| trouble(WT_ACKS, &error))?;
    let messages = consumer.stream().max_messages_per_batch(STORING_MAX).messages().await;
    let mut messages = messages.map_err(|error| trouble(WT_ACKS, &error))?;
    let mut storing = FuturesUnordered::new();
    loop {
        tokio::select! {
            // Cancel-safe: a message is taken whole; one that is being stored stays where it is.
            message = messages.next(), if storing.len() < STORING_MAX => match message {
                Some(message) => storing.push(store(message.map_err(|error| trouble(WT_ACKS, &error))?, handle)),
                None => return Err(Trouble::Disconnected),
            },
            Some(()) = storing.next() => {}
            () = handle.closed() => return Ok(()),
        }
    }
}

/// Hands one message over and tells NATS what became of it.
async fn store(message: Message, handle: &mpsc::Sender<Acknowledged>) {
    let answer = match read(&message) {
        Ok((subscriber, acknowledgement, sequence)) => {
            let (stored, is_stored) = oneshot::channel();
            // An error means that no one stores any more: not stored.
            let _ = handle.send(Acknowledged { subscriber, acknowledgement, sequence, stored }).await;
            match is_stored.await {
                Ok(()) => {
                    counter!("writethru_acknowledgements_total").increment(1);
                    AckKind::Ack
                }
                Err(_) => AckKind::Nak(Some(RETRY_DELAY)),
            }
        }
        Err(problem) => {
            let subject = message.subject.as_str();
            warn!(subject, problem, "Refused an acknowledgement");
            AckKind::Term
        }
    };
    if let Err(problem) = message.ack_with(answer).await {
        debug!(error = %problem, "NATS was not told of an acknowledgement: it comes again");
    }
}

/// Reads a message; what is wrong is said in words.
fn read(message: &Message) -> Result<(ActorId, Acknowledgement, u64), String> {
    let subscriber = Subject::subscriber_of_ack(message.subject.as_str());
    let subscriber = subscriber.ok_or_else(|| "its subject names no subscriber".to_owned())?;
    let acknowledgement = Acknowledgement::parse(&message.payload).map_err(|error| error.to_string())?;
    let sequence = message.info().map_err(|error| error.to_string())?.stream_sequence;
    Ok((subscriber, acknowledgement, sequence))
}
