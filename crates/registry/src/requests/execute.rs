//! From approval to its end: who has the payload, and what came of it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use story::Revision;

use super::{Request, RequestError, RequestId, RequestState, load, update};
use crate::columns::micros;
use crate::limits::{EXECUTION_LEASE, REASON_CHARS_MAX};
use crate::store::Registry;
use crate::writer::Writing;

impl Registry {
    /// Returns the payload of an approved request that nobody is executing: at the start of a service,
    /// or a minute after it was given out last. What took it before may have done its work, so the
    /// payload's own idempotency key must make a second execution harmless.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn take_approved(
        &self,
        id: RequestId,
        now: Timestamp,
    ) -> Result<(Request, Vec<u8>), RequestError> {
        self.write(move |writing| {
            let request = load(writing.db, id)?.ok_or(RequestError::Unknown { id })?;
            if request.state != RequestState::Approved {
                return Err(RequestError::State { id, state: request.state });
            }
            let until = writing.memory.leases().get(&id).copied();
            if let Some(until) = until.filter(|until| micros(now) < *until) {
                let until = Timestamp::from_microsecond(until).unwrap_or(now);
                return Err(RequestError::BeingExecuted { id, until });
            }
            let payload = payload(writing.db, id)?.ok_or(RequestError::Unknown { id })?;
            lease(writing, id, now);
            Ok((request, payload))
        })
        .await
    }

    /// Says that whoever had the payload of an approved request could not execute it for now: another
    /// may take it at once.
    pub fn give_back(&self, id: RequestId) {
        self.memory().leases().remove(&id);
    }

    /// Ends an approved request: it was done and made `revision`. Its payload is erased. Saying the
    /// same again changes nothing.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn executed(
        &self,
        id: RequestId,
        revision: Revision,
        now: Timestamp,
    ) -> Result<Request, RequestError> {
        self.end(id, now, move |request| {
            request.state = RequestState::Executed;
            request.revision = Some(revision);
        })
        .await
    }

    /// Ends an approved request: it could not be done, and will not be. Its payload is erased, the
    /// first 500 characters of the reason are kept. Saying the same again changes nothing.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn failed(&self, id: RequestId, reason: &str, now: Timestamp) -> Result<Request, RequestError> {
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        self.end(id, now, move |request| {
            request.state = RequestState::Failed;
            request.reason = Some(reason);
        })
        .await
    }

    async fn end(
        &self,
        id: RequestId,
        now: Timestamp,
        change: impl FnOnce(&mut Request) + Clone + Send + 'static,
    ) -> Result<Request, RequestError> {
        self.write(move |writing| {
            let before = load(writing.db, id)?.ok_or(RequestError::Unknown { id })?;
            let mut after = before.clone();
            change(&mut after);
            if before == after {
                return Ok(before);
            }
            if before.state != RequestState::Approved {
                return Err(RequestError::State { id, state: before.state });
            }
            after.ended = Some(now);
            update(writing, &after)?;
            writing.memory.leases().remove(&id);
            Ok(after)
        })
        .await
    }
}

/// Notes that somebody has the payload for a while. In memory only: with the service, whoever had it
/// is gone too.
pub(super) fn lease(writing: &Writing<'_>, id: RequestId, now: Timestamp) {
    let lease = i64::try_from(EXECUTION_LEASE.as_micros()).unwrap_or(i64::MAX);
    writing.memory.leases().insert(id, micros(now).saturating_add(lease));
}

pub(super) fn payload(db: &Connection, id: RequestId) -> rusqlite::Result<Option<Vec<u8>>> {
    db.prepare_cached("SELECT bytes FROM payloads WHERE request = ?1")?
        .query_row(params![id.0], |row| row.get(0))
        .optional()
}
