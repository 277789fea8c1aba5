//! Copying a log to another file while it is in use, and giving a copy a life of its own.
//!
//! A copy is taken from one snapshot: what is appended meanwhile is not in it, and waits for nobody.
//! The indexes are left out: they are rebuilt from the log.

use std::fs::File;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::files;
use crate::contract::{Epoch, OpenError, Position};

/// Pages copied in one step: 4 MiB, between two words to whoever watches.
const STEP_PAGES: i32 = 256;

/// What a copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Which life of the log it is from.
    pub epoch: Epoch,
    /// Its newest record.
    pub head: Position,
}

/// Copies the log at `from` to the new file `to`, which only its owner can read; returns once the
/// copy is synced. A server may be writing the log. Tells `progress` how many pages are copied and how
/// many there are.
///
/// Blocks. After an error `to` may be there, and is no copy.
///
/// # Errors
/// [`OpenError`] says which of the two files failed; `to` must not exist.
pub fn copy(from: &Path, to: &Path, mut progress: impl FnMut(u64, u64) + Send) -> Result<Copied, OpenError> {
    let source = files::open_reader(from).map_err(|error| files::refused(from, error))?;
    // Held to the end, so that every page is of the same moment.
    source.execute_batch("BEGIN").map_err(|error| files::refused(from, error))?;
    let epoch = files::identify(&source, from)?;
    let head = files::newest(&source).map_err(|error| files::refused(from, error))?;
    create_private(to).map_err(|error| files::io(to, error))?;
    let refused = |error| files::refused(to, error);
    let mut target = open(to).map_err(refused)?;
    {
        let backup = Backup::new(&source, &mut target).map_err(refused)?;
        let counted = |pages| u64::try_from(pages).unwrap_or(0);
        loop {
            let step = backup.step(STEP_PAGES).map_err(refused)?;
            let pages = backup.progress();
            progress(counted(pages.pagecount - pages.remaining), counted(pages.pagecount));
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => std::thread::sleep(files::BUSY_WAIT / 100),
            }
        }
    }
    close(target).map_err(refused)?;
    sync(to).map_err(|error| files::io(to, error))?;
    Ok(Copied { epoch, head })
}

/// Gives the log at `path`, which nobody has open, a new life: cursors from before are noticed.
/// Returns once that is durable.
///
/// Blocks.
///
/// # Errors
/// [`OpenError`]; the log is as it was.
pub fn renew(path: &Path, epoch: Epoch) -> Result<(), OpenError> {
    let _lock = files::lock(path)?;
    let refused = |error| files::refused(path, error);
    let log = open(path).map_err(refused)?;
    files::identify(&log, path)?;
    log.execute("UPDATE meta SET value = ?1 WHERE name = 'epoch'", [epoch.0.to_string()]).map_err(refused)?;
    close(log).map_err(refused)?;
    sync(path).map_err(|error| files::io(path, error))
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let log = Connection::open_with_flags(path, flags)?;
    log.busy_timeout(files::BUSY_WAIT)?;
    log.pragma_update(None, "synchronous", "FULL")?;
    Ok(log)
}

/// Moves what is beside the file into it, and closes it.
fn close(log: Connection) -> rusqlite::Result<()> {
    log.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    log.close().map_err(|(_, error)| error)
}

fn create_private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn sync(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}
