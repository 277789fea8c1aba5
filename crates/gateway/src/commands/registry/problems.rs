//! What the registry refuses, as problems. None holds a name, a note or a secret.

use registry::{ActorError, KeyError, RequestError, StoreError};
use tracing::error;
use wire::{Problem, ProblemKind};

use crate::problems::{refused, unavailable};

/// Returns the problem of a registry that gave no answer.
pub(crate) fn of_store(failed: &StoreError) -> Problem {
    error!(error = %failed, "The registry gave no answer");
    match failed {
        StoreError::Unavailable { .. } | StoreError::JournalHeld => unavailable(failed.to_string()),
        StoreError::OutcomeUnknown { .. } => Problem::new(ProblemKind::OutcomeUnknown, failed.to_string()),
        StoreError::Damaged { .. } => Problem::new(ProblemKind::Internal, failed.to_string()),
    }
}

/// Returns the problem of something that is not there, or not for the caller.
pub(crate) fn unknown(what: &str, id: &str) -> Problem {
    let id: String = id.chars().take(80).collect();
    let detail = format!("there is no {what} {id:?} that you may see");
    Problem::new(ProblemKind::NotRegistered, detail).with(what, id)
}

/// Returns the problem of an actor about whom nothing was done.
pub(super) fn of_actor(failed: &ActorError) -> Problem {
    let reason = match failed {
        ActorError::Store(failed) => return of_store(failed),
        ActorError::Unknown { id } => return unknown("actor", id.as_str()),
        ActorError::Exists { .. } => "actor-exists",
        ActorError::Deactivated { .. } => "actor-removed",
        ActorError::Owner => "owner-stays",
        ActorError::TooMany { .. } => "too-many",
    };
    refused(reason, failed.to_string())
}

/// Returns the problem of a key about which nothing was done.
pub(super) fn of_key(failed: &KeyError) -> Problem {
    let reason = match failed {
        KeyError::Store(failed) => return of_store(failed),
        KeyError::Actor(failed) => return of_actor(failed),
        KeyError::Unknown { id } => return unknown("key", &id.to_string()),
        KeyError::Made { id } => return refused("key-made", failed.to_string()).with("key", id.to_string()),
        KeyError::Revoked { .. } => "key-revoked",
        KeyError::Expired => "key-expired",
        KeyError::Overlap => "overlap-too-long",
        KeyError::TooMany { .. } => "too-many",
    };
    refused(reason, failed.to_string())
}

/// Returns the problem of a request about which nothing was done.
pub(crate) fn of_request(failed: &RequestError) -> Problem {
    let reason = match failed {
        RequestError::Store(failed) => return of_store(failed),
        RequestError::Actor(failed) => return of_actor(failed),
        RequestError::Unknown { id } => return unknown("request", &id.to_string()),
        RequestError::SamePerson { .. } => "same-person",
        RequestError::KeyReused { id } => {
            let reused = Problem::new(ProblemKind::IdempotencyKeyReused, failed.to_string());
            return reused.with("request_number", id.0);
        }
        RequestError::AskerRemoved { .. } => "actor-removed",
        RequestError::Expired => "request-expired",
        RequestError::State { .. } => "request-decided",
        RequestError::BeingExecuted { .. } => "request-at-work",
        RequestError::TooMany { .. } | RequestError::TooLarge { .. } => "too-many",
    };
    refused(reason, failed.to_string())
}
