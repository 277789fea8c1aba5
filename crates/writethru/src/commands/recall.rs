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

/// How far a story's recalls have come, newest first.
#[derive(Debug, Deserialize)]
pub(crate) struct Recalls {
    recalls: Vec<Recalled>,
    /// What to ask for older ones with.
    #[serde(default)]
    next: Option<String>,
}

/// How far one recall has come.
#[derive(Debug, Deserialize)]
struct Recalled {
    revision: u64,
    kind: story::Kind,
    recorded: Timestamp,
    voids: Vec<u64>,
    got: u64,
    acknowledged: u64,
    subscribers: Vec<Subscriber>,
    #[serde(default)]
    subscribers_next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Subscriber {
    subscriber: String,
    #[serde(default)]
    got: Option<u64>,
    #[serde(default)]
    acknowledged: Option<Timestamp>,
}

impl Recalls {
    /// Returns the revisions that the update `revision` called back; `None` if it is not here.
    pub(crate) fn voids(self, revision: u64) -> Option<Vec<u64>> {
        self.recalls.into_iter().find(|recall| recall.revision == revision).map(|recall| recall.voids)
    }
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
    if recalls.recalls.is_empty() {
        say("nothing of this story has been called back");
        return Ok(());
    }
    for recall in &recalls.recalls {
        recall.print(output)?;
    }
    if recalls.next.is_some() {
        say("there are older recalls: --json says how to ask for them");
    }
    Ok(())
}

impl Recalled {
    fn print(&self, output: Output) -> Result<(), Failure> {
        let voids: Vec<String> = self.voids.iter().map(ToString::to_string).collect();
        let voids = if voids.is_empty() { "nothing more".to_owned() } else { voids.join(", ") };
        let (kind, revision, recorded) = (self.kind, self.revision, times::shown(self.recorded));
        output.line(format_args!("{kind} at revision {revision}, {recorded}: voids {voids}"))?;
        output.line(format_args!(
            "{} of {} who got one of those have acknowledged",
            self.acknowledged, self.got
        ))?;
        if self.subscribers.is_empty() {
            return Ok(());
        }
        let mut table = table(&["subscriber", "got", "acknowledged"]);
        for line in &self.subscribers {
            let got = line.got.map_or_else(|| "none".to_owned(), |revision| format!("revision {revision}"));
            let acknowledged = line.acknowledged.map_or_else(|| "NOT YET".to_owned(), times::shown);
            table.add_row([line.subscriber.clone(), got, acknowledged]);
        }
        output.line(table.trim_fmt())?;
        if self.subscribers_next.is_some() {
            say("there are more subscribers: --json says how to ask for them");
        }
        Ok(())
    }
}
