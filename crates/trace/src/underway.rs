//! The traces of the revisions that are on their way from the desk to NATS.
//!
//! One map for the process, as there is one recorder of measures: the parts that an update passes share
//! nothing but the log, and a trace is no part of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Kind, Span, TraceContext};

/// Most revisions whose traces are kept: beyond that the oldest goes out without.
const UNDERWAY_MAX: usize = 4_096;

/// Which revision of which story: its id's bytes, its number.
pub type Key = ([u8; 16], u64);

#[derive(Debug)]
struct Underway {
    contexts: Mutex<Contexts>,
    /// How many there are: most often none, and then nobody waits for the lock.
    count: AtomicUsize,
}

#[derive(Debug)]
struct Contexts {
    of: BTreeMap<Key, TraceContext>,
    /// In the order in which they came; some have gone since.
    order: VecDeque<Key>,
}

static UNDERWAY: Underway = Underway::new();

/// Takes note that the revision `key` is about to be stored, as a part of the trace of `context`. Of more
/// than a few thousand that never get anywhere, the oldest are forgotten.
pub fn begun(key: Key, context: TraceContext) {
    UNDERWAY.put(key, context);
}

/// Begins the next step of `key`, which those after it are steps of; `None` if it has no trace.
pub fn advance(name: &'static str, kind: Kind, key: Key) -> Option<Span> {
    let step = Span::child(name, kind, UNDERWAY.get(key))?;
    if let Some(context) = step.context() {
        UNDERWAY.replace(key, context);
    }
    Some(step)
}

/// Returns where `key` is, if it has a trace.
pub fn of(key: Key) -> Option<TraceContext> {
    UNDERWAY.get(key)
}

/// Forgets `key`: it has arrived, or will not.
pub fn done(key: Key) {
    UNDERWAY.remove(key);
}

impl Underway {
    const fn new() -> Self {
        let contexts = Contexts { of: BTreeMap::new(), order: VecDeque::new() };
        Self { contexts: Mutex::new(contexts), count: AtomicUsize::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, Contexts> {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    fn put(&self, key: Key, context: TraceContext) {
        let mut contexts = self.lock();
        contexts.order.push_back(key);
        contexts.of.insert(key, context);
        while contexts.order.len() > UNDERWAY_MAX {
            if let Some(oldest) = contexts.order.pop_front() {
                contexts.of.remove(&oldest);
            }
        }
        self.count.store(contexts.of.len(), Ordering::Relaxed);
    }

    fn get(&self, key: Key) -> Option<TraceContext> {
        if self.is_empty() { None } else { self.lock().of.get(&key).copied() }
    }

    fn replace(&self, key: Key, context: TraceContext) {
        if let Some(known) = self.lock().of.get_mut(&key) {
            *known = context;
        }
    }

    fn remove(&self, key: Key) {
        if self.is_empty() {
            return;
        }
        let mut contexts = self.lock();
        contexts.of.remove(&key);
        if contexts.of.is_empty() {
            contexts.order.clear();
        }
        self.count.store(contexts.of.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(number: u8) -> TraceContext {
        TraceContext::new([number; 16], [number; 8], 1).unwrap()
    }

    #[test]
    fn a_trace_is_known_until_its_revision_has_arrived() {
        let underway = Underway::new();
        underway.put(([1; 16], 1), context(1));
        underway.put(([1; 16], 2), context(2));
        underway.replace(([1; 16], 2), context(3));
        underway.replace(([1; 16], 3), context(3));
        assert_eq!(underway.get(([1; 16], 1)), Some(context(1)));
        assert_eq!(underway.get(([1; 16], 2)), Some(context(3)));
        assert_eq!(underway.get(([1; 16], 3)), None);
        underway.remove(([1; 16], 1));
        assert_eq!(underway.get(([1; 16], 1)), None);
        underway.remove(([1; 16], 2));
        assert!(underway.is_empty() && underway.lock().order.is_empty());
    }

    #[test]
    fn what_never_arrives_takes_no_more_room_than_there_is() {
        let underway = Underway::new();
        for number in 0..=UNDERWAY_MAX as u64 {
            underway.put(([1; 16], number), context(1));
        }
        let contexts = underway.lock();
        assert_eq!((contexts.of.len(), contexts.order.len()), (UNDERWAY_MAX, UNDERWAY_MAX));
        assert!(!contexts.of.contains_key(&([1; 16], 0)));
    }
}
