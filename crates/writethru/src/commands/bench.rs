//! `bench`: measures this machine.

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Options of `bench`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru bench                            # a table; nothing of it touches your data dir\n  \
    writethru bench --json | jq .")]
pub(crate) struct Bench {}

impl Bench {
    /// Measures and prints.
    pub(crate) async fn run(&self, _session: &Session) -> Result<Exit, Failure> {
        todo!("bench")
    }
}
