//! Building the views again from the log, beside the live ones, and comparing the two.

use std::fmt;
use std::path::{Path, PathBuf};

use log::{Epoch, EventLog, Position};
use rusqlite::{Connection, ErrorCode};

use crate::fold::Fold;
use crate::projector::{AdvanceError, Work, remove};
use crate::redacted::together;
use crate::views::{OpenViewsError, TABLES, Writer, digest};

/// Records projected in one transaction of a build.
const BUILD_RECORDS: usize = 1_024;

/// Is told how far a build is: the position reached and the one it goes to.
pub struct Progress(Box<dyn FnMut(Position, Position) + Send>);

impl Progress {
    /// Returns a progress that calls `report`.
    pub fn new(report: impl FnMut(Position, Position) + Send + 'static) -> Self {
        Self(Box::new(report))
    }

    /// Returns a progress that no one looks at.
    pub fn silent() -> Self {
        Self::new(|_, _| ())
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}

/// How one table fared in a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The table.
    pub table: &'static str,
    /// Rows in the live views.
    pub live_rows: u64,
    /// Rows in those just built.
    pub built_rows: u64,
    /// Whether every value of every row is equal.
    pub equal: bool,
}

/// What a rebuild found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The position that both copies stand at.
    pub position: Position,
    /// Each table.
    pub tables: Vec<Comparison>,
}

impl Rebuilt {
    /// Returns whether the live views were what the log says.
    pub fn is_equal(&self) -> bool {
        self.tables.iter().all(|table| table.equal)
    }
}

/// Why the views were not built again.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The log cannot be read.
    #[error("cannot read the event log")]
    Log(#[from] log::ReadError),
    /// The new views cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenViewsError),
    /// The file of the live views is damaged: delete it, it is built again from the log.
    #[error("the file of the views is damaged: {problem}")]
    Damaged {
        /// What SQLite says of it.
        problem: String,
    },
    /// SQLite refused.
    #[error("cannot write the new views")]
    Write(#[from] rusqlite::Error),
    /// The new views cannot be put in place.
    #[error("cannot put the new views in place")]
    Exchange(#[source] std::io::Error),
    /// The projector has stopped.
    #[error("the projector has stopped: start the service again")]
    Stopped,
}

impl From<AdvanceError> for RebuildError {
    fn from(error: AdvanceError) -> Self {
        match error {
            AdvanceError::Write(source) => Self::Write(source),
            AdvanceError::Log(source) => Self::Log(source),
            AdvanceError::NoWriter => Self::Stopped,
        }
    }
}

/// Builds the views at `path` again and puts the new ones in place. For a data directory that no
/// service has open; a running one is asked through its [`Control`](crate::Control).
///
/// # Errors
/// [`RebuildError`]; the old views are as they were.
pub async fn rebuild(log: &EventLog, path: &Path, mut progress: Progress) -> Result<Rebuilt, RebuildError> {
    let live = match Writer::open(path, log.epoch()) {
        Err(OpenViewsError::OtherLog { .. }) => {
            remove(path);
            Writer::open(path, log.epoch())?
        }
        other => other?,
    };
    let beside = scratch_path(path, "rebuild");
    // Compared where the old ones stand, then taken on to the end of the log.
    let mut work = build(log, &beside, live.position()?, &mut progress).await?;
    let rebuilt = compared(live.connection(), work.writer.connection(), live.position()?)?;
    work = extend(log, work, log.head(), &mut progress).await?;
    put_in_place(path, log.epoch(), (beside, work.writer), live).0.map(|()| rebuilt)
}

/// Builds views beside those at `path`, compares them at the position that the live ones include,
/// and deletes them again.
///
/// # Errors
/// [`RebuildError`].
pub async fn compare(log: &EventLog, path: &Path, mut progress: Progress) -> Result<Rebuilt, RebuildError> {
    let live = Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    live.busy_timeout(std::time::Duration::from_secs(5))?;
    // One snapshot for everything that is read: a running service may be writing.
    live.execute_batch("PRAGMA query_only = on; BEGIN")?;
    whole(&live)?;
    let position: String =
        live.query_row("SELECT value FROM meta WHERE name = 'position'", [], |row| row.get(0))?;
    let position = Position(position.parse().unwrap_or(0));
    let scratch = scratch_path(path, "check");
    let built = build(log, &scratch, position, &mut progress).await;
    let compared = built.and_then(|built| Ok(compared(&live, built.writer.connection(), position)?));
    remove(&scratch);
    compared
}

/// Looks at every page: a broken index hides rows that a comparison of the tables finds.
fn whole(live: &Connection) -> Result<(), RebuildError> {
    let problem = live.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    match problem {
        Ok(problem) if problem == "ok" => Ok(()),
        Ok(problem) => Err(RebuildError::Damaged { problem }),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Err(RebuildError::Damaged { problem: error.to_string() })
            }
            _ => Err(error.into()),
        },
    }
}

