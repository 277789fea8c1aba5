//! Every valid key, in memory: what makes verifying one a matter of a hash and a look-up.
//!
//! The writer brings it up to the file after each commit and before it answers, an actor at a time;
//! nobody else changes it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use rusqlite::{Connection, Row, params};
use story::ActorId;

use crate::actors::grants;
use crate::authorize::Identity;
use crate::columns::word;
use crate::limits::USED_EVERY;
use crate::secret::{Digest, KeyId};

/// One valid key.
#[derive(Debug)]
struct Held {
    digest: Digest,
    /// The secret before the last rotation, and when it ends.
    before: Option<(Digest, i64)>,
    expires: Option<i64>,
    identity: Identity,
    /// Last use that the writer was told of; `i64::MIN` for never.
    used: AtomicI64,
}

/// The keys by their ids.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    keys: RwLock<Keys>,
}

#[derive(Debug, Default)]
struct Keys {
    by_id: HashMap<KeyId, Arc<Held>>,
    /// Which keys an actor has, so that one actor's are found without a look at all.
    of_actor: HashMap<ActorId, Vec<KeyId>>,
}

impl Keys {
    fn add(&mut self, id: KeyId, held: Held) {
        self.of_actor.entry(held.identity.actor.clone()).or_default().push(id);
        self.by_id.insert(id, Arc::new(held));
    }
}

/// A verified key, and whether its use is worth a note.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) identity: Identity,
    pub(crate) note_use: bool,
}

impl Directory {
    /// Returns whose key has this id and secret at `now`.
    pub(crate) fn verify(&self, id: KeyId, given: Digest, now: i64) -> Option<Verified> {
        let held = self.keys.read().unwrap_or_else(PoisonError::into_inner).by_id.get(&id).cloned()?;
        if held.expires.is_some_and(|expires| now >= expires) {
            return None;
        }
        let is_new = held.digest.matches(&given);
        let is_old = held.before.is_some_and(|(before, until)| now < until && before.matches(&given));
        if !is_new && !is_old {
            return None;
        }
        let every = i64::try_from(USED_EVERY.as_micros()).unwrap_or(i64::MAX);
        let used = held.used.load(Ordering::Relaxed);
        let due = used == i64::MIN || now >= used.saturating_add(every);
        let note_use =
            due && held.used.compare_exchange(used, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        Some(Verified { identity: held.identity.clone(), note_use })
    }

    /// Returns how many keys are not revoked.
    pub(crate) fn keys_count(&self) -> usize {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).by_id.len()
    }

    /// Reads every key.
    pub(crate) fn load(&self, db: &Connection) -> rusqlite::Result<()> {
        let mut statement = db.prepare(&format!("{SELECT} WHERE {VALID}"))?;
        let mut keys = Keys::default();
        for held in statement.query_map([], held)? {
            let (id, held) = held?;
            keys.add(id, held);
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Reads the keys of `actor` anew.
    ///
    /// If they cannot be read, none of them is valid: a revoked key must not live on.
    pub(crate) fn reload(&self, db: &Connection, actor: &ActorId) -> rusqlite::Result<()> {
        let read = || {
            let mut statement = db.prepare_cached(&format!("{SELECT} WHERE {VALID} AND keys.actor = ?1"))?;
            statement.query_map(params![actor.as_str()], held)?.collect::<Result<Vec<_>, _>>()
        };
        let fresh = read();
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let old: HashMap<KeyId, i64> = keys
            .of_actor
            .remove(actor)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|id| keys.by_id.remove(&id).map(|held| (id, held.used.load(Ordering::Relaxed))))
            .collect();
        for (id, held) in fresh? {
            if let Some(used) = old.get(&id) {
                held.used.fetch_max(*used, Ordering::Relaxed);
            }
            keys.add(id, held);
        }
        Ok(())
    }
}

const SELECT: &str =
    "SELECT keys.id, actor, digest, digest_before, before_until, scopes, desks, expires, used,
    grants FROM keys JOIN actors ON actors.id = keys.actor";
const VALID: &str = "revoked IS NULL AND deactivated IS NULL AND digest IS NOT NULL";

fn held(row: &Row<'_>) -> rusqlite::Result<(KeyId, Held)> {
    let id = word(row, "id")?;
    let before: Option<[u8; 32]> = row.get("digest_before")?;
    let until: Option<i64> = row.get("before_until")?;
    let identity = Identity {
        actor: word(row, "actor")?,
        key: id,
        grants: grants(row)?.into(),
        scopes: word(row, "scopes")?,
        desks: word(row, "desks")?,
    };
    let held = Held {
        digest: Digest(row.get("digest")?),
        before: before.map(Digest).zip(until),
        expires: row.get("expires")?,
        identity,
        used: AtomicI64::new(row.get::<_, Option<i64>>("used")?.unwrap_or(i64::MIN)),
    };
    Ok((id, held))
}
