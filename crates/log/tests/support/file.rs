//! What the tests of the SQLite back end share: opening a log in a file.

use std::path::Path;

use writethru_log::{Epoch, EventLog, Options};

/// Opens the log at `path` for writing, and creates it if need be.
pub(crate) async fn open(path: &Path) -> EventLog {
    let options = Options { new_epoch: Epoch(7), create: true, read_only: false };
    EventLog::open(path, options).await.expect("opens")
}
