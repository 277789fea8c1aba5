//! Measures appends to the event log beside those to other event stores and to bare SQLite: in turns, on the
//! same disk, with as many bytes a record; JSON on stdout. `make bench-peers` builds and runs it.
//!
//! `writethru-log-peers DIRECTORY UMADB [ROUNDS] [RUN_MS] [RECORD_BYTES]`, where UMADB is the program of the
//! package `umadb` from PyPI. Everybody acknowledges what is synced to the disk. Ours checks a revision and
//! a command with every append; the others are asked for no condition, and index one tag.

mod tephra_store;
mod uma_store;

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use writethru_log::bench::{self, Bare, Load, Measured, Shape};
use writethru_log::{Epoch, EventLog, Options};

const SUBMITTERS: [usize; 5] = [1, 8, 16, 64, 256];
const STORES: [&str; 4] = ["log", "bare_group_commit", "tephra", "umadb"];

type Answer<T> = Result<T, Box<dyn Error + Send + Sync>>;

struct Plan {
    directory: PathBuf,
    umadb: PathBuf,
    rounds: u32,
    run: Duration,
    record_bytes: usize,
}

#[tokio::main]
async fn main() -> Answer<()> {
    let mut arguments = std::env::args().skip(1);
    let mut path = |what| arguments.next().map(PathBuf::from).ok_or(what);
    let directory = path("name a directory on the disk to measure")?;
    let umadb = path("name the program umadb")?;
    let mut number = |default| arguments.next().map_or(Ok(default), |given| given.parse::<u32>());
    let (rounds, run_ms, record_bytes) = (number(3)?, number(1_000)?, number(1_536)?);
    let plan = Plan {
        directory,
        umadb,
        rounds,
        run: Duration::from_millis(run_ms.into()),
        record_bytes: usize::try_from(record_bytes)?,
    };
    std::fs::create_dir_all(&plan.directory)?;
    let mut appends = Vec::new();
    for submitters in SUBMITTERS {
        appends.push(compare(&plan, submitters).await?);
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let report = json!({
        "record_bytes": record_bytes, "rounds": rounds, "run_ms": run_ms, "load_average": load.trim(),
        "appends": appends,
    });
    writeln!(std::io::stdout(), "{report:#}")?;
    Ok(())
}

/// Every store in turn, each in a new directory, and in the opposite order every other round.
async fn compare(plan: &Plan, submitters: usize) -> Answer<Value> {
    let mut measured: [Vec<Measured>; STORES.len()] = Default::default();
    for round in 0..plan.rounds {
        let mut turns: Vec<usize> = (0..STORES.len()).collect();
        if round % 2 == 1 {
            turns.reverse();
        }
        for turn in turns {
            let scratch = tempfile::tempdir_in(&plan.directory)?;
            let load = Load { submitters, record_bytes: plan.record_bytes, round };
            measured[turn].push(append(plan, STORES[turn], scratch.path(), load).await?);
        }
    }
    let [ours, ..] = &measured;
    let mut report = json!({"submitters": submitters});
    for (name, runs) in STORES.iter().zip(&measured) {
        report[name] = summary(runs);
        if *name != "log" {
            report[format!("ratio_to_{name}")] = ratios(ours, runs);
        }
    }
    Ok(report)
}

async fn append(plan: &Plan, store: &str, scratch: &Path, load: Load) -> Answer<Measured> {
    Ok(match store {
        "log" => {
            let options = Options { new_epoch: Epoch(1), create: true, read_only: false };
            let log = EventLog::open(&scratch.join("log.db"), options).await?;
            let measured = bench::appends(&log, load, plan.run).await?;
            log.close().await;
            measured
        }
        "bare_group_commit" => {
            let bare = Bare {
                shape: Shape::Record,
                page_bytes: 4096,
                records_per_commit: load.submitters,
                record_bytes: load.record_bytes,
            };
            bench::bare_group_commits(scratch, &bare, plan.run).await?
        }
        "tephra" => tephra_store::appends(scratch, load, plan.run).await?,
        _ => uma_store::appends(scratch, &plan.umadb, load, plan.run).await?,
    })
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
    })
}

fn ratios(ours: &[Measured], theirs: &[Measured]) -> Value {
    let each =
        ours.iter().zip(theirs).map(|(ours, theirs)| ours.records_per_second / theirs.records_per_second);
    let each: Vec<f64> = each.collect();
    json!({"median": median(each.clone()), "each": each})
}
