//! Writethru's one binary: command line, configuration, composition and lifecycle.
//!
//! It decides nothing about stories: `story` does. It opens the parts, joins them, and talks to
//! people. The answer goes to stdout, everything else to stderr.

mod api;
mod bench;
mod cli;
mod commands;
mod config;
mod credential;
mod discovery;
mod disk;
mod event_log;
mod exit;
mod failure;
mod feed;
mod history;
mod logging;
mod output;
mod place;
mod session;
mod times;
mod up;
mod words;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::config::Settings;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Session;

/// Allocates for the whole process; why not the system's: `docs/adr/0006`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.global.color, cli.global.json);
    match run(cli, output) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.report(output.json);
            failure.exit().into()
        }
    }
}

fn run(cli: Cli, output: Output) -> Result<Exit, Failure> {
    // These need no configuration, so a broken one must not stop them.
    match &cli.command {
        Command::Completions(completions) => return completions.run(),
        Command::Man(man) => return man.run(),
        Command::Nats(nats) => return nats.run(output),
        Command::Config(config) => return config.run(&cli.flags(), output),
        _ => {}
    }
    let settings = Settings::load(&cli.flags())?;
    logging::start(&settings, matches!(cli.command, Command::Up(_) | Command::Serve(_)));
    let _traces = logging::send_traces();
    let session = Session { settings, output };
    let runtime = runtime(&cli.command)?;
    let exit = runtime.block_on(dispatch(cli.command, session));
    // Nothing that still runs now may hold the process up.
    runtime.shutdown_background();
    exit
}

fn runtime(command: &Command) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = match command {
        Command::Up(_) | Command::Serve(_) | Command::Bench(_) | Command::Check(_) | Command::Rebuild(_) => {
            tokio::runtime::Builder::new_multi_thread()
        }
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    builder
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Failure, "runtime", "cannot start the runtime").because(&error))
}

async fn dispatch(command: Command, session: Session) -> Result<Exit, Failure> {
    match command {
        Command::Up(up) => Box::pin(up.run(session)).await,
        Command::Serve(serve) => Box::pin(serve.run(session)).await,
        Command::Push(push) => Box::pin(push.run(&session)).await,
        Command::Import(import) => Box::pin(import.run(&session)).await,
        Command::List(list) => Box::pin(list.run(&session)).await,
        Command::Show(show) => Box::pin(show.run(&session)).await,
        Command::Log(log) => Box::pin(log.run(&session)).await,
        Command::History(history) => Box::pin(history.run(&session)).await,
        Command::Search(search) => Box::pin(search.run(&session)).await,
        Command::Replay(replay) => Box::pin(replay.run(&session)).await,
        Command::Blame(blame) => Box::pin(blame.run(&session)).await,
        Command::Diff(diff) => Box::pin(diff.run(&session)).await,
        Command::Watch(watch) => Box::pin(watch.run(&session)).await,
        Command::Check(check) => Box::pin(check.run(&session)).await,
        Command::Rebuild(rebuild) => Box::pin(rebuild.run(&session)).await,
        Command::Backup(backup) => Box::pin(backup.run(&session)).await,
        Command::RestoreBackup(restore) => Box::pin(restore.run(&session)).await,
        Command::Bench(bench) => Box::pin(bench.run(&session)).await,
        Command::Doctor(doctor) => Box::pin(doctor.run(&session)).await,
        Command::Withhold(withhold) => Box::pin(withhold.run(&session)).await,
        Command::Release(release) => Box::pin(release.run(&session)).await,
        Command::Kill(kill) => Box::pin(kill.run(&session)).await,
        Command::Takedown(takedown) => Box::pin(takedown.run(&session)).await,
        Command::Unpublish(unpublish) => Box::pin(unpublish.run(&session)).await,
        Command::Restore(restore) => Box::pin(restore.run(&session)).await,
        Command::Embargo(embargo) => Box::pin(embargo.run(&session)).await,
        Command::Redact(redact) => Box::pin(redact.run(&session)).await,
        Command::Hold(hold) => Box::pin(hold.run(&session)).await,
        Command::Requests(requests) => Box::pin(requests.run(&session)).await,
        Command::Approve(approve) => Box::pin(approve.run(&session)).await,
        Command::Refuse(refuse) => Box::pin(refuse.run(&session)).await,
        Command::Recall(recall) => Box::pin(recall.run(&session)).await,
        Command::Audit(audit) => Box::pin(audit.run(&session)).await,
        Command::Actor(actor) => Box::pin(actor.run(&session)).await,
        Command::Policy(policy) => Box::pin(policy.run(&session)).await,
        Command::Entry(entry) => Box::pin(entry.run(&session)).await,
        Command::Webhook(webhook) => Box::pin(webhook.run(&session)).await,
        Command::Key(key) => Box::pin(key.run(&session)).await,
        // `run` has answered these already.
        Command::Notary(notary) => Box::pin(notary.run(&session)).await,
        Command::Verify(verify) => Box::pin(verify.run(&session)).await,
        Command::Config(_) | Command::Nats(_) | Command::Completions(_) | Command::Man(_) => Ok(Exit::Ok),
    }
}
