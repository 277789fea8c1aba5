//! Copying the registry to another file while it is in use.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::error::OpenError;
use crate::file;

/// Pages copied in one step: the whole file, from one moment.
const STEP_PAGES: i32 = i32::MAX;
/// How long to wait for somebody who writes at this moment.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Copies the registry at `from`, as it is at one moment, to the new file `to`, which only its owner can
/// read; returns once the copy is synced. A server may be writing it. Keys are in it as hashes, names and
/// what waits for a second person as they are.
///
/// Blocks. After an error `to` may be there, and is no copy.
///
/// # Errors
/// [`OpenError`] says which of the two files failed; `to` must not exist.
pub fn copy(from: &Path, to: &Path) -> Result<(), OpenError> {
    let source = file::open_reader(from).map_err(|error| file::refused(from, error))?;
    file::private().create_new(true).open(to).map_err(|error| file::io(to, error))?;
    let copied = || -> rusqlite::Result<()> {
        let mut target = Connection::open(to)?;
        Backup::new(&source, &mut target)?.run_to_completion(STEP_PAGES, BUSY_PAUSE, None)?;
        target.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        target.close().map_err(|(_, error)| error)
    };
    copied().map_err(|error| file::refused(to, error))?;
    File::open(to).and_then(|file| file.sync_all()).map_err(|error| file::io(to, error))
}
