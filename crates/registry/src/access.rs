//! Who may do what: roles, acts, and the one table that joins them.
//!
//! The table is written out for people in `docs/ACCESS.md`, and a test reads it there. Nothing here
//! knows a person, a key or a desk.

use std::fmt;

use crate::words::words;

words!(
    /// What a person or machine is to a desk.
    Role, "role", {
        /// Reads the desk's drafts and files copy.
        Reporter = "reporter",
        /// Does everything that an edition needs, short of the law's own acts.
        Editor = "editor",
        /// Acts for legal reasons.
        Legal = "legal",
        /// Reads everything, changes nothing.
        Auditor = "auditor",
        /// Runs the service: actors, keys, machinery. Files nothing.
        Admin = "admin",
        /// Receives what is public, and acknowledges recalls.
        Subscriber = "subscriber",
    }
);

words!(
    /// What may be allowed or refused.
    Act, "act", {
        /// Read what has been published.
        ReadPublic = "read-public",
        /// Read drafts, held copy and notes for editors.
        ReadDesk = "read-desk",
        /// File copy that is not a correction.
        File = "file",
        /// File a correction.
        Correct = "correct",
        /// Hold a story.
        Withhold = "withhold",
        /// Let a held story go.
        Release = "release",
        /// Kill a story.
        Kill = "kill",
        /// Take a story down for legal reasons.
        Takedown = "takedown",
        /// Remove a story quietly.
        Unpublish = "unpublish",
        /// Bring a killed or unpublished story back.
        Restore = "restore",
        /// Bring back what was taken down for legal reasons.
        LiftTakedown = "lift-takedown",
        /// Set or change an embargo.
        Embargo = "embargo",
        /// End an embargo before its time.
        LiftEmbargo = "lift-embargo",
        /// Decide on what another asked for.
        Approve = "approve",
        /// Say that a recall has been received and followed.
        Acknowledge = "acknowledge",
        /// Read the history, the denials and the receipts.
        Audit = "audit",
        /// Add, change and remove actors.
        ManageActors = "manage-actors",
        /// Add, rotate and revoke keys.
        ManageKeys = "manage-keys",
        /// Run the service: rebuild, pause, configure.
        Operate = "operate",
        /// Take words out of the record.
        Redact = "redact",
        /// Forbid redactions of a story for as long as a case is open, and allow them again.
        Hold = "hold",
        /// Read the record: what redactions have withdrawn from every reader included.
        ReadRecord = "read-record",
    }
);

impl Role {
    /// Returns the acts that the role allows: its row of the table.
    pub const fn acts(self) -> ActSet {
        match self {
            Self::Reporter => REPORTER,
            Self::Editor => EDITOR,
            Self::Legal => LEGAL,
            Self::Auditor => ActSet::of(&[Act::ReadPublic, Act::ReadDesk, Act::Audit, Act::ReadRecord]),
            Self::Admin => {
                ActSet::of(&[Act::ReadPublic, Act::ManageActors, Act::ManageKeys, Act::Operate, Act::Audit])
            }
            Self::Subscriber => ActSet::of(&[Act::ReadPublic, Act::Acknowledge]),
        }
    }
}

impl Act {
    /// Returns the roles that allow the act, in the order of the table.
    pub fn roles(self) -> Vec<Role> {
        Role::ALL.iter().copied().filter(|role| role.acts().contains(self)).collect()
    }
}

/// What anyone may do, with no key: the last row of the table.
pub const PUBLIC: ActSet = ActSet::of(&[Act::ReadPublic]);

const REPORTER: ActSet = ActSet::of(&[Act::ReadPublic, Act::ReadDesk, Act::File]);

const EDITOR: ActSet = REPORTER.union(ActSet::of(&[
    Act::Correct,
    Act::Withhold,
    Act::Release,
    Act::Kill,
    Act::Unpublish,
    Act::Restore,
    Act::Embargo,
    Act::LiftEmbargo,
    Act::Approve,
    Act::Audit,
]));

const LEGAL: ActSet = ActSet::of(&[
    Act::ReadPublic,
    Act::ReadDesk,
    Act::Withhold,
    Act::Kill,
    Act::Takedown,
    Act::Restore,
    Act::LiftTakedown,
    Act::Approve,
    Act::Audit,
    Act::Redact,
    Act::Hold,
    Act::ReadRecord,
]);

/// A set of acts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ActSet(u32);

impl ActSet {
    /// Returns the set of `acts`.
    pub const fn of(acts: &[Act]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < acts.len() {
            bits |= 1 << acts[at] as u32;
            at += 1;
        }
        Self(bits)
    }

    /// Returns the set of the acts that are in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether `act` is in the set.
    pub const fn contains(self, act: Act) -> bool {
        self.0 & (1 << act as u32) != 0
    }

    /// Returns whether no act is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the acts in the order of [`Act::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Act> {
        Act::ALL.iter().copied().filter(move |act| self.contains(*act))
    }
}

impl fmt::Debug for ActSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
