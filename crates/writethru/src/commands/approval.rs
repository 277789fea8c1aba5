//! `requests`, `approve`, `refuse`: what waits for a second person.

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};
use wire::http::RequestView;

use crate::api::{Api, Ask, Query, Reply, typed};
use crate::commands::list::table;
use crate::commands::outcome::report;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};
use crate::session::Session;
use crate::times;

/// Options of `requests`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru requests                         # what waits for a second person\n  \
    writethru requests 12                      # one of them, with what it would do\n  \
    writethru requests --all --json | jq -r '.request'")]
pub(crate) struct Requests {
    /// One request, with what it asks for
    #[arg(value_name = "REQUEST", conflicts_with = "all")]
    request: Option<u64>,
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

impl Requests {
    /// Prints a table, or one JSON object a request.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let api = session.api()?;
        if let Some(request) = self.request {
            return one(&api, request, session.output).await;
        }
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

fn row(request: RequestView) -> Vec<String> {
    let story = request.story.map(|story| story.to_string()).unwrap_or_default();
    let expires = times::shown(request.expires);
    let (number, actor) = (request.request.to_string(), request.actor.to_string());
    vec![number, request.act, story, actor, request.state, expires]
}

/// Prints one request, with what it asks for.
async fn one(api: &Api, request: u64, output: Output) -> Result<Exit, Failure> {
    let answer: Value = api.get(&["v1", "requests", &request.to_string()], &Query::new()).await?;
    if output.json {
        return output.json(&answer).map(|()| Exit::Ok);
    }
    let view: RequestView = typed(&answer)?;
    let story = view.story.map_or("a new story".to_owned(), |story| story.to_string());
    let (act, actor, state) = (&view.act, &view.actor, &view.state);
    output.line(format_args!("request {request}  {act} of {story}  asked by {actor}  {state}"))?;
    let content = view.content.unwrap_or_default();
    let approver = view.approver.map(|approver| approver.to_string());
    for (name, text) in [
        ("decided by", approver),
        ("ended because", view.reason),
        ("reason", Some(content.reason)),
        ("note", Some(content.note)),
        ("what was wrong", content.what),
        ("where", content.place),
        ("cannot be done now", content.problem),
    ] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            output.line(format_args!("{name}: {text}"))?;
        }
    }
    if let Some(changes) = content.changes {
        output.line(changes.trim_end())?;
    }
    if state == "pending" {
        let expires = times::shown(view.expires);
        say(format_args!("next: `writethru approve {request}` by someone else, until {expires}"));
    }
    Ok(Exit::Ok)
}
