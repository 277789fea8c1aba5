//! The choke point: every act of everyone passes [`authorize`], or does not happen.
//!
//! Pure. It looks nothing up and records nothing: whoever calls it has verified the key before, and
//! records the denial after.

use std::fmt;
use std::sync::Arc;

use story::{ActorId, Desk};

use crate::access::{Act, PUBLIC, Role};
use crate::actors::Actor;
use crate::grant::{Desks, Grant, Scopes};
use crate::secret::KeyId;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Anyone: no key was shown.
    Public,
    /// The holder of a key that was verified.
    Known(Identity),
}

/// What a verified key stands for. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who holds it.
    pub actor: ActorId,
    /// Which key it was.
    pub key: KeyId,
    /// What the actor may do.
    pub grants: Arc<[Grant]>,
    /// The acts that the key is for.
    pub scopes: Scopes,
    /// The desks that the key is for.
    pub desks: Desks,
}

/// Says whether `principal` may do `act` on `desk`; no desk means the house as a whole.
///
/// What anyone may do with no key is allowed to everyone, whatever their key is narrowed to. All
/// else needs a grant that reaches the desk, and a key whose scopes and desks leave the act.
///
/// # Errors
/// [`Denied`] says what was missing and what to do next: it is to be recorded and answered.
pub fn authorize(principal: &Principal, act: Act, desk: Option<&Desk>) -> Result<(), Denied> {
    if PUBLIC.contains(act) {
        return Ok(());
    }
    let denied = |by: Option<&Identity>, lack| {
        Err(Denied {
            actor: by.map(|identity| identity.actor.clone()),
            key: by.map(|identity| identity.key),
            act,
            desk: desk.cloned(),
            lack,
        })
    };
    let Principal::Known(identity) = principal else { return denied(None, Lack::Key) };
    if !identity.grants.iter().any(|grant| grant.allows(act, desk)) {
        return denied(Some(identity), Lack::Role);
    }
    if !identity.scopes.leave(act) {
        return denied(Some(identity), Lack::Scope);
    }
    if !identity.desks.leave(desk) {
        return denied(Some(identity), Lack::Desk);
    }
    Ok(())
}

/// Says whether `actor`, who is not here to show a key, may do `act` on `desk`: whoever asked for what
/// another approves now must still be allowed to do it.
pub fn may_still(actor: &Actor, act: Act, desk: Option<&Desk>) -> bool {
    actor.deactivated.is_none() && actor.grants.iter().any(|grant| grant.allows(act, desk))
}

/// What a denied act lacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// A key: none was shown, or none that is valid. HTTP 401.
    Key,
    /// A role that allows the act on the desk. HTTP 403.
    Role,
    /// The act among the key's scopes. HTTP 403.
    Scope,
    /// The desk among the key's desks. HTTP 403.
    Desk,
}

/// An act that was refused: an answer for whoever asked, not a fault of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Who asked, if a key said so.
    pub actor: Option<ActorId>,
    /// The key, if there was one.
    pub key: Option<KeyId>,
    /// What was asked for.
    pub act: Act,
    /// Where; `None` is the house as a whole.
    pub desk: Option<Desk>,
    /// What was missing.
    pub lack: Lack,
}

impl Denied {
    /// Returns whether a key was missing (HTTP 401), and not a right of the key (HTTP 403).
    pub fn needs_key(&self) -> bool {
        self.lack == Lack::Key
    }

    /// Returns the roles that could have done it.
    pub fn roles(&self) -> Vec<Role> {
        self.act.roles()
    }

    /// Returns the one sentence that says what to do next.
    pub fn next_step(&self) -> String {
        let roles = self.roles().iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" or ");
        match self.lack {
            Lack::Key => format!("send the key of an actor who is {roles} there"),
            Lack::Role => format!("ask an admin for the role {roles} there, or ask someone who has it"),
            Lack::Scope => format!("use a key whose scopes include {}", self.act),
            Lack::Desk => "use a key that is for this desk".to_owned(),
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let act = self.act;
        match (&self.actor, &self.key) {
            (Some(actor), Some(key)) => write!(f, "{actor} may not {act} with key {key}")?,
            (Some(actor), None) => write!(f, "{actor} may not {act}")?,
            (None, _) => write!(f, "nobody may {act} without a key")?,
        }
        match &self.desk {
            Some(desk) => write!(f, " on desk {desk}")?,
            None => f.write_str(" on every desk")?,
        }
        write!(f, "; {}", self.next_step())
    }
}

impl std::error::Error for Denied {}
