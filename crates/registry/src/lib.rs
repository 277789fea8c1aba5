//! The registry: who people and machines are, what they may do, and what they were refused.
//!
//! It stands beside the log, not in it: names of people must be erasable, and keys, denials and
//! receipts are no facts about stories. It knows no copy and no event; what waits for a second
//! person is bytes to it.
//!
//! - [`authorize`] is pure, and the only place that decides whether an act is allowed.
//! - [`Registry`] is one SQLite file. One thread writes it, many writes a commit, each answered once
//!   it is durable; readers have their own connections; verifying a key asks memory only.
//! - Several nodes may share one: each has the file, and every write is made behind those of all
//!   others ([`Registry::open_shared`]).
//! - Times are given by the caller. Nothing here reads a clock, but to tell how long it has
//!   heard nothing of other nodes.

mod access;
mod actors;
mod authorize;
mod columns;
mod copying;
mod denials;
mod departures;
mod directory;
mod error;
mod exports;
mod file;
mod grant;
mod holds;
mod keys;
mod names;
mod outbox;
mod owner;
mod policy;
mod readers;
mod receipts;
mod requests;
mod secret;
mod shared;
mod store;
mod words;
mod writer;

pub use access::{Act, ActSet, PUBLIC, Role};
pub use actors::{Actor, ActorChange, ActorError, NewActor};
pub use authorize::{Denied, Identity, Lack, Principal, authorize, may_still};
pub use copying::copy;
pub use denials::{Denial, KeptDenial, NumberedRange};
pub use departures::Departure;
pub use error::{OpenError, StoreError};
pub use exports::{Export, NewExport};
pub use grant::{Desks, Grant, Scopes};
pub use holds::{Hold, HoldError, HoldFilter, HoldId, NewHold};
pub use keys::{Key, KeyError, NewKey};
pub use names::{ActorName, Door, Note};
pub use owner::{OWNER, OwnerError, OwnerKey};
pub use policy::{Guarded, Policy};
pub use receipts::{RecallCount, RecallLine, RecallQuery};
pub use requests::{
    Decision, NewRequest, Request, RequestError, RequestFilter, RequestId, RequestState, Verdict,
};
pub use secret::{KeyId, Secret};
pub use store::Registry;

/// The limits of what a registry holds, each refused by name when it is passed.
pub mod limits {
    use std::time::Duration;

    /// Most actors, deactivated ones included: an id is never used again.
    pub const ACTORS_MAX: usize = 100_000;
    /// Most grants of one actor.
    pub const GRANTS_MAX: usize = 200;
    /// Most keys that are not revoked, of all actors.
    pub const KEYS_MAX: usize = 100_000;
    /// Most keys that are not revoked, of one actor.
    pub const ACTOR_KEYS_MAX: usize = 100;
    /// Most desks that one key is narrowed to.
    pub const DESKS_MAX: usize = 200;
    /// Most characters in an actor's name or a key's note.
    pub const NAME_CHARS_MAX: usize = 200;
    /// Most bytes in the name of a door.
    pub const DOOR_BYTES_MAX: usize = 64;
    /// Longest time for which a rotated key's old secret stays valid.
    pub const OVERLAP_MAX: Duration = Duration::from_hours(31 * 24);
    /// Most characters of a reason that are kept.
    pub const REASON_CHARS_MAX: usize = 500;
    /// Denials that are kept, the newest: so many of actors, and so many of strangers, who thereby
    /// cannot push out what an actor was refused. 100,000 together.
    pub const DENIALS_KEPT_EACH: u64 = 50_000;
    /// Denials that wait for the writer; more are counted and not kept.
    pub const DENIALS_WAITING_MAX: usize = 4_096;
    /// Departures that wait for the writer; more are counted and not kept.
    pub const DEPARTURES_WAITING_MAX: usize = 4_096;
    /// Most bytes of one request's payload.
    pub const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;
    /// Most bytes of all payloads together.
    pub const PAYLOADS_BYTES_MAX: usize = 256 * 1024 * 1024;
    /// Most requests that are pending or approved.
    pub const REQUESTS_OPEN_MAX: usize = 1_000;
    /// Requests that are kept after their end, the newest.
    pub const REQUESTS_ENDED_KEPT: usize = 100_000;
    /// How long an approved payload is with one executor before another may take it.
    pub const EXECUTION_LEASE: Duration = Duration::from_mins(1);
    /// Most holds that are in force.
    pub const HOLDS_OPEN_MAX: usize = 10_000;
    /// Most items of one page of any list.
    pub const PAGE_MAX: usize = 1_000;
    /// Writes that wait for the writer; the next one waits at its caller.
    pub const QUEUE_MAX: usize = 1_024;
    /// Least time between two notes of a key's last use.
    pub const USED_EVERY: Duration = Duration::from_mins(1);
}
