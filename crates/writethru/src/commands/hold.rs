//! `hold`: forbid redactions of a story for as long as a case is open.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};
use story::{Basis, Slug};
use wire::http::{HoldBody, HoldList, HoldView, LiftBody};

use crate::api::{Ask, Query, Reply, typed};
use crate::commands::list::table;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, say};
use crate::session::Session;
use crate::times;

/// Holds asked for at a time.
const PAGE_HOLDS: usize = 500;

/// Options of `hold`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru hold place fire --basis court:2026/17 --reason \"disclosure in A against B\"\n  \
    writethru hold list\n  \
    writethru hold lift 3 --reason \"the case is closed\"")]
pub(crate) struct Hold {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Place a hold: nothing of the story is redacted until it is lifted
    Place(Place),
    /// Lift a hold
    Lift(Lift),
    /// List the holds, newest first
    List(Listing),
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru hold place fire --basis court:2026/17 --reason \"disclosure in A against B\"")]
struct Place {
    /// The story: its slug or id
    #[arg(value_name = "STORY")]
    story: Slug,
    /// By what right, such as court:2026/17
    #[arg(long, value_name = "BASIS")]
    basis: Basis,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru hold lift 3 --reason \"the case is closed\"")]
struct Lift {
    /// The hold's number
    #[arg(value_name = "HOLD")]
    hold: u64,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru hold list\n  \
    writethru hold list fire --all --json")]
struct Listing {
    /// Only of this story: its slug or id
    #[arg(value_name = "STORY")]
    story: Option<Slug>,
    /// Also those that are lifted
    #[arg(long)]
    all: bool,
}

impl Hold {
    /// Places, lifts or lists holds.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        match &self.what {
            What::Place(place) => {
                let body = HoldBody {
                    story: place.story.to_string(),
                    basis: place.basis.clone(),
                    reason: place.reason.clone(),
                };
                let ask = Ask::new(Method::POST, &["v1", "holds"]).json(&json!(body));
                let reply: Reply<Value> = session.api()?.ask(ask).await?;
                one(&reply.done()?, session.output)
            }
            What::Lift(lift) => {
                let number = lift.hold.to_string();
                let path = ["v1", "holds", &number, "lift"];
                let ask =
                    Ask::new(Method::POST, &path).json(&json!(LiftBody { reason: lift.reason.clone() }));
                let reply: Reply<Value> = session.api()?.ask(ask).await?;
                one(&reply.done()?, session.output)
            }
            What::List(listing) => listing.run(session).await,
        }
    }
}

impl Listing {
    async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let (api, output) = (session.api()?, session.output);
        let mut table = table(&["hold", "story", "basis", "placed", "by", "lifted", "reason"]);
        let (mut after, mut count): (Option<String>, usize) = (None, 0);
        loop {
            let mut query: Query = vec![("limit", PAGE_HOLDS.to_string()), ("all", self.all.to_string())];
            query.extend(self.story.as_ref().map(|story| ("story", story.to_string())));
            query.extend(after.take().map(|after| ("after", after)));
            let page: HoldList = api.get(&["v1", "holds"], &query).await?;
            count += page.holds.len();
            for hold in &page.holds {
                if output.json {
                    output.json(hold)?;
                } else {
                    table.add_row(row(hold));
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if count == 0 {
            say("no hold is in force");
        } else if !output.json {
            output.line(table.trim_fmt())?;
        }
        Ok(Exit::Ok)
    }
}

fn one(answer: &Value, output: Output) -> Result<Exit, Failure> {
    if output.json {
        return output.json(answer).map(|()| Exit::Ok);
    }
    let hold: HoldView = typed(answer)?;
    let state = if hold.lifted.is_some() { "lifted" } else { "in force: nothing of the story is redacted" };
    output.line(format_args!("hold {}  {}  {}  {state}", hold.hold, hold.story, hold.basis))?;
    Ok(Exit::Ok)
}

fn row(hold: &HoldView) -> Vec<String> {
    vec![
        hold.hold.to_string(),
        hold.story.to_string(),
        hold.basis.to_string(),
        times::shown(hold.placed),
        hold.placed_by.to_string(),
        hold.lifted.map_or_else(String::new, times::shown),
        hold.reason.clone(),
    ]
}
