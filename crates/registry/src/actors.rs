//! Actors: people and machines under pseudonyms, with a name that can be erased and with grants.
//!
//! The log knows the pseudonym only. An actor is deactivated, never deleted, and its id is never
//! given to another: what it did stays its own.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use story::{ActorId, IdentityError};

use crate::columns::{micros, time, time_or_none, unreadable, word, word_or_none};
use crate::error::{StoreError, store_errors};
use crate::grant::Grant;
use crate::keys::{self, Which};
use crate::limits::{ACTORS_MAX, GRANTS_MAX, PAGE_MAX};
use crate::names::ActorName;
use crate::owner::OWNER;
use crate::store::Registry;
use crate::writer::Writing;

/// A person or machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// The pseudonym that the log knows.
    pub id: ActorId,
    /// The name, unless there is none or it was erased.
    pub name: Option<ActorName>,
    /// What it may do.
    pub grants: Vec<Grant>,
    /// Since when it is known.
    pub added: Timestamp,
    /// When its name was erased.
    pub name_erased: Option<Timestamp>,
    /// When it was removed.
    pub deactivated: Option<Timestamp>,
}

/// An actor to be added.
#[derive(Debug, Clone, Default)]
pub struct NewActor {
    /// The pseudonym; without one, a random one is made. It enters the log and cannot be erased
    /// there, so it should not be anybody's name.
    pub id: Option<ActorId>,
    /// The name.
    pub name: Option<ActorName>,
    /// What it may do.
    pub grants: Vec<Grant>,
}

/// What is to become different about an actor; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct ActorChange {
    /// The new name.
    pub name: Option<ActorName>,
    /// The new grants, in place of all old ones.
    pub grants: Option<Vec<Grant>>,
}

/// Why nothing was done about an actor.
#[derive(Debug, thiserror::Error)]
pub enum ActorError {
    /// The id is taken, maybe by an actor that was removed.
    #[error("actor {id} exists already; choose another id, or change that one")]
    Exists {
        /// Its id.
        id: ActorId,
    },
    /// There is no such actor.
    #[error("there is no actor {id}; list the actors to see who there is")]
    Unknown {
        /// The id.
        id: ActorId,
    },
    /// The actor was removed, and does not come back.
    #[error("actor {id} was removed; add a new one")]
    Deactivated {
        /// Its id.
        id: ActorId,
    },
    /// The owner has every grant and stays.
    #[error("the owner cannot be changed or removed; add an actor of your own and change that one")]
    Owner,
    /// A limit was passed.
    #[error("there are more than {max} {what}; remove some first")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        max: usize,
    },
    /// The file refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

store_errors!(ActorError);

impl Registry {
    /// Adds an actor and returns it.
    ///
    /// # Errors
    /// [`ActorError`]; nothing is stored unless its `Store` says that it may be.
    pub async fn add_actor(&self, new: NewActor, now: Timestamp) -> Result<Actor, ActorError> {
        let NewActor { id, name, grants } = new;
        check(&grants)?;
        let id = match id {
            Some(id) if id.as_str() == OWNER => return Err(ActorError::Owner),
            Some(id) => id,
            None => random_id(),
        };
        let actor = Actor { id, name, grants, added: now, name_erased: None, deactivated: None };
        self.write(move |writing| {
            if load(writing.db, &actor.id)?.is_some() {
                return Err(ActorError::Exists { id: actor.id });
            }
            let count: usize = writing.db.query_row("SELECT count(*) FROM actors", [], |row| row.get(0))?;
            if count >= ACTORS_MAX {
                return Err(ActorError::TooMany { what: "actors", max: ACTORS_MAX });
            }
            insert(writing.db, &actor)?;
            Ok(actor)
        })
        .await
    }

