//! `recall`: who has what was called back, and who has acted on it.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use story::Slug;

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

/// What the server says of a story's recalls, as far as a person is shown it.
#[derive(Debug, Deserialize)]
pub(crate) struct Recalls {
    /// The revisions that must not be used any more.
    #[serde(default)]
    pub(crate) voided: Vec<u64>,
    /// Everyone who got one of them or has acknowledged.
    #[serde(default)]
    subscribers: Vec<Subscriber>,
}

#[derive(Debug, Deserialize)]
struct Subscriber {
    subscriber: String,
    #[serde(default)]
    got: Option<u64>,
    #[serde(default)]
    acknowledged: Option<Timestamp>,
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

fn print(recalls: &Recalls, output: Output) -> Result<(), Failure> {
    if recalls.voided.is_empty() {
        say("nothing of this story has been called back");
        return Ok(());
    }
    let voided: Vec<String> = recalls.voided.iter().map(ToString::to_string).collect();
    output.line(format_args!("voided: revision {}", voided.join(", ")))?;
    if recalls.subscribers.is_empty() {
        say("no subscriber is known to have one of them");
        return Ok(());
    }
    let mut table = table(&["subscriber", "got", "acknowledged"]);
    for line in &recalls.subscribers {
        let got = line.got.map_or_else(|| "none".to_owned(), |revision| format!("revision {revision}"));
        let acknowledged = line.acknowledged.map_or_else(|| "NOT YET".to_owned(), times::shown);
        table.add_row([line.subscriber.clone(), got, acknowledged]);
    }
    output.line(table.trim_fmt())?;
    let open = recalls.subscribers.iter().filter(|line| line.acknowledged.is_none()).count();
    if open > 0 {
        say(format_args!("{open} of {} have not acknowledged: tell them", recalls.subscribers.len()));
    }
    Ok(())
}
