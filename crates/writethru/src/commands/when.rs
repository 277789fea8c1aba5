//! The moment that a read is about: the options that all reads of the past share.

use clap::Args;

use crate::api::Query;

/// Which moment, and on which axis.
#[derive(Debug, Args)]
pub(crate) struct When {
    /// As it was: rev:N, rev:-N (N before the newest), a time (RFC 3339), cursor:…, or size:N (when the
    /// transparency log had N entries)
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, value_parser = moment)]
    pub(crate) as_of: Option<String>,
    /// What a time is compared with: when it was `recorded`, what readers had then (`published`), or what
    /// subscribers had got by then (`delivered`, or `delivered:SUBSCRIBER`; not with --public)
    #[arg(long, value_name = "AXIS", requires = "as_of")]
    axis: Option<String>,
}

impl When {
    /// Adds the moment to `query`.
    pub(crate) fn ask(&self, query: &mut Query) {
        query.extend(self.as_of.as_ref().map(|as_of| ("as_of", as_of.clone())));
        query.extend(self.axis.as_ref().map(|axis| ("axis", axis.clone())));
    }
}

/// Checks a point in a story's time.
fn moment(given: &str) -> Result<String, String> {
    given.parse::<projector::AsOf>().map(|_| given.to_owned()).map_err(|error| error.to_string())
}
