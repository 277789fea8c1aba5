//! What a stream and the connection under it know of each other.
//!
//! A stream hands over one piece at a time and waits until the system has taken it, so that nothing of
//! it lies about while its reader does not read. What has been handed over and not been taken when
//! something is taken from readers never leaves: the connection is broken off instead.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures::task::AtomicWaker;
use projector::Views;
use tokio_util::sync::CancellationToken;

use crate::limits::{STREAM_CLOSING_TIME_MAX, STREAM_STALL_TIME_MAX};
use crate::measures;

/// What every connection of a listener shares.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) views: Views,
    pub(crate) closing: CancellationToken,
}

/// Where a stream ends and its connection begins; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Outlet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    line: Arc<Line>,
    carries_stream: AtomicBool,
    /// Whether a piece was handed over that the system has not taken yet.
    is_full: AtomicBool,
    /// [`Views::withdrawals`] when the piece was read.
    withdrawals: AtomicU64,
    emptied: AtomicWaker,
}

impl Outlet {
    /// Returns the outlet of a connection that carries no stream yet.
    pub(crate) fn new(line: Arc<Line>) -> Self {
        Self(Arc::new(Inner {
            line,
            carries_stream: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
            withdrawals: AtomicU64::new(0),
            emptied: AtomicWaker::new(),
        }))
    }

    /// Says that the connection carries a stream from now on.
    pub(crate) fn begin(&self) {
        self.0.carries_stream.store(true, Ordering::SeqCst);
    }

    pub(crate) fn carries_stream(&self) -> bool {
        self.0.carries_stream.load(Ordering::SeqCst)
    }

    /// Says that a piece is handed over, read when there had been so many `withdrawals`.
    pub(crate) fn hand_over(&self, withdrawals: u64) {
        self.0.withdrawals.store(withdrawals, Ordering::SeqCst);
        self.0.is_full.store(true, Ordering::SeqCst);
    }

    /// Returns once the system has taken what was handed over. Cancel-safe.
    pub(crate) async fn emptied(&self) {
        poll_fn(|context| {
            if !self.0.is_full.load(Ordering::SeqCst) {
                return Poll::Ready(());
            }
            self.0.emptied.register(context.waker());
            if self.0.is_full.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
    }

    /// Says that the system has taken everything.
    pub(crate) fn empty(&self) {
        if self.0.is_full.swap(false, Ordering::SeqCst) {
            self.0.emptied.wake();
        }
    }

    fn is_outdated(&self) -> bool {
        self.0.is_full.load(Ordering::SeqCst)
            && self.0.withdrawals.load(Ordering::SeqCst) != self.0.line.views.withdrawals()
    }
}

/// A reader that takes nothing: how long it may, and what must not go out to it any more.
#[derive(Default)]
pub(crate) struct Stall {
    over: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Stall {
    /// Refuses to write to a reader that took nothing so far what it must not have any more.
    pub(crate) fn may_write(&self, outlet: &Outlet) -> io::Result<()> {
        if self.over.is_some() && outlet.is_outdated() {
            let why = "what waited for a reader was taken from readers meanwhile";
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, why));
        }
        Ok(())
    }

    /// Takes note of how a write went; breaks off with a reader that takes nothing for too long.
    pub(crate) fn wrote(
        &mut self,
        outlet: &Outlet,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.over = None;
            return written;
        }
        let line = &outlet.0.line;
        let over = self.over.get_or_insert_with(|| {
            let closing = line.closing.clone();
            Box::pin(async move {
                let closed = async {
                    closing.cancelled().await;
                    tokio::time::sleep(STREAM_CLOSING_TIME_MAX).await;
                };
                // Cancel-safe, both: they only wait.
                tokio::select! {
                    () = tokio::time::sleep(STREAM_STALL_TIME_MAX) => {}
                    () = closed => {}
                }
            })
        });
        if over.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        measures::stream_stuck();
        let why = "the reader of a stream took nothing for too long";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, why)))
    }
}

impl std::fmt::Debug for Stall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stall").field("is_on", &self.over.is_some()).finish()
    }
}
