//! Keys: added, listed, rotated, revoked. A secret leaves this module once, when it is made.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use story::{ActorId, CommandKey};

use crate::actors::{ActorError, active};
use crate::columns::{micros, time, time_or_none, word, word_or_none};
use crate::error::{StoreError, store_errors};
use crate::grant::{Desks, Scopes};
use crate::limits::{ACTOR_KEYS_MAX, KEYS_MAX, OVERLAP_MAX, PAGE_MAX};
use crate::names::Note;
use crate::secret::{KeyId, Secret};
use crate::store::Registry;
use crate::writer::Writing;

/// A key as it may be listed: all but the secret, which nobody has but its holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Its public name, the part of the key between `wt_` and the next `_`.
    pub id: KeyId,
    /// Whose it is.
    pub actor: ActorId,
    /// The acts that it is for.
    pub scopes: Scopes,
    /// The desks that it is for.
    pub desks: Desks,
    /// When it was made.
    pub added: Timestamp,
    /// When it got its present secret, if not when it was made.
    pub rotated: Option<Timestamp>,
    /// Until when the secret before the present one is valid.
    pub old_secret_until: Option<Timestamp>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// What an admin wrote about it.
    pub note: Option<Note>,
}

/// A key to be added.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Whose it is to be.
    pub actor: ActorId,
    /// The acts that it is for.
    pub scopes: Scopes,
    /// The desks that it is for.
    pub desks: Desks,
    /// When it ends; without, it lasts until it is revoked.
    pub expires: Option<Timestamp>,
    /// A line about it.
    pub note: Option<Note>,
}

impl NewKey {
    /// Returns a key for all that `actor` may do, without end.
    pub const fn of(actor: ActorId) -> Self {
        Self { actor, scopes: Scopes::ALL, desks: Desks::ALL, expires: None, note: None }
    }
}

/// Why nothing was done about a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no such key.
    #[error("there is no key {id}; list the keys to see which there are")]
    Unknown {
        /// The id.
        id: KeyId,
    },
    /// The key is no more.
    #[error("key {id} was revoked; add a new one")]
    Revoked {
        /// Its id.
        id: KeyId,
    },
    /// The key has ended, or would have before it began.
    #[error("a key cannot expire in the past; add one that expires later")]
    Expired,
    /// The overlap is out of range.
    #[error("the overlap of a rotation is at most 31 days; give less, or add a second key")]
    Overlap,
    /// The same command has made a key before, whose secret is not to be had again.
    #[error(
        "key {id} was made by the same command before, and its secret is shown once; rotate it for another"
    )]
    Made {
        /// That key.
        id: KeyId,
    },
    /// A limit was passed.
    #[error("there are {max} {what} already; revoke those that nobody needs")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        max: usize,
    },
    /// The actor may have none.
    #[error(transparent)]
    Actor(ActorError),
    /// The file refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

store_errors!(KeyError);

impl From<ActorError> for KeyError {
    fn from(error: ActorError) -> Self {
        match error {
            ActorError::Store(error) => Self::Store(error),
            other => Self::Actor(other),
        }
    }
}

