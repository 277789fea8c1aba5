//! Requests: acts that wait for a second person, with the bytes that the act would be done with.
//!
//! What the bytes mean is the caller's affair. A request goes `pending` → `approved` → `executed` or
//! `failed`, or ends as `refused` or `expired`. The bytes are kept until the end, so that a crash
//! between approval and execution loses nothing, and are erased with it.

mod decide;
mod execute;
mod void;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use story::{ActorId, CommandKey, Desk, Revision, StoryId};

pub use self::decide::{Decision, Verdict};
use crate::access::Act;
use crate::actors::{ActorError, active};
use crate::columns::{integer, micros, story_or_none, time, time_or_none, word, word_or_none};
use crate::error::{StoreError, store_errors};
use crate::limits::{
    PAGE_MAX, PAYLOAD_BYTES_MAX, PAYLOADS_BYTES_MAX, REQUESTS_ENDED_KEPT, REQUESTS_OPEN_MAX,
};
use crate::store::Registry;
use crate::words::words;
use crate::writer::Writing;

/// Number of a request, never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

words!(
    /// Where a request stands.
    RequestState, "request state", {
        /// It waits for a second person.
        Pending = "pending",
        /// A second person said yes; it is to be executed.
        Approved = "approved",
        /// It was done.
        Executed = "executed",
        /// It could not be done: it was approved in vain, or what it held was redacted.
        Failed = "failed",
        /// A second person said no.
        Refused = "refused",
        /// Nobody decided in time.
        Expired = "expired",
    }
);

/// A request to be made.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// Who asks; may not decide.
    pub actor: ActorId,
    /// What is asked for.
    pub act: Act,
    /// About which story; none for one that is yet to be.
    pub story: Option<StoryId>,
    /// On which desk.
    pub desk: Option<Desk>,
    /// The idempotency key of what is asked for: asked again under the same key, it is the same
    /// request.
    pub command: Option<CommandKey>,
    /// The revision of the story that the asker saw; none of one that is yet to be.
    pub seen: Option<Revision>,
    /// What the act would be done with. It should hold its own idempotency key, since after a crash
    /// it may be executed twice.
    pub payload: Vec<u8>,
    /// Until when somebody may decide.
    pub expires: Timestamp,
}

/// A request as it is listed: all but its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Its number.
    pub id: RequestId,
    /// Who asked.
    pub actor: ActorId,
    /// For what.
    pub act: Act,
    /// About which story.
    pub story: Option<StoryId>,
    /// On which desk.
    pub desk: Option<Desk>,
    /// The revision that the story was at then.
    pub seen: Option<Revision>,
    /// When it was asked.
    pub asked: Timestamp,
    /// Until when somebody may decide.
    pub expires: Timestamp,
    /// Where it stands.
    pub state: RequestState,
    /// Who decided.
    pub approver: Option<ActorId>,
    /// When.
    pub decided: Option<Timestamp>,
    /// When it was executed or failed.
    pub ended: Option<Timestamp>,
    /// The revision that its execution made.
    pub revision: Option<Revision>,
    /// Why it failed or was refused.
    pub reason: Option<String>,
}

/// Which requests a list is of.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestFilter {
    /// Only those in this state.
    pub state: Option<RequestState>,
    /// Only those with a higher number: the last one of the page before.
    pub after: Option<RequestId>,
}

/// Why nothing was done about a request.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There is no such request, or it ended so long ago that it is forgotten.
    #[error("there is no request {id}; list the requests to see which there are")]
    Unknown {
        /// The number.
        id: RequestId,
    },
    /// Whoever asked may not decide.
    #[error("{actor} asked for request {id} and may not decide it; ask a second person")]
    SamePerson {
        /// The request.
        id: RequestId,
        /// Who asked.
        actor: ActorId,
    },
    /// Whoever asked was removed since.
    #[error("{actor}, who asked for it, was removed since; whoever still wants it asks for it anew")]
    AskerRemoved {
        /// Who asked.
        actor: ActorId,
    },
    /// The same idempotency key asked for something else before.
    #[error("the idempotency key was used before for something else, in request {id}; ask with a new key")]
    KeyReused {
        /// That request.
        id: RequestId,
    },
    /// It is too late, or would be at once.
    #[error("the request has expired; make it again, with an expiry in the future")]
    Expired,
    /// It is not in the state for this.
    #[error("request {id} is {state}; nothing is left to do about it here, look at how it went")]
    State {
        /// The request.
        id: RequestId,
        /// Where it stands.
        state: RequestState,
    },
    /// Somebody is executing it.
    #[error("request {id} is being executed; look again after {until}")]
    BeingExecuted {
        /// The request.
        id: RequestId,
        /// When it may be taken over.
        until: Timestamp,
    },
    /// Too many wait.
    #[error("{max} {what} wait already; decide some first, then ask again")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        max: usize,
    },
    /// The payload is too large.
    #[error("the payload has {bytes} bytes, at most {PAYLOAD_BYTES_MAX} are kept; send less")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The actor is not known or was removed.
    #[error(transparent)]
    Actor(ActorError),
    /// The file refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

