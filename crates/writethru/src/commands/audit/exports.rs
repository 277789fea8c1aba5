//! `audit exports`: who took text out of the house in a file, newest first.

use clap::Args;
use wire::http::ExportView;

use super::report::{Cell, Listing, Newest};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru audit exports\n  \
    writethru audit exports --from 2026-01-01T00:00:00Z --csv > exports.csv\n  \
    writethru audit exports --limit 1000 --json | jq 'select(.level == \"full\")'")]
pub(super) struct Exports {
    #[command(flatten)]
    newest: Newest,
}

impl Exports {
    /// Prints a table, one JSON object an export, or CSV.
    pub(super) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let listing = Listing {
            member: "exports",
            columns: &["export", "when", "by", "for", "level", "stories", "bytes", "sha256"],
            line,
            nothing: "nothing was exported",
        };
        self.newest.ask(session, &["v1", "audit", "exports"], &listing).await?;
        Ok(Exit::Ok)
    }
}

fn line(export: &ExportView) -> Vec<Cell> {
    let stories: Vec<String> = export.stories.iter().map(ToString::to_string).collect();
    vec![
        Cell::text(&export.export),
        Cell::time(export.at),
        Cell::text(&export.by),
        Cell::Text(export.recipient.clone().unwrap_or_default()),
        Cell::text(&export.level),
        Cell::Text(stories.join(" ")),
        Cell::text(&export.bytes),
        Cell::text(&export.sha256),
    ]
}
