//! `log`: the revisions of a story; and the event log itself, moved from one back end to another.

pub(crate) mod moving;
pub(crate) mod transfer;

use clap::{Args, Subcommand};
use story::Slug;

use crate::api::Query;
use crate::commands::list::table;
use crate::commands::show::stands;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::times;

/// Options of `log`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru log ceasefire\n  \
    writethru log ceasefire --public\n  \
    writethru log ceasefire --json | jq -r .note\n  \
    writethru log move --from ./newsroom --to nats://10.0.0.5:4222/0?replicas=3")]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Log {
    #[command(subcommand)]
    what: Option<What>,
    /// The story: its slug or id
    #[arg(value_name = "STORY", required = true)]
    story: Option<Slug>,
    /// Only what has been published
    #[arg(long)]
    public: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Copy the whole event log into another back end, and verify the copy
    Move(moving::Move),
}

impl Log {
    /// Prints a table, or one JSON object a revision, newest first.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        if let Some(What::Move(moving)) = &self.what {
            return Box::pin(moving.run(session)).await;
        }
        let Some(story) = &self.story else {
            return Err(Failure::new(Exit::Usage, "usage", "no story is named"));
        };
        let api = session.api()?;
        let view = if self.public { "public" } else { "desk" };
        let mut after: Option<String> = None;
        let mut table = table(&["rev", "kind", "public", "status", "recorded", "matters", "note", "reason"]);
        loop {
            let mut query: Query = vec![("view", view.into())];
            query.extend(after.map(|after| ("after", after)));
            let page: wire::http::HistoryPage =
                api.get(&["v1", "stories", story.as_str(), "history"], &query).await?;
            for line in &page.revisions {
                if session.output.json {
                    session.output.json(line)?;
                } else {
                    table.add_row(row(line));
                }
            }
            after = page.next;
            if after.is_none() || page.revisions.is_empty() {
                break;
            }
        }
        if !session.output.json {
            session.output.line(table.trim_fmt())?;
        }
        Ok(Exit::Ok)
    }
}

/// Returns what a table says of a revision.
pub(crate) fn row(line: &wire::http::RevisionLine) -> Vec<String> {
    vec![
        line.revision.to_string(),
        line.kind.to_string(),
        if line.public { "yes" } else { "no" }.to_owned(),
        line.status.map(|status| stands(status, line.until)).unwrap_or_default(),
        times::ago(line.recorded, times::now()),
        line.significance.as_ref().map(|significance| significance.level.to_string()).unwrap_or_default(),
        line.note.clone(),
        reason(line),
    ]
}

/// Returns why it was done, who approved it, and what it was carried over from, as far as the desk
/// knows.
fn reason(line: &wire::http::RevisionLine) -> String {
    let mut parts: Vec<String> = line.reason.iter().cloned().collect();
    parts.extend(line.approver.as_ref().map(|approver| format!("approved by {approver}")));
    parts.extend(line.rebased.map(|base| format!("rebased from revision {base}")));
    parts.join("; ")
}
