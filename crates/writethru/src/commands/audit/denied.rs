//! `audit denied`: what was refused to whom, newest first.

use clap::Args;
use story::StoryId;
use wire::http::DenialView;

use super::report::{Cell, Listing, Newest};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::session::Session;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru audit denied\n  \
    writethru audit denied --from 2026-11-23T00:00:00Z --to 2026-11-24T00:00:00Z --csv\n  \
    writethru audit denied --limit 5000 --json | jq -r 'select(.act == \"kill\") | .actor'")]
pub(super) struct Denied {
    #[command(flatten)]
    newest: Newest,
}

impl Denied {
    /// Prints a table, one JSON object a denial, or CSV.
    pub(super) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let listing = Listing {
            member: "denials",
            columns: &["when", "who", "key", "act", "desk", "story", "door", "reason"],
            line,
            nothing: "nothing was refused to anyone",
        };
        let last = self.newest.ask(session, &["v1", "denials"], &listing).await?;
        let not_kept = last["not_kept"].as_u64().unwrap_or_default();
        if not_kept > 0 {
            say(format_args!("{not_kept} more came too fast to be kept, or the disk refused them"));
        }
        Ok(Exit::Ok)
    }
}

fn line(denial: &DenialView) -> Vec<Cell> {
    let who = denial.actor.as_ref().map_or_else(|| "nobody known".to_owned(), ToString::to_string);
    vec![
        Cell::time(denial.at),
        Cell::Text(who),
        Cell::Text(denial.key.as_ref().map(ToString::to_string).unwrap_or_default()),
        Cell::text(&denial.act),
        Cell::Text(denial.desk.as_ref().map(ToString::to_string).unwrap_or_default()),
        Cell::Text(denial.story.as_ref().map(StoryId::to_string).unwrap_or_default()),
        Cell::text(&denial.door),
        Cell::text(&denial.reason),
    ]
}
