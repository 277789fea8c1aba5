//! Legal holds: stories of which nothing may be redacted while a case is open.
//!
//! A hold stands beside the log, as keys and receipts do: it is an order to the house, and no fact about
//! the story. Lifted holds are kept: who ordered what, when, and why it ended.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use story::{ActorId, Basis, StoryId};

use crate::columns::{micros, time, word};
use crate::error::StoreError;
use crate::limits::{HOLDS_OPEN_MAX, PAGE_MAX, REASON_CHARS_MAX};
use crate::store::Registry;

/// A hold's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub u64);

/// A hold as it is placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// Of which story.
    pub story: StoryId,
    /// By what right.
    pub basis: Basis,
    /// Why; the first [`REASON_CHARS_MAX`] characters are kept.
    pub reason: String,
    /// Who places it.
    pub by: ActorId,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its number.
    pub id: HoldId,
    /// Of which story.
    pub story: StoryId,
    /// By what right.
    pub basis: Basis,
    /// Why.
    pub reason: String,
    /// When it was placed, and by whom.
    pub placed: (Timestamp, ActorId),
    /// When it was lifted, by whom and why; `None` while it is in force.
    pub lifted: Option<(Timestamp, ActorId, String)>,
}

/// Which holds to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldFilter {
    /// Only of this story.
    pub story: Option<StoryId>,
    /// Only those that are in force.
    pub open: bool,
    /// Only older ones than this.
    pub before: Option<HoldId>,
}

/// Why nothing was done about a hold.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// The registry gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such hold.
    #[error("there is no hold {0}")]
    Unknown(u64),
    /// It is lifted already.
    #[error("hold {0} is lifted already")]
    Lifted(u64),
    /// Too many are in force.
    #[error("{limit} holds are in force: lift those whose case is closed")]
    TooMany {
        /// How many may be.
        limit: usize,
    },
}

impl Registry {
    /// Places a hold, which counts once this returns.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn place_hold(&self, new: NewHold, now: Timestamp) -> Result<Hold, HoldError> {
        self.write(move |writing| {
            let open: usize = writing
                .db
                .prepare_cached("SELECT count(*) FROM holds WHERE lifted IS NULL")
                .and_then(|mut count| count.query_row([], |row| row.get(0)))
                .map_err(StoreError::from)?;
            if open >= HOLDS_OPEN_MAX {
                return Err(HoldError::TooMany { limit: HOLDS_OPEN_MAX });
            }
            Ok(insert(writing.db, &new, now).map_err(StoreError::from)?)
        })
        .await
    }

    /// Lifts a hold; returns it as it is then.
    ///
    /// # Errors
    /// [`HoldError`].
    pub async fn lift_hold(
        &self,
        id: HoldId,
        by: ActorId,
        reason: String,
        now: Timestamp,
    ) -> Result<Hold, HoldError> {
        self.write(move |writing| {
            let known = find(writing.db, id).map_err(StoreError::from)?.ok_or(HoldError::Unknown(id.0))?;
            if known.lifted.is_some() {
                return Err(HoldError::Lifted(id.0));
            }
            let reason = cut(&reason);
            writing
                .db
                .prepare_cached(
                    "UPDATE holds SET lifted = ?2, lifted_by = ?3, lift_reason = ?4 WHERE id = ?1",
                )
                .and_then(|mut lift| lift.execute(params![id.0, micros(now), by.as_str(), reason]))
                .map_err(StoreError::from)?;
            Ok(Hold { lifted: Some((now, by, reason)), ..known })
        })
        .await
    }

    /// Returns the oldest hold on `story` that is in force.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold_on(&self, story: StoryId) -> Result<Option<Hold>, StoreError> {
        self.read(move |db| {
            db.prepare_cached("SELECT * FROM holds WHERE story = ?1 AND lifted IS NULL ORDER BY id LIMIT 1")?
                .query_row([story.as_bytes()], hold)
                .optional()
        })
        .await
    }

    /// Returns the hold `id`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold(&self, id: HoldId) -> Result<Option<Hold>, StoreError> {
        self.read(move |db| find(db, id)).await
    }

    /// Returns up to `limit` holds, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn holds(&self, filter: HoldFilter, limit: usize) -> Result<Vec<Hold>, StoreError> {
        let story = filter.story.map(|story| story.as_bytes().to_vec());
        let before = filter.before.map_or(i64::MAX, |id| i64::try_from(id.0).unwrap_or(i64::MAX));
        self.read(move |db| {
            db.prepare_cached(
                "SELECT * FROM holds WHERE id < ?1 AND (?2 IS NULL OR story = ?2) AND (NOT ?3 OR lifted IS NULL)
                 ORDER BY id DESC LIMIT ?4",
            )?
            .query_map(params![before, story, filter.open, limit.min(PAGE_MAX)], hold)?
            .collect()
        })
        .await
    }
}

