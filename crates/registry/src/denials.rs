//! Denials: what was refused to whom, the newest ones.
//!
//! Recording one never waits and never fails; what could not be kept is counted.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use story::{ActorId, Desk, StoryId};

use crate::access::Act;
use crate::authorize::Denied;
use crate::columns::{integer, micros, story_or_none, time, word, word_or_none};
use crate::error::StoreError;
use crate::limits::{DENIALS_KEPT_EACH, PAGE_MAX, REASON_CHARS_MAX};
use crate::names::Door;
use crate::outbox::Waiting;
use crate::secret::KeyId;
use crate::store::Registry;

/// A refused act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denial {
    /// When.
    pub at: Timestamp,
    /// Who asked, if a key said so.
    pub actor: Option<ActorId>,
    /// The key, if there was one.
    pub key: Option<KeyId>,
    /// What was asked for.
    pub act: Act,
    /// On which desk.
    pub desk: Option<Desk>,
    /// About which story.
    pub story: Option<StoryId>,
    /// Where it was asked.
    pub door: Door,
    /// Why it was refused. Its first 500 characters are kept; no name and no copy belongs in it.
    pub reason: String,
}

impl Denial {
    /// Returns the record of `denied`.
    pub fn of(denied: &Denied, at: Timestamp, story: Option<StoryId>, door: Door) -> Self {
        Self {
            at,
            actor: denied.actor.clone(),
            key: denied.key,
            act: denied.act,
            desk: denied.desk.clone(),
            story,
            door,
            reason: denied.to_string(),
        }
    }
}

/// A denial as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptDenial {
    /// Its number: 1 for the first ever, rising in the order in which they were kept.
    pub number: u64,
    /// The denial.
    #[serde(flatten)]
    pub denial: Denial,
}

/// Which part of a list of numbered things is asked for: denials, exports.
#[derive(Debug, Clone, Copy)]
pub struct NumberedRange {
    /// At this time or later.
    pub from: Timestamp,
    /// Before this time.
    pub to: Timestamp,
    /// Only with a lower number: the last one of the page before.
    pub before: Option<u64>,
}

impl Registry {
    /// Returns up to `limit` denials, the newest first; those recorded before this call are among
    /// them, if they could be kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn denials(&self, range: NumberedRange, limit: usize) -> Result<Vec<KeptDenial>, StoreError> {
        self.settle().await;
        self.read(move |db| {
            db.prepare_cached(
                "SELECT * FROM denials WHERE at >= ?1 AND at < ?2 AND (?3 IS NULL OR number < ?3)
                 ORDER BY number DESC LIMIT ?4",
            )?
            .query_map(
                params![micros(range.from), micros(range.to), range.before.map(integer), limit.min(PAGE_MAX)],
                denial,
            )?
            .collect()
        })
        .await
    }

    /// Returns how many denials were never kept, because too many came at once or the disk refused.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn denials_not_kept(&self) -> Result<u64, StoreError> {
        self.settle().await;
        let counted = self.read(not_kept).await?;
        Ok(counted.saturating_add(self.memory().outbox.not_kept()))
    }

    /// Waits until the writer has been through the outbox. If it cannot write, there is nothing to
    /// wait for.
    pub(crate) async fn settle(&self) {
        drop(self.write(|_| Ok::<_, StoreError>(())).await);
    }
}

/// Stores what waits, and forgets the oldest.
pub(crate) fn store(db: &Connection, waiting: &Waiting) -> rusqlite::Result<()> {
    if waiting.not_kept > 0 {
        let sum = not_kept(db)?.saturating_add(waiting.not_kept);
        db.execute("INSERT OR REPLACE INTO settings VALUES ('denials-not-kept', ?1)", [sum])?;
    }
    if waiting.denials.is_empty() {
        return Ok(());
    }
    let mut statement = db.prepare_cached(
        "INSERT INTO denials(at, actor, key, act, desk, story, door, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for denial in &waiting.denials {
        let reason: String = denial.reason.chars().take(REASON_CHARS_MAX).collect();
        statement.execute(params![
            micros(denial.at),
            denial.actor.as_ref().map(ActorId::as_str),
            denial.key.map(|key| key.to_string()),
            denial.act.as_str(),
            denial.desk.as_ref().map(Desk::as_str),
            denial.story.as_ref().map(StoryId::as_bytes),
            denial.door.as_str(),
            reason,
        ])?;
    }
    forget(db, DENIALS_KEPT_EACH)
}

