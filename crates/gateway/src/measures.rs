//! What is measured, in the terms of Prometheus: units in names, and labels that have few values.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::gateway::Gateway;

/// Borders of the buckets of durations, in seconds.
const DURATION_BUCKETS: &[f64] =
    &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Borders of the buckets of group sizes, in records.
const GROUP_BUCKETS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0];
/// What has those.
const GROUPS: &str = "writethru_log_group_records";

/// The process's measures: one recorder for every crate that measures anything.
#[derive(Clone)]
pub struct Measures {
    /// `None` if another recorder was there first.
    handle: Option<PrometheusHandle>,
}

impl std::fmt::Debug for Measures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Measures").field("installed", &self.handle.is_some()).finish()
    }
}

static INSTALLED: OnceLock<Measures> = OnceLock::new();

impl Measures {
    /// Makes this process record what its crates measure, and returns the measures. A second call
    /// returns the same ones. In a process that records elsewhere already, they stay empty.
    pub fn install() -> Self {
        INSTALLED
            .get_or_init(|| {
                let handle = PrometheusBuilder::new()
                    .set_buckets(DURATION_BUCKETS)
                    .and_then(|builder| {
                        builder.set_buckets_for_metric(Matcher::Full(GROUPS.to_owned()), GROUP_BUCKETS)
                    })
                    .ok()
                    .and_then(|builder| builder.install_recorder().ok());
                if handle.is_none() {
                    tracing::warn!("Another recorder was installed first: /metrics stays empty");
                }
                describe();
                Self { handle }
            })
            .clone()
    }

    /// Returns everything measured, as Prometheus reads it.
    pub(crate) fn render(&self) -> String {
        self.handle.as_ref().map(PrometheusHandle::render).unwrap_or_default()
    }

    /// Folds what was recorded since the last time, so that it does not pile up.
    pub(crate) fn tidy(&self) {
        if let Some(handle) = &self.handle {
            handle.run_upkeep();
        }
    }
}

fn describe() {
    describe_log();
    describe_relaying();
    // What has not failed yet is there too, so that an alarm can tell none from not known.
    counter!("writethru_log_failed_commits_total").absolute(0);
    counter!("writethru_departures_not_noted_total").absolute(0);
    counter!("writethru_audit_faults_total").absolute(0);
    counter!("writethru_stream_changes_total").absolute(0);
    counter!("writethru_stream_dropped_total").absolute(0);
    counter!("writethru_stream_stuck_total").absolute(0);
    for form in ["sse", "ndjson"] {
        gauge!("writethru_stream_clients", "form" => form).set(0.0);
    }
    describe_counter!("writethru_http_requests_total", "Requests answered, by route template and status");
    describe_histogram!(
        "writethru_http_request_duration_seconds",
        Unit::Seconds,
        "Time from a request's head to its answer's head"
    );
    describe_gauge!("writethru_http_requests_in_flight", "Requests at work");
    describe_counter!("writethru_nats_requests_total", "Requests over NATS answered, by verb and outcome");
    describe_histogram!(
        "writethru_nats_request_duration_seconds",
        Unit::Seconds,
        "Time from a request over NATS to its answer"
    );
    describe_counter!("writethru_pushes_total", "Pushes, by outcome");
    describe_counter!(
        "writethru_departures_total",
        "First departures of stories that were under embargo, by public door"
    );
    describe_counter!(
        "writethru_departures_not_noted_total",
        "Departures that found no room to be noted: an embargo's audit may lack them"
    );
    describe_gauge!("writethru_stream_clients", "Live streams that are open, by form");
    describe_counter!(
        "writethru_stream_changes_total",
        "Changes handed to live streams, each as often as it was"
    );
    describe_counter!(
        "writethru_stream_dropped_total",
        "Live streams that fell behind what is kept for them and read the views instead"
    );
    describe_counter!(
        "writethru_stream_stuck_total",
        "Live streams that were broken off because their readers took nothing for too long"
    );
    describe_progress();
}

/// Describes how far each part is.
fn describe_progress() {
    describe_gauge!("writethru_log_head_position", "The last position in the log");
    describe_gauge!("writethru_views_lag_events", "Events of the log that the views do not show yet");
    describe_gauge!("writethru_publisher_lag_events", "Changes that wait to be published to NATS");
    describe_gauge!("writethru_notary_lag_events", "Records that stand under no signed head yet");
    describe_gauge!("writethru_notary_parked", "1 while the notary signs nothing and a person has to look");
    describe_counter!("writethru_notary_checkpoints_total", "Heads of the transparency log that were signed");
    describe_counter!("writethru_notary_cosignatures_total", "Cosignatures of witnesses that were verified");
    describe_histogram!(
        "writethru_notary_checkpoint_duration_seconds",
        Unit::Seconds,
        "Time from reading new records to the signed head over them"
    );
    describe_gauge!("writethru_audit_verified_position", "Position up to which the log is as it was written");
    describe_counter!(
        "writethru_audit_faults_total",
        "Records that the audit found not to be as they were written"
    );
    describe_gauge!("writethru_publisher_connected", "1 while the publisher is connected to NATS");
}

