//! `audit exports`: who took text out of the house in a file, newest first.

use clap::Args;
use wire::http::{ExportList, ExportView};

use crate::api::Query;
use crate::commands::list::table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::session::Session;
use crate::times;

/// Exports asked for at a time.
const PAGE_EXPORTS: usize = 200;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru audit exports\n  \
    writethru audit exports --limit 1000 --json | jq 'select(.level == \"full\")'")]
pub(super) struct Exports {
    /// At most this many, the newest
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl Exports {
    /// Prints a table, or one JSON object an export.
    pub(super) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let (api, output) = (session.api()?, session.output);
        let mut left = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let (mut after, mut listed): (Option<String>, usize) = (None, 0);
        let mut table = table(&["export", "when", "by", "for", "level", "stories", "bytes", "sha256"]);
        while left > 0 {
            let mut query: Query = vec![("limit", left.min(PAGE_EXPORTS).to_string())];
            query.extend(after.take().map(|after| ("after", after)));
            let page: ExportList = api.get(&["v1", "audit", "exports"], &query).await?;
            for line in page.exports.iter().take(left) {
                if output.json {
                    output.json(line)?;
                } else {
                    table.add_row(row(line));
                }
            }
            left = left.saturating_sub(page.exports.len());
            listed += page.exports.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if listed == 0 {
            say("nothing was exported");
        } else if !output.json {
            output.line(table.trim_fmt())?;
        }
        if after.is_some() {
            say(format_args!("there are older ones: --limit {}", u64::from(self.limit) * 2));
        }
        Ok(Exit::Ok)
    }
}

fn row(line: &ExportView) -> Vec<String> {
    let stories: Vec<String> = line.stories.iter().map(ToString::to_string).collect();
    vec![
        line.export.to_string(),
        times::shown(line.at),
        line.by.to_string(),
        line.recipient.clone().unwrap_or_default(),
        line.level.clone(),
        stories.join(" "),
        line.bytes.to_string(),
        line.sha256.clone(),
    ]
}
