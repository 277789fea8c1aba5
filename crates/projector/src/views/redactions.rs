//! What was redacted, by whom and by what right. It holds no word of what went.

use std::ops::Range;

use jiff::Timestamp;
use log::Position;
use rusqlite::{Row, params};
use story::{Revision, StoryId};
use wire::http::RedactionView;

use crate::views::read::{ROWS_MAX, story_id, time, word};
use crate::views::{ViewError, Views};

impl Views {
    /// Returns up to `limit` redactions that were recorded in `times` and stand before `before`, newest
    /// first, of `story` or of all; each with its place in the log.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn redactions(
        &self,
        story: Option<StoryId>,
        (times, before): (Range<Timestamp>, Option<Position>),
        limit: usize,
    ) -> Result<Vec<(Position, RedactionView)>, ViewError> {
        let before = before.map_or(i64::MAX, |before| i64::try_from(before.0).unwrap_or(i64::MAX));
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT r.position, r.story, s.slug, r.revision, v.recorded, r.kind, r.basis, r.value_count, v.actor,
                 v.approver, v.reason, v.note
                 FROM redactions r JOIN revisions v ON v.story = r.story AND v.revision = r.revision
                 JOIN stories s ON s.story = r.story
                 WHERE r.position < ?1 AND (?2 IS NULL OR r.story = ?2)
                 AND v.recorded >= ?3 AND v.recorded < ?4 ORDER BY r.position DESC LIMIT ?5",
            )?;
            let story = story.map(|story| story.as_bytes().to_vec());
            let (from, to) = (times.start.as_microsecond(), times.end.as_microsecond());
            let mut rows = statement.query(params![before, story, from, to, limit.min(ROWS_MAX)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push((Position(row.get(0)?), view(row)?));
            }
            Ok(found)
        })
        .await
    }

    /// Returns every story that something was redacted of.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn redacted_stories(&self) -> Result<Vec<StoryId>, ViewError> {
        self.query(|connection| {
            let mut statement = connection.prepare_cached("SELECT DISTINCT story FROM redactions")?;
            let stories = statement.query_map([], |row| story_id(row, 0))?;
            Ok(stories.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

fn view(row: &Row<'_>) -> Result<RedactionView, ViewError> {
    let text = |column| row.get::<_, String>(column);
    let approver = row.get::<_, Option<String>>(9)?;
    Ok(RedactionView {
        story: story_id(row, 1)?,
        slug: text(2)?,
        revision: Revision(row.get(3)?),
        recorded: time(row.get(4)?)?,
        kind: word(&text(5)?, "redactions.kind")?,
        basis: word(&text(6)?, "redactions.basis")?,
        values: row.get(7)?,
        actor: word(&text(8)?, "revisions.actor")?,
        approver: approver.map(|approver| word(&approver, "revisions.approver")).transpose()?,
        reason: row.get(10)?,
        note: text(11)?,
    })
}
