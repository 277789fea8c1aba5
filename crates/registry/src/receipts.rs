//! Receipts: which subscriber got which revision, and who has acknowledged a recall.

use jiff::Timestamp;
use rusqlite::{Row, params};
use serde::Serialize;
use story::{ActorId, Revision, StoryId};

use crate::columns::{integer, micros, time_or_none, word};
use crate::error::StoreError;
use crate::limits::PAGE_MAX;
use crate::store::Registry;

/// A recall to be looked at.
#[derive(Debug, Clone)]
pub struct RecallQuery {
    /// The story.
    pub story: StoryId,
    /// The revisions that the recall voids.
    pub voided: Vec<Revision>,
    /// The revision that recalls them.
    pub recall: Revision,
}

/// Where one subscriber stands with a recall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecallLine {
    /// Who.
    pub subscriber: ActorId,
    /// The highest voided revision that it is known to have got; `None` for one that has only
    /// acknowledged.
    pub got: Option<Revision>,
    /// When it has acknowledged the recall.
    pub acknowledged: Option<Timestamp>,
}

/// Where all subscribers stand with a recall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RecallCount {
    /// Subscribers who got a voided revision.
    pub got: u64,
    /// Those of them who have acknowledged.
    pub acknowledged: u64,
}

/// `?1` is the story, `?2` the recall, `?3` the voided revisions as a JSON list.
const STATUS: &str = "
WITH got AS (
  SELECT subscriber, max(revision) AS revision FROM deliveries
  WHERE story = ?1 AND revision IN (SELECT value FROM json_each(?3)) GROUP BY subscriber),
acknowledged AS (SELECT subscriber, at FROM acknowledgements WHERE story = ?1 AND recall = ?2),
status AS (
  SELECT subscriber, got.revision AS got, acknowledged.at AS acknowledged
  FROM got FULL JOIN acknowledged USING (subscriber))";

impl Registry {
    /// Records that a subscriber got a revision. The first report stands; later ones change nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn delivered(
        &self,
        subscriber: &ActorId,
        story: StoryId,
        revision: Revision,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.receipt(
            "INSERT OR IGNORE INTO deliveries VALUES (?1, ?2, ?3, ?4)",
            subscriber,
            story,
            (revision, at),
        )
        .await
    }

    /// Records that a subscriber has acknowledged a recall. The first report stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn acknowledged(
        &self,
        subscriber: &ActorId,
        story: StoryId,
        recall: Revision,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let insert = "INSERT OR IGNORE INTO acknowledgements(story, subscriber, recall, at)
                      VALUES (?1, ?2, ?3, ?4)";
        self.receipt(insert, subscriber, story, (recall, at)).await
    }

    /// Returns where all subscribers stand with a recall, and up to `limit` of those who got what it
    /// voids or have acknowledged it, in the order of their ids, behind `after`. Both are of one moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recall_status(
        &self,
        query: RecallQuery,
        after: Option<&ActorId>,
        limit: usize,
    ) -> Result<(RecallCount, Vec<RecallLine>), StoreError> {
        let after = after.map(ToString::to_string).unwrap_or_default();
        let RecallQuery { story, recall, voided } = query;
        let (recall, voided, limit) = (integer(recall.get()), list(&voided), limit.min(PAGE_MAX));
        self.read(move |db| {
            let moment = db.unchecked_transaction()?;
            let asked = params![story.as_bytes(), recall, voided];
            let count = moment
                .prepare_cached(&format!(
                    "{STATUS} SELECT count(got), count(got + acknowledged) FROM status"
                ))?
                .query_row(asked, |row| Ok(RecallCount { got: row.get(0)?, acknowledged: row.get(1)? }))?;
            let asked = params![story.as_bytes(), recall, voided, after, limit];
            let lines = moment
                .prepare_cached(&format!(
                    "{STATUS} SELECT * FROM status WHERE subscriber > ?4 ORDER BY subscriber LIMIT ?5"
                ))?
                .query_map(asked, line)?
                .collect::<Result<_, _>>()?;
            Ok((count, lines))
        })
        .await
    }

    /// Returns the newest revision that a subscriber had got at a time, or any of them: `None` if nobody is
    /// known to have got one. What was [forgotten](Self::forget_deliveries) is not known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn newest_delivered(
        &self,
        story: StoryId,
        subscriber: Option<&ActorId>,
        at: Timestamp,
    ) -> Result<Option<Revision>, StoreError> {
        let subscriber = subscriber.map(ToString::to_string);
        self.read(move |db| {
            let newest: Option<u64> = db
                .prepare_cached(
                    "SELECT max(revision) FROM deliveries
                     WHERE story = ?1 AND at <= ?2 AND subscriber = coalesce(?3, subscriber)",
                )?
                .query_row(params![story.as_bytes(), micros(at), subscriber], |row| row.get(0))?;
            Ok(newest.map(Revision))
        })
        .await
    }

    /// Forgets up to 10,000 deliveries from before a time, and returns how many; fewer means that
    /// none is left. A recall no longer knows of what is forgotten.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_deliveries(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.write(move |writing| {
            Ok(writing.db.execute(
                "DELETE FROM deliveries WHERE (story, subscriber, revision) IN
                 (SELECT story, subscriber, revision FROM deliveries WHERE at < ?1 LIMIT 10000)",
                [micros(before)],
            )?)
        })
        .await
    }

    async fn receipt(
        &self,
        insert: &'static str,
        subscriber: &ActorId,
        story: StoryId,
        (revision, at): (Revision, Timestamp),
    ) -> Result<(), StoreError> {
        let subscriber = subscriber.clone();
        self.write(move |writing| {
            writing.db.prepare_cached(insert)?.execute(params![
                story.as_bytes(),
                subscriber.as_str(),
                integer(revision.get()),
                micros(at)
            ])?;
            Ok(())
        })
        .await
    }
}

fn list(revisions: &[Revision]) -> String {
    let numbers: Vec<String> = revisions.iter().map(|one| integer(one.get()).to_string()).collect();
    format!("[{}]", numbers.join(","))
}

fn line(row: &Row<'_>) -> rusqlite::Result<RecallLine> {
    let got: Option<u64> = row.get("got")?;
    Ok(RecallLine {
        subscriber: word(row, "subscriber")?,
        got: got.map(Revision),
        acknowledged: time_or_none(row, "acknowledged")?,
    })
}
