//! Keys: listed, made, rotated, revoked. For whoever manages keys. A secret leaves once, in the
//! answer to what made it.

use std::time::Duration;

use bytes::Bytes;
use registry::{Act, Key, KeyId, NewKey, Principal, Secret};
use story::{ActorId, CommandKey};
use utoipa::IntoParams;
use wire::Problem;
use wire::http::{KeyIssued, KeyList, KeyView, NewKeyBody, RotationBody, Unlogged};

use super::problems::{of_key, of_store, unknown};
use super::{PAGE, PAGE_MAX, bad_body, body, identity, now, page, text};
use crate::commands::read::limit;
use crate::gateway::Gateway;
use crate::parameters::{Parameters, Query};

/// Which keys to list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeysQuery {
    /// Only this actor's.
    #[param(value_type = Option<String>, example = "a-4f2a")]
    actor: Option<ActorId>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<KeyId>,
    /// At most this many; 100 if absent.
    #[param(value_type = Option<usize>, minimum = 1, maximum = 500)]
    limit: usize,
}

impl Query for KeysQuery {
    const NAMES: &'static [&'static str] = &["actor", "after", "limit"];

    fn take(from: &mut Parameters) -> Result<Self, Problem> {
        Ok(Self {
            actor: from.optional("actor")?,
            after: from.optional("after")?,
            limit: limit(from, PAGE, PAGE_MAX)?,
        })
    }
}

impl Gateway {
    /// Returns one page of keys.
    pub(crate) async fn keys(&self, by: &Principal, query: &KeysQuery) -> Result<KeyList, Problem> {
        self.allow_house(by, Act::ManageKeys).await?;
        let found = self.registry().keys(query.actor.as_ref(), query.after, query.limit + 1).await;
        let mut keys = found.map_err(|failed| of_store(&failed))?;
        let next = page(&mut keys, query.limit, |key| key.id.to_string());
        Ok(KeyList { keys: keys.into_iter().map(view).collect(), next })
    }

    /// Makes a key.
    pub(crate) async fn add_key(
        &self,
        by: &Principal,
        given: &Bytes,
        command: Option<CommandKey>,
    ) -> Result<KeyIssued, Problem> {
        self.allow_house(by, Act::ManageKeys).await?;
        let given: NewKeyBody = body(given)?;
        let note_rule = "a note has 1 to 200 characters on one line";
        let note = given.note.map(|note| note.0.parse().map_err(|_| bad_body("note", note_rule)));
        let new = NewKey {
            actor: text("actor", &given.actor)?,
            scopes: text("scopes", &given.scopes)?,
            desks: text("desks", &given.desks)?,
            expires: given.expires.map(|expires| text("expires", &expires)).transpose()?,
            note: note.transpose()?,
        };
        let added = match identity(by).zip(command) {
            Some((by, command)) => self.registry().add_key_once(new, (&by.actor, &command), now()).await,
            None => self.registry().add_key(new, now()).await,
        };
        added.map(issued).map_err(|failed| of_key(&failed))
    }

    /// Revokes a key.
    pub(crate) async fn revoke_key(&self, by: &Principal, id: &str) -> Result<KeyView, Problem> {
        self.allow_house(by, Act::ManageKeys).await?;
        let revoked = self.registry().revoke_key(key_id(id)?, now()).await;
        revoked.map(view).map_err(|failed| of_key(&failed))
    }

    /// Gives a key a new secret.
    pub(crate) async fn rotate_key(
        &self,
        by: &Principal,
        id: &str,
        given: &Bytes,
    ) -> Result<KeyIssued, Problem> {
        self.allow_house(by, Act::ManageKeys).await?;
        let RotationBody { overlap_seconds } = body(given)?;
        let overlap = Duration::from_secs(overlap_seconds);
        let rotated = self.registry().rotate_key(key_id(id)?, overlap, now()).await;
        rotated.map(issued).map_err(|failed| of_key(&failed))
    }
}

fn key_id(given: &str) -> Result<KeyId, Problem> {
    // What was given is not repeated: it may be a whole key.
    given.parse().map_err(|_| unknown("key", "(not shown)"))
}

fn issued((key, secret): (Key, Secret)) -> KeyIssued {
    KeyIssued { secret: Unlogged(secret.expose().to_owned()), key: view(key) }
}

fn view(key: Key) -> KeyView {
    KeyView {
        id: key.id.to_string(),
        actor: key.actor,
        scopes: key.scopes.to_string(),
        desks: key.desks.to_string(),
        added: key.added,
        rotated: key.rotated,
        old_secret_until: key.old_secret_until,
        expires: key.expires,
        last_used: key.last_used,
        revoked: key.revoked,
        note: key.note.map(|note| Unlogged(note.to_string())),
    }
}
