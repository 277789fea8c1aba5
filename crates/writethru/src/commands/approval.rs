//! `requests`, `approve`, `refuse`: what waits for a second person.

use clap::Args;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Ask, Query, Reply, typed};
use crate::commands::list::table;
use crate::commands::outcome::report;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::session::Session;
use crate::times;

/// Options of `requests`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru requests                         # what waits for a second person\n  \
    writethru requests --all --json | jq -r '.request'")]
pub(crate) struct Requests {
    /// Those that were decided, too
    #[arg(long)]
    all: bool,
}

/// Options of `approve`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru approve 12                       # carries it out; nobody approves their own")]
pub(crate) struct Approve {
    /// The request: `writethru requests` lists them
    #[arg(value_name = "REQUEST")]
    request: u64,
}

/// Options of `refuse`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru refuse 12 --reason \"The quotation has been confirmed\"")]
pub(crate) struct Refuse {
    /// The request: `writethru requests` lists them
    #[arg(value_name = "REQUEST")]
    request: u64,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// One request, as far as a person is shown it.
#[derive(Debug, Deserialize)]
struct Line {
    request: u64,
    act: String,
    actor: String,
    #[serde(default)]
    story: Option<String>,
    #[serde(default)]
    slug: Option<String>,
    state: String,
    expires: jiff::Timestamp,
}

impl Requests {
    /// Prints a table, or one JSON object a request.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let api = session.api()?;
        let mut table = table(&["request", "act", "story", "asked by", "state", "expires"]);
        let mut query = Query::new();
        if !self.all {
            query.push(("state", "pending".to_owned()));
        }
        let listed = api
            .each(&["v1", "requests"], &query, "requests", |request| {
                if session.output.json {
                    return session.output.json(request);
                }
                table.add_row(row(typed(request)?));
                Ok(())
            })
            .await?;
        if listed == 0 {
            say("nothing waits for a second person");
        } else if !session.output.json {
            session.output.line(table.trim_fmt())?;
        }
        Ok(Exit::Ok)
    }
}

impl Approve {
    /// Approves the request, and prints what became of the story.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let api = session.api()?;
        let request = self.request.to_string();
        let path = ["v1", "requests", &request, "approve"];
        let reply: Reply<Value> = api.ask(Ask::new(Method::POST, &path)).await?;
        report(&api, reply, session.output).await
    }
}

impl Refuse {
    /// Refuses the request.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let request = self.request.to_string();
        let path = ["v1", "requests", &request, "refuse"];
        let mut ask = Ask::new(Method::POST, &path);
        if let Some(reason) = &self.reason {
            ask = ask.json(&json!({"reason": reason}));
        }
        let answer: Value = session.api()?.ask(ask).await?.done()?;
        if session.output.json {
            session.output.json(&answer)?;
        } else {
            session.output.line(format_args!("request {request}  refused: nothing is done"))?;
        }
        Ok(Exit::Ok)
    }
}

fn row(line: Line) -> Vec<String> {
    let story = line.slug.or(line.story).unwrap_or_default();
    let expires = times::shown(line.expires);
    vec![line.request.to_string(), line.act, story, line.actor, line.state, expires]
}