store_errors!(RequestError);

impl From<ActorError> for RequestError {
    fn from(error: ActorError) -> Self {
        match error {
            ActorError::Store(error) => Self::Store(error),
            other => Self::Actor(other),
        }
    }
}

impl Registry {
    /// Stores a request, and ends those that have expired. Asked again by the same actor under the same
    /// key, with the same payload, about the same story, it is the request that is there already,
    /// wherever that stands; once it has ended, nobody remembers the payload, and none is compared.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn request(&self, new: NewRequest, now: Timestamp) -> Result<Request, RequestError> {
        if new.expires <= now {
            return Err(RequestError::Expired);
        }
        if new.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(RequestError::TooLarge { bytes: new.payload.len() });
        }
        let _turn = self.payloads_moving().acquire().await; // Never closed.
        self.write(move |writing| {
            expire(writing, now)?;
            active(writing.db, &new.actor)?;
            if let Some(key) = &new.command
                && let Some(known) = under_key(writing.db, &new.actor, key, new.story)?
            {
                return match execute::payload(writing.db, known.id)? {
                    Some(payload) if payload != new.payload => Err(RequestError::KeyReused { id: known.id }),
                    _ => Ok(known),
                };
            }
            room(writing.db, new.payload.len())?;
            forget(writing.db)?;
            let id = insert(writing.db, &new, now)?;
            load(writing.db, id)?.ok_or(RequestError::Unknown { id })
        })
        .await
    }

    /// Returns what `actor` asked for about `story` under `key`, if anything.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn asked(
        &self,
        actor: &ActorId,
        key: &CommandKey,
        story: Option<StoryId>,
    ) -> Result<Option<Request>, StoreError> {
        let (actor, key) = (actor.clone(), key.clone());
        self.read(move |db| under_key(db, &actor, &key, story)).await
    }

    /// Returns what a request is to be done with; nothing once it has ended. To be looked at: whoever
    /// is to execute it gets it from [`Registry::decide`] or [`Registry::take_approved`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payload(&self, id: RequestId) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |db| execute::payload(db, id)).await
    }

    /// Ends the requests that nobody has decided in time, and returns how many they were.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expire_requests(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.write(move |writing| Ok(expire(writing, now)?)).await
    }

    /// Returns a request.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_request(&self, id: RequestId) -> Result<Option<Request>, StoreError> {
        self.read(move |db| load(db, id)).await
    }

    /// Returns up to `limit` requests, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn requests(&self, filter: RequestFilter, limit: usize) -> Result<Vec<Request>, StoreError> {
        let state = filter.state.map(RequestState::as_str);
        let after = filter.after.map_or(0, |id| integer(id.0));
        self.read(move |db| {
            db.prepare_cached(
                "SELECT * FROM requests WHERE id > ?1 AND (?2 IS NULL OR state = ?2) ORDER BY id LIMIT ?3",
            )?
            .query_map(params![after, state, limit.min(PAGE_MAX)], request)?
            .collect()
        })
        .await
    }
}

fn load(db: &Connection, id: RequestId) -> rusqlite::Result<Option<Request>> {
    db.prepare_cached("SELECT * FROM requests WHERE id = ?1")?.query_row([integer(id.0)], request).optional()
}

/// Returns the newest request of `actor` under `key` about `story`, or about one that was yet to be.
fn under_key(
    db: &Connection,
    actor: &ActorId,
    key: &CommandKey,
    story: Option<StoryId>,
) -> rusqlite::Result<Option<Request>> {
    db.prepare_cached(
        "SELECT * FROM requests WHERE actor = ?1 AND command = ?2 AND (story IS ?3 OR story IS NULL)
         ORDER BY id DESC LIMIT 1",
    )?
    .query_row(params![actor.as_str(), key.as_str(), story.as_ref().map(StoryId::as_bytes)], request)
    .optional()
}

