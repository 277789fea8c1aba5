//! Opening the event log of a data dir, in the ways that commands need it.

use std::path::Path;

use log::{Epoch, EventLog, OpenError, Options};
use uuid::Uuid;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::up::data_dir::Paths;

/// Opens the log to write, making it if there is none.
///
/// # Errors
/// It is in use, foreign, or cannot be read.
pub(crate) async fn open_or_create(paths: &Paths) -> Result<EventLog, Failure> {
    open(paths, Options { new_epoch: draw_epoch(), create: true, read_only: false }).await
}

/// Opens a log that must be there, to write.
///
/// # Errors
/// As [`open_or_create`], and that there is none.
pub(crate) async fn open_existing(paths: &Paths) -> Result<EventLog, Failure> {
    open(paths, Options { new_epoch: draw_epoch(), create: false, read_only: false }).await
}

/// Opens a log that must be there, only to read; a server may be writing it.
///
/// # Errors
/// As [`open_existing`].
pub(crate) async fn open_to_read(paths: &Paths) -> Result<EventLog, Failure> {
    open_to_read_at(&paths.log()).await
}

/// Opens the log at `path`, only to read; a server may be writing it.
///
/// # Errors
/// As [`open_existing`].
pub(crate) async fn open_to_read_at(path: &Path) -> Result<EventLog, Failure> {
    let options = Options { new_epoch: draw_epoch(), create: false, read_only: true };
    EventLog::open(path, options).await.map_err(|error| unopened(&error))
}

/// Gives the log at `path` a new life: whoever holds a cursor from before will notice.
///
/// # Errors
/// As [`open_existing`].
pub(crate) async fn renew(path: &Path) -> Result<(), Failure> {
    let path = path.to_owned();
    let renewed = tokio::task::spawn_blocking(move || log::renew(&path, draw_epoch())).await;
    let failed = |error| Failure::new(Exit::Failure, "log", "cannot renew the event log").because(&error);
    renewed.map_err(failed)?.map_err(|error| unopened(&error))
}

/// Refuses a folder that holds no log, before anything is made in it.
///
/// # Errors
/// There is no log.
pub(crate) fn must_exist(data: &Path) -> Result<(), Failure> {
    if Paths::new(data).log().is_file() {
        return Ok(());
    }
    Err(Failure::new(Exit::InputUnreadable, "no-data-dir", format!("{} is no data dir", data.display()))
        .why("there is no log.db in it")
        .next("name the right one: --data DIR or WRITETHRU_DATA"))
}

async fn open(paths: &Paths, options: Options) -> Result<EventLog, Failure> {
    EventLog::open(&paths.log(), options).await.map_err(|error| unopened(&error))
}

fn unopened(error: &OpenError) -> Failure {
    let (exit, next) = match error {
        OpenError::InUse { .. } => (Exit::Unavailable, "stop the process that uses it"),
        OpenError::Foreign { .. } => {
            (Exit::Differs, "use the release that wrote it, or restore the file from a backup")
        }
        OpenError::Damaged { .. } => {
            (Exit::Differs, "keep a copy of the data dir as it is, then restore it from a backup")
        }
        OpenError::Io { .. } => (Exit::Unavailable, "check the disk and the permissions"),
    };
    Failure::new(exit, "log", "cannot open the event log").because(error).next(next)
}

/// Draws the number of a new log's life: the random part of an id.
fn draw_epoch() -> Epoch {
    let bytes = Uuid::now_v7().into_bytes();
    let mut random = [0_u8; 8];
    random.copy_from_slice(&bytes[8..]);
    Epoch(u64::from_be_bytes(random))
}
