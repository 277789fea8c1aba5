//! `log move`: the whole event log copied from one back end into another, and the copy verified.
//!
//! Every record keeps its position, its story, its revision, its command and every byte, so cursors
//! and idempotency keys go on: the copy is the same life of the log, with the same epoch. The log that
//! is copied stays as it is. Until the copy is verified nothing can open it; a move that was cut off
//! goes on where it stopped. It refuses to write over anything.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clap::Args;
use log::{EventLog, ImportError, Options, Position, Replicas, Stage};
use publisher::server::Seed;
use serde_json::json;

use super::super::check;
use super::transfer::{Copied, Transfer};
use crate::event_log::{self, OnNats, unopened};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place::{NatsLog, Place};
use crate::session::Session;
use crate::up::data_dir::{DataDir, Paths};
use crate::up::nats::Broker;

/// What the file of a log is called that is being filled.
const FILLING: &str = "log.db.moving";

/// Options of `log move`.
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
    writethru log move --from ./newsroom --to nats://10.0.0.5:4222,10.0.0.6:4222/0?replicas=3\n  \
    writethru log move --from nats://127.0.0.1:4222/0 --to ./back-on-one-machine --json",
    after_help = "A log is a data dir, or nats://HOST[:PORT][,HOST[:PORT]…][/NAME][?replicas=1|3|5][&partitions=1].\n\
    Stop every service on the old log first. The target must be new; a move that was cut off goes on where it \
    stopped. The old log stays as it is: do not write to it again."
)]
pub(crate) struct Move {
    /// The log to copy
    #[arg(long, value_name = "LOG")]
    from: Place,
    /// Where it goes: a data dir without a log, or a new name on NATS
    #[arg(long, value_name = "LOG")]
    to: Place,
    /// What to sign in with at NATS.
    #[arg(
        long,
        value_name = "FILE",
        help = "File with the seed to sign in with at NATS [env: WRITETHRU_NATS_SEED]"
    )]
    nats_seed: Option<PathBuf>,
}

/// An open log and what holds it.
struct Opened {
    log: EventLog,
    /// The data dir, closed to others while the log is moved.
    held: Option<DataDir>,
}

impl Move {
    /// Returns the move of one log into another place, without a seed.
    pub(crate) const fn between(from: Place, to: Place) -> Self {
        Self { from, to, nats_seed: None }
    }

    /// Copies, verifies, and says what was copied.
    pub(crate) async fn run(&self, session: &Session) -> Result<Exit, Failure> {
        let seed = self.nats_seed.as_deref().or(session.settings.nats_seed.as_deref());
        let seed = seed.map(Seed::read).transpose().map_err(|error| {
            Failure::new(Exit::Usage, "nats-seed", "cannot sign in at NATS")
                .because(&error)
                .next("name a file that `writethru nats config` has written: --nats-seed FILE")
        })?;
        let from = open_source(&self.from, seed.clone()).await?;
        let to = open_target(&self.to, seed, from.log.epoch()).await?;
        let copied = self.copy(&from.log, &to.log).await;
        let finished = match copied {
            Ok(copied) => finish(&to).await.map(|()| copied),
            Err(failure) => Err(failure),
        };
        to.log.close().await;
        from.log.close().await;
        let copied = finished?;
        if let Some(held) = &to.held {
            settle(&held.paths.root, copied.epoch).await?;
            put_in_place(&held.paths)?;
        }
        self.tell(session, &copied)
    }

    async fn copy(&self, from: &EventLog, to: &EventLog) -> Result<Copied, Failure> {
        if to.epoch() != from.epoch() {
            return Err(Failure::new(
                Exit::Failure,
                "other-move",
                format!("{} has begun to take another log", self.to.shown()),
            )
            .next(
                "choose another target, or delete what is there: log.db.moving*, or the streams of that name",
            ));
        }
        let transfer = Transfer { from, to };
        transfer.copy().await?;
        check::structure(to).await?;
        let copied = transfer.verify().await?;
        if from.head() != copied.head {
            return Err(Failure::new(Exit::Failure, "log-in-use", "the log was written while it was moved")
                .why(format!("it ends at position {} now, {} were copied", from.head(), copied.head))
                .next(
                    "stop every service on it and run the same command again: it goes on where it stopped",
                ));
        }
        Ok(copied)
    }

