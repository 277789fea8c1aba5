//! How many files this process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are open beside connections: the log, the views and their readers, NATS.
const OTHER_FILES: u64 = 256;

/// Lets this process open as many files as it is allowed to; returns how many that is.
pub(crate) fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Where it cannot be raised, what there is is what counts.
    if setrlimit(Resource::Nofile, raised).is_err() {
        return limit.current.unwrap_or(u64::MAX);
    }
    raised.current.unwrap_or(u64::MAX)
}

/// Does the same for a service, and says so if that is fewer than its connections may be.
pub(super) fn raise_limit_for_connections() {
    let (allowed, needed) = (raise_limit(), gateway::limits::CONNECTIONS_MAX as u64 + OTHER_FILES);
    if allowed < needed {
        tracing::warn!(
            files.allowed = allowed,
            files.needed = needed,
            "This process may open {allowed} files, and as many connections at most: allow {needed} \
             (LimitNOFILE of systemd, or `ulimit -n`)"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        let allowed = raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), allowed);
    }
}
