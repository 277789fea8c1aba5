//! What keeps a change from being relayed for now.

use async_nats::jetstream;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};

/// Why relaying stands still. Every kind is tried again with the same messages: none is given up.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The connection was lost, and is being made again.
    #[error("the connection to NATS was lost")]
    Disconnected,
    /// Options of the connection were refused, such as an unreadable file of credentials.
    #[error("cannot connect to NATS: {0}")]
    Connect(String),
    /// The server is too old: run a newer one.
    #[error("nats-server {version} is too old: run 2.12 or later")]
    OldServer {
        /// Its version.
        version: String,
    },
    /// The server takes messages that are too small for us: raise its `max_payload`.
    #[error("nats-server takes messages of {bytes} bytes at most: set max_payload to {least} or more")]
    SmallPayload {
        /// Its limit.
        bytes: usize,
        /// The least that serves us.
        least: usize,
    },
    /// A stream is not there and could not be made, or does not answer.
    #[error("stream {stream} cannot be used: {problem}")]
    Stream {
        /// Its name.
        stream: &'static str,
        /// What `JetStream` said.
        problem: String,
    },
    /// A stream lost what it had acknowledged, or is another one: what is missing is sent again.
    #[error("stream {stream} is not as it was left")]
    StreamChanged {
        /// Its name.
        stream: &'static str,
    },
    /// No acknowledgement came: the message may be stored, and is sent again with the same id.
    #[error("no acknowledgement of {id}, which may be stored")]
    Unknown {
        /// Id of the message.
        id: String,
    },
    /// The message was refused.
    #[error("{id} was refused: {problem}")]
    Refused {
        /// Id of the message.
        id: String,
        /// What NATS said.
        problem: String,
    },
    /// The views could not be read, or what they hold is no message: rebuild them if it lasts.
    #[error("cannot read the views")]
    Views(#[from] projector::ViewError),
    /// A change in the views cannot be read as one: rebuild the views.
    #[error("{id} in the views is no change: rebuild the views")]
    Damaged {
        /// Id of the message.
        id: String,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl Trouble {
    /// Returns what a failed publish means for the message `id`.
    pub(crate) fn of_publish(id: &str, error: &PublishError) -> Self {
        let id = id.to_owned();
        match error.kind() {
            PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => Self::Unknown { id },
            // No responder: the stream has no leader at this moment, or it is gone. The next session
            // makes it again if it is.
            PublishErrorKind::StreamNotFound => {
                Self::Refused { id, problem: "the stream has no leader or is gone".to_owned() }
            }
            _ => {
                let source = std::error::Error::source(error);
                let cause = source.and_then(|source| source.downcast_ref::<jetstream::Error>());
                let problem = cause.map_or_else(|| error.to_string(), ToString::to_string);
                Self::Refused { id, problem }
            }
        }
    }

    /// Returns whether a person must act before it can go on; the other troubles pass by themselves.
    pub(crate) const fn needs_a_person(&self) -> bool {
        matches!(
            self,
            Self::Connect(_) | Self::OldServer { .. } | Self::SmallPayload { .. } | Self::Damaged { .. }
        )
    }
}