    fn tell(&self, session: &Session, copied: &Copied) -> Result<Exit, Failure> {
        let (from, to) = (self.from.shown(), self.to.shown());
        if session.output.json {
            session.output.json(&json!({
                "from": from, "to": to, "records": copied.head.0, "batches": copied.batches,
                "epoch": copied.epoch.0.to_string(), "hash": copied.hash, "verified": true,
            }))?;
            return Ok(Exit::Ok);
        }
        session.output.line(format_args!(
            "{to}: {} records, each at its position, every byte verified ({})",
            copied.head, copied.hash
        ))?;
        let next = match &self.to {
            Place::Dir(data) => format!("writethru up --data {}", data.display()),
            Place::Nats(..) => format!("writethru up --log '{to}'"),
        };
        session.output.line(format_args!("  next:     {next}"))?;
        session.output.line(format_args!("  cursors:  go on, the epoch is the same"))?;
        session.output.line(format_args!("  {from} is as it was: never write to it again"))?;
        Ok(Exit::Ok)
    }
}

async fn open_source(place: &Place, seed: Option<Seed>) -> Result<Opened, Failure> {
    match place {
        Place::Dir(data) => {
            event_log::must_exist(data)?;
            let held = DataDir::take(data)?;
            let log = event_log::open_to_read_at(&held.paths.log()).await?;
            Ok(Opened { log, held: Some(held) })
        }
        Place::Nats(given, _) => {
            let log = on_nats(given, seed, Stage::Whole).open(event_log::reading()).await?;
            Ok(Opened { log, held: None })
        }
    }
}

/// Opens the log that is filled, made with the `epoch` of the other.
async fn open_target(place: &Place, seed: Option<Seed>, epoch: log::Epoch) -> Result<Opened, Failure> {
    let options = Options { new_epoch: epoch, create: true, read_only: false };
    match place {
        Place::Dir(data) => {
            let held = DataDir::take(data)?;
            let taken = held.paths.log();
            if taken.exists() {
                let what = format!("{} is there already", taken.display());
                return Err(Failure::new(Exit::Failure, "not-empty", what)
                    .why("a move never goes over anything")
                    .next("name a data dir without a log: --to DIR"));
            }
            let log = EventLog::open(&data.join(FILLING), options).await.map_err(|error| unopened(&error))?;
            Ok(Opened { log, held: Some(held) })
        }
        Place::Nats(given, _) => {
            let log = on_nats(given, seed, Stage::Filling).open(options).await?;
            Ok(Opened { log, held: None })
        }
    }
}

fn on_nats(given: &NatsLog, seed: Option<Seed>, stage: Stage) -> OnNats {
    OnNats {
        broker: Broker { url: given.servers.clone().unwrap_or_default(), seed },
        name: given.name.clone().unwrap_or_default(),
        replicas: given.replicas.unwrap_or(Replicas::Three),
        stage,
    }
}

async fn finish(to: &Opened) -> Result<(), Failure> {
    to.log.finish().await.map_err(|error| {
        Failure::new(Exit::Unavailable, "move", "the copy is verified but not opened to others")
            .because(&error)
            .next("run the same command again")
    })
}

/// Moves everything of the copy, which is closed, into its one file; returns once that is durable.
async fn settle(data: &Path, epoch: log::Epoch) -> Result<(), Failure> {
    let path = data.join(FILLING);
    let settled = tokio::task::spawn_blocking(move || log::renew(&path, epoch)).await;
    let failed = |error| Failure::new(Exit::Failure, "move", "cannot settle the copy").because(&error);
    settled.map_err(failed)?.map_err(|error| unopened(&error))
}

/// Gives the file of the copy, which is closed, the name of a log.
fn put_in_place(paths: &Paths) -> Result<(), Failure> {
    let filling = paths.root.join(FILLING);
    let moved = || {
        fs::rename(&filling, paths.log())?;
        sweep(&paths.root)?;
        File::open(&paths.root)?.sync_all()
    };
    moved().map_err(|error| {
        Failure::new(Exit::Unavailable, "move", format!("cannot put {} in place", filling.display()))
            .because(&error)
            .next("run the same command again")
    })
}

/// Deletes what is left beside the file that was filled: indexes, which are built again.
fn sweep(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(FILLING)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Returns the failure of a log that does not take what is copied into it.
pub(super) fn not_taken(error: &ImportError) -> Failure {
    let failure = Failure::new(Exit::Failure, "move", "the log does not take the copy").because(error);
    match error {
        ImportError::Elsewhere { .. } => {
            failure.next("see that nothing else writes there, then run the command again")
        }
        ImportError::Refused { .. } => {
            failure.next("run the same command again: it goes on where it stopped")
        }
    }
}

/// Returns the failure of a copy that is not the same.
pub(super) fn unlike(position: Position, what: &str) -> Failure {
    Failure::new(Exit::Differs, "not-verified", format!("the copy differs at position {position}"))
        .why(what.to_owned())
        .next("choose another target, or delete what is there, and run the command again; the old log is as it was")
}
