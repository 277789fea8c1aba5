//! `bench`: measures this machine.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::bench;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::times;

/// Options of `bench`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru bench                            # a table; your data dir is not touched\n  \
    writethru bench --writers 1,64 --for 2s --json | jq .runs\n  \
    writethru bench --streams 1000,10000       # live streams: readers that all get every change\n  \
    writethru bench --history 10000            # any revision of a story that has so many")]
pub(crate) struct Bench {
    /// How many writers push at once, one run each
    #[arg(long, value_name = "N,N", value_delimiter = ',', default_values_t = [1, 16, 64, 256],
          value_parser = clap::value_parser!(u16).range(1..=4096))]
    writers: Vec<u16>,
    /// How long each measurement takes
    #[arg(long = "for", value_name = "TIME", default_value = "3s", value_parser = times::duration)]
    duration: Duration,
    /// Folder whose disk is measured; what is written there is removed again
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Leave NATS out
    #[arg(long)]
    no_nats: bool,
    /// Measure live streams instead: how many readers there are at once, one run each
    #[arg(long, value_name = "N,N", value_delimiter = ',', conflicts_with_all = ["writers", "no_nats"],
          value_parser = clap::value_parser!(u16).range(1..=12_288))]
    streams: Vec<u16>,
    /// Measure reads of history instead: how many revisions the story has
    #[arg(long, value_name = "N", conflicts_with_all = ["writers", "no_nats", "streams"],
          value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    history: Option<u32>,
}

impl Bench {
    /// Measures and prints.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        if !self.streams.is_empty() {
            let streams: Vec<_> = self.streams.iter().copied().map(usize::from).collect();
            let report = Box::pin(bench::measure_streams(&streams, self.duration, &self.dir)).await?;
            return print(session, &report, report.lines());
        }
        if let Some(revisions) = self.history {
            let report = Box::pin(bench::measure_history(revisions as usize, &self.dir)).await?;
            return print(session, &report, report.lines());
        }
        let plan = bench::Plan {
            writers: self.writers.iter().copied().map(usize::from).collect(),
            duration: self.duration,
            dir: self.dir.clone(),
            nats: !self.no_nats,
        };
        let report = Box::pin(bench::measure(&plan, session)).await?;
        print(session, &report, report.lines())
    }
}

fn print(session: &Session, report: &impl serde::Serialize, lines: Vec<String>) -> Result<Exit, Failure> {
    if session.output.json {
        session.output.json(report)?;
        return Ok(Exit::Ok);
    }
    for line in lines {
        session.output.line(line)?;
    }
    Ok(Exit::Ok)
}