fn insert(db: &Connection, new: &NewRequest, now: Timestamp) -> rusqlite::Result<RequestId> {
    let id: u64 = db
        .prepare_cached(
            "INSERT INTO requests(actor, act, story, desk, asked, expires, state, command, seen)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'pending', ?7, ?8) RETURNING id",
        )?
        .query_row(
            params![
                new.actor.as_str(),
                new.act.as_str(),
                new.story.as_ref().map(StoryId::as_bytes),
                new.desk.as_ref().map(Desk::as_str),
                micros(now),
                micros(new.expires),
                new.command.as_ref().map(CommandKey::as_str),
                new.seen.map(|seen| integer(seen.get())),
            ],
            |row| row.get(0),
        )?;
    db.prepare_cached("INSERT INTO payloads VALUES (?1, ?2)")?.execute(params![id, new.payload])?;
    Ok(RequestId(id))
}

/// Stores where a request stands; at its end, its payload is erased.
fn update(writing: &mut Writing<'_>, request: &Request) -> rusqlite::Result<()> {
    writing
        .db
        .prepare_cached(
            "UPDATE requests SET state = ?2, approver = ?3, decided = ?4, ended = ?5, revision = ?6,
             reason = ?7 WHERE id = ?1",
        )?
        .execute(params![
            request.id.0,
            request.state.as_str(),
            request.approver.as_ref().map(ActorId::as_str),
            request.decided.map(micros),
            request.ended.map(micros),
            request.revision.map(|revision| integer(revision.get())),
            request.reason,
        ])?;
    if !matches!(request.state, RequestState::Pending | RequestState::Approved) {
        writing.db.prepare_cached("DELETE FROM payloads WHERE request = ?1")?.execute([request.id.0])?;
        writing.erased = true;
    }
    Ok(())
}

fn expire(writing: &mut Writing<'_>, now: Timestamp) -> rusqlite::Result<usize> {
    let due = "state = 'pending' AND expires <= ?1";
    let payloads = format!("DELETE FROM payloads WHERE request IN (SELECT id FROM requests WHERE {due})");
    writing.db.prepare_cached(&payloads)?.execute([micros(now)])?;
    let expired = writing
        .db
        .prepare_cached(&format!("UPDATE requests SET state = 'expired', ended = ?1 WHERE {due}"))?
        .execute([micros(now)])?;
    writing.erased |= expired > 0;
    Ok(expired)
}

fn room(db: &Connection, bytes_more: usize) -> Result<(), RequestError> {
    let (count, bytes): (usize, usize) =
        db.query_row("SELECT count(*), coalesce(sum(length(bytes)), 0) FROM payloads", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if count >= REQUESTS_OPEN_MAX {
        return Err(RequestError::TooMany { what: "requests", max: REQUESTS_OPEN_MAX });
    }
    if bytes.saturating_add(bytes_more) > PAYLOADS_BYTES_MAX {
        return Err(RequestError::TooMany { what: "bytes of requests", max: PAYLOADS_BYTES_MAX });
    }
    Ok(())
}

/// Forgets the requests that ended before the newest hundred thousand.
fn forget(db: &Connection) -> rusqlite::Result<()> {
    db.prepare_cached(
        "DELETE FROM requests WHERE state NOT IN ('pending', 'approved')
         AND id <= (SELECT coalesce(max(id), 0) FROM requests) - ?1",
    )?
    .execute([REQUESTS_ENDED_KEPT])
    .map(drop)
}

fn request(row: &Row<'_>) -> rusqlite::Result<Request> {
    let number = |name| row.get::<_, Option<u64>>(name).map(|number| number.map(Revision));
    Ok(Request {
        id: RequestId(row.get("id")?),
        actor: word(row, "actor")?,
        act: word(row, "act")?,
        story: story_or_none(row, "story")?,
        desk: word_or_none(row, "desk")?,
        seen: number("seen")?,
        asked: time(row, "asked")?,
        expires: time(row, "expires")?,
        state: word(row, "state")?,
        approver: word_or_none(row, "approver")?,
        decided: time_or_none(row, "decided")?,
        ended: time_or_none(row, "ended")?,
        revision: number("revision")?,
        reason: row.get("reason")?,
    })
}
