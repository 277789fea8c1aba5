//! What the writer tells everyone: how far the log is durable, and its newest records.

use std::sync::Arc;

use tokio::sync::watch;

use super::recent::Recent;
use super::ring::Ring;
use crate::contract::Position;
use crate::tail::Live;

/// State between the thread that moves the head and everyone who reads.
#[derive(Debug)]
pub(super) struct Shared {
    live: watch::Sender<Live>,
    pub(super) ring: Ring,
    pub(super) recent: Arc<Recent>,
}

impl Shared {
    pub(super) fn new(head: Position, recent: Arc<Recent>) -> Self {
        Self { live: watch::Sender::new(Live { head, ended: false }), ring: Ring::default(), recent }
    }

    pub(super) fn head(&self) -> Position {
        self.live.borrow().head
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Live> {
        self.live.subscribe()
    }

    /// Publishes `head`: everything up to it is durable, and can be looked up.
    pub(super) fn advance(&self, head: Position) {
        self.live.send_modify(|live| {
            assert!(live.head <= head, "the head went back from {} to {head}", live.head);
            live.head = head;
        });
    }

    pub(super) fn end(&self) {
        self.live.send_modify(|live| live.ended = true);
    }
}