    /// Returns an actor, removed or not.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn actor(&self, id: &ActorId) -> Result<Option<Actor>, StoreError> {
        let id = id.clone();
        self.read(move |db| load(db, &id)).await
    }

    /// Returns up to `limit` actors, removed ones too, in the order of their ids, behind `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn actors(&self, after: Option<&ActorId>, limit: usize) -> Result<Vec<Actor>, StoreError> {
        let after = after.map(ToString::to_string).unwrap_or_default();
        self.read(move |db| {
            db.prepare_cached("SELECT * FROM actors WHERE id > ?1 ORDER BY id LIMIT ?2")?
                .query_map(params![after, limit.min(PAGE_MAX)], actor)?
                .collect()
        })
        .await
    }

    /// Changes an actor and returns it; its keys follow at once.
    ///
    /// # Errors
    /// [`ActorError`].
    pub async fn change_actor(&self, id: &ActorId, change: ActorChange) -> Result<Actor, ActorError> {
        if let Some(grants) = &change.grants {
            check(grants)?;
        }
        let id = id.clone();
        self.write(move |writing| {
            let mut actor = active(writing.db, &id)?;
            if id.as_str() == OWNER && change.grants.is_some() {
                return Err(ActorError::Owner);
            }
            if let Some(name) = change.name {
                actor.name = Some(name);
                actor.name_erased = None;
                writing.erased = true; // The old one must not outlive an erasure in the journal.
            }
            actor.grants = change.grants.unwrap_or(actor.grants);
            update(writing, &actor)?;
            Ok(actor)
        })
        .await
    }

    /// Removes an actor: its keys are revoked at once and for ever, its id stays taken.
    ///
    /// # Errors
    /// [`ActorError`].
    pub async fn deactivate_actor(&self, id: &ActorId, now: Timestamp) -> Result<Actor, ActorError> {
        if id.as_str() == OWNER {
            return Err(ActorError::Owner);
        }
        let id = id.clone();
        self.write(move |writing| {
            let mut actor = active(writing.db, &id)?;
            actor.deactivated = Some(now);
            update(writing, &actor)?;
            keys::revoke(writing, &id, &Which::All, now)?;
            Ok(actor)
        })
        .await
    }

    /// Erases an actor's name, and the notes on its keys, from the file and its journal. All else
    /// about it stays. Backups of the file are the operator's affair.
    ///
    /// # Errors
    /// [`ActorError`]; after [`StoreError::JournalHeld`], the same call finishes the work.
    pub async fn erase_actor_name(&self, id: &ActorId, now: Timestamp) -> Result<Actor, ActorError> {
        let id = id.clone();
        let (actor, durable) = self
            .write_durable(move |writing| {
                let mut actor =
                    load(writing.db, &id)?.ok_or_else(|| ActorError::Unknown { id: id.clone() })?;
                actor.name = None;
                actor.name_erased = actor.name_erased.or(Some(now));
                update(writing, &actor)?;
                writing.db.execute("UPDATE keys SET note = NULL WHERE actor = ?1", [id.as_str()])?;
                writing.erased = true;
                Ok::<_, ActorError>(actor)
            })
            .await?;
        if durable.journal_is_clean { Ok(actor) } else { Err(StoreError::JournalHeld.into()) }
    }
}

/// Returns the actor `id` if it may act.
pub(crate) fn active(db: &Connection, id: &ActorId) -> Result<Actor, ActorError> {
    match load(db, id)? {
        None => Err(ActorError::Unknown { id: id.clone() }),
        Some(actor) if actor.deactivated.is_some() => Err(ActorError::Deactivated { id: id.clone() }),
        Some(actor) => Ok(actor),
    }
}

pub(crate) fn load(db: &Connection, id: &ActorId) -> rusqlite::Result<Option<Actor>> {
    db.prepare_cached("SELECT * FROM actors WHERE id = ?1")?.query_row([id.as_str()], actor).optional()
}

pub(crate) fn insert(db: &Connection, actor: &Actor) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO actors(id, name, grants, added) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            actor.id.as_str(),
            actor.name.as_ref().map(ActorName::as_str),
            joined(&actor.grants),
            micros(actor.added),
        ])
        .map(drop)
}

/// Stores what may change of an actor, and has its keys read anew.
pub(crate) fn update(writing: &mut Writing<'_>, actor: &Actor) -> rusqlite::Result<()> {
    writing
        .db
        .prepare_cached(
            "UPDATE actors SET name = ?2, grants = ?3, name_erased = ?4, deactivated = ?5 WHERE id = ?1",
        )?
        .execute(params![
            actor.id.as_str(),
            actor.name.as_ref().map(ActorName::as_str),
            joined(&actor.grants),
            actor.name_erased.map(micros),
            actor.deactivated.map(micros),
        ])?;
    writing.actors.insert(actor.id.clone());
    Ok(())
}

/// Reads the grants in a row.
pub(crate) fn grants(row: &Row<'_>) -> rusqlite::Result<Vec<Grant>> {
    let text: String = row.get("grants")?;
    text.split_whitespace().map(str::parse).collect::<Result<_, IdentityError>>().map_err(unreadable)
}

fn actor(row: &Row<'_>) -> rusqlite::Result<Actor> {
    Ok(Actor {
        id: word(row, "id")?,
        name: word_or_none(row, "name")?,
        grants: grants(row)?,
        added: time(row, "added")?,
        name_erased: time_or_none(row, "name_erased")?,
        deactivated: time_or_none(row, "deactivated")?,
    })
}

fn check(grants: &[Grant]) -> Result<(), ActorError> {
    if grants.len() > GRANTS_MAX {
        return Err(ActorError::TooMany { what: "grants of one actor", max: GRANTS_MAX });
    }
    Ok(())
}

fn joined(grants: &[Grant]) -> String {
    grants.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Makes a pseudonym: 64 random bits, so that none is met twice.
fn random_id() -> ActorId {
    format!("a-{:016x}", rand::random::<u64>()).parse().expect("letters and digits make an actor id")
}
