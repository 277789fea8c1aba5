//! Problems: how the service says no, as RFC 9457 and as an exit code.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

macro_rules! problems {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $exit:literal, $title:literal, $next:literal;)+) => {
        /// Every problem that the service answers with. The names never change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemKind {
            $($(#[$doc])* $variant),+
        }

        impl ProblemKind {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns its name: the last part of its type.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Returns its type: a URI reference that never changes.
            pub const fn type_uri(self) -> &'static str {
                match self { $(Self::$variant => concat!("/problems/", $name)),+ }
            }

            /// Returns what it is, for a person.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// Returns the HTTP status it goes with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// Returns the exit code of a command that ends with it.
            pub const fn exit_code(self) -> u8 {
                match self { $(Self::$variant => $exit),+ }
            }

            /// Returns what the caller may do next.
            pub const fn next_step(self) -> &'static str {
                match self { $(Self::$variant => $next),+ }
            }
        }
    };
}

problems! {
    /// The copy cannot be read; member `place` says where.
    BadCopy = "bad-copy", 400, 65, "The copy cannot be read",
        "Mend the copy at the place named and send it again.";
    /// The request is not one that the service knows; member `place` says where.
    BadRequest = "bad-request", 400, 2, "The request is malformed",
        "Mend the parameter named and send it again.";
    /// Copy of a type that the service cannot read.
    UnsupportedMediaType = "unsupported-media-type", 415, 65, "The service does not read this type of copy",
        "Send one of the types listed in member `supported`.";
    /// The request passes a limit; members `limit` and `actual` say which.
    TooLarge = "too-large", 413, 65, "The request is too large",
        "Send less: member `limit` says how much is allowed.";
    /// No such story, or none that the caller may see.
    NotFound = "not-found", 404, 1, "There is no such story",
        "Check the id or slug: the list of stories shows those there are.";
    /// The request needs a key; none was sent, or one that is unknown, revoked or expired.
    Unauthorized = "unauthorized", 401, 77, "The service does not know who asks",
        "Send a key: Authorization: Bearer wt_…; ask an administrator for one.";
    /// The key is good and does not allow this; members `act`, `desk` and `roles` say what would.
    Forbidden = "forbidden", 403, 77, "The key does not allow this",
        "Ask someone with one of the roles in member `roles`, or an administrator for the role.";
    /// The service has nothing at this address.
    NoSuchAddress = "no-such-address", 404, 2, "The service has nothing at this address",
        "Check the address: /openapi.json lists every one.";
    /// No such actor, key or request, or none that the caller may see.
    NotRegistered = "not-registered", 404, 1, "There is no such actor, key or request",
        "Check the id: the lists of actors, keys and requests show those there are.";
    /// The story has no such revision, or none that the caller may see.
    RevisionNotFound = "revision-not-found", 404, 1, "The story has no such revision",
        "Ask for one of the revisions in the story's history.";
    /// The transparency log has no such file, or has it not yet.
    NoSuchFile = "no-such-file", 404, 1, "The transparency log has no such file",
        "Read the checkpoint again: its size says which files there are (c2sp.org/tlog-tiles).";
    /// The cursor is older than what is kept, or from another life of the log.
    CursorGone = "cursor-gone", 410, 1, "The cursor is too old",
        "Fetch the current article and go on from its cursor.";
    /// Someone else changed the same words first; members `expected` and `actual` are revisions.
    Conflict = "conflict", 409, 3, "Someone else changed the same words first",
        "Read the story again, join the changes, and send the copy with the new revision.";
    /// The story is not at the revision that `If-Match` names; members `expected` and `actual`.
    PreconditionFailed = "precondition-failed", 412, 3, "The story has moved on",
        "Read the story again and send the copy with the new revision.";
    /// A rule of the newsroom forbids it; member `reason` says which.
    Refused = "refused", 422, 65, "The desk refuses this",
        "Do what the detail asks for and send it again with a new idempotency key.";
    /// A legal hold forbids it; member `hold` says which.
    Held = "held", 423, 77, "A legal hold forbids this",
        "Ask whoever placed the hold to lift it: `writethru hold list` shows it.";
    /// The idempotency key was used for another request.
    IdempotencyKeyReused = "idempotency-key-reused", 422, 2, "The idempotency key was used for another request",
        "Send the request with a new key.";
    /// Nothing was stored and the same request may be repeated.
    Unavailable = "unavailable", 503, 69, "The service cannot answer now",
        "Send the same request again, with the same idempotency key.";
    /// The request may have been carried out.
    OutcomeUnknown = "outcome-unknown", 503, 69, "It is not known whether the request was carried out",
        "Send the same request again with the same idempotency key: it is never carried out twice.";
    /// The address exists; the method does not.
    MethodNotAllowed = "method-not-allowed", 405, 2, "This address does not take that method",
        "Use one of the methods in header `Allow`.";
    /// None of the types that the caller accepts can be given; member `supported` lists those that can.
    NotAcceptable = "not-acceptable", 406, 2, "The service does not answer in any type that you accept",
        "Ask for one of the types listed in member `supported`.";
    /// A fault of the service.
    Internal = "internal", 500, 1, "The service failed",
        "Try again; if it fails again, tell whoever runs the service and name the time.";
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A problem as it is sent (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Which problem: [`ProblemKind::type_uri`].
    #[serde(rename = "type")]
    pub problem_type: String,
    /// What it is, the same for every problem of the type.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What it is this time, for a person.
    pub detail: String,
    /// What the caller may do next.
    #[serde(default)]
    pub next: String,
    /// What it happened to, as a URI reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What a program needs to go on: the members that the type promises.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub members: Map<String, Value>,
}

impl Problem {
    /// Media type of a problem.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// Returns a problem of `kind` with what it is this time.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            problem_type: kind.type_uri().to_owned(),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            next: kind.next_step().to_owned(),
            instance: None,
            members: Map::new(),
        }
    }

    /// Returns the problem with a member more, such as `place` or `limit`.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// Returns the problem with what it happened to.
    #[must_use]
    pub fn about(mut self, instance: impl Into<String>) -> Self {
        self.instance = Some(instance.into());
        self
    }

    /// Returns which problem it is; `None` for one that this release does not know.
    pub fn kind(&self) -> Option<ProblemKind> {
        ProblemKind::ALL.iter().copied().find(|kind| kind.type_uri() == self.problem_type)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_problem_has_its_own_type_and_comes_back_from_json() {
        let mut types = HashSet::new();
        for kind in ProblemKind::ALL.iter().copied() {
            assert!(types.insert(kind.type_uri()), "{kind} is there twice");
            assert!((400..600).contains(&kind.status()) && kind.exit_code() != 0, "{kind}");
            let problem = Problem::new(kind, "this time").with("limit", 5).about("/v1/stories/x");
            let json = serde_json::to_string(&problem).expect("writes");
            let read: Problem = serde_json::from_str(&json).expect("reads back");
            assert_eq!((read.kind(), &read), (Some(kind), &problem));
        }
    }

    #[test]
    fn a_problem_of_a_later_release_is_read_without_its_kind() {
        let json = r#"{"type":"/problems/new","title":"New","status":400,"detail":"x","more":[1]}"#;
        let read: Problem = serde_json::from_str(json).expect("reads");
        assert_eq!((read.kind(), read.members.len(), read.to_string()), (None, 1, "New: x".to_owned()));
    }
}
