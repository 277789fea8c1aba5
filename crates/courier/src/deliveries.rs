//! Deliveries: what waits for an endpoint, in which order, and what came of it.
//!
//! A delivery names a change and holds no word of it. Of a story's deliveries to an endpoint, only the
//! oldest that waits is ever due.

use jiff::Timestamp;
use log::Position;
use rusqlite::{Connection, OptionalExtension, Row, params};
use story::{Kind, Revision, StoryId};
use wire::{Cursor, VOIDS_MAX};

use crate::endpoints::{EndpointId, EndpointState, find, forget_ended, time, unreadable};
use crate::error::{StoreError, WebhookError};
use crate::limits::{BACKLOG_MAX, DELIVERIES_KEPT, ERROR_CHARS_MAX, PAGE_MAX};
use crate::store::{Durability, Webhooks};

/// A delivery's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub u64);

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits for an attempt, or for those before it.
    Waiting,
    /// It has arrived.
    Delivered,
    /// It is tried no more.
    GivenUp,
    /// Readers may not see the change any more: nothing is sent.
    Withdrawn,
}

/// Why there is a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A change that the endpoint asks for.
    Change,
    /// Somebody asked for it again.
    Replay,
    /// Somebody tries the endpoint.
    Test,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::GivenUp, Self::Withdrawn];

    /// Returns its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given-up",
            Self::Withdrawn => "withdrawn",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::Delivered => 1,
            Self::GivenUp => 2,
            Self::Withdrawn => 3,
        }
    }
}

impl Origin {
    /// Returns its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Replay => "replay",
            Self::Test => "test",
        }
    }
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number.
    pub id: DeliveryId,
    /// Its `webhook-id`: the same whenever the same change goes to the same endpoint.
    pub message: String,
    /// Of which change: story, place in the log, revision and kind; `None` for a test.
    pub change: Option<Subject>,
    /// Why there is one.
    pub origin: Origin,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was queued.
    pub queued: Timestamp,
    /// When the first attempt ended.
    pub begun: Option<Timestamp>,
    /// When the next attempt is due, if it waits.
    pub due: Timestamp,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// The status of the last answer, if there was one.
    pub status: Option<u16>,
    /// What was wrong with the last attempt.
    pub error: Option<String>,
}

/// Which change a delivery is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The story.
    pub story: StoryId,
    /// The change's place in the log.
    pub position: Position,
    /// The revision that it leads to.
    pub revision: Revision,
    /// What sort of update it is.
    pub kind: Kind,
}

/// A change that is to be queued.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    /// The endpoint asks for it.
    Yes(Subject),
    /// It does not, but the change calls these revisions back, or with none of them all that were called
    /// back before: it is queued if the endpoint was told of one.
    IfTold(Subject, Vec<Revision>),
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only older ones than this.
    pub before: Option<DeliveryId>,
}

/// What is to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// One delivery.
    One(DeliveryId),
    /// Every change that the endpoint asks for behind the first position and up to the second, as far as
    /// one replay goes.
    Range(Position, Position),
}

/// What became of an attempt.
#[derive(Debug, Clone)]
pub(crate) struct Attempted {
    pub(crate) state: DeliveryState,
    /// When the next one is due.
    pub(crate) due: Timestamp,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<String>,
    /// Whether the endpoint was called.
    pub(crate) counts: bool,
}

