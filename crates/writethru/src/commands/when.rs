//! The moment that a read is about: the options that all reads of the past share.

use clap::{Args, ValueEnum};

use crate::api::Query;

/// Which moment, and on which axis.
#[derive(Debug, Args)]
pub(crate) struct When {
    /// As it was: rev:N, rev:-N (N before the newest), a time (RFC 3339), or cursor:…
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, value_parser = moment)]
    pub(crate) as_of: Option<String>,
    /// What a time is compared with: when it was recorded, or what readers had then
    #[arg(long, value_name = "AXIS", value_enum, requires = "as_of")]
    axis: Option<Axis>,
}

/// What a time is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Axis {
    /// When revisions were recorded
    Recorded,
    /// When readers could see them
    Published,
}

impl When {
    /// Adds the moment to `query`.
    pub(crate) fn ask(&self, query: &mut Query) {
        query.extend(self.as_of.as_ref().map(|as_of| ("as_of", as_of.clone())));
        let axis = self.axis.map(|axis| match axis {
            Axis::Recorded => "recorded",
            Axis::Published => "published",
        });
        query.extend(axis.map(|axis| ("axis", axis.to_owned())));
    }
}

/// Checks a point in a story's time.
fn moment(given: &str) -> Result<String, String> {
    given.parse::<projector::AsOf>().map(|_| given.to_owned()).map_err(|error| error.to_string())
}
