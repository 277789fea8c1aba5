//! `history`: the revisions of a story and their permanent addresses, now or as they were.

use clap::Args;
use serde_json::Value;
use story::Slug;
use wire::http::RevisionLine;

use crate::api::{Api, Query, typed};
use crate::commands::list::table;
use crate::commands::log::row;
use crate::commands::when::When;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Options of `history`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru history ceasefire\n  \
    writethru history ceasefire --as-of 2026-11-22T14:32:00Z --axis published\n  \
    writethru history ceasefire --public --json | jq -r '[.recorded, .url] | @tsv'")]
pub(crate) struct History {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
    #[command(flatten)]
    when: When,
    /// Only what has been published
    #[arg(long)]
    public: bool,
}

impl History {
    /// Prints a table, or one JSON object a revision, newest first.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let api = session.api()?;
        let mut query: Query = vec![("view", if self.public { "public" } else { "desk" }.into())];
        self.when.ask(&mut query);
        let path = ["v1", "stories", self.story.as_str(), "history"];
        let mut table =
            table(&["rev", "kind", "public", "status", "recorded", "matters", "note", "reason", "url"]);
        let mut after: Option<String> = None;
        loop {
            let mut query = query.clone();
            query.extend(after.map(|after| ("after", after)));
            let page: Value = api.get(&path, &query).await?;
            let story = page["story"].as_str().unwrap_or_default().to_owned();
            let lines: Vec<Value> = typed(&page["revisions"])?;
            for mut line in lines {
                let read: RevisionLine = typed(&line)?;
                let url = self.url(&api, &story, &read);
                if session.output.json {
                    line["url"] = url.into();
                    session.output.json(&line)?;
                } else {
                    let mut row = row(&read);
                    row.push(url);
                    table.add_row(row);
                }
            }
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() {
                break;
            }
        }
        if !session.output.json {
            session.output.line(table.trim_fmt())?;
        }
        Ok(Exit::Ok)
    }

    /// Returns the permanent address of a revision, as whoever asked may read it.
    fn url(&self, api: &Api, story: &str, line: &RevisionLine) -> String {
        let base = api.base().as_str().trim_end_matches('/');
        let view = if self.public { "" } else { "?view=desk" };
        format!("{base}/v1/stories/{story}/revisions/{}{view}", line.revision)
    }
}
