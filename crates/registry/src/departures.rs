//! Departures: when a revision first left by a door. Facts about the service's doors, not about the
//! story.
//!
//! Noting one never waits and never fails; what could not be kept is counted.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use story::{Revision, StoryId};

use crate::columns::{integer, micros, time, word};
use crate::error::StoreError;
use crate::limits::PAGE_MAX;
use crate::names::Door;
use crate::outbox::Waiting;
use crate::store::Registry;

/// A revision that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Departure {
    /// Which one.
    pub revision: Revision,
    /// By which door.
    pub door: Door,
    /// When it first did.
    pub at: Timestamp,
}

/// A departure that waits to be stored.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    pub(crate) story: StoryId,
    pub(crate) departure: Departure,
}

impl Registry {
    /// Notes that a revision leaves by a door, without waiting: it is kept soon. Returns whether there
    /// was room; where there was none, it is counted as not kept. The first report stands.
    pub fn note_departure(&self, story: StoryId, departure: Departure) -> bool {
        let (has_room, must_tell) = self.memory().outbox.depart(Noted { story, departure });
        if must_tell {
            self.tell();
        }
        has_room
    }

    /// Returns how many departures, of any story, were never kept, because too many came at once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn departures_not_kept(&self) -> Result<u64, StoreError> {
        self.settle().await;
        let counted = self.read(not_kept).await?;
        Ok(counted.saturating_add(self.memory().outbox.departures_not_kept()))
    }

    /// Records that a revision left by a door. The first report stands; later ones change nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn departed(
        &self,
        story: StoryId,
        revision: Revision,
        door: Door,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |writing| {
            Ok(insert(writing.db, &Noted { story, departure: Departure { revision, door, at } })?)
        })
        .await
    }

    /// Returns up to `limit` departures of a story by revision and door, behind `after`; those noted
    /// before this call are among them, if they could be kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn departures(
        &self,
        story: StoryId,
        after: Option<(Revision, Door)>,
        limit: usize,
    ) -> Result<Vec<Departure>, StoreError> {
        let (revision, door) =
            after.map_or((0, String::new()), |(r, door)| (integer(r.get()), door.to_string()));
        self.settle().await;
        self.read(move |db| {
            db.prepare_cached(
                "SELECT * FROM departures WHERE story = ?1 AND (revision, door) > (?2, ?3)
                 ORDER BY revision, door LIMIT ?4",
            )?
            .query_map(params![story.as_bytes(), revision, door, limit.min(PAGE_MAX)], departure)?
            .collect()
        })
        .await
    }
}

/// Stores what waits.
pub(crate) fn store(db: &Connection, waiting: &Waiting) -> rusqlite::Result<()> {
    if waiting.departures_not_kept > 0 {
        let sum = not_kept(db)?.saturating_add(waiting.departures_not_kept);
        db.execute("INSERT OR REPLACE INTO settings VALUES ('departures-not-kept', ?1)", [sum])?;
    }
    waiting.departures.iter().try_for_each(|noted| insert(db, noted))
}

fn insert(db: &Connection, noted: &Noted) -> rusqlite::Result<()> {
    let Noted { story, departure: Departure { revision, door, at } } = noted;
    db.prepare_cached("INSERT OR IGNORE INTO departures VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![story.as_bytes(), integer(revision.get()), door.as_str(), micros(*at)])
        .map(|_| ())
}

fn not_kept(db: &Connection) -> rusqlite::Result<u64> {
    let value = db
        .prepare_cached("SELECT value FROM settings WHERE name = 'departures-not-kept'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(value.unwrap_or(0))
}

fn departure(row: &Row<'_>) -> rusqlite::Result<Departure> {
    Ok(Departure { revision: Revision(row.get("revision")?), door: word(row, "door")?, at: time(row, "at")? })
}
