//! Appends to Tephra within this process: one event a call, synced before it answers.

use std::path::Path;
use std::time::{Duration, Instant};

use tephra::{
    Event, EventType, SegmentConfig, SegmentSet, Tag, Tags, WriteCoordinator, WriteHandle, WriterConfig,
};
use tokio::task::JoinSet;
use writethru_log::bench::{Load, Measured};

use crate::Answer;

/// As in its own example.
const SEGMENT_BYTES: usize = 256 * 1024 * 1024;

/// Lets `load.submitters` tasks append one event at a time, each waiting for its answer, for `run`.
pub(crate) async fn appends(directory: &Path, load: Load, run: Duration) -> Answer<Measured> {
    let set = SegmentSet::open(directory, SegmentConfig::new(SEGMENT_BYTES))?;
    let (coordinator, handle) = WriteCoordinator::start(set, WriterConfig::default())?;
    let start = Instant::now();
    let mut submitters = JoinSet::new();
    for number in 0..load.submitters {
        let handle = handle.clone();
        submitters.spawn(async move { submit_until(&handle, load, number, start + run).await });
    }
    let mut calls = Vec::new();
    for submitted in submitters.join_all().await {
        calls.extend(submitted?);
    }
    let whole = start.elapsed();
    drop(handle);
    coordinator.shutdown();
    Ok(Measured::new(calls.len() as u64, whole, calls))
}

async fn submit_until(
    handle: &WriteHandle,
    load: Load,
    number: usize,
    end: Instant,
) -> Answer<Vec<Duration>> {
    let kind = EventType::new("Appended")?;
    let mut calls = Vec::new();
    while Instant::now() < end {
        let story = Tag::new(format!("story:{}", number * 8 + calls.len() % 8))?;
        let event = Event::new(&kind, &Tags::new([story])?, &vec![b'b'; load.record_bytes])?;
        let call = Instant::now();
        handle.append_async(vec![event], None).await?;
        calls.push(call.elapsed());
    }
    Ok(calls)
}