impl Registry {
    /// Adds a key, valid from the moment when this returns. Its secret is never to be had again.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn add_key(&self, new: NewKey, now: Timestamp) -> Result<(Key, Secret), KeyError> {
        self.add(new, None, now).await
    }

    /// Adds a key as [`Registry::add_key`] does, and not a second one for the same command of the same
    /// actor, `by`.
    ///
    /// # Errors
    /// [`KeyError`]: [`KeyError::Made`] names the key that the command made before.
    pub async fn add_key_once(
        &self,
        new: NewKey,
        (by, command): (&ActorId, &CommandKey),
        now: Timestamp,
    ) -> Result<(Key, Secret), KeyError> {
        // Neither has a space.
        self.add(new, Some(format!("{by} {command}")), now).await
    }

    async fn add(
        &self,
        new: NewKey,
        command: Option<String>,
        now: Timestamp,
    ) -> Result<(Key, Secret), KeyError> {
        if new.expires.is_some_and(|expires| expires <= now) {
            return Err(KeyError::Expired);
        }
        self.write(move |writing| {
            let made = writing
                .db
                .prepare_cached("SELECT id FROM keys WHERE command = ?1")?
                .query_row([&command], |row| word(row, "id"))
                .optional()?;
            if let Some(id) = made {
                return Err(KeyError::Made { id });
            }
            active(writing.db, &new.actor)?;
            room(writing, &new.actor)?;
            let id = unused(writing.db)?;
            let secret = Secret::random(id);
            let key = insert(writing, id, new, now, &secret)?;
            if command.is_some() {
                let name = params![id.to_string(), command];
                writing.db.prepare_cached("UPDATE keys SET command = ?2 WHERE id = ?1")?.execute(name)?;
            }
            Ok((key, secret))
        })
        .await
    }

    /// Returns up to `limit` keys, revoked ones too, in the order of their ids, behind `after`; only
    /// those of `actor` if there is one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keys(
        &self,
        actor: Option<&ActorId>,
        after: Option<KeyId>,
        limit: usize,
    ) -> Result<Vec<Key>, StoreError> {
        let actor = actor.map(ToString::to_string);
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.read(move |db| {
            db.prepare_cached(
                "SELECT * FROM keys WHERE id > ?1 AND (?2 IS NULL OR actor = ?2) ORDER BY id LIMIT ?3",
            )?
            .query_map(params![after, actor, limit.min(PAGE_MAX)], key)?
            .collect()
        })
        .await
    }

    /// Revokes a key for ever: it is refused from the moment when this returns. A key that is revoked
    /// already stays as it is.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn revoke_key(&self, id: KeyId, now: Timestamp) -> Result<Key, KeyError> {
        self.write(move |writing| {
            let mut key = load(writing.db, id)?.ok_or(KeyError::Unknown { id })?;
            if key.revoked.is_none() {
                key.revoked = Some(now);
                key.old_secret_until = None;
                revoke(writing, &key.actor, &Which::One(id), now)?;
            }
            Ok(key)
        })
        .await
    }

    /// Gives a key a new secret. The old one stays valid for `overlap`; one that was still valid from
    /// a rotation before ends now. Id, scopes, desks and expiry stay.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn rotate_key(
        &self,
        id: KeyId,
        overlap: Duration,
        now: Timestamp,
    ) -> Result<(Key, Secret), KeyError> {
        if overlap > OVERLAP_MAX {
            return Err(KeyError::Overlap);
        }
        let until = now.checked_add(overlap).map_err(|_| KeyError::Overlap)?;
        self.write(move |writing| {
            let mut key = load(writing.db, id)?.ok_or(KeyError::Unknown { id })?;
            if key.revoked.is_some() {
                return Err(KeyError::Revoked { id });
            }
            if key.expires.is_some_and(|expires| expires <= now) {
                return Err(KeyError::Expired);
            }
            let secret = Secret::random(id);
            writing.db.execute(
                "UPDATE keys SET digest_before = digest, digest = ?2, before_until = ?3, rotated = ?4
                 WHERE id = ?1",
                params![id.to_string(), secret.digest().0, micros(until), micros(now)],
            )?;
            writing.actors.insert(key.actor.clone());
            key.rotated = Some(now);
            key.old_secret_until = Some(until);
            Ok((key, secret))
        })
        .await
    }
}

/// Which keys of an actor are to be revoked.
pub(crate) enum Which {
    One(KeyId),
    InFile,
    All,
}

