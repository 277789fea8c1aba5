//! `completions`: what a shell needs to complete our commands.

use clap::{Args, CommandFactory};

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::write_bytes;

/// Options of `completions`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru completions bash > /etc/bash_completion.d/writethru\n  \
    writethru completions zsh > ~/.zfunc/_writethru\n  \
    writethru completions fish > ~/.config/fish/completions/writethru.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl Completions {
    /// Prints the completions.
    pub(crate) fn run(&self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "writethru", &mut script);
        write_bytes(&script)?;
        Ok(Exit::Ok)
    }
}
