//! Bugs that are planted one by one: each is found, so the suite that finds none means something.

use log::bugs::{Bug, plant};
use writethru_faults::run;

/// Seeds in which a bug must be found.
const SEEDS: u64 = 400;

/// One test, because a bug is planted in the whole process.
#[tokio::test]
async fn every_planted_bug_is_found() {
    let mut told = Vec::new();
    for bug in Bug::ALL {
        plant(Some(bug));
        let mut found = None;
        for seed in 0..SEEDS {
            if let Some(violation) = Box::pin(run(seed)).await.violation {
                found = Some((seed, violation));
                break;
            }
        }
        let Some((seed, violation)) = found else { panic!("{SEEDS} seeds do not find {bug:?}") };
        told.push(format!("{bug:?}: seed {seed}: {violation}"));
        plant(None);
        // The same seed finds nothing where nothing is.
        let clean = Box::pin(run(seed)).await;
        assert_eq!(clean.violation, None, "{bug:?} was not what seed {seed} had found");
    }
    println!("{}", told.join("\n"));
}
