//! Who asks, and the one choke point: every request passes [`Gateway::allow`] before anything is
//! looked at.
//!
//! What is allowed is decided in the crate `registry`; here it is asked, a denial is recorded, and
//! becomes a problem. No key is ever shown or logged.

use jiff::Timestamp;
use registry::{Act, Denial, Denied, Door, Principal, Registry, Role};
use story::{Desk, StoryId};
use wire::{Problem, ProblemKind};

use crate::gateway::Gateway;

/// How a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Over HTTP.
    Http,
    /// Over NATS.
    Nats,
}

impl Way {
    fn door(self) -> Door {
        let name = match self {
            Self::Http => "http",
            Self::Nats => "nats",
        };
        name.parse().expect("letters make a door")
    }
}

impl Gateway {
    /// Returns who people and machines are.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// Returns the handle for requests that come in by `way`.
    pub(crate) fn by(self, way: Way) -> Self {
        Self { way, ..self }
    }

    /// Returns who asks with `authorization`, the value of the header of that name: whoever holds
    /// the key in it, or the public if there is no key that is valid now.
    pub(crate) fn principal(&self, authorization: Option<&str>) -> Principal {
        let identity =
            authorization.and_then(bearer).and_then(|key| self.registry().verify(key, Timestamp::now()));
        identity.map_or(Principal::Public, Principal::Known)
    }

    /// Returns whether `principal` may do `act` on `desk`, or on the house as a whole if there is
    /// none. A denial is recorded, with `story` if it is about one.
    ///
    /// # Errors
    /// The problem to answer: `unauthorized` without a key, `forbidden` with one that lacks the right.
    #[expect(clippy::unused_async, reason = "whoever asks waits: deciding may come to look something up")]
    pub(crate) async fn allow(
        &self,
        principal: &Principal,
        act: Act,
        desk: Option<&Desk>,
        story: Option<StoryId>,
    ) -> Result<(), Problem> {
        registry::authorize(principal, act, desk).map_err(|denied| {
            self.registry().deny(Denial::of(&denied, Timestamp::now(), story, self.way.door()));
            of_denied(&denied)
        })
    }
}

/// Returns the key in the value of a header `Authorization` (RFC 6750, 2.1).
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, key) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Returns the problem of an act that was denied.
fn of_denied(denied: &Denied) -> Problem {
    let kind = if denied.needs_key() { ProblemKind::Unauthorized } else { ProblemKind::Forbidden };
    let roles: Vec<&str> = denied.roles().into_iter().map(Role::as_str).collect();
    let problem =
        Problem::new(kind, denied.to_string()).with("act", denied.act.as_str()).with("roles", roles);
    match &denied.desk {
        Some(desk) => problem.with("desk", desk.as_str()),
        None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_behind_its_scheme_and_nowhere_else() {
        for (given, key) in [
            ("Bearer wt_a", Some("wt_a")),
            ("bearer  wt_a ", Some("wt_a")),
            ("Basic wt_a", None),
            ("wt_a", None),
            ("", None),
        ] {
            assert_eq!(bearer(given), key, "{given}");
        }
    }
}
