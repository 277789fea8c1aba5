//! Measures the event log against bare SQLite and the bare disk, or against a bare NATS client: rounds
//! of A B A B on the same disk, medians and ratios as JSON on stdout.
//!
//! `cargo run --release -p writethru-log --features bench --example log_bench -- DIRECTORY [ROUNDS] [RUN_MS] [RECORD_BYTES]`
//!
//! With `--jetstream URL REPLICAS` in place of the directory: a log on that server, or cluster, against
//! a bare client that publishes the same bytes with the same expectations.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use writethru_log::bench::{self, Bare, Load, Measured, Shape};
use writethru_log::{Epoch, EventLog, JetStreamOptions, LogName, Options, Replicas};

const SUBMITTERS: [usize; 4] = [1, 16, 64, 256];

type Answer<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Answer<()> {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next().ok_or("name a directory on the disk to measure, or --jetstream")?;
    if first == "--jetstream" {
        let arguments: Vec<String> = arguments.map(|given| given.to_string_lossy().into_owned()).collect();
        return on_a_server(&arguments).await;
    }
    let directory = PathBuf::from(first);
    let mut number = |default| arguments.next().map_or(Ok(default), |given| given.to_string_lossy().parse());
    let (rounds, run_ms, record_bytes): (u32, _, _) = (number(5)?, number(1_000)?, number(1_536)?);
    let plan = Plan {
        directory: directory.clone(),
        rounds,
        run: Duration::from_millis(run_ms.into()),
        record_bytes: usize::try_from(record_bytes)?,
    };
    std::fs::create_dir_all(&directory)?;
    let mut appends = Vec::new();
    for submitters in SUBMITTERS {
        appends.push(compare(&plan, submitters).await?);
    }
    let reads = reads(&plan).await?;
    let report = json!({"record_bytes": record_bytes, "rounds": rounds, "run_ms": run_ms, "appends": appends, "reads": reads});
    writeln!(std::io::stdout(), "{report:#}")?;
    Ok(())
}

/// A log on a server and a bare client in turn, in the opposite order every other round.
async fn on_a_server(arguments: &[String]) -> Answer<()> {
    let [url, replicas, rest @ ..] = arguments else {
        return Err("say --jetstream URL REPLICAS [ROUNDS] [RUN_MS] [RECORD_BYTES]".into());
    };
    let number = |at: usize, default: u32| rest.get(at).map_or(Ok(default), |given| given.parse());
    let (rounds, run_ms, record_bytes) = (number(0, 5)?, number(1, 2_000)?, number(2, 1_536)?);
    let run = Duration::from_millis(run_ms.into());
    let options = |round: u32| -> Answer<JetStreamOptions> {
        Ok(JetStreamOptions {
            servers: url.clone(),
            connection: async_nats::ConnectOptions::new(),
            name: LogName::try_from(format!("bench{round}").as_str())?,
            replicas: match replicas.as_str() {
                "1" => Replicas::One,
                "3" => Replicas::Three,
                _ => Replicas::Five,
            },
            patience: JetStreamOptions::PATIENCE,
            stage: writethru_log::Stage::Whole,
            options: Options { new_epoch: Epoch(1), create: true, read_only: false },
        })
    };
    let mut appends = Vec::new();
    for submitters in SUBMITTERS {
        let (mut ours, mut bare, mut replays, mut deliveries) = (vec![], vec![], vec![], vec![]);
        for round in 0..rounds {
            let load = Load { submitters, record_bytes: usize::try_from(record_bytes)?, round };
            for turn in 0..2 {
                if turn == round % 2 {
                    let log = EventLog::connect(options(round)?).await?;
                    ours.push(bench::appends(&log, load, run).await?);
                    replays.push(bench::replay(&log).await?);
                    let one = Load { submitters: 1, round: round + 1_000, ..load };
                    deliveries.push(bench::delivery(&log, one, 200).await?);
                    log.close().await;
                    bench::remove_log(url, &format!("bench{round}")).await?;
                } else {
                    bare.push(bench::bare_publishes(url, replicas.parse()?, load, run).await?);
                }
            }
        }
        appends.push(json!({
            "submitters": submitters,
            "log": summary(&ours),
            "bare_publishes": summary(&bare),
            "ratio_to_bare_publishes": ratios(&ours, &bare),
            "replay": summary(&replays),
            "delivery_to_tail": summary(&deliveries),
        }));
    }
    let report = json!({"record_bytes": record_bytes, "rounds": rounds, "run_ms": run_ms, "replicas": replicas, "appends": appends});
    writeln!(std::io::stdout(), "{report:#}")?;
    Ok(())
}

/// What is measured where.
struct Plan {
    directory: PathBuf,
    rounds: u32,
    run: Duration,
    record_bytes: usize,
}

/// Our appends and the bare ones in turn, all in a new directory each round, and in the opposite
/// order every other round.
async fn compare(plan: &Plan, submitters: usize) -> Answer<Value> {
    let Plan { directory, rounds, run, record_bytes } = plan;
    let bare = |shape, page_bytes| Bare {
        shape,
        page_bytes,
        records_per_commit: submitters,
        record_bytes: *record_bytes,
    };
    let (mut ours, mut grouped, mut rows, mut rows_16k, mut frames_16k) =
        (vec![], vec![], vec![], vec![], vec![]);
    let mut probes = vec![bench::probe(directory)?];
    for round in 0..*rounds {
        let scratch = tempfile::tempdir_in(directory)?;
        let mut turns = [0, 1, 2, 3, 4];
        if round % 2 == 1 {
            turns.reverse();
        }
        for turn in turns {
            let loops = [
                (&mut rows, bare(Shape::Record, 4096)),
                (&mut rows_16k, bare(Shape::Record, 16384)),
                (&mut frames_16k, bare(Shape::Frame, 16384)),
            ];
            match turn {
                0 => {
                    let log = open(&scratch.path().join("log.db")).await?;
                    let load = Load { submitters, record_bytes: *record_bytes, round };
                    ours.push(bench::appends(&log, load, *run).await?);
                    log.close().await;
                }
                1 => {
                    let group = bare(Shape::Record, 4096);
                    grouped.push(bench::bare_group_commits(scratch.path(), &group, *run).await?);
                }
                _ => {
                    let (measured, bare) = loops.into_iter().nth(turn - 2).ok_or("three loops")?;
                    measured.push(bench::bare_commits(scratch.path(), &bare, *run)?);
                }
            }
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
async fn reads(plan: &Plan) -> Answer<Value> {
    let Plan { directory, rounds, record_bytes, .. } = plan;
    let scratch = tempfile::tempdir_in(directory)?;
    let path = scratch.path().join("log.db");
    let load = Load { submitters: 128, record_bytes: *record_bytes, round: 0 };
    let log = open(&path).await?;
    bench::appends(&log, load, Duration::from_secs(3)).await?;
    log.close().await;
    let reopening = std::time::Instant::now();
    let log = open(&path).await?;
    let reopened_ms = reopening.elapsed().as_secs_f64() * 1e3;
    let (mut replays, mut scans) = (vec![], vec![]);
    let (mut stories, mut deliveries, mut syncs) = (vec![], vec![], vec![]);
    for round in 1..=*rounds {
        replays.push(bench::replay(&log).await?);
        scans.push(bench::bare_scan(&path)?);
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
        "bare_scan": summary(&scans),
        "ratio_replay_to_bare_scan": ratios(&replays, &scans),
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
