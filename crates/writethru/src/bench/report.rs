//! What was measured, for people and for programs.

use serde::Serialize;

use super::Plan;
use super::bare::Committed;
use super::load::Filed;
use super::path::Through;
use super::provable::Provable;
use super::stage::{Memory, Replayed, rate};
use super::timings::Spread;

/// Everything that was measured. `--json` prints it as it is.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    version: &'static str,
    cores: usize,
    seconds_per_measurement: f64,
    /// A 4 KiB append and an fdatasync, before everything.
    fdatasync_before: Spread,
    /// The same after everything: far from the first, the disk has changed its mood meanwhile.
    pub(super) fdatasync_after: Spread,
    /// A message to NATS and back.
    pub(super) nats_round_trip: Option<Spread>,
    /// One writer that rests between updates, so that nothing waits: the path's own time.
    calm: Option<Calm>,
    /// One for each number of writers.
    pub(super) runs: Vec<Run>,
    /// From an append to the signed head over it: one calm writer, then the most.
    pub(super) provable: Vec<Provable>,
    /// Replay and rebuild.
    pub(super) replay: Option<Replayed>,
    /// Memory at the end.
    pub(super) memory: Option<Memory>,
}

/// One number of writers.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    writers: usize,
    /// Mean bytes of a record, envelope and disclosures.
    record_bytes: usize,
    /// Through the desk, nothing behind it.
    desk: Rate,
    /// Bare SQLite, group commit of the same bytes.
    sqlite: Rate,
    /// Desk rate over SQLite's.
    desk_over_sqlite: f64,
    /// Through the desk while views and changes are made and published.
    path: Rate,
    /// From push to a NATS subscriber in that run.
    push_to_subscriber: Option<Spread>,
}

#[derive(Debug, Serialize)]
struct Calm {
    acknowledged: Spread,
    push_to_subscriber: Option<Spread>,
    /// What disk and NATS take by themselves after the same rests: push-to-subscriber holds both.
    limits: Rested,
    /// Push-to-subscriber over the two limits together, medians.
    over_limits: Option<f64>,
}

/// What the disk and NATS take by themselves when each use follows a rest.
#[derive(Debug, Serialize)]
pub(super) struct Rested {
    /// A 4 KiB append and an fdatasync.
    pub(super) fdatasync: Spread,
    /// A message to NATS and back.
    pub(super) nats_round_trip: Option<Spread>,
}

#[derive(Debug, Serialize)]
struct Rate {
    per_s: f64,
    acknowledged: Spread,
}

impl From<Filed> for Rate {
    fn from(filed: Filed) -> Self {
        let per_s = rate(filed.updates, filed.elapsed.as_secs_f64());
        Self { per_s, acknowledged: filed.acknowledged }
    }
}

impl Run {
    /// Returns one run's numbers.
    pub(super) fn new(
        writers: usize,
        record_bytes: usize,
        desk: Filed,
        sqlite: &Committed,
        through: Through,
    ) -> Self {
        let desk = Rate::from(desk);
        let per_s = rate(sqlite.records, sqlite.elapsed.as_secs_f64());
        let desk_over_sqlite = if per_s > 0.0 { desk.per_s / per_s } else { 0.0 };
        Self {
            writers,
            record_bytes,
            desk,
            sqlite: Rate { per_s, acknowledged: sqlite.acknowledged },
            desk_over_sqlite,
            path: through.filed.into(),
            push_to_subscriber: through.arrived,
        }
    }
}

impl Report {
    /// Returns a report of nothing yet.
    pub(super) fn new(plan: &Plan, fdatasync_before: Spread) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            seconds_per_measurement: plan.duration.as_secs_f64(),
            fdatasync_before,
            fdatasync_after: Spread::default(),
            nats_round_trip: None,
            calm: None,
            runs: Vec::new(),
            provable: Vec::new(),
            replay: None,
            memory: None,
        }
    }

    /// Adds what the calm writer came to.
    pub(super) fn calm(&mut self, through: &Through, limits: Rested) {
        let over_limits = through.arrived.zip(limits.nats_round_trip).map(|(arrived, trip)| {
            arrived.p50_us / (limits.fdatasync.p50_us + trip.p50_us).max(f64::MIN_POSITIVE)
        });
        let (acknowledged, push_to_subscriber) = (through.filed.acknowledged, through.arrived);
        self.calm = Some(Calm { acknowledged, push_to_subscriber, limits, over_limits });
    }

    /// Returns the report as people read it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "fdatasync          {} before, {} after",
            times(&self.fdatasync_before),
            times(&self.fdatasync_after)
        )];
        lines.extend(self.nats_round_trip.as_ref().map(|trip| format!("NATS round trip    {}", times(trip))));
        if let Some(calm) = &self.calm {
            let arrived = calm.push_to_subscriber.as_ref().map(times).unwrap_or_default();
            lines.push(format!(
                "one calm writer    ack {}; push→subscriber {arrived}",
                times(&calm.acknowledged)
            ));
            let trip = calm.limits.nats_round_trip.as_ref().map(times).unwrap_or_default();
            let over = calm.over_limits.map(|over| format!("  ({over:.1} x both)")).unwrap_or_default();
            lines.push(format!(
                "  after such rests fdatasync {}; NATS round trip {trip}{over}",
                times(&calm.limits.fdatasync)
            ));
        }
        for run in &self.runs {
            lines.push(format!("{} writers, {} bytes a record", run.writers, run.record_bytes));
            lines.push(format!(
                "  desk             {:>9.0}/s  ack {}",
                run.desk.per_s,
                times(&run.desk.acknowledged)
            ));
            lines.push(format!(
                "  bare SQLite      {:>9.0}/s  ack {}  (desk: {:.0} % of it)",
                run.sqlite.per_s,
                times(&run.sqlite.acknowledged),
                run.desk_over_sqlite * 100.0
            ));
            lines.push(format!(
                "  whole path       {:>9.0}/s  ack {}",
                run.path.per_s,
                times(&run.path.acknowledged)
            ));
            lines.extend(
                run.push_to_subscriber
                    .as_ref()
                    .map(|spread| format!("  push→subscriber             {}", times(spread))),
            );
        }
        lines.extend(self.provable.iter().map(Provable::line));
        if let Some(replay) = &self.replay {
            lines.push(format!(
                "replay             {:.0} records/s verified; views of {} rebuilt in {:.2} s, {}",
                replay.verified_per_s,
                replay.records,
                replay.rebuild_s,
                if replay.equal { "equal" } else { "NOT equal" }
            ));
        }
        lines.extend(self.memory.map(|memory| {
            format!(
                "memory             {} MiB now, {} MiB at most",
                mib(memory.resident_bytes),
                mib(memory.resident_bytes_max)
            )
        }));
        lines
    }
}

pub(super) fn times(spread: &Spread) -> String {
    format!("p50 {} p99 {}", time(spread.p50_us), time(spread.p99_us))
}

fn time(us: f64) -> String {
    if us < 1_000.0 { format!("{us:.0} µs") } else { format!("{:.2} ms", us / 1_000.0) }
}

pub(super) const fn mib(bytes: u64) -> u64 {
    bytes / (1024 * 1024)
}