/// Builds views up to `upto` in a file beside `path`.
pub(crate) async fn build_beside(
    log: &EventLog,
    path: &Path,
    upto: Position,
    progress: &mut Progress,
) -> Result<(PathBuf, Writer), RebuildError> {
    let beside = scratch_path(path, "rebuild");
    let work = build(log, &beside, upto, progress).await?;
    Ok((beside, work.writer))
}

async fn build(
    log: &EventLog,
    path: &Path,
    upto: Position,
    progress: &mut Progress,
) -> Result<Work, RebuildError> {
    remove(path);
    let work = Work { fold: Fold::new(log.clone()), writer: Writer::open(path, log.epoch())? };
    extend(log, work, upto, progress).await
}

/// Takes the views of `work` on to `upto`.
async fn extend(
    log: &EventLog,
    mut work: Work,
    upto: Position,
    progress: &mut Progress,
) -> Result<Work, RebuildError> {
    let mut reached = work.writer.position()?;
    while reached < upto {
        let wanted = usize::try_from(upto.0 - reached.0).unwrap_or(usize::MAX).min(BUILD_RECORDS);
        let records = log.read(reached.next(), wanted).await?;
        if records.is_empty() {
            break;
        }
        let mut rest = records;
        while !rest.is_empty() {
            let later = rest.split_off(together(&rest, BUILD_RECORDS));
            let part = std::mem::replace(&mut rest, later);
            reached = part.last().map_or(reached, |last| last.position);
            let (back, outcome) = work.project(part).await;
            work = back;
            outcome?;
        }
        progress.0(reached, upto);
    }
    Ok(work)
}

/// Closes `live` and renames `beside` over `path`; returns the writer of what is there then, new or,
/// on an error, old. No other connection to `path` may be open.
pub(crate) fn put_in_place(
    path: &Path,
    epoch: Epoch,
    beside: (PathBuf, Writer),
    live: Writer,
) -> (Result<(), RebuildError>, Option<Writer>) {
    let (beside_path, built) = beside;
    let exchanged = || -> Result<(), RebuildError> {
        live.close()?;
        built.close()?;
        remove_journals(path);
        std::fs::rename(&beside_path, path).map_err(RebuildError::Exchange)
    };
    let outcome = exchanged();
    // Whatever happened, the file at `path` is whole: the old one or the new one.
    match Writer::open(path, epoch) {
        Ok(writer) => (outcome, Some(writer)),
        Err(problem) => (outcome.and(Err(problem.into())), None),
    }
}

fn remove_journals(path: &Path) {
    for suffix in ["-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        // Closing the last connection has removed them already, as a rule.
        let _ = std::fs::remove_file(PathBuf::from(name));
    }
}

pub(crate) fn compared(
    live: &Connection,
    built: &Connection,
    position: Position,
) -> rusqlite::Result<Rebuilt> {
    let mut tables = Vec::new();
    for (table, order) in TABLES {
        let (live_rows, live_hash) = digest(live, table, order)?;
        let (built_rows, built_hash) = digest(built, table, order)?;
        tables.push(Comparison { table, live_rows, built_rows, equal: live_hash == built_hash });
    }
    Ok(Rebuilt { position, tables })
}

fn scratch_path(path: &Path, purpose: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{purpose}"));
    PathBuf::from(name)
}