impl Webhooks {
    /// Returns up to `limit` deliveries to `id`, newest first.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn deliveries(
        &self,
        id: &EndpointId,
        filter: DeliveryFilter,
        limit: usize,
    ) -> Result<Vec<Delivery>, WebhookError> {
        let id = id.clone();
        self.read(move |db| {
            find(db, &id)?;
            let before = filter.before.map_or(i64::MAX, |before| i64::try_from(before.0).unwrap_or(i64::MAX));
            let mut found = db.prepare_cached(
                "SELECT * FROM deliveries WHERE endpoint = ?1 AND id < ?2 AND (?3 IS NULL OR state = ?3)
                 ORDER BY id DESC LIMIT ?4",
            )?;
            let state = filter.state.map(DeliveryState::number);
            // One more than a page tells whether there is another.
            let found =
                found.query_map(params![id.as_str(), before, state, limit.min(PAGE_MAX + 1)], delivery)?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Queues a test to `id`: a message that says so and has no word of any story.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub async fn test(&self, id: &EndpointId) -> Result<Delivery, WebhookError> {
        let (id, now) = (id.clone(), self.0.clock.now());
        let work = move |db: &rusqlite::Transaction<'_>| {
            must_be_enabled(db, &id)?;
            let message = format!("test_{:016x}_{id}", rand::random::<u64>());
            let number = insert(db, &id, (&message, None, Origin::Test), now)?.ok_or(WebhookError::Full)?;
            one(db, &id, number)
        };
        let queued = self.write(Durability::Now, work).await?;
        self.wake();
        Ok(queued)
    }

    /// Queues the change of one delivery to `id` again, behind what waits. One that waits already is
    /// returned as it is.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub(crate) async fn again(&self, id: &EndpointId, again: DeliveryId) -> Result<Delivery, WebhookError> {
        let (id, now) = (id.clone(), self.0.clock.now());
        let work = move |db: &rusqlite::Transaction<'_>| {
            must_be_enabled(db, &id)?;
            let known = one(db, &id, again)?;
            let origin = if known.change.is_some() { Origin::Replay } else { Origin::Test };
            match insert(db, &id, (&known.message, known.change, origin), now)? {
                Some(number) => one(db, &id, number),
                None => Ok(known),
            }
        };
        let queued = self.write(Durability::Now, work).await?;
        self.wake();
        Ok(queued)
    }

    /// Queues `changes` to `id`, and moves its cursor to `reached` if there is one; returns how many were
    /// queued: one that waits already is not queued twice.
    pub(crate) async fn queue(
        &self,
        id: &EndpointId,
        changes: Vec<Asked>,
        (origin, reached): (Origin, Option<Position>),
    ) -> Result<usize, WebhookError> {
        let (id, now, epoch) = (id.clone(), self.0.clock.now(), self.0.epoch.0);
        let durability = if origin == Origin::Replay { Durability::Now } else { Durability::Soon };
        self.write(durability, move |db| {
            let mut count = 0;
            for asked in changes {
                let change = match asked {
                    Asked::Yes(change) => change,
                    Asked::IfTold(change, voids) if was_told(db, &id, change.story, &voids)? => change,
                    Asked::IfTold(..) => continue,
                };
                let at = Cursor { epoch, position: change.position.0 };
                let message = format!("msg_{at}_{id}");
                count += usize::from(insert(db, &id, (&message, Some(change), origin), now)?.is_some());
            }
            if let Some(reached) = reached {
                db.prepare_cached("UPDATE endpoints SET cursor = ?2 WHERE id = ?1")?
                    .execute(params![id.as_str(), reached.0])?;
            }
            forget_old(db, &id)?;
            forget_ended(db, &id, now)?;
            Ok(count)
        })
        .await
    }

    /// Returns how many deliveries to `id` wait, and of each story the oldest that does.
    pub(crate) async fn heads(&self, id: &EndpointId) -> Result<(usize, Vec<Delivery>), StoreError> {
        let id = id.clone();
        self.read(move |db| {
            let waiting = count_waiting(db, &id)?;
            // SQLite takes the other columns from the row that has the smallest number.
            let mut heads = db.prepare_cached(
                "SELECT *, min(id) FROM deliveries WHERE endpoint = ?1 AND state = 0 GROUP BY story",
            )?;
            let heads = heads.query_map([id.as_str()], delivery)?;
            Ok((waiting, heads.collect::<rusqlite::Result<_>>()?))
        })
        .await
    }

    /// Takes note of an attempt.
    pub(crate) async fn attempted(
        &self,
        number: DeliveryId,
        attempted: Attempted,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Durability::Soon, move |db| {
            let Attempted { state, due, status, error, counts } = attempted;
            let error = error.map(|error| error.chars().take(ERROR_CHARS_MAX).collect::<String>());
            let ended = (state != DeliveryState::Waiting).then(|| now.as_microsecond());
            db.prepare_cached(
                "UPDATE deliveries SET state = ?2, due = ?3, status = ?4, error = ?5, ended = ?6,
                 attempts = attempts + ?7, begun = CASE WHEN ?7 THEN coalesce(begun, ?8) ELSE begun END
                 WHERE id = ?1 AND state = 0",
            )?
            .execute(params![
                number.0,
                state.number(),
                due.as_microsecond(),
                status,
                error,
                ended,
                counts,
                now.as_microsecond()
            ])?;
            Ok(())
        })
        .await
    }
}

fn count_waiting(db: &Connection, id: &EndpointId) -> rusqlite::Result<usize> {
    db.prepare_cached("SELECT count(*) FROM deliveries WHERE endpoint = ?1 AND state = 0")?
        .query_row([id.as_str()], |row| row.get(0))
}

