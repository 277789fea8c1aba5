//! The parts of the service that a measurement needs, on a folder of their own.

use std::path::{Path, PathBuf};
use std::time::Instant;

use desk::{Desk, Seed};
use log::{EventLog, Position};
use projector::Projector;
use publisher::server::{NatsServer, ServerOptions, Sync, find};
use publisher::{NatsTarget, Options, Publisher, Retention};
use serde::Serialize;
use story::StoryId;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use wire::Chain;

use super::{Plan, broken};
use crate::event_log;
use crate::failure::Failure;
use crate::output::say;
use crate::session::Session;
use crate::up::data_dir::Paths;
use crate::up::nats::search;

/// Records read at a time.
const PAGE_RECORDS: usize = 1_024;

/// A service without its edge.
#[derive(Debug)]
pub(super) struct Stage {
    /// Takes pushes.
    pub(super) desk: Desk,
    /// Where changes go, if anywhere.
    pub(super) nats: Option<String>,
    log: EventLog,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Stage {
    /// Returns a log and a desk, and nothing behind them.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(super) async fn desk_only(folder: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder).map_err(|error| broken("cannot make a folder", &error))?;
        let log = event_log::open_or_create(&Paths::new(folder)).await?;
        let desk = Desk::open(log.clone(), Seed::default()).await;
        let desk = desk.map_err(|error| broken("the desk does not open", &error))?;
        Ok(Self { desk, nats: None, log, tasks: TaskTracker::new(), shutdown: CancellationToken::new() })
    }

    /// Returns log, desk, projector, and a publisher to `nats` if that is given.
    ///
    /// # Errors
    /// A part does not start.
    pub(super) async fn whole(folder: &Path, nats: Option<String>) -> Result<Self, Failure> {
        let mut stage = Self::desk_only(folder).await?;
        let paths = Paths::new(folder);
        let opened = Projector::open(stage.log.clone(), &paths.views());
        let (projector, views, _) = opened.map_err(|error| broken("the views do not open", &error))?;
        stage.tasks.spawn(projector.run(stage.shutdown.clone()));
        if let Some(url) = &nats {
            let target: NatsTarget = url.parse().map_err(|error| broken("no NATS address", &error))?;
            let options = Options {
                epoch: stage.log.epoch(),
                checkpoint: paths.publisher(),
                retention: Retention::default(),
            };
            stage.tasks.spawn(Publisher::new(views, target, options).run(stage.shutdown.clone()));
        }
        stage.nats = nats;
        Ok(stage)
    }

    /// Returns the mean size of a record behind each story's first.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(super) async fn record_bytes(&self) -> Result<usize, Failure> {
        let head = self.log.head();
        let from = Position(head.0.saturating_sub(PAGE_RECORDS as u64 / 4).max(1));
        let records =
            self.log.read(from, PAGE_RECORDS).await.map_err(|error| broken("cannot read", &error))?;
        let later: Vec<usize> = records
            .iter()
            .filter(|record| record.revision > 1)
            .map(|record| record.envelope.len() + record.disclosures.len())
            .collect();
        Ok(later.iter().sum::<usize>() / later.len().max(1))
    }

    /// Ends every part.
    pub(super) async fn end(self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.log.close().await;
    }
}

/// Returns a nats-server of our own, unless the plan leaves it out or there is none.
///
/// # Errors
/// It does not start.
pub(super) async fn nats(
    plan: &Plan,
    session: &Session,
    folder: &Path,
) -> Result<Option<NatsServer>, Failure> {
    if !plan.nats {
        return Ok(None);
    }
    let binary = match find(&search(&session.settings)).await {
        Ok(binary) => binary,
        Err(error) => {
            say(format_args!("without NATS: {error}"));
            return Ok(None);
        }
    };
    // The server's own folder must have an absolute path.
    let directory: PathBuf =
        folder.canonicalize().map_err(|error| broken("the folder is gone", &error))?.join("nats");
    let server =
        NatsServer::start(ServerOptions { binary, directory, port: None, sync: Sync::Relaxed }).await;
    server.map(Some).map_err(|error| broken("nats-server does not start", &error))
}

/// What a replay and a rebuild came to.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Replayed {
    /// Records replayed.
    pub(super) records: u64,
    /// Records whose envelope and state were verified in a second, by one thread.
    pub(super) verified_per_s: f64,
    /// Seconds to rebuild the views from them.
    pub(super) rebuild_s: f64,
    /// Whether the rebuilt views were equal to the live ones.
    pub(super) equal: bool,
}

/// Replays the log of a stage that has ended, and rebuilds its views.
///
/// # Errors
/// The log does not verify.
pub(super) async fn replay(folder: &Path) -> Result<Replayed, Failure> {
    let paths = Paths::new(folder);
    let log = event_log::open_existing(&paths).await?;
    let mut chains = std::collections::HashMap::new();
    let mut position = Position::ZERO;
    let began = Instant::now();
    while position < log.head() {
        let records =
            log.read(position.next(), PAGE_RECORDS).await.map_err(|error| broken("cannot read", &error))?;
        for record in &records {
            let story = StoryId::new(Uuid::from_bytes(record.story.0));
            let chain = chains.entry(story).or_insert_with(|| Chain::new(story));
            chain
                .open(&record.envelope, &record.disclosures)
                .map_err(|error| broken("a record does not verify", &error))?;
            position = record.position;
        }
        if records.is_empty() {
            break;
        }
    }
    let verified_per_s = rate(position.0, began.elapsed().as_secs_f64());
    let began = Instant::now();
    let rebuilt = projector::rebuild(&log, &paths.views(), projector::Progress::silent()).await;
    let rebuilt = rebuilt.map_err(|error| broken("the views cannot be rebuilt", &error))?;
    let rebuild_s = began.elapsed().as_secs_f64();
    log.close().await;
    Ok(Replayed { records: position.0, verified_per_s, rebuild_s, equal: rebuilt.is_equal() })
}

/// Returns how many a second.
#[expect(clippy::cast_precision_loss, reason = "a rate is for people to read")]
pub(super) fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

/// Returns the bytes of memory that this process holds now and held at most, where the system
/// says.
pub(super) fn memory() -> Option<Memory> {
    memory_of("self")
}

/// Returns what `process` holds in memory, where the system tells.
pub(super) fn memory_of(process: &str) -> Option<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let kib = |name: &str| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some(Memory { resident_bytes: kib("VmRSS:")? * 1024, resident_bytes_max: kib("VmHWM:")? * 1024 })
}

/// What this process holds in memory.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Memory {
    /// Now.
    pub(super) resident_bytes: u64,
    /// At most so far.
    pub(super) resident_bytes_max: u64,
}
