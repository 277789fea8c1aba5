//! Measures the event log against bare SQLite and the bare disk: rounds of A B A B on the same
//! disk, medians and ratios as JSON on stdout.
//!
//! `cargo run --release -p writethru-log --features bench --example log_bench -- DIRECTORY [ROUNDS]`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use writethru_log::bench::{self, Bare, Load, Measured, Shape};
use writethru_log::{Epoch, EventLog, Options};

const RECORD_BYTES: usize = 1_536;
const SUBMITTERS: [usize; 4] = [1, 16, 64, 256];
const RUN: Duration = Duration::from_millis(1_500);

type Answer<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Answer<()> {
    let mut arguments = std::env::args_os().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("name a directory on the disk to measure")?);
    let rounds = arguments.next().map_or(Ok(3), |rounds| rounds.to_string_lossy().parse::<u32>())?;
    std::fs::create_dir_all(&directory)?;
    let mut appends = Vec::new();
    for submitters in SUBMITTERS {
        appends.push(compare(&directory, submitters, rounds).await?);
    }
    let reads = reads(&directory, rounds).await?;
    let report = json!({"record_bytes": RECORD_BYTES, "rounds": rounds, "appends": appends, "reads": reads});
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Our appends and the bare ones in turn, each in a new directory.
async fn compare(directory: &Path, submitters: usize, rounds: u32) -> Answer<Value> {
    let bare = |shape, page_bytes| Bare {
        shape,
        page_bytes,
        records_per_commit: submitters,
        record_bytes: RECORD_BYTES,
    };
    let (mut ours, mut grouped, mut rows, mut rows_16k, mut frames_16k) =
        (vec![], vec![], vec![], vec![], vec![]);
    let mut probes = vec![bench::probe(directory)?];
    for round in 0..rounds {
        let scratch = tempfile::tempdir_in(directory)?;
        let log = open(&scratch.path().join("log.db")).await?;
        let load = Load { submitters, record_bytes: RECORD_BYTES, round };
        ours.push(bench::appends(&log, load, RUN).await?);
        log.close().await;
        let group = bare(Shape::Record, 4096);
        grouped.push(bench::bare_group_commits(scratch.path(), &group, RUN).await?);
        for (measured, bare) in [
            (&mut rows, bare(Shape::Record, 4096)),
            (&mut rows_16k, bare(Shape::Record, 16384)),
            (&mut frames_16k, bare(Shape::Frame, 16384)),
        ] {
            measured.push(bench::bare_commits(scratch.path(), &bare, RUN)?);
        }
        probes.push(bench::probe(directory)?);
    }
    Ok(json!({
        "submitters": submitters,
        "probe_ms": probes,
        "log": summary(&ours),
        "bare_group_commit": summary(&grouped),
        "bare_loop": summary(&rows),
        "bare_loop_16k_pages": summary(&rows_16k),
        "bare_loop_16k_pages_frames": summary(&frames_16k),
        "ratio_to_bare_group_commit": ratios(&ours, &grouped),
        "ratio_to_bare_loop": ratios(&ours, &rows),
        "ratio_to_bare_loop_16k_pages": ratios(&ours, &rows_16k),
    }))
}

/// Replay, story reads and delivery to a tail, on one log.
async fn reads(directory: &Path, rounds: u32) -> Answer<Value> {
    let scratch = tempfile::tempdir_in(directory)?;
    let path = scratch.path().join("log.db");
    let load = Load { submitters: 128, record_bytes: RECORD_BYTES, round: 0 };
    let log = open(&path).await?;
    bench::appends(&log, load, Duration::from_secs(3)).await?;
    log.close().await;
    let reopening = std::time::Instant::now();
    let log = open(&path).await?;
    let reopened_ms = reopening.elapsed().as_secs_f64() * 1e3;
    let (mut replays, mut stories, mut deliveries, mut syncs) = (vec![], vec![], vec![], vec![]);
    for round in 1..=rounds {
        replays.push(bench::replay(&log).await?);
        stories.push(bench::story_reads(&log, load, 200).await?);
        let load = Load { submitters: 1, round, ..load };
        deliveries.push(bench::delivery(&log, load, 500).await?);
        syncs.push(bench::append_and_sync(scratch.path(), 4096, 500)?);
    }
    let records = log.head().0;
    log.close().await;
    Ok(json!({
        "records": records,
        "reopened_ms": reopened_ms,
        "replay": summary(&replays),
        "story_of_up_to_200": summary(&stories),
        "delivery_to_tail": summary(&deliveries),
        "append_and_sync_4k": summary(&syncs),
    }))
}

async fn open(path: &Path) -> Answer<EventLog> {
    let options = Options { new_epoch: Epoch(1), create: true, read_only: false };
    Ok(EventLog::open(path, options).await?)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn summary(runs: &[Measured]) -> Value {
    let of = |figure: fn(&Measured) -> f64| median(runs.iter().map(figure).collect());
    json!({
        "records_per_second": of(|run| run.records_per_second).round(),
        "p50_ms": of(|run| run.p50_ms),
        "p99_ms": of(|run| run.p99_ms),
        "max_ms": of(|run| run.max_ms),
    })
}

fn ratios(ours: &[Measured], theirs: &[Measured]) -> Value {
    let each: Vec<f64> = ours
        .iter()
        .zip(theirs)
        .map(|(ours, theirs)| ours.records_per_second / theirs.records_per_second)
        .collect();
    json!({"median": median(each.clone()), "each": each})
}
