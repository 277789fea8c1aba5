//! The edge: the HTTP API, and the desk's commands over NATS.

use desk::Desk;
use log::EventLog;
use projector::{Control, Views};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// What the edge hands requests to.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    /// Takes filings.
    pub(super) desk: Desk,
    /// Answers reads.
    pub(super) views: Views,
    /// Rebuilds the views.
    pub(super) control: Control,
    /// Knows its epoch and head.
    pub(super) log: EventLog,
}

/// The HTTP API, listening.
#[derive(Debug)]
pub(super) struct Edge {}

impl Edge {
    pub(super) async fn start(listener: TcpListener, parts: Parts) -> Result<Self, Failure> {
        let _ = (listener, parts);
        todo!("gateway")
    }

    pub(super) fn url(&self) -> String {
        todo!("gateway")
    }

    pub(super) async fn drain(self) {
        todo!("gateway")
    }
}

/// Takes the desk's commands over NATS until `shutdown`.
pub(super) async fn take_commands(url: String, parts: Parts, shutdown: CancellationToken) {
    let _ = (url, parts, shutdown);
    todo!("gateway")
}
