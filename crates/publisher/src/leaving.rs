//! Telling whoever wants to know what is about to leave for subscribers.

use std::fmt;
use std::sync::Arc;

use projector::Leaving;

/// A stream that readers subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Every public change.
    Changes,
    /// The newest article of each story.
    Articles,
    /// Every recall.
    Recalls,
}

/// Is told of every message that is about to leave of a story that has, or had, an embargo.
type Tell = dyn Fn(Stream, Leaving) + Send + Sync;

/// Who is told, if anyone is.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<Tell>>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.0.is_some()).finish()
    }
}

impl Listener {
    pub(crate) fn new(tell: impl Fn(Stream, Leaving) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    /// Tells of what is about to leave on `stream`.
    pub(crate) fn tell(&self, stream: Stream, leaving: Option<Leaving>) {
        if let (Some(tell), Some(leaving)) = (&self.0, leaving) {
            tell(stream, leaving);
        }
    }
}
