//! What was signed last, in a place of its own: a SQLite file, synced at every change.
//!
//! It is written by compare-and-swap and before anybody sees the head. So an old copy of the event log
//! or of the tiles cannot be signed over what was signed since, and of two processes one loses.

use std::path::Path;

use log::Epoch;
use proof::Hash;
use proof::checkpoint::SignedCheckpoint;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

/// Marks the file as ours: "wtnh".
const APPLICATION_ID: i32 = 0x7774_6e68;
/// The format that this version reads and writes.
const FORMAT: i32 = 1;

/// The file.
#[derive(Debug)]
pub(crate) struct Heads {
    db: Connection,
}

/// A file that this version cannot use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeadsError {
    /// SQLite refused: try again.
    #[error("the heads cannot be read or written")]
    Sqlite(#[from] rusqlite::Error),
    /// Not ours, or of a later version.
    #[error("the file is no list of heads that this version reads")]
    Foreign,
}

impl Heads {
    /// Opens the file, making it if there is none. For the one who signs.
    pub(crate) fn open(path: &Path) -> Result<Self, HeadsError> {
        let db = Connection::open(path)?;
        #[cfg(unix)]
        close_to_others(path)?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        if is_ours(&db)? {
            return Ok(Self { db });
        }
        // A file of someone else's has tables already.
        let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables > 0 {
            return Err(HeadsError::Foreign);
        }
        db.execute_batch(&format!(
            "BEGIN IMMEDIATE; CREATE TABLE head (epoch TEXT PRIMARY KEY, origin TEXT NOT NULL, size INTEGER NOT \
             NULL, root BLOB NOT NULL, note TEXT NOT NULL) STRICT, WITHOUT ROWID; PRAGMA application_id = \
             {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; COMMIT;"
        ))?;
        Ok(Self { db })
    }

    /// Opens the file beside the one who signs, and makes nothing in it; `None` if there is none yet.
    pub(crate) fn look(path: &Path) -> Result<Option<Self>, HeadsError> {
        if !path.is_file() {
            return Ok(None);
        }
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        db.pragma_update(None, "query_only", true)?;
        Ok(is_ours(&db)?.then_some(Self { db }))
    }

    /// Returns the note of the newest head that was signed of the life `epoch` of the event log.
    pub(crate) fn newest(&self, epoch: Epoch) -> Result<Option<String>, HeadsError> {
        let asked = "SELECT note FROM head WHERE epoch = ?1";
        Ok(self.db.query_row(asked, [epoch.0.to_string()], |row| row.get(0)).optional()?)
    }

    /// Puts `new` in the place of the head with the size and root of `old`, or of none, and returns
    /// once that is synced. Returns whether it was still there.
    pub(crate) fn swap(
        &mut self,
        epoch: Epoch,
        old: Option<(u64, Hash)>,
        new: &SignedCheckpoint,
    ) -> Result<bool, HeadsError> {
        let (epoch, head) = (epoch.0.to_string(), new.checkpoint());
        let size = head.size().cast_signed();
        let (root, note) = (head.root().0, new.to_text());
        let changed = match old {
            None => self.db.execute(
                "INSERT INTO head (epoch, origin, size, root, note) VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT DO NOTHING",
                params![epoch, head.origin(), size, root, note],
            )?,
            Some((old_size, old_root)) => self.db.execute(
                "UPDATE head SET size = ?2, root = ?3, note = ?4 \
                 WHERE epoch = ?1 AND size = ?5 AND root = ?6",
                params![epoch, size, root, note, old_size.cast_signed(), old_root.0],
            )?,
        };
        Ok(changed == 1)
    }

    /// Puts `new` there, whatever was there before.
    pub(crate) fn put(&mut self, epoch: Epoch, new: &SignedCheckpoint) -> Result<(), HeadsError> {
        let head = new.checkpoint();
        self.db.execute(
            "INSERT OR REPLACE INTO head (epoch, origin, size, root, note) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                epoch.0.to_string(),
                head.origin(),
                head.size().cast_signed(),
                head.root().0,
                new.to_text()
            ],
        )?;
        Ok(())
    }
}

/// Returns whether the file has been made; an empty one has not.
fn is_ours(db: &Connection) -> Result<bool, HeadsError> {
    let id: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let format: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match (id, format) {
        (APPLICATION_ID, FORMAT) => Ok(true),
        (0, 0) => Ok(false),
        _ => Err(HeadsError::Foreign),
    }
}

#[cfg(unix)]
fn close_to_others(path: &Path) -> Result<(), HeadsError> {
    use std::os::unix::fs::PermissionsExt;
    let closed = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    closed.map_err(|_| HeadsError::Foreign)
}
