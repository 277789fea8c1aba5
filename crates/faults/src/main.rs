//! Runs many seeds and says what was run: `make faults SEEDS=2000`.

use std::process::ExitCode;

use clap::Parser;
use writethru_faults::{Counts, run};

/// Runs the log under a disk that fails, seed by seed, and prints what was run and what was broken.
#[derive(Debug, Parser)]
#[command(name = "faults")]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 500)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Ends at the first violation.
    #[arg(long)]
    fail_fast: bool,
}

#[expect(clippy::print_stdout, reason = "a program answers on stdout")]
fn main() -> ExitCode {
    let Arguments { seeds, from, fail_fast } = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("there are threads");
    let [mut acknowledged, mut verified, mut kills, mut cuts, mut violations] = [0; 5];
    let mut runs = 0;
    let mut faults = Counts::new();
    for seed in from..from + seeds {
        let outcome = runtime.block_on(Box::pin(run(seed)));
        runs += 1;
        acknowledged += outcome.acknowledged;
        verified += outcome.verified;
        kills += outcome.kills;
        cuts += outcome.power_cuts;
        for (kind, count) in outcome.faults {
            *faults.entry(kind).or_default() += count;
        }
        if let Some(violation) = outcome.violation {
            violations += 1;
            println!("seed {seed}: {violation}");
            if fail_fast {
                break;
            }
        }
    }
    println!("runs {runs}");
    println!("acknowledged appends, each looked for after every end {acknowledged}");
    println!("times everything was compared {verified}");
    println!("kills {kills}");
    println!("power cuts {cuts}");
    for ((operation, effect), count) in faults {
        println!("{operation:?} {effect:?} {count}");
    }
    println!("violations {violations}");
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