fn must_be_enabled(db: &Connection, id: &EndpointId) -> Result<(), WebhookError> {
    if find(db, id)?.state != EndpointState::Enabled {
        return Err(WebhookError::Disabled);
    }
    if count_waiting(db, id)? >= BACKLOG_MAX * 2 { Err(WebhookError::Full) } else { Ok(()) }
}

/// Queues a delivery; `None` if the same change waits already.
fn insert(
    db: &Connection,
    id: &EndpointId,
    (message, change, origin): (&str, Option<Subject>, Origin),
    now: Timestamp,
) -> Result<Option<DeliveryId>, WebhookError> {
    let (story, position, revision, kind) = change.map_or((Vec::new(), 0, 0, ""), |change| {
        let Subject { story, position, revision, kind } = change;
        (story.as_bytes().to_vec(), position.0, revision.get(), kind.as_str())
    });
    let count = db
        .prepare_cached(
            "INSERT INTO deliveries(endpoint, message, story, position, revision, kind, origin, state, attempts,
             queued, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, ?8, ?8) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            id.as_str(),
            message,
            story,
            position,
            revision,
            kind,
            origin.as_str(),
            now.as_microsecond()
        ])?;
    if let Some(change) = change {
        db.prepare_cached("INSERT OR IGNORE INTO told VALUES (?1, ?2, ?3)")?.execute(params![
            id.as_str(),
            change.story.as_bytes(),
            revision
        ])?;
    }
    Ok((count > 0).then(|| DeliveryId(db.last_insert_rowid().unsigned_abs())))
}

/// Returns whether the endpoint was told of a revision that a recall with `voids` calls back.
fn was_told(
    db: &Connection,
    id: &EndpointId,
    story: StoryId,
    voids: &[Revision],
) -> Result<bool, WebhookError> {
    let mut told = db.prepare_cached("SELECT revision FROM told WHERE endpoint = ?1 AND story = ?2")?;
    let told = told.query_map(params![id.as_str(), story.as_bytes()], |row| row.get(0).map(Revision))?;
    for told in told {
        let told = told?;
        // Where more are void than are named, those before the first are too.
        let is_before = voids.len() >= VOIDS_MAX && voids.first().is_some_and(|first| told < *first);
        if voids.is_empty() || is_before || voids.contains(&told) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn one(db: &Connection, id: &EndpointId, number: DeliveryId) -> Result<Delivery, WebhookError> {
    let key = i64::try_from(number.0).unwrap_or(i64::MAX);
    let found = db
        .prepare_cached("SELECT * FROM deliveries WHERE endpoint = ?1 AND id = ?2")?
        .query_row(params![id.as_str(), key], delivery)
        .optional()?;
    found.ok_or(WebhookError::UnknownDelivery(number.0))
}

/// Forgets the oldest deliveries to `id` that have ended, beyond [`DELIVERIES_KEPT`].
fn forget_old(db: &Connection, id: &EndpointId) -> rusqlite::Result<usize> {
    db.prepare_cached(
        "DELETE FROM deliveries WHERE endpoint = ?1 AND state <> 0 AND id <=
         (SELECT id FROM deliveries WHERE endpoint = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![id.as_str(), DELIVERIES_KEPT])
}

fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let position: u64 = row.get("position")?;
    let change = if position == 0 { None } else { Some(subject(row, Position(position))?) };
    let moment = |column: &str| {
        let micros: Option<i64> = row.get(column)?;
        micros.map(|micros| Timestamp::from_microsecond(micros).map_err(unreadable)).transpose()
    };
    Ok(Delivery {
        id: DeliveryId(row.get("id")?),
        message: row.get("message")?,
        change,
        origin: match row.get_ref("origin")?.as_str()? {
            "test" => Origin::Test,
            "replay" => Origin::Replay,
            _ => Origin::Change,
        },
        state: match row.get::<_, u8>("state")? {
            0 => DeliveryState::Waiting,
            1 => DeliveryState::Delivered,
            2 => DeliveryState::GivenUp,
            _ => DeliveryState::Withdrawn,
        },
        attempts: row.get("attempts")?,
        queued: time(row, "queued")?,
        begun: moment("begun")?,
        due: time(row, "due")?,
        ended: moment("ended")?,
        status: row.get("status")?,
        error: row.get("error")?,
    })
}

fn subject(row: &Row<'_>, position: Position) -> rusqlite::Result<Subject> {
    Ok(Subject {
        story: StoryId::from_bytes(row.get("story")?),
        position,
        revision: Revision(row.get("revision")?),
        kind: row.get_ref("kind")?.as_str()?.parse().map_err(unreadable)?,
    })
}
