//! Exports: who took text out of the house in a file, which, how much of it, and when. Kept for ever.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use story::{ActorId, StoryId};

use crate::NumberedRange;
use crate::columns::{integer, micros, time, word, word_or_none};
use crate::error::StoreError;
use crate::limits::PAGE_MAX;
use crate::names::Note;
use crate::store::Registry;

/// An export as it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewExport {
    /// Who makes it.
    pub by: ActorId,
    /// For whom, in the words of who makes it.
    pub recipient: Option<Note>,
    /// How much it tells: a word.
    pub level: String,
    /// Of which stories.
    pub stories: Vec<StoryId>,
    /// SHA-256 of the file, in hexadecimal digits.
    pub digest: String,
    /// How many bytes the file has.
    pub bytes: u64,
}

/// An export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Export {
    /// Its number: 1 for the first ever.
    pub number: u64,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it.
    pub by: ActorId,
    /// For whom.
    pub recipient: Option<Note>,
    /// How much it tells.
    pub level: String,
    /// Of which stories.
    pub stories: Vec<StoryId>,
    /// SHA-256 of the file.
    pub digest: String,
    /// How many bytes the file has.
    pub bytes: u64,
}

impl Registry {
    /// Records an export and returns its number, once that is durable: hand the file out after this.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_export(&self, new: NewExport, now: Timestamp) -> Result<u64, StoreError> {
        self.write(move |writing| Ok(insert(writing.db, &new, now)?)).await
    }

    /// Returns up to `limit` exports, the newest first, those with a lower number than `before`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn exports(&self, range: NumberedRange, limit: usize) -> Result<Vec<Export>, StoreError> {
        self.read(move |db| {
            db.prepare_cached(
                "SELECT * FROM exports WHERE at >= ?1 AND at < ?2 AND (?3 IS NULL OR number < ?3)
                 ORDER BY number DESC LIMIT ?4",
            )?
            .query_map(
                params![micros(range.from), micros(range.to), range.before.map(integer), limit.min(PAGE_MAX)],
                export,
            )?
            .collect()
        })
        .await
    }
}

fn insert(db: &Connection, new: &NewExport, now: Timestamp) -> rusqlite::Result<u64> {
    let stories: Vec<u8> = new.stories.iter().flat_map(|story| *story.as_bytes()).collect();
    db.prepare_cached(
        "INSERT INTO exports(at, by, recipient, level, stories, digest, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        micros(now),
        new.by.as_str(),
        new.recipient.as_ref().map(Note::as_str),
        new.level,
        stories,
        new.digest,
        integer(new.bytes),
    ])?;
    Ok(u64::try_from(db.last_insert_rowid()).unwrap_or_default())
}

fn export(row: &Row<'_>) -> rusqlite::Result<Export> {
    let stories: Vec<u8> = row.get("stories")?;
    let (stories, _) = stories.as_chunks::<16>();
    Ok(Export {
        number: row.get("number")?,
        at: time(row, "at")?,
        by: word(row, "by")?,
        recipient: word_or_none(row, "recipient")?,
        level: row.get("level")?,
        stories: stories.iter().map(|story| StoryId::from_bytes(*story)).collect(),
        digest: row.get("digest")?,
        bytes: row.get("bytes")?,
    })
}