fn insert(db: &Connection, new: &NewHold, now: Timestamp) -> rusqlite::Result<Hold> {
    let reason = cut(&new.reason);
    db.prepare_cached(
        "INSERT INTO holds(story, basis, reason, placed, placed_by) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![new.story.as_bytes(), new.basis.as_str(), reason, micros(now), new.by.as_str()])?;
    let id = HoldId(db.last_insert_rowid().unsigned_abs());
    Ok(Hold {
        id,
        story: new.story,
        basis: new.basis.clone(),
        reason,
        placed: (now, new.by.clone()),
        lifted: None,
    })
}

fn find(db: &Connection, id: HoldId) -> rusqlite::Result<Option<Hold>> {
    let id = i64::try_from(id.0).unwrap_or(i64::MAX);
    db.prepare_cached("SELECT * FROM holds WHERE id = ?1")?.query_row([id], hold).optional()
}

fn hold(row: &Row<'_>) -> rusqlite::Result<Hold> {
    let lifted = match row.get::<_, Option<i64>>("lifted")? {
        Some(_) => Some((time(row, "lifted")?, word(row, "lifted_by")?, row.get("lift_reason")?)),
        None => None,
    };
    Ok(Hold {
        id: HoldId(row.get("id")?),
        story: StoryId::from_bytes(row.get("story")?),
        basis: word(row, "basis")?,
        reason: row.get("reason")?,
        placed: (time(row, "placed")?, word(row, "placed_by")?),
        lifted,
    })
}

fn cut(reason: &str) -> String {
    reason.chars().take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(story: u8) -> NewHold {
        NewHold {
            story: StoryId::from_bytes([story; 16]),
            basis: "court:2026/17".parse().unwrap(),
            reason: "x".repeat(REASON_CHARS_MAX + 9),
            by: "counsel-1".parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn a_hold_counts_until_it_is_lifted_and_is_kept_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("registry.db");
        let registry = Registry::open(&path).await.unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let first = registry.place_hold(new(1), at(1)).await.unwrap();
        let second = registry.place_hold(new(1), at(2)).await.unwrap();
        registry.place_hold(new(2), at(3)).await.unwrap();
        assert_eq!(first.reason.chars().count(), REASON_CHARS_MAX);
        assert_eq!(registry.hold_on(first.story).await.unwrap().as_ref(), Some(&first));
        let by: ActorId = "counsel-2".parse().unwrap();
        let lifted =
            registry.lift_hold(first.id, by.clone(), "The case is closed.".into(), at(4)).await.unwrap();
        assert_eq!(lifted.lifted, Some((at(4), by.clone(), "The case is closed.".to_owned())));
        let again = registry.lift_hold(first.id, by.clone(), String::new(), at(5)).await.unwrap_err();
        assert!(matches!(again, HoldError::Lifted(1)), "{again}");
        let unknown = registry.lift_hold(HoldId(9), by.clone(), String::new(), at(5)).await.unwrap_err();
        assert!(matches!(unknown, HoldError::Unknown(9)), "{unknown}");
        registry.close().await;
        let registry = Registry::open(&path).await.unwrap();
        assert_eq!(registry.hold_on(first.story).await.unwrap(), Some(second.clone()));
        let of_one = HoldFilter { story: Some(first.story), ..HoldFilter::default() };
        assert_eq!(registry.holds(of_one.clone(), 9).await.unwrap(), [second.clone(), lifted]);
        let open = HoldFilter { open: true, ..of_one };
        assert_eq!(registry.holds(open, 9).await.unwrap(), std::slice::from_ref(&second));
        registry.lift_hold(second.id, by, String::new(), at(6)).await.unwrap();
        assert_eq!(registry.hold_on(first.story).await.unwrap(), None);
        registry.close().await;
    }
}
