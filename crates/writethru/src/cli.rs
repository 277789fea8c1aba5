//! The command line: every command, its options and its help.
//!
//! Examples come first in every `--help`; a test parses each of them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;
use crate::config::{Flags, Key};
use crate::exit::Exit;
use crate::output::Color;

/// Keeps a breaking story straight: exact updates over NATS, history that can be proved.
#[derive(Debug, Parser)]
#[command(
    name = "writethru",
    version,
    disable_help_subcommand = true,
    before_help = "Examples:\n  \
        writethru up --demo                        # watch a real story change\n  \
        writethru push story.md --slug ceasefire --desk world\n  \
        writethru watch --desk world               # every change, word by word\n  \
        writethru diff ceasefire 3..5",
    after_help = Exit::help(),
)]
pub(crate) struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Data dir.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help = "Data dir; a server that runs on it is found by itself [env: WRITETHRU_DATA] [default: ./writethru-data]"
    )]
    pub(crate) data: Option<PathBuf>,
    /// Server to talk to, in place of the one on the data dir.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help = "Server to talk to, in place of the one on the data dir [env: WRITETHRU_URL]"
    )]
    pub(crate) url: Option<String>,
    /// File with your key.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "File with your key; the owner's is found in the data dir [env: WRITETHRU_KEY_FILE; WRITETHRU_KEY holds a key itself]"
    )]
    pub(crate) key_file: Option<PathBuf>,
    /// Configuration file.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        help = "Configuration file [env: WRITETHRU_CONFIG] [default: writethru.toml in the data dir]"
    )]
    pub(crate) config: Option<PathBuf>,
    /// Answer in JSON, one object a line; errors too, on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to use colours; `NO_COLOR` is honoured
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value = "auto")]
    pub(crate) color: Color,
    /// Log only errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Log more: -v debug, -vv trace.
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help = "Log more: -v debug, -vv trace [env: WRITETHRU_LOG]")]
    pub(crate) verbose: u8,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole service in one process
    Up(Box<commands::up::Up>),
    /// Run parts of the service, beside others on the same event log
    Serve(Box<commands::serve::Serve>),
    /// File copy: start a story or update one
    Push(Box<commands::push::Push>),
    /// Add, edit, pin or delete one entry of a live blog
    Entry(Box<commands::entry::Entry>),
    /// Hold a story back from readers until it is released
    Withhold(commands::act::Withhold),
    /// Publish a draft, held or scheduled story, now or later
    Release(commands::act::Release),
    /// Kill a story: do not use, ever
    Kill(commands::act::Kill),
    /// Take a story down for legal reasons
    Takedown(commands::act::Takedown),
    /// Take a story from readers, quietly
    Unpublish(commands::act::Unpublish),
    /// Bring back what was killed, taken down or unpublished
    Restore(commands::act::Restore),
    /// Put a story under an embargo, move its end, or lift it
    Embargo(commands::act::Embargo),
    /// Take words out of a story's record, or say something about them
    Redact(Box<commands::redact::Redact>),
    /// Forbid redactions of a story while a case is open
    Hold(commands::hold::Hold),
    /// List what waits for a second person
    Requests(commands::approval::Requests),
    /// Approve what somebody else asked for, and carry it out
    Approve(commands::approval::Approve),
    /// Refuse what somebody else asked for
    Refuse(commands::approval::Refuse),
    /// Say who has what was called back
    Recall(commands::recall::Recall),
    /// Say whether an embargo was kept, and what was refused
    Audit(commands::audit::Audit),
    /// File whole histories, one state a line
    Import(commands::import::Import),
    /// List the stories, newest first
    List(commands::list::List),
    /// Print an article, now or as it was
    Show(commands::show::Show),
    /// List the revisions of a story
    Log(commands::log::Log),
    /// List a story's revisions and their permanent addresses
    History(commands::history::History),
    /// Find every revision that had a phrase, and when readers had it
    Search(commands::search::Search),
    /// Say who wrote what, word by word
    Blame(commands::blame::Blame),
    /// Show what changed between two revisions, word by word
    Diff(commands::diff::Diff),
    /// Play the log again: to verify it, into a new data dir, or over NATS as a drill
    Replay(commands::replay::Replay),
    /// Follow changes as they are published, word by word
    Watch(Box<commands::watch::Watch>),
    /// Add, list, change, try and remove webhooks, and see what was delivered
    Webhook(Box<commands::webhook::Webhook>),
    /// Verify a data dir: structure, hashes, views
    Check(commands::check::Check),
    /// Build the views anew from the log
    Rebuild(commands::rebuild::Rebuild),
    /// Copy the log and the registry, also while a server runs
    Backup(commands::backup::Backup),
    /// Make a data dir from a backup
    #[command(name = "restore-backup")]
    RestoreBackup(commands::backup::Restore),
    /// Measure this machine: updates a second, latencies, replay
    Bench(commands::bench::Bench),
    /// Look for common faults and say what to do about them
    Doctor(commands::doctor::Doctor),
    /// Make, list, rotate and revoke keys
    Key(Box<commands::key::Key>),
    /// Add, list, change and remove people and machines
    Actor(commands::actor::Actor),
    /// Show or say what needs a second person
    Policy(commands::policy::Policy),
    /// Show, check or start a configuration
    Config(commands::config::Config),
    /// Write a NATS server's configuration with users and permissions
    Nats(commands::nats::Nats),
    /// Prove a receipt or a whole transparency log, trusting nobody
    Verify(commands::verify::Verify),
    /// Print the key that the transparency log is verified with
    Notary(commands::notary::Notary),
    /// Print shell completions
    Completions(commands::completions::Completions),
    /// Print manual pages
    Man(commands::man::Man),
}

