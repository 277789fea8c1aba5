//! How a log on a server is opened, and why it could not be.

use std::time::Duration;

use crate::contract::{Cause, Position};
use crate::event_log::Options;

use super::names::LogName;

/// How a log on a NATS server is opened.
#[derive(Debug, Clone)]
pub struct JetStreamOptions {
    /// URLs of servers, separated by commas; others of their cluster are learnt from them.
    pub servers: String,
    /// How to sign in, and TLS. Time limits and the callback for events are set by the log.
    pub connection: async_nats::ConnectOptions,
    /// Which log on the server.
    pub name: LogName,
    /// On how many servers the log is, if this call creates it.
    pub replicas: Replicas,
    /// How long a request is repeated that is not answered, or not well: [`Self::PATIENCE`] is
    /// longer than a cluster takes to find a new leader. A call may take a few times as long.
    pub patience: Duration,
    /// Whether the log is being filled from another.
    pub stage: Stage,
    /// As for a log in a file; a log on a server may be open for writing in many processes.
    pub options: Options,
}

impl JetStreamOptions {
    /// A patience that outlives the loss of a server.
    pub const PATIENCE: Duration = Duration::from_secs(30);
}

/// Whether a log is whole, or being filled from another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stage {
    /// It is whole; one that is being filled is refused.
    #[default]
    Whole,
    /// It is being filled: it must be new, or have been left in the middle of that. Until
    /// [`EventLog::finish`](crate::EventLog::finish) nobody else can open it.
    Filling,
}

/// On how many servers of a cluster a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replicas {
    /// One: for trying out. On one machine SQLite keeps more and is faster.
    One,
    /// Three, of which one may be lost.
    Three,
    /// Five, of which two may be lost.
    Five,
}

impl Replicas {
    /// Returns how many servers that are.
    pub const fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Three => 3,
            Self::Five => 5,
        }
    }
}

/// Why a log on a server could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No server answers, or it does not let us in: check the address, the network, and who signs
    /// in; then try again.
    #[error("cannot connect to {servers}")]
    Unreachable {
        /// The URLs, without passwords.
        servers: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The server cannot hold an event log: change its configuration, or take a newer one.
    #[error("the server at {servers} cannot hold an event log: {problem}")]
    Unfit {
        /// The URLs, without passwords.
        servers: String,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no such log, and this call may not create it.
    #[error("there is no event log {stream} on {servers}")]
    Absent {
        /// The stream that is missing.
        stream: String,
        /// The URLs, without passwords.
        servers: String,
    },
    /// There is a log already, which is whole: nothing may be filled into it. Choose another name.
    #[error("there is an event log {stream} already")]
    Taken {
        /// The stream.
        stream: String,
    },
    /// The log was being filled from another and is not whole: finish that first.
    #[error("event log {stream} is not whole: a move into it was not finished")]
    Unfinished {
        /// The stream.
        stream: String,
    },
    /// The stream is not an event log, is one of a later format, or was set up by someone else.
    #[error("stream {stream} is not an event log this version can use: {problem}")]
    Foreign {
        /// The stream.
        stream: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What is stored is not what was written: restore it, or look with `check`.
    #[error("event log {stream} is damaged at position {position}: {problem}")]
    Damaged {
        /// The stream.
        stream: String,
        /// Where.
        position: Position,
        /// What is wrong.
        problem: String,
    },
    /// The server does not answer for the stream: try again.
    #[error("event log {stream} does not answer")]
    Unavailable {
        /// The stream.
        stream: String,
        /// Why.
        #[source]
        source: Cause,
    },
}
