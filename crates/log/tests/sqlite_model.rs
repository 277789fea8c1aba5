//! The SQLite back end does what a plain list would do, whatever is asked in whatever order.

#[path = "support/file.rs"]
mod file;
#[path = "support/model.rs"]
mod model;
mod support;

use proptest::prelude::*;
use tempfile::TempDir;
use writethru_log::EventLog;
use writethru_log::conformance::Home;

struct Directory(TempDir);

impl Home for Directory {
    async fn open(&self) -> EventLog {
        file::open(&self.0.path().join("log.db")).await
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_log_does_what_a_list_would_do(steps in model::steps(prop::collection::vec((0..4_u64, 0..12_u8), 1..6))) {
        let home = Directory(TempDir::new().expect("a directory"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("starts");
        runtime.block_on(model::run(&home, steps));
    }
}
