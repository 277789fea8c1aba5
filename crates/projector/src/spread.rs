//! A batch spread over the processor's cores: stories are independent, so each is advanced wherever
//! there is time. What comes out does not depend on who did it.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use log::{Epoch, Record};

use crate::fold::{Advance, Folded, advance};
use crate::step::Carried;

/// Most threads that one batch is spread over.
const THREADS_MAX: usize = 4;
/// Fewest records that are worth a thread: what it costs to start one is little beside them.
const THREAD_RECORDS_MIN: usize = 16;

/// A story taken out of the fold, and its next records.
#[derive(Debug)]
pub(crate) struct Waiting<'a> {
    pub(crate) folded: Folded,
    pub(crate) records: Vec<&'a Record>,
    pub(crate) carried: Carried,
}

impl Waiting<'_> {
    fn advance(mut self, epoch: Epoch) -> (Folded, Advance) {
        let advance = advance(&mut self.folded, &self.records, self.carried, epoch);
        (self.folded, advance)
    }
}

/// Advances every story over its records, in no order; blocks the thread.
pub(crate) fn advance_all(mut stories: Vec<Waiting<'_>>, epoch: Epoch) -> Vec<(Folded, Advance)> {
    let records: usize = stories.iter().map(|story| story.records.len()).sum();
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = cores.min(THREADS_MAX).min(stories.len()).min(records / THREAD_RECORDS_MIN);
    if threads < 2 {
        return stories.into_iter().map(|story| story.advance(epoch)).collect();
    }
    // The longest first, taken from the end: no thread is left with one at the end.
    stories.sort_by_key(|story| story.records.len());
    let queue = Mutex::new(stories);
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work = || std::iter::from_fn(next).map(|story| story.advance(epoch)).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut advanced = work();
        for other in others {
            match other.join() {
                Ok(more) => advanced.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        advanced
    })
}
