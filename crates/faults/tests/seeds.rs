//! Whatever the disk does to the log, its promises hold: a modest number of seeds, more by
//! `WRITETHRU_FAULT_SEEDS=1000` or with the program `faults`.

use writethru_faults::run;

/// Runs of the test.
const SEEDS: u64 = 32;

#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
fn seeds() -> u64 {
    std::env::var("WRITETHRU_FAULT_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS)
}

#[tokio::test]
async fn whatever_the_disk_does_the_log_keeps_its_promises() {
    let (mut kills, mut cuts, mut faults) = (0, 0, 0);
    for seed in 0..seeds() {
        let outcome = Box::pin(run(seed)).await;
        if let Some(violation) = outcome.violation {
            panic!("seed {seed}: {violation}");
        }
        kills += outcome.kills;
        cuts += outcome.power_cuts;
        faults += outcome.faults.values().sum::<u64>();
    }
    assert!(kills > 5 && cuts > 5 && faults > 25, "{kills} kills, {cuts} power cuts, {faults} faults");
}
