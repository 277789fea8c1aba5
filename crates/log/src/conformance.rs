//! What every back end must do, as tests that any back end runs.
//!
//! A test file implements [`Home`] for its back end and calls [`crate::conformance_tests!`], which makes
//! one test of every case. The cases use the public handle only, and panic where the back end
//! breaks the contract.

#![expect(clippy::missing_panics_doc, reason = "a case panics to say that the back end breaks the contract")]

pub mod appending;
pub mod erasing;
pub mod limits;
pub mod reading;
pub mod tailing;

use std::future::Future;

use bytes::Bytes;

use crate::contract::{Batch, Command, NewRecord, Position, Record, StoryKey};
use crate::event_log::EventLog;

/// Where one log lives, empty at first, so that it can be opened again after it was closed.
pub trait Home: Send + Sync {
    /// Opens the log for writing; it is not open now.
    fn open(&self) -> impl Future<Output = EventLog> + Send;
}

/// Makes one `#[tokio::test]` of every case; `$home` is an expression that gives a new [`Home`].
#[macro_export]
macro_rules! conformance_tests {
    ($home:expr) => {
        $crate::conformance_tests! { $home;
            appending::a_batch_is_stored_whole_and_in_order
            appending::a_conflict_stores_nothing_and_names_the_actual_revision
            appending::a_repeated_command_gets_its_first_answer
            appending::a_repeat_is_answered_after_many_other_appends
            appending::a_repeat_is_answered_after_reopening
            appending::a_command_is_known_by_its_story
            appending::appends_of_one_caller_are_decided_in_order
            appending::concurrent_writers_leave_no_gap
            appending::only_one_of_many_rivals_for_a_revision_wins
            appending::a_closed_log_refuses_appends
            appending::appends_taken_before_the_close_are_answered
            appending::reopening_keeps_every_record
            reading::a_read_begins_where_it_is_asked_to
            reading::a_story_is_read_by_itself
            reading::a_long_story_is_read_in_pages
            reading::a_reader_sees_no_hole_while_writers_run
            reading::an_acknowledged_record_is_seen_at_once
            tailing::a_tail_gives_every_record_once_from_any_start
            tailing::a_tail_beyond_the_head_waits_for_its_place
            tailing::a_tail_dropped_while_waiting_loses_nothing
            tailing::a_slow_tail_blocks_neither_writer_nor_other_tail
            tailing::a_tail_of_a_closed_log_ends_with_an_error
            erasing::an_erasure_leaves_envelope_and_neighbours
            erasing::an_erasure_may_be_repeated_and_leave_more_bytes
            erasing::an_erasure_of_nothing_is_refused
            limits::what_is_on_a_limit_is_taken
            limits::what_passes_a_limit_is_refused_and_stores_nothing
            limits::an_empty_batch_is_refused
        }
    };
    ($home:expr; $($topic:ident :: $case:ident)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            $crate::conformance::$topic::$case(&$home).await;
        })*
    };
}

fn story(number: u64) -> StoryKey {
    let mut key = [0x5a; 16];
    key[8..].copy_from_slice(&number.to_be_bytes());
    StoryKey(key)
}

fn command(name: impl AsRef<str>) -> Command {
    Command(Bytes::copy_from_slice(name.as_ref().as_bytes()))
}

fn record(name: impl AsRef<str>) -> NewRecord {
    let name = name.as_ref();
    NewRecord {
        envelope: Bytes::from(format!("{{\"envelope\":\"{name}\"}}")),
        disclosures: Bytes::from(format!("disclosed: {name}")),
    }
}

/// A batch of `records` records whose contents are told from `name`.
fn batch(name: &str, records: usize) -> Batch {
    let records = (0..records).map(|at| record(format!("{name}/{at}"))).collect();
    Batch { command: command(name), records }
}

/// Reads the whole log, page by page, and proves that positions have no gap.
async fn read_all(log: &EventLog) -> Vec<Record> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let from = Position(all.len() as u64 + 1);
        let page = log.read(from, usize::MAX).await.expect("readable");
        if page.is_empty() {
            assert_eq!(log.head(), Position(all.len() as u64), "the head is the last record");
            return all;
        }
        all.extend(page);
        for (at, record) in (1..).zip(&all) {
            assert_eq!(record.position, Position(at), "positions have no gap");
        }
    }
}

/// Proves that `record` is the `at`th of `batch`, behind revision `before`.
#[track_caller]
fn check_record(record: &Record, batch: &Batch, at: usize, before: u64) {
    assert_eq!(record.command, batch.command);
    assert_eq!(record.revision, before + at as u64 + 1);
    assert_eq!(record.envelope, batch.records[at].envelope);
    assert_eq!(record.disclosures, batch.records[at].disclosures);
}
