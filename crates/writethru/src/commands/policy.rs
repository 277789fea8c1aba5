//! `policy`: what needs a second person.

use clap::{Args, Subcommand};
use registry::Guarded;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::{Ask, Query, typed};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;

/// Options of `policy`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru policy show\n  \
    writethru policy set kill takedown         # these need a second person; nothing else does\n  \
    writethru policy set --none")]
pub(crate) struct Policy {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print what needs a second person
    Show(Show),
    /// Say what needs a second person from now on
    Set(Set),
}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  writethru policy show")]
struct Show {}

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru policy set kill takedown correction\n  \
    writethru policy set --none")]
struct Set {
    /// What needs one: kill, takedown, correction, alert
    #[arg(value_name = "ACT", required_unless_present = "none")]
    acts: Vec<Guarded>,
    /// Nothing needs one
    #[arg(long, conflicts_with = "acts")]
    none: bool,
}

/// The policy, as the server says it.
#[derive(Debug, Deserialize)]
struct Rules {
    second_person: Vec<String>,
}

impl Policy {
    /// Shows or sets it, and prints it.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let api = session.api()?;
        let path = ["v1", "policy"];
        let answer: Value = match &self.what {
            What::Show(Show {}) => api.get(&path, &Query::new()).await?,
            What::Set(Set { acts, .. }) => {
                let body = json!({"second_person": acts});
                api.ask(Ask::new(Method::PUT, &path).json(&body)).await?.done()?
            }
        };
        print(&answer, session.output)?;
        Ok(Exit::Ok)
    }
}

fn print(answer: &Value, output: Output) -> Result<(), Failure> {
    if output.json {
        return output.json(answer);
    }
    let rules: Rules = typed(answer)?;
    if rules.second_person.is_empty() {
        return output.line("nothing needs a second person");
    }
    output.line(format_args!("needs a second person: {}", rules.second_person.join(", ")))
}
