//! The SQLite back end keeps the contract.

use tempfile::TempDir;
use writethru_log::conformance::Home;
use writethru_log::{Epoch, EventLog, Options, conformance_tests};

struct Directory(TempDir);

impl Home for Directory {
    async fn open(&self) -> EventLog {
        let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
        EventLog::open(&self.0.path().join("log.db"), options).await.expect("opens")
    }
}

conformance_tests!(Directory(TempDir::new().expect("a directory")));
