//! `requests`, `approve`, `refuse`: what waits for a second person.

use clap::{Args, ValueEnum};
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
