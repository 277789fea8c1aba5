//! `actor`: people and machines, under pseudonyms, and what they may do.

use clap::{Args, Subcommand};
use registry::Grant;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use story::ActorId;

use crate::api::{Ask, Query, typed};
use crate::commands::list::table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Options of `actor`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru actor add ed-7 --grant editor@world --name \"Night desk\"\n  \
    writethru actor list\n  \
    writethru actor change ed-7 --grant editor@world --grant legal@*   # all grants from now on\n  \
    writethru actor remove ed-7                # and every key of it, at once\n  \
    writethru actor erase-name ed-7")]
pub(crate) struct Actor {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add a person or machine
    Add(Add),
    /// List them, and what they may do
    List(List),
    /// Change a name, or all grants
    Change(Change),
    /// Remove one: its keys are no keys any more, what it did stays its own
    Remove(Remove),
    /// Erase a name for ever
    EraseName(EraseName),
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru actor add ed-7 --grant editor@world --grant editor@sports\n  \
    writethru actor add --grant subscriber@*   # a pseudonym is made")]
struct Add {
    /// A pseudonym, for ever in the log: not a name. One is made, without
    #[arg(value_name = "ACTOR")]
    actor: Option<ActorId>,
    /// What it may do: ROLE@DESK or ROLE@*; reporter, editor, legal, auditor, admin, subscriber
    #[arg(long = "grant", value_name = "GRANT")]
    grants: Vec<Grant>,
    /// Its name, kept beside the log and erasable
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  writethru actor list\n  writethru actor list --json | jq -r .id")]
struct List {}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru actor change ed-7 --name \"Night desk\"\n  \
    writethru actor change ed-7 --grant editor@world   # in place of all it had\n  \
    writethru actor change ed-7 --no-grants")]
struct Change {
    /// Who
    #[arg(value_name = "ACTOR")]
    actor: ActorId,
    #[command(flatten)]
    what: Changed,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Changed {
    /// What it may do from now on, in place of all it may now
    #[arg(long = "grant", value_name = "GRANT")]
    grants: Vec<Grant>,
    /// It may do nothing from now on
    #[arg(long, conflicts_with = "grants")]
    no_grants: bool,
    /// Its name from now on
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  writethru actor remove ed-7")]
struct Remove {
    /// Who
    #[arg(value_name = "ACTOR")]
    actor: ActorId,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  writethru actor erase-name ed-7")]
struct EraseName {
    /// Who
    #[arg(value_name = "ACTOR")]
    actor: ActorId,
}

/// An actor, as far as a person is shown it.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    grants: Vec<String>,
    #[serde(default)]
    deactivated: Option<jiff::Timestamp>,
}

impl Actor {
    /// Does it, and prints the actor.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        match &self.what {
            What::List(List {}) => list(session).await,
            What::Add(add) => {
                let mut body = json!({"grants": add.grants});
                body["id"] = json!(add.actor);
                body["name"] = json!(add.name);
                let path = ["v1", "actors"];
                tell(session, Ask::new(Method::POST, &path).json(&body), "added").await
            }
            What::Change(Change { actor, what }) => {
                let mut body = Map::new();
                if what.no_grants || !what.grants.is_empty() {
                    body.insert("grants".into(), json!(what.grants));
                }
                if let Some(name) = &what.name {
                    body.insert("name".into(), json!(name));
                }
                let path = ["v1", "actors", actor.as_str()];
                let ask = Ask::new(Method::PATCH, &path).json(&Value::Object(body));
                tell(session, ask, "changed").await
            }
            What::Remove(Remove { actor }) => {
                let path = ["v1", "actors", actor.as_str()];
                tell(session, Ask::new(Method::DELETE, &path), "removed").await
            }
            What::EraseName(EraseName { actor }) => {
                let path = ["v1", "actors", actor.as_str(), "name"];
                tell(session, Ask::new(Method::DELETE, &path), "name erased").await
            }
        }
    }
}

/// Sends a command, and prints the actor as it is now.
async fn tell(session: &Session, ask: Ask<'_>, done: &str) -> Result<Exit, Failure> {
    let answer: Value = session.api()?.ask(ask).await?.done()?;
    if session.output.json {
        session.output.json(&answer)?;
        return Ok(Exit::Ok);
    }
    let line: Line = typed(&answer)?;
    let grants = if line.grants.is_empty() { "no grants".to_owned() } else { line.grants.join(" ") };
    session.output.line(format_args!("{}  {done}  {grants}", line.id))?;
    Ok(Exit::Ok)
}

async fn list(session: &Session) -> Result<Exit, Failure> {
    let api = session.api()?;
    let mut table = table(&["actor", "grants", "name", "state"]);
    api.each(&["v1", "actors"], &Query::new(), "actors", |actor| {
        if session.output.json {
            return session.output.json(actor);
        }
        let line: Line = typed(actor)?;
        let state = if line.deactivated.is_some() { "removed" } else { "" };
        table.add_row([line.id, line.grants.join(" "), line.name.unwrap_or_default(), state.to_owned()]);
        Ok(())
    })
    .await?;
    if !session.output.json {
        session.output.line(table.trim_fmt())?;
    }
    Ok(Exit::Ok)
}
