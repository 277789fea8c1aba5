//! Looks for two articles whose difference is not exact, case after case.
//!
//! `cargo run --release -p writethru-story --example diff_soak -- 1000000 [first seed]`

#![expect(clippy::print_stdout, reason = "the answer of a command goes to stdout")]

mod judge;
mod random;

use std::process::ExitCode;

use random::Random;

fn main() -> ExitCode {
    let mut numbers = std::env::args().skip(1).map(|given| given.parse::<u64>());
    let cases = numbers.next().unwrap_or(Ok(100_000));
    let first = numbers.next().unwrap_or(Ok(0));
    let (Ok(cases), Ok(first)) = (cases, first) else {
        println!("usage: diff_soak [cases] [first seed]");
        return ExitCode::from(2);
    };
    let mut wrong = 0;
    for seed in first..first.saturating_add(cases) {
        let mut random = Random::new(seed);
        let before = random.article();
        let after = random.edited(&before);
        if let Err(problem) = judge::judge(&before, &after) {
            wrong += 1;
            println!("seed {seed}: {problem}");
        }
    }
    println!("{cases} cases, {wrong} wrong");
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
