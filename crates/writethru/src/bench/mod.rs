//! Measurements of this machine: what the service does, beside what the disk and SQLite can do.
//!
//! Everything is measured in one run on one disk, because disks have moods: the probe of the disk
//! is taken before and after, and only ratios within one run say something.

mod bare;
mod history;
mod load;
mod path;
mod provable;
mod report;
mod service;
mod stage;
mod streams;
mod timings;

use std::path::PathBuf;
use std::time::Duration;

use publisher::server::NatsServer;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::session::Session;
pub(crate) use history::measure as measure_history;
use load::Drive;
use report::{Report, Rested, Run};
use stage::Stage;
pub(crate) use streams::measure as measure_streams;

/// How long the calm writer rests between two updates: nothing queues up behind it.
const CALM_PAUSE: Duration = Duration::from_millis(20);

/// What is to be measured.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How many writers push at once, one run each.
    pub(crate) writers: Vec<usize>,
    /// How long each measurement takes.
    pub(crate) duration: Duration,
    /// Folder whose disk is measured.
    pub(crate) dir: PathBuf,
    /// Whether NATS takes part.
    pub(crate) nats: bool,
}

/// Measures everything in `plan`.
///
/// # Errors
/// The disk cannot be written, or a part fails.
pub(crate) async fn measure(plan: &Plan, session: &Session) -> Result<Report, Failure> {
    let folder =
        tempfile::Builder::new().prefix("writethru-bench-").tempdir_in(&plan.dir).map_err(|error| {
            Failure::new(Exit::Unavailable, "bench", format!("cannot write in {}", plan.dir.display()))
                .because(&error)
                .next("choose another folder: --dir DIR")
        })?;
    say("probing the disk");
    let before = bare::probe(folder.path(), Duration::ZERO)
        .map_err(|error| broken("the disk cannot be probed", &error))?;
    let mut report = Report::new(plan, before);
    let nats = stage::nats(plan, session, folder.path()).await?;
    report.nats_round_trip = match &nats {
        Some(server) => Some(path::round_trip(&server.url(), Duration::ZERO).await?),
        None => None,
    };
    let calm = Stage::whole(&folder.path().join("calm"), url(nats.as_ref())).await?;
    say("one calm writer");
    let drive = Drive { writers: 1, duration: plan.duration, pause: CALM_PAUSE };
    let through = path::push_and_follow(&calm, drive).await?;
    calm.end().await;
    let rested = Rested {
        fdatasync: bare::probe(folder.path(), CALM_PAUSE)
            .map_err(|error| broken("the disk cannot be probed", &error))?,
        nats_round_trip: match &nats {
            Some(server) => Some(path::round_trip(&server.url(), CALM_PAUSE).await?),
            None => None,
        },
    };
    report.calm(&through, rested);
    for (index, writers) in plan.writers.iter().copied().enumerate() {
        say(format_args!("{writers} writers"));
        let base = folder.path().join(format!("run-{index}"));
        let drive = Drive { writers, duration: plan.duration, pause: Duration::ZERO };
        let desk = Stage::desk_only(&base.join("desk")).await?;
        let filed = load::push(&desk.desk, drive, None).await?;
        let record_bytes = desk.record_bytes().await?;
        desk.end().await;
        let sqlite = bare::group_commit(&base, writers, plan.duration, record_bytes)
            .map_err(|error| broken("bare SQLite failed", &error))?;
        let whole = Stage::whole(&base.join("whole"), url(nats.as_ref())).await?;
        let through = path::push_and_follow(&whole, drive).await?;
        whole.end().await;
        report.runs.push(Run::new(writers, record_bytes, filed, &sqlite, through));
    }
    say("append to signed head");
    let most = plan.writers.iter().copied().max().unwrap_or(1);
    for (name, writers, pause) in [("calm", 1, CALM_PAUSE), ("busy", most, Duration::ZERO)] {
        let base = folder.path().join(format!("notary-{name}"));
        let measured = provable::measure(&base, writers, (plan.duration, pause)).await?;
        report.provable.push(measured);
    }
    say("replay and rebuild");
    let replayed = stage::replay(&folder.path().join("run-0/whole")).await?;
    report.replay = Some(replayed);
    report.memory = stage::memory();
    if let Some(server) = nats {
        server.stop().await;
    }
    report.fdatasync_after = bare::probe(folder.path(), Duration::ZERO)
        .map_err(|error| broken("the disk cannot be probed", &error))?;
    Ok(report)
}

fn url(nats: Option<&NatsServer>) -> Option<String> {
    nats.map(NatsServer::url)
}

/// Returns the failure of a measurement.
fn broken(what: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Exit::Failure, "bench", what).because(error).next("look at free disk space, then try again")
}
