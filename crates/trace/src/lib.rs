//! The trace of one update, from whoever pushes it to whoever follows it (W3C Trace Context).
//!
//! A pusher's `traceparent` goes along with the update through this process and out with the change. With
//! the feature `otel` every step on the way is a span of its own (`OpenTelemetry`); without it none is made,
//! and subscribers get what the pusher sent. A trace is a hint and never a part of what is recorded: it is
//! kept in memory, in bounded room, and lost with the process. Nothing is ever decided by it.

mod context;
#[cfg(feature = "export")]
mod export;
mod span;
mod underway;

pub use context::{Malformed, TraceContext};
#[cfg(feature = "export")]
pub use export::{Exporter, ExporterError, export};
pub use span::{Kind, Span};
pub use underway::{Key, advance, begun, done, of};

/// Name of the header that carries a context, over HTTP and over NATS (W3C Trace Context, 3.2).
pub const HEADER: &str = "traceparent";

tokio::task_local! {
    static CURRENT: Option<TraceContext>;
}

/// Does `work` as a part of the trace that `context` names. A task that it spawns is none, unless it is
/// spawned with [`current`].
pub fn within<F: Future>(context: Option<TraceContext>, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(context, work)
}

/// Returns what this task is a part of.
pub fn current() -> Option<TraceContext> {
    CURRENT.try_with(|context| *context).ok().flatten()
}
