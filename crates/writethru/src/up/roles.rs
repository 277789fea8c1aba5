//! What one process of a service does: all of it, or a part.

use std::collections::BTreeSet;

/// One part of the service that a process may take on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Role {
    /// Takes commands over NATS
    Desk,
    /// Answers over HTTP; commands too
    Gateway,
    /// Signs the transparency log; of processes that share a log, only the one that names this does
    Notary,
    /// Keeps the views; every process does, so this alone is a process that is ready to take over
    Projector,
    /// Publishes changes to NATS, when it is this process's turn
    Publisher,
    /// Releases what is due, when it is this process's turn
    Scheduler,
}

/// The parts that a process has taken on.
#[derive(Debug, Clone)]
pub(crate) struct Roles {
    taken: BTreeSet<Role>,
    /// Whether they were named one by one.
    named: bool,
}

impl Roles {
    /// Returns every part.
    pub(crate) fn all() -> Self {
        let taken = <Role as clap::ValueEnum>::value_variants().iter().copied().collect();
        Self { taken, named: false }
    }

    /// Returns whether `role` is among them.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.taken.contains(&role)
    }

    /// Returns whether `role` is among them by its name.
    pub(crate) fn names(&self, role: Role) -> bool {
        self.named && self.has(role)
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self { taken: roles.into_iter().collect(), named: true }
    }
}
