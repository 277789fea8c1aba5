//! Loads on an event log: what its callers get.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;

use super::Measured;
use crate::contract::{AppendError, Batch, Command, NewRecord, Position, ReadError, StoryKey, limits};
use crate::event_log::EventLog;

/// Stories that one submitter writes to in turn.
const STORIES_PER_SUBMITTER: usize = 8;
/// Bytes of a command, as long as a UUID is written.
const COMMAND_BYTES: usize = 36;
/// Bytes that the log adds to a record of its own.
const HEADER_BYTES: usize = 41;

/// Who appends what.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// How many append at once, each waiting for its acknowledgement before the next.
    pub submitters: usize,
    /// Bytes that one append makes the log write, its header and command included.
    pub record_bytes: usize,
    /// Told apart from the loads that this log had before.
    pub round: u32,
}

/// Appends one record per call, each behind the revision its submitter knows, for `duration`.
///
/// # Errors
/// The first append that was not acknowledged.
pub async fn appends(log: &EventLog, load: Load, duration: Duration) -> Result<Measured, AppendError> {
    let start = Instant::now();
    let mut submitters = JoinSet::new();
    for number in 0..load.submitters {
        let log = log.clone();
        submitters.spawn(async move { submit_until(&log, load, number, start + duration).await });
    }
    let mut calls = Vec::new();
    for submitted in submitters.join_all().await {
        calls.extend(submitted?);
    }
    Ok(Measured::new(calls.len() as u64, start.elapsed(), calls))
}

async fn submit_until(
    log: &EventLog,
    load: Load,
    number: usize,
    end: Instant,
) -> Result<Vec<Duration>, AppendError> {
    let mut calls = Vec::new();
    let mut revisions = [0; STORIES_PER_SUBMITTER];
    while Instant::now() < end {
        let at = calls.len() % STORIES_PER_SUBMITTER;
        let batch = batch(&load, number, calls.len());
        let call = Instant::now();
        let story = story(&load, number * STORIES_PER_SUBMITTER + at);
        revisions[at] = log.append(story, revisions[at], batch).await?.revision;
        calls.push(call.elapsed());
    }
    Ok(calls)
}

fn story(load: &Load, number: usize) -> StoryKey {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&load.round.to_be_bytes());
    key[8..].copy_from_slice(&(number as u64).to_be_bytes());
    StoryKey(key)
}

fn batch(load: &Load, submitter: usize, number: usize) -> Batch {
    let name = format!("{:08}-{submitter:08}-{number:018}", load.round);
    let text = load.record_bytes.saturating_sub(HEADER_BYTES + COMMAND_BYTES);
    let record = NewRecord {
        envelope: Bytes::from(vec![b'e'; text / 2]),
        disclosures: Bytes::from(vec![b'd'; text - text / 2]),
    };
    Batch { command: Command(Bytes::from(name)), records: vec![record] }
}

/// Reads the whole log from its beginning. A call is one page.
///
/// # Errors
/// [`ReadError`].
pub async fn replay(log: &EventLog) -> Result<Measured, ReadError> {
    let (mut from, mut calls) = (Position(1), Vec::new());
    let start = Instant::now();
    loop {
        let call = Instant::now();
        let page = log.read(from, limits::PAGE_RECORDS_MAX).await?;
        calls.push(call.elapsed());
        let Some(last) = page.last() else { break };
        from = last.position.next();
    }
    Ok(Measured::new(from.0 - 1, start.elapsed(), calls))
}

/// Reads whole stories of an earlier `load`, one after the other, up to `records_max` records of
/// each. A call is one story.
///
/// # Errors
/// [`ReadError`].
pub async fn story_reads(log: &EventLog, load: Load, records_max: usize) -> Result<Measured, ReadError> {
    let (mut records, mut calls) = (0, Vec::new());
    let start = Instant::now();
    for number in 0..load.submitters * STORIES_PER_SUBMITTER {
        let call = Instant::now();
        records += log.read_story(story(&load, number), 1, records_max).await?.len() as u64;
        calls.push(call.elapsed());
    }
    Ok(Measured::new(records, start.elapsed(), calls))
}

/// Appends `times` records one by one while a tail follows. A call lasts from the submission until
/// the tail has the record.
///
/// # Errors
/// The first append that was not acknowledged; [`AppendError::Unavailable`] if the tail failed.
pub async fn delivery(log: &EventLog, load: Load, times: usize) -> Result<Measured, AppendError> {
    let mut tail = log.tail(log.head().next());
    let mut calls = Vec::with_capacity(times);
    let start = Instant::now();
    for number in 0..times {
        let batch = batch(&load, 0, number);
        let call = Instant::now();
        let pending = log.submit(story(&load, 0), number as u64, batch).await?;
        tail.next_batch().await.map_err(|error| AppendError::Unavailable { source: Box::new(error) })?;
        calls.push(call.elapsed());
        pending.acknowledged().await?;
    }
    Ok(Measured::new(times as u64, start.elapsed(), calls))
}
