//! `list`: the stories, newest first.

use clap::Args;
use comfy_table::{Table, presets};
use story::{Desk, Status};

use crate::api::Query;
use crate::commands::show::stands;
use crate::commands::when::When;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::session::Session;
use crate::times;

/// Options of `list`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru list\n  \
    writethru list --desk world --status usable --limit 20\n  \
    writethru list --as-of 2026-11-22T14:32:00Z --axis published\n  \
    writethru list --json | jq -r .slug")]
pub(crate) struct List {
    /// Only this desk's
    #[arg(long, value_name = "DESK")]
    desk: Option<Desk>,
    /// Only those in this status, such as usable or draft
    #[arg(long, value_name = "STATUS")]
    status: Option<Status>,
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    when: When,
    /// As readers see it: only what has been published
    #[arg(long)]
    public: bool,
}

/// Stories asked for at a time.
const PAGE_STORIES: usize = 200;

impl List {
    /// Prints a table, or one JSON object a story.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let api = session.api()?;
        let mut left = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut after: Option<String> = None;
        let mut table = table(&["slug", "desk", "status", "rev", "updated", "headline"]);
        let mut listed = 0_usize;
        while left > 0 {
            let page: wire::http::StoryList =
                api.get(&["v1", "stories"], &self.query(left.min(PAGE_STORIES), after.as_deref())).await?;
            for line in page.stories.iter().take(left) {
                if session.output.json {
                    session.output.json(line)?;
                } else {
                    table.add_row(row(line));
                }
            }
            left = left.saturating_sub(page.stories.len());
            listed += page.stories.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if listed == 0 {
            let now = "no stories yet; file one: writethru push FILE --slug NAME --desk DESK";
            say(if self.when.as_of.is_some() { "there were no stories then" } else { now });
        } else if !session.output.json {
            session.output.line(table.trim_fmt())?;
        }
        Ok(Exit::Ok)
    }

    fn query(&self, limit: usize, after: Option<&str>) -> Query {
        let mut query: Query = vec![("limit", limit.to_string())];
        query.push(("view", if self.public { "public" } else { "desk" }.into()));
        self.when.ask(&mut query);
        query.extend(self.desk.as_ref().map(|desk| ("desk", desk.to_string())));
        query.extend(self.status.map(|status| ("status", status.to_string())));
        query.extend(after.map(|after| ("after", after.to_owned())));
        query
    }
}

/// Returns an empty table without borders.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn row(line: &wire::http::StoryLine) -> Vec<String> {
    vec![
        line.slug.clone(),
        line.desk.to_string(),
        stands(line.status, line.until),
        line.revision.to_string(),
        times::ago(line.recorded, times::now()),
        line.headline.clone(),
    ]
}
