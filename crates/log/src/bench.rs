//! What to measure an event log by: loads on a log, and what the disk, a bare SQLite and a
//! bare NATS client do with the same bytes.
//!
//! A disk changes its mood within minutes, so a figure means little by itself: run the loops of
//! this module in turn, several times, and compare within a round. Nothing here is a back end.

mod bare;
mod broker;
mod load;

use std::time::Duration;

pub use self::bare::{Bare, Shape, append_and_sync, bare_commits, bare_group_commits, bare_scan, probe};
pub use self::broker::{bare_publishes, remove_log};
pub use self::load::{Load, appends, delivery, replay, story_reads};

/// What one run of a loop measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Records per second.
    pub records_per_second: f64,
    /// Median time of one call, in milliseconds.
    pub p50_ms: f64,
    /// 99th percentile of the time of one call, in milliseconds.
    pub p99_ms: f64,
    /// Longest time of one call, in milliseconds.
    pub max_ms: f64,
}

impl Measured {
    /// Returns the figures of `records` that took `whole`, in calls that took `calls`.
    #[must_use]
    pub fn new(records: u64, whole: Duration, mut calls: Vec<Duration>) -> Self {
        calls.sort_unstable();
        let at = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "an index below the number of calls"
            )]
            let index = (calls.len() as f64 * share) as usize;
            calls.get(index.min(calls.len().saturating_sub(1))).map_or(0.0, |call| call.as_secs_f64() * 1e3)
        };
        #[expect(clippy::cast_precision_loss, reason = "a count of records in some seconds")]
        let records_per_second = records as f64 / whole.as_secs_f64();
        Self { records_per_second, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1.0) }
    }
}
