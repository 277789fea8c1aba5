//! `audit denied`: what was refused to whom, newest first.

use clap::Args;
use story::StoryId;
use wire::http::{DenialList, DenialView};

use crate::api::Query;
use crate::commands::list::table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::session::Session;
use crate::times;

/// Denials asked for at a time.
const PAGE_DENIALS: usize = 200;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru audit denied\n  \
    writethru audit denied --from 2026-11-23T00:00:00Z --to 2026-11-24T00:00:00Z\n  \
    writethru audit denied --limit 5000 --json | jq -r 'select(.act == \"kill\") | .actor'")]
pub(super) struct Denied {
    /// Only at this time or later (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = times::instant)]
    from: Option<String>,
    /// Only before this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = times::instant)]
    to: Option<String>,
    /// At most this many, the newest
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl Denied {
    /// Prints a table, or one JSON object a denial.
    pub(super) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let (api, output) = (session.api()?, session.output);
        let mut left = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let (mut after, mut listed, mut not_kept) = (None, 0_usize, 0);
        let mut table = table(&["when", "who", "act", "desk", "story", "door", "reason"]);
        while left > 0 {
            let query = self.query(left.min(PAGE_DENIALS), after.as_deref());
            let page: DenialList = api.get(&["v1", "denials"], &query).await?;
            for line in page.denials.iter().take(left) {
                if output.json {
                    output.json(line)?;
                } else {
                    table.add_row(row(line));
                }
            }
            left = left.saturating_sub(page.denials.len());
            listed += page.denials.len();
            (after, not_kept) = (page.next, page.not_kept);
            if after.is_none() || page.denials.is_empty() {
                break;
            }
        }
        if listed == 0 {
            say("nothing was refused to anyone");
        } else if !output.json {
            output.line(table.trim_fmt())?;
        }
        if after.is_some() {
            say(format_args!("there are older ones: --limit {}", u64::from(self.limit) * 2));
        }
        if not_kept > 0 {
            say(format_args!("{not_kept} more came too fast to be kept, or the disk refused them"));
        }
        Ok(Exit::Ok)
    }

    fn query(&self, limit: usize, after: Option<&str>) -> Query {
        let mut query: Query = vec![("limit", limit.to_string())];
        query.extend(self.from.as_ref().map(|from| ("from", from.clone())));
        query.extend(self.to.as_ref().map(|to| ("to", to.clone())));
        query.extend(after.map(|after| ("after", after.to_owned())));
        query
    }
}

fn row(line: &DenialView) -> Vec<String> {
    let who = match (&line.actor, &line.key) {
        (Some(actor), Some(key)) => format!("{actor} (key {key})"),
        (Some(actor), None) => actor.to_string(),
        (None, _) => "nobody known".to_owned(),
    };
    vec![
        times::shown(line.at),
        who,
        line.act.clone(),
        line.desk.as_ref().map(ToString::to_string).unwrap_or_default(),
        line.story.as_ref().map(StoryId::to_string).unwrap_or_default(),
        line.door.clone(),
        line.reason.clone(),
    ]
}
