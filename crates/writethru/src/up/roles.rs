//! What one process of a service does: all of it, or a part.

use std::collections::BTreeSet;

/// One part of the service that a process may take on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Role {
    /// Carries changes to webhooks, when it is this process's turn; a gateway with it answers for webhooks too
    Courier,
    /// Takes commands over NATS
    Desk,
    /// Answers over HTTP; commands too
    Gateway,
    /// Keeps the transparency log, and signs it when it is this process's turn
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
}

impl Roles {
    /// Returns every part.
    pub(crate) fn all() -> Self {
        let taken = <Role as clap::ValueEnum>::value_variants().iter().copied().collect();
        Self { taken }
    }

    /// Returns whether `role` is among them.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.taken.contains(&role)
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self { taken: roles.into_iter().collect() }
    }
}
