//! `recall`: who has what was called back, and who has acted on it.

use clap::{Args, Subcommand};
use serde_json::Value;
use story::Slug;
use wire::http::{RecallStatus, RecallView};

use crate::api::{Query, typed};
use crate::commands::list::table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};
use crate::session::Session;
use crate::times;

/// Options of `recall`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru recall status ceasefire\n  \
    writethru recall status ceasefire --json | jq '.subscribers[]'")]
pub(crate) struct Recall {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say who got a revision that was called back, and who has acted on the recall
    Status(Status),
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru recall status ceasefire\n  \
    writethru recall status ceasefire --json")]
struct Status {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
}

impl Recall {
    /// Prints a table, or the answer.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let What::Status(Status { story }) = &self.what;
        let path = ["v1", "stories", story.as_str(), "recalls"];
        let answer: Value = session.api()?.get(&path, &Query::new()).await?;
        if session.output.json {
            session.output.json(&answer)?;
        } else {
            print(&typed(&answer)?, session.output)?;
        }
        Ok(Exit::Ok)
    }
}

fn print(recalls: &RecallStatus, output: Output) -> Result<(), Failure> {
    if recalls.recalls.is_empty() {
        say("nothing of this story has been called back");
        return Ok(());
    }
    for recall in &recalls.recalls {
        print_one(recall, output)?;
    }
    if recalls.next.is_some() {
        say("there are older recalls: --json says how to ask for them");
    }
    Ok(())
}

/// Prints one recall, and where its subscribers stand.
fn print_one(recall: &RecallView, output: Output) -> Result<(), Failure> {
    let voids: Vec<String> = recall.voids.iter().map(ToString::to_string).collect();
    let voids = if voids.is_empty() { "nothing more".to_owned() } else { voids.join(", ") };
    let (kind, revision, recorded) = (recall.kind, recall.revision, times::shown(recall.recorded));
    output.line(format_args!("{kind} at revision {revision}, {recorded}: voids {voids}"))?;
    output.line(format_args!(
        "{} of {} who got one of those have acknowledged",
        recall.acknowledged, recall.got
    ))?;
    if recall.subscribers.is_empty() {
        return Ok(());
    }
    let mut table = table(&["subscriber", "got", "acknowledged"]);
    for line in &recall.subscribers {
        let got = line.got.map_or_else(|| "none".to_owned(), |revision| format!("revision {revision}"));
        let acknowledged = line.acknowledged.map_or_else(|| "NOT YET".to_owned(), times::shown);
        table.add_row([line.subscriber.to_string(), got, acknowledged]);
    }
    output.line(table.trim_fmt())?;
    if recall.subscribers_next.is_some() {
        say("there are more subscribers: --json says how to ask for them");
    }
    Ok(())
}
