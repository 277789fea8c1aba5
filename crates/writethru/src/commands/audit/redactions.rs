//! `audit redactions`: what was redacted, when, by whom and by what right.

use clap::Args;
use story::Slug;
use wire::http::{RedactionList, RedactionView};

use crate::api::Query;
use crate::commands::list::table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::session::Session;
use crate::times;

/// Redactions asked for at a time.
const PAGE_REDACTIONS: usize = 200;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru audit redactions\n  \
    writethru audit redactions fire --json | jq '{revision, basis, approver}'")]
pub(super) struct Redactions {
    /// Only of this story: its slug or id
    #[arg(value_name = "STORY")]
    story: Option<Slug>,
    /// At most this many, the newest
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl Redactions {
    /// Prints a table, or one JSON object a redaction.
    pub(super) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let (api, output) = (session.api()?, session.output);
        let path: Vec<&str> = match &self.story {
            Some(story) => vec!["v1", "stories", story.as_str(), "redactions"],
            None => vec!["v1", "redactions"],
        };
        let mut left = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let (mut after, mut listed): (Option<String>, usize) = (None, 0);
        let mut table =
            table(&["when", "story", "rev", "kind", "basis", "sentences", "by", "approved by", "reason"]);
        while left > 0 {
            let mut query: Query = vec![("limit", left.min(PAGE_REDACTIONS).to_string())];
            query.extend(after.take().map(|after| ("after", after)));
            let page: RedactionList = api.get(&path, &query).await?;
            for line in page.redactions.iter().take(left) {
                if output.json {
                    output.json(line)?;
                } else {
                    table.add_row(row(line));
                }
            }
            left = left.saturating_sub(page.redactions.len());
            listed += page.redactions.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if listed == 0 {
            say("nothing has been redacted");
        } else if !output.json {
            output.line(table.trim_fmt())?;
        }
        if after.is_some() {
            say(format_args!("there are older ones: --limit {}", u64::from(self.limit) * 2));
        }
        Ok(Exit::Ok)
    }
}

fn row(line: &RedactionView) -> Vec<String> {
    vec![
        times::shown(line.recorded),
        line.slug.clone(),
        line.revision.to_string(),
        line.kind.to_string(),
        line.basis.to_string(),
        line.values.to_string(),
        line.actor.to_string(),
        line.approver.as_ref().map(ToString::to_string).unwrap_or_default(),
        line.reason.clone().unwrap_or_default(),
    ]
}