/// What is measured of the log, and of the disk under it.
fn describe_log() {
    describe_histogram!(
        "writethru_log_commit_duration_seconds",
        Unit::Seconds,
        "Time to commit and sync one group of appends; its count is the number of groups"
    );
    describe_histogram!(
        "writethru_append_duration_seconds",
        Unit::Seconds,
        "Time from a decision until its events are durable, wherever the log is"
    );
    describe_histogram!(GROUPS, "Records that were committed and synced together, in the log in a file");
    describe_counter!("writethru_log_records_total", "Records that were committed in groups");
    describe_counter!("writethru_log_failed_commits_total", "Groups of appends that failed");
    describe_gauge!(
        "writethru_disk_available_bytes",
        Unit::Bytes,
        "Space left on the disk of the data directory, looked at once a minute"
    );
}

/// What the consumers of the log measure.
fn describe_relaying() {
    for name in [
        "writethru_acknowledgements_total",
        "writethru_publish_retries_total",
        "writethru_published_changes_total",
        "writethru_published_recalls_total",
    ] {
        counter!(name).absolute(0);
    }
    describe_counter!("writethru_projector_records_total", "Records of the log that the views took in");
    describe_counter!("writethru_published_changes_total", "Changes that NATS has acknowledged");
    describe_counter!("writethru_published_recalls_total", "Recalls that NATS has acknowledged");
    describe_counter!("writethru_acknowledgements_total", "Acknowledgements of recalls that were stored");
    describe_counter!(
        "writethru_publish_retries_total",
        "Times that publishing was interrupted and begun again"
    );
    describe_gauge!("writethru_publish_lag_positions", "Positions of the log between the views and NATS");
    describe_histogram!(
        "writethru_publish_ack_duration_seconds",
        Unit::Seconds,
        "Time from sending a message to NATS until its stream has it; its count is the number of those"
    );
    describe_gauge!(
        "writethru_log_file_bytes",
        Unit::Bytes,
        "Size of the event log where it is a file, with what waits to be written back; once a minute"
    );
}

/// Counts one answered request.
pub(crate) fn answered(method: &'static str, route: &str, status: u16, took: Duration) {
    let status = status.to_string();
    counter!("writethru_http_requests_total", "method" => method, "route" => route.to_owned(), "status" => status)
        .increment(1);
    histogram!("writethru_http_request_duration_seconds", "method" => method, "route" => route.to_owned())
        .record(took);
}

/// Counts one request over NATS.
pub(crate) fn replied(verb: &'static str, outcome: &'static str, took: Duration) {
    counter!("writethru_nats_requests_total", "verb" => verb, "outcome" => outcome).increment(1);
    histogram!("writethru_nats_request_duration_seconds", "verb" => verb).record(took);
}

/// Counts one push.
pub(crate) fn pushed(outcome: &'static str) {
    counter!("writethru_pushes_total", "outcome" => outcome).increment(1);
}

/// Says that so many requests more (or fewer) are at work.
pub(crate) fn in_flight(more: f64) {
    gauge!("writethru_http_requests_in_flight").increment(more);
}

/// Keeps the count of open live streams right, however one ends.
#[derive(Debug)]
pub(crate) struct OpenStream(&'static str);

impl OpenStream {
    /// Counts a stream of a form until it is dropped.
    pub(crate) fn begin(form: &'static str) -> Self {
        gauge!("writethru_stream_clients", "form" => form).increment(1.0);
        Self(form)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        gauge!("writethru_stream_clients", "form" => self.0).decrement(1.0);
    }
}

/// Counts changes that were handed to a live stream.
pub(crate) fn stream_sent(changes: usize) {
    counter!("writethru_stream_changes_total").increment(changes as u64);
}

/// Counts a live stream that fell behind.
pub(crate) fn stream_fell_behind() {
    counter!("writethru_stream_dropped_total").increment(1);
}

/// Counts a live stream that was broken off.
pub(crate) fn stream_stuck() {
    counter!("writethru_stream_stuck_total").increment(1);
}

/// Takes the measures that are read rather than counted.
#[expect(clippy::cast_precision_loss, reason = "Prometheus knows no other number")]
pub(crate) fn take(gateway: &Gateway) {
    gauge!("writethru_log_head_position").set(gateway.inner.log.head().0 as f64);
    gauge!("writethru_views_lag_events").set(gateway.views_lag() as f64);
    if let Some(lag) = gateway.notary_lag() {
        gauge!("writethru_notary_lag_events").set(lag as f64);
    }
    if let Some(relay) = gateway.relay() {
        gauge!("writethru_publisher_lag_events").set(relay.lag_events as f64);
        gauge!("writethru_publisher_connected").set(if relay.is_connected { 1.0 } else { 0.0 });
    }
}
