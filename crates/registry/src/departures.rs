//! Departures: when a revision first left by a door. Facts about the service's doors, not about the
//! story.

use jiff::Timestamp;
use rusqlite::{Row, params};
use serde::Serialize;
use story::{Revision, StoryId};

use crate::columns::{integer, micros, time, word};
use crate::error::StoreError;
use crate::limits::PAGE_MAX;
use crate::names::Door;
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

impl Registry {
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
            writing
                .db
                .prepare_cached("INSERT OR IGNORE INTO departures VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![story.as_bytes(), integer(revision.get()), door.as_str(), micros(at)])?;
            Ok(())
        })
        .await
    }

    /// Returns up to `limit` departures of a story by revision and door, behind `after`.
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

fn departure(row: &Row<'_>) -> rusqlite::Result<Departure> {
    Ok(Departure { revision: Revision(row.get("revision")?), door: word(row, "door")?, at: time(row, "at")? })
}