/// Forgets all but the newest `kept` of actors, and the newest `kept` of strangers.
fn forget(db: &Connection, kept: u64) -> rusqlite::Result<()> {
    for whose in ["actor IS NOT NULL", "actor IS NULL"] {
        db.prepare_cached(&format!(
            "DELETE FROM denials WHERE {whose} AND number <=
             (SELECT number FROM denials WHERE {whose} ORDER BY number DESC LIMIT 1 OFFSET ?1)"
        ))?
        .execute([kept])?;
    }
    Ok(())
}

fn not_kept(db: &Connection) -> rusqlite::Result<u64> {
    let value = db
        .prepare_cached("SELECT value FROM settings WHERE name = 'denials-not-kept'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(value.unwrap_or(0))
}

fn denial(row: &Row<'_>) -> rusqlite::Result<KeptDenial> {
    let denial = Denial {
        at: time(row, "at")?,
        actor: word_or_none(row, "actor")?,
        key: word_or_none(row, "key")?,
        act: word(row, "act")?,
        desk: word_or_none(row, "desk")?,
        story: story_or_none(row, "story")?,
        door: word(row, "door")?,
        reason: row.get("reason")?,
    };
    Ok(KeptDenial { number: row.get("number")?, denial })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A denial at a second, for tests.
    pub(crate) fn denial(second: i64) -> Denial {
        Denial {
            at: Timestamp::from_second(second).unwrap(),
            actor: None,
            key: None,
            act: Act::Kill,
            desk: None,
            story: None,
            door: "http".parse().unwrap(),
            reason: "no key".to_owned(),
        }
    }

    fn count(db: &Connection, whose: &str) -> (u64, Option<u64>) {
        let sql = format!("SELECT count(*), min(number) FROM denials WHERE actor IS {whose}");
        db.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    #[test]
    fn strangers_do_not_push_out_what_an_actor_was_refused() {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::file::open_writer(&folder.path().join("registry.db")).unwrap();
        let known = Denial { actor: Some("ann".parse().unwrap()), ..denial(0) };
        let mut waiting = Waiting { not_kept: 2, ..Waiting::default() };
        waiting.denials.extend((0..50).map(|_| known.clone()).chain((0..150).map(denial)));
        store(&db, &waiting).unwrap();
        store(&db, &waiting).unwrap();
        forget(&db, 60).unwrap();
        assert_eq!(count(&db, "NOT NULL"), (60, Some(41)), "of 1 to 50 and 201 to 250, the newest");
        assert_eq!(count(&db, "NULL"), (60, Some(341)));
        assert_eq!(not_kept(&db).unwrap(), 4);
    }

    #[test]
    fn a_hundred_thousand_denials_are_kept_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::file::open_writer(&folder.path().join("registry.db")).unwrap();
        db.execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 110000)
             INSERT INTO denials(at, actor, act, door, reason)
             SELECT i, CASE i % 2 WHEN 0 THEN 'ann' END, 'kill', 'http', '' FROM n",
        )
        .unwrap();
        let mut waiting = Waiting::default();
        waiting.denials.extend((0..7).map(denial));
        store(&db, &waiting).unwrap();
        let kept = (count(&db, "NULL").0, count(&db, "NOT NULL").0);
        assert_eq!(kept, (DENIALS_KEPT_EACH, DENIALS_KEPT_EACH));
    }
}
