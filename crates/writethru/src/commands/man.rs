//! `man`: manual pages, made from the command line itself.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::write_bytes;

/// Options of `man`.
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    writethru man | man -l -                   # read the manual\n  \
    writethru man --out /usr/local/share/man/man1")]
pub(crate) struct Man {
    /// Write a page for every command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    /// Prints the main page, or writes all of them.
    pub(crate) fn run(&self) -> Result<Exit, Failure> {
        let mut root = Cli::command();
        root.build();
        match &self.out {
            None => write_bytes(&page(root).map_err(|error| Failure::output(&error))?)?,
            Some(folder) => write_all(&root, folder).map_err(|error| {
                Failure::new(Exit::Failure, "output", format!("cannot write into {}", folder.display()))
                    .because(&error)
                    .next("choose a folder that you may write to")
            })?,
        }
        Ok(Exit::Ok)
    }
}

fn page(command: clap::Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}

fn write_all(root: &clap::Command, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(root.clone(), folder)
}
