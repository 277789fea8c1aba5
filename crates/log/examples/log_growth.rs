//! Measures how the event log's costs grow with its size: appends by one writer and by 64, reopening, cold reads
//! of one story, replay, bytes on the disk and in memory. JSON on stdout.
//!
//! `cargo run --release -p writethru-log --features bench --example log_growth -- DIRECTORY [RECORDS_MAX] [RECORD_BYTES]`
//!
//! Every story has 50 records, among those of 199 others. Before the cold reads the log is closed, the system's
//! own cache is dropped where that is allowed (`"cache_dropped": true`), and the log is opened again.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::try_join_all;
use serde_json::{Value, json};
use writethru_log::bench::{self, Load, Measured};
use writethru_log::{Batch, Command, Epoch, EventLog, NewRecord, Options, StoryKey};

/// Records of a story.
const STORY_RECORDS: u64 = 50;
/// Stories that are written side by side.
const STORIES_AT_ONCE: u64 = 200;
/// Records of those.
const GENERATION: u64 = STORY_RECORDS * STORIES_AT_ONCE;
/// Sizes at which it is measured, up to the one that was asked for.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Stories that are read cold, spread over the log.
const COLD_READS: u64 = 40;
/// How long each load of appends lasts.
const RUN: Duration = Duration::from_secs(1);

type Answer<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Answer<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("name a directory on the disk to measure")?;
    let mut number = |default: u64| arguments.next().map_or(Ok(default), |given| given.parse());
    let (records_max, record_bytes) = (number(1_000_000)?, usize::try_from(number(1_536)?)?);
    fs::create_dir_all(&directory)?;
    let scratch = tempfile::tempdir_in(&directory)?;
    let path = scratch.path().join("log.db");
    let (mut sizes, mut generations) = (Vec::new(), 0);
    for (round, size) in (1..).zip(SIZES.into_iter().filter(|size| *size <= records_max)) {
        let log = open(&path).await?;
        while generations * GENERATION < size {
            generation(&log, generations, record_bytes).await?;
            generations += 1;
        }
        let of = |submitters, round| Load { submitters, record_bytes, round };
        let one = bench::appends(&log, of(1, round * 2), RUN).await?;
        let many = bench::appends(&log, of(64, round * 2 + 1), RUN).await?;
        log.close().await;
        sizes.push(
            at_rest(&path, generations, json!({"one_writer": shown(&one), "writers_64": shown(&many)}))
                .await?,
        );
    }
    writeln!(std::io::stdout(), "{:#}", json!({"record_bytes": record_bytes, "sizes": sizes}))?;
    Ok(())
}

/// Opens the log that has `generations` and adds what reads of it cost to `figures`.
async fn at_rest(path: &Path, generations: u64, mut figures: Value) -> Answer<Value> {
    // Refused to all but root.
    let cache_dropped = fs::write("/proc/sys/vm/drop_caches", "3").is_ok();
    let began = Instant::now();
    let log = open(path).await?;
    let reopened = began.elapsed();
    let mut calls = Vec::new();
    for number in 0..COLD_READS {
        let key = story(number * (generations * STORIES_AT_ONCE - 1) / (COLD_READS - 1));
        let call = Instant::now();
        let records = log.read_story(key, 1, 100).await?;
        calls.push(call.elapsed());
        assert_eq!(records.len() as u64, STORY_RECORDS, "a story is not whole");
    }
    let replay = bench::replay(&log).await?;
    let records = log.head().0;
    calls.sort_unstable();
    figures["records"] = json!(records);
    figures["cache_dropped"] = json!(cache_dropped);
    figures["reopened_ms"] = json!(milliseconds(reopened));
    figures["cold_story_p50_ms"] = json!(milliseconds(calls[calls.len() / 2]));
    figures["cold_story_max_ms"] = json!(milliseconds(calls[calls.len() - 1]));
    figures["replay"] = shown(&replay);
    figures["disk_bytes_per_record"] = json!(bytes_beside(path)? / records);
    figures["resident_mib"] = json!(resident_kib()? / 1024);
    log.close().await;
    Ok(figures)
}

/// Appends the records of [`STORIES_AT_ONCE`] stories, one of each in turn, a turn at once.
async fn generation(log: &EventLog, number: u64, record_bytes: usize) -> Answer<()> {
    for revision in 0..STORY_RECORDS {
        let appends = (0..STORIES_AT_ONCE).map(|at| {
            let key = story(number * STORIES_AT_ONCE + at);
            let text = Bytes::from(vec![b'e'; record_bytes / 2]);
            let record = NewRecord { envelope: text.clone(), disclosures: text };
            let command = Command(Bytes::from(format!("{number:012}-{at:08}-{revision:014}")));
            log.append(key, revision, Batch { command, records: vec![record] })
        });
        try_join_all(appends).await?;
    }
    Ok(())
}

fn story(number: u64) -> StoryKey {
    let mut key = [0xff; 16];
    key[8..].copy_from_slice(&number.to_be_bytes());
    StoryKey(key)
}

async fn open(path: &Path) -> Answer<EventLog> {
    let options = Options { new_epoch: Epoch(1), create: true, read_only: false };
    Ok(EventLog::open(path, options).await?)
}

/// Bytes of the log's files.
fn bytes_beside(path: &Path) -> Answer<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(path.parent().ok_or("a file is in a folder")?)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

/// Memory of this process, the writer's and readers' caches included.
fn resident_kib() -> Answer<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn shown(run: &Measured) -> Value {
    json!({"records_per_second": run.records_per_second.round(), "p50_ms": run.p50_ms, "p99_ms": run.p99_ms})
}
