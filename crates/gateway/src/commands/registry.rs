//! What is asked of the registry: actors, keys, denials, the policy, requests, and where a story's
//! recalls and embargoes stand.
//!
//! Each function asks [`Gateway::allow`] first; nothing is looked at for whom that refuses. Here are
//! the ways in which the registry's answers become the API's.

mod actors;
mod approval;
mod embargo;
mod exports;
mod holds;
mod house;
mod keys;
mod problems;
mod recalls;
mod requests;
mod stories;

use std::fmt::Display;
use std::str::FromStr;

use bytes::Bytes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use wire::{Problem, ProblemKind};

use crate::gateway::Gateway;
use crate::parameters::shown;

pub(crate) use actors::ActorsQuery;
pub(crate) use embargo::AuditQuery;
pub(crate) use exports::ExportsQuery;
pub(crate) use holds::HoldsQuery;
pub(crate) use house::DenialsQuery;
pub(crate) use keys::KeysQuery;
pub(crate) use problems::{of_request, of_store};
pub(crate) use recalls::RecallsQuery;
pub(crate) use requests::{RequestsQuery, guarded_word, state_at};

/// Lines in a page, if the caller does not say.
const PAGE: usize = 100;
/// Most lines in a page.
const PAGE_MAX: usize = 500;

/// Returns the time, as exactly as the registry keeps it.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// Reads a body of JSON; none at all is an empty object.
pub(crate) fn body<T: DeserializeOwned>(given: &Bytes) -> Result<T, Problem> {
    let text: &[u8] = if given.trim_ascii().is_empty() { b"{}" } else { given };
    serde_json::from_slice(text).map_err(|error| {
        // What is given there may be a name: only the place and the rule are told.
        let what = if error.is_data() { unquoted(&error) } else { "it is not JSON".to_owned() };
        bad_body(format!("line {} column {}", error.line(), error.column()), what)
    })
}

/// Returns what is wrong, without the value that is wrong.
fn unquoted(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let is_ours =
        ["missing field", "unknown field", "duplicate field"].iter().any(|with| text.starts_with(with));
    if is_ours { shown(&text) } else { "a value there is not of the type that is expected".to_owned() }
}

/// Reads one text of a body.
fn text<T: FromStr<Err: Display>>(place: impl Into<String>, given: &str) -> Result<T, Problem> {
    given.parse().map_err(|error: T::Err| bad_body(place, error))
}

fn bad_body(place: impl Into<String>, detail: impl Display) -> Problem {
    let place = place.into();
    Problem::new(ProblemKind::BadRequest, format!("body, {place}: {detail}"))
        .with("place", format!("body: {place}"))
}

/// Cuts `lines` to one page, and returns the last line's name if there are more.
fn page<T>(lines: &mut Vec<T>, limit: usize, name: impl Fn(&T) -> String) -> Option<String> {
    let more = lines.len() > limit;
    lines.truncate(limit);
    lines.last().filter(|_| more).map(name)
}

/// Returns whether `principal` holds a valid key.
pub(crate) fn identity(principal: &registry::Principal) -> Option<&registry::Identity> {
    match principal {
        registry::Principal::Known(identity) => Some(identity),
        registry::Principal::Public => None,
    }
}

impl Gateway {
    /// Returns once `principal` may do `act` for the house as a whole.
    async fn allow_house(&self, principal: &registry::Principal, act: registry::Act) -> Result<(), Problem> {
        self.allow(principal, act, None, None).await
    }
}
