//! `audit redactions`: what was redacted, when, by whom and by what right.

use clap::Args;
use story::Slug;
use wire::http::RedactionView;

use super::report::{Cell, Listing, Newest};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru audit redactions\n  \
    writethru audit redactions --from 2026-01-01T00:00:00Z --csv > redactions.csv\n  \
    writethru audit redactions fire --json | jq '{revision, basis, approver}'")]
pub(super) struct Redactions {
    /// Only of this story: its slug or id
    #[arg(value_name = "STORY")]
    story: Option<Slug>,
    #[command(flatten)]
    newest: Newest,
}

impl Redactions {
    /// Prints a table, one JSON object a redaction, or CSV.
    pub(super) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let path: Vec<&str> = match &self.story {
            Some(story) => vec!["v1", "stories", story.as_str(), "redactions"],
            None => vec!["v1", "redactions"],
        };
        let listing = Listing {
            member: "redactions",
            columns: &["when", "story", "rev", "kind", "basis", "sentences", "by", "approved by", "reason"],
            line,
            nothing: "nothing has been redacted",
        };
        self.newest.ask(session, &path, &listing).await?;
        Ok(Exit::Ok)
    }
}

fn line(redaction: &RedactionView) -> Vec<Cell> {
    vec![
        Cell::time(redaction.recorded),
        Cell::text(&redaction.slug),
        Cell::text(&redaction.revision),
        Cell::text(&redaction.kind),
        Cell::text(&redaction.basis),
        Cell::text(&redaction.values),
        Cell::text(&redaction.actor),
        Cell::Text(redaction.approver.as_ref().map(ToString::to_string).unwrap_or_default()),
        Cell::Text(redaction.reason.clone().unwrap_or_default()),
    ]
}