impl Cli {
    /// Returns what the command line says of the configuration.
    pub(crate) fn flags(&self) -> Flags {
        let mut values = BTreeMap::new();
        if let Some(data) = &self.global.data {
            values.insert(Key::Data, data.display().to_string());
        }
        if let Some(url) = &self.global.url {
            values.insert(Key::Url, url.clone());
        }
        if let Some(file) = &self.global.key_file {
            values.insert(Key::CredentialFile, file.display().to_string());
        }
        let level = match (self.global.quiet, self.global.verbose) {
            (true, _) => Some("error"),
            (false, 0) => None,
            (false, 1) => Some("info,writethru=debug"),
            (false, _) => Some("debug,writethru=trace"),
        };
        if let Some(level) = level {
            values.insert(Key::Log, level.to_owned());
        }
        if let Command::Up(up) = &self.command {
            up.add_flags(&mut values);
        }
        if let Command::Serve(serve) = &self.command {
            serve.add_flags(&mut values);
        }
        if let Command::Replay(replay) = &self.command {
            replay.add_flags(&mut values);
        }
        if let Command::Watch(watch) = &self.command {
            watch.add_flags(&mut values);
        }
        Flags { values, config: self.global.config.clone() }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_before_help().map(ToString::to_string).unwrap_or_default();
        help.lines()
            .map(str::trim)
            .filter(|line| line.contains("writethru "))
            .map(|line| {
                let line = line.split(" #").next().unwrap_or(line);
                let start = line.find("writethru ").unwrap_or(0);
                let line = &line[start..];
                let end = line.find([';', '|', '>', ')']).unwrap_or(line.len());
                line[..end].trim().to_owned()
            })
            .collect()
    }

    /// Returns the words of a shell line, quoted ones whole.
    fn words(line: &str) -> Vec<String> {
        let mut words = Vec::new();
        for (index, part) in line.split('"').enumerate() {
            if index % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        words
    }

    #[track_caller]
    fn check_examples(command: &clap::Command) {
        let examples = examples(command);
        assert!(!examples.is_empty(), "{} has no example", command.get_name());
        for example in examples {
            let words = words(&example);
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("example {example:?} of {} is wrong: {error}", command.get_name());
            }
        }
    }

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_address_of_a_webhook_is_not_taken_for_the_servers() {
        for line in ["webhook add https://example.com/", "webhook change wh_1 --address https://example.com/"]
        {
            let cli = Cli::try_parse_from(words(&format!("writethru {line}"))).expect("parses");
            assert_eq!(cli.global.url, None, "{line}");
        }
    }

    #[test]
    fn every_command_has_examples_and_every_example_parses() {
        let mut root = Cli::command();
        root.build();
        check_examples(&root);
        root.get_subcommands().for_each(check_all);
    }

    #[track_caller]
    fn check_all(command: &clap::Command) {
        check_examples(command);
        command.get_subcommands().for_each(check_all);
    }

    #[test]
    fn every_command_has_a_one_line_about() {
        let root = Cli::command();
        let nested = root.get_subcommands().flat_map(clap::Command::get_subcommands);
        for command in root.get_subcommands().chain(nested) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && !about.contains('\n') && about.len() < 80, "{}", command.get_name());
        }
    }

    #[test]
    fn the_exit_codes_are_in_the_help() {
        let help = Cli::command().render_long_help().to_string();
        for exit in Exit::ALL {
            assert!(help.contains(exit.meaning()), "{exit:?} is not in {help}");
        }
    }
}