/// Revokes keys of `actor`: their digests go, so nothing can bring them back.
pub(crate) fn revoke(
    writing: &mut Writing<'_>,
    actor: &ActorId,
    which: &Which,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let (id, in_file) = match which {
        Which::One(id) => (Some(id.to_string()), false),
        Which::InFile => (None, true),
        Which::All => (None, false),
    };
    writing
        .db
        .prepare_cached(
            "UPDATE keys SET revoked = ?2, digest = NULL, digest_before = NULL, before_until = NULL
             WHERE actor = ?1 AND revoked IS NULL AND (?3 IS NULL OR id = ?3) AND in_file >= ?4",
        )?
        .execute(params![actor.as_str(), micros(now), id, in_file])?;
    writing.actors.insert(actor.clone());
    Ok(())
}

/// Stores a new key.
pub(crate) fn insert(
    writing: &mut Writing<'_>,
    id: KeyId,
    new: NewKey,
    now: Timestamp,
    secret: &Secret,
) -> rusqlite::Result<Key> {
    writing
        .db
        .prepare_cached(
            "INSERT INTO keys(id, actor, digest, scopes, desks, added, expires, note)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            id.to_string(),
            new.actor.as_str(),
            secret.digest().0,
            new.scopes.to_string(),
            new.desks.to_string(),
            micros(now),
            new.expires.map(micros),
            new.note.as_ref().map(Note::as_str),
        ])?;
    writing.actors.insert(new.actor.clone());
    let NewKey { actor, scopes, desks, expires, note } = new;
    Ok(Key {
        id,
        actor,
        scopes,
        desks,
        added: now,
        rotated: None,
        old_secret_until: None,
        expires,
        last_used: None,
        revoked: None,
        note,
    })
}

/// Stores when keys were used.
pub(crate) fn store_uses(db: &Connection, used: &HashMap<KeyId, i64>) -> rusqlite::Result<()> {
    let mut statement =
        db.prepare_cached("UPDATE keys SET used = max(coalesce(used, ?2), ?2) WHERE id = ?1")?;
    for (id, micros) in used {
        statement.execute(params![id.to_string(), micros])?;
    }
    Ok(())
}

/// Returns a key id that no key has had.
pub(crate) fn unused(db: &Connection) -> rusqlite::Result<KeyId> {
    loop {
        let id = KeyId::random();
        if load(db, id)?.is_none() {
            return Ok(id); // Of 2^48, with at most some 2^17 taken: the first one, but for a wonder.
        }
    }
}

pub(crate) fn load(db: &Connection, id: KeyId) -> rusqlite::Result<Option<Key>> {
    db.prepare_cached("SELECT * FROM keys WHERE id = ?1")?.query_row([id.to_string()], key).optional()
}

/// Refuses a key too many. All are counted as of the last commit, from memory, so that a key costs the
/// same however many there are; one transaction may pass the limit by its own.
fn room(writing: &Writing<'_>, actor: &ActorId) -> Result<(), KeyError> {
    let all = writing.memory.directory.keys_count();
    let own: usize = writing
        .db
        .prepare_cached("SELECT count(*) FROM keys WHERE actor = ?1 AND revoked IS NULL")?
        .query_row([actor.as_str()], |row| row.get(0))?;
    if all >= KEYS_MAX {
        return Err(KeyError::TooMany { what: "keys", max: KEYS_MAX });
    }
    if own >= ACTOR_KEYS_MAX {
        return Err(KeyError::TooMany { what: "keys of this actor", max: ACTOR_KEYS_MAX });
    }
    Ok(())
}

fn key(row: &Row<'_>) -> rusqlite::Result<Key> {
    Ok(Key {
        id: word(row, "id")?,
        actor: word(row, "actor")?,
        scopes: word(row, "scopes")?,
        desks: word(row, "desks")?,
        added: time(row, "added")?,
        rotated: time_or_none(row, "rotated")?,
        old_secret_until: time_or_none(row, "before_until")?,
        expires: time_or_none(row, "expires")?,
        last_used: time_or_none(row, "used")?,
        revoked: time_or_none(row, "revoked")?,
        note: word_or_none(row, "note")?,
    })
}
