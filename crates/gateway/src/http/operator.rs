//! What whoever runs the service asks of it.

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use notary::State as Notarial;
use projector::{Progress, Rebuilt};
use registry::Act;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use wire::http::{Info, Readiness, ReadinessCheck, RebuiltTable, RebuiltViews};
use wire::{Problem, ProblemKind};

use crate::gateway::Gateway;
use crate::http::access::Caller;
use crate::http::openapi::{PlainProblems, RebuildProblems, Unready};
use crate::http::reply::{self, Accepted, Asked, JSON, Refused, answer};
use crate::limits::VIEWS_LAG_READY_MAX;
use crate::parameters::Nothing;
use crate::{measures, problems};

/// Where a rebuild is asked for.
pub(crate) const REBUILD_PATH: &str = "/v1/admin/rebuild";
/// Routes that answer however much there is to do.
pub(crate) const ALWAYS: &[&str] = &["/livez", "/readyz", "/metrics"];
/// One JSON value a line.
const NDJSON: &str = "application/x-ndjson";
/// What Prometheus reads (text exposition format 0.0.4).
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Lines of progress that wait for a slow reader; more are left out.
const PROGRESS_LINES: usize = 16;

/// Says what the service is and how far it is.
#[utoipa::path(
    get, path = "/v1/info", tag = "service",
    responses((status = 200, description = "The service", body = Info), PlainProblems)
)]
pub(crate) async fn info(
    State(gateway): State<Gateway>,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    Ok(answer(StatusCode::OK, JSON, reply::json(&gateway.info())))
}

/// Says that the process is alive.
#[utoipa::path(
    get, path = "/livez", tag = "service",
    responses((status = 200, description = "It is", body = String, content_type = "text/plain"), PlainProblems)
)]
pub(crate) async fn livez(Asked(Nothing): Asked<Nothing>) -> Response {
    answer(StatusCode::OK, reply::TEXT, "alive\n")
}

/// Says whether the service can take requests: whether the log takes appends and the views keep up.
///
/// NATS, the notary and the audit are looked at too and do not count: changes and records wait in the log, and
/// what does not verify there stops no editor.
#[utoipa::path(
    get, path = "/readyz", tag = "service",
    responses((status = 200, description = "It can", body = Readiness), Unready)
)]
pub(crate) async fn readyz(
    State(gateway): State<Gateway>,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    accepted.json()?;
    let checks = checks(&gateway);
    let ready = checks.iter().all(|check| check.ok || !check.required);
    if ready {
        return Ok(answer(StatusCode::OK, JSON, reply::json(&Readiness { ready, checks })));
    }
    let bad: Vec<_> = checks.iter().filter(|check| check.required && !check.ok).collect();
    let detail = bad.iter().map(|check| format!("{}: {}", check.name, check.detail)).collect::<Vec<_>>();
    let checks = serde_json::to_value(&checks).unwrap_or(Value::Null);
    Err(problems::unavailable(detail.join("; ")).with("checks", checks).into())
}

fn checks(gateway: &Gateway) -> Vec<ReadinessCheck> {
    let lag = gateway.views_lag();
    let failed = gateway.write_failed_lately();
    let check =
        |name: &str, ok, required, detail| ReadinessCheck { name: name.to_owned(), ok, required, detail };
    let log = if failed {
        "it has refused an append lately".to_owned()
    } else {
        format!("open, at position {}", gateway.inner.log.head())
    };
    let views = format!("{lag} events behind the log; {VIEWS_LAG_READY_MAX} are allowed");
    let (connected, nats) = match gateway.relay() {
        None => (true, "nothing publishes".to_owned()),
        Some(relay) if relay.is_connected => (true, format!("{} changes wait", relay.lag_events)),
        Some(relay) => (false, format!("not connected; {} changes wait", relay.lag_events)),
    };
    let signs = gateway.inner.controls.notary.as_ref().map(|notary| notary.status().state);
    let signs = !matches!(signs, Some(Notarial::Parked(_) | Notarial::Retrying(_)));
    let notary = (signs, gateway.notary_detail().unwrap_or_else(|| "no transparency log is kept".to_owned()));
    let audit = gateway.audit_detail();
    vec![
        check("log", !failed, true, log),
        check("views", lag <= VIEWS_LAG_READY_MAX, true, views),
        check("nats", connected, false, nats),
        check("notary", notary.0, false, notary.1),
        check("audit", audit.0, false, audit.1),
    ]
}

/// Gives what is measured, for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "service",
    responses(
        (status = 200, description = "Text exposition format 0.0.4", body = String, content_type = "text/plain"),
        PlainProblems,
    )
)]
pub(crate) async fn metrics(State(gateway): State<Gateway>, Asked(Nothing): Asked<Nothing>) -> Response {
    measures::take(&gateway);
    answer(StatusCode::OK, PROMETHEUS, gateway.inner.measures.render())
}

/// Builds the views again from the log, compares them with the old ones, and puts them in place.
///
/// Reads go on meanwhile. With `Accept: application/x-ndjson` there is a line for every step and
/// the outcome in the last one.
#[utoipa::path(
    post, path = "/v1/admin/rebuild", tag = "service",
    responses(
        (status = 200, description = "The views are new", content(
            (RebuiltViews = "application/json"),
            (String = "application/x-ndjson"),
        )),
        RebuildProblems,
    )
)]
pub(crate) async fn rebuild(
    State(gateway): State<Gateway>,
    Caller(who): Caller,
    accepted: Accepted,
    Asked(Nothing): Asked<Nothing>,
) -> Result<Response, Refused> {
    gateway.allow(&who, Act::Operate, None, None).await?;
    let media_type = accepted.best(&[JSON, NDJSON])?;
    let Some(control) = gateway.inner.controls.projector.clone() else {
        let detail = "no projector runs in this process: ask the one that has it";
        return Err(problems::refused("no-projector", detail).into());
    };
    let Ok(place) = gateway.inner.places.rebuilds.clone().try_acquire_owned() else {
        return Err(problems::unavailable("the views are being built again already").into());
    };
    let (lines, waiting) = mpsc::channel(PROGRESS_LINES);
    let hub = gateway.inner.hub.clone();
    let reports = lines.clone();
    let progress = Progress::new(move |reached, upto| {
        // A reader that is slow, or gone, misses lines; the work does not wait for it.
        let line = json!({"reached": reached.0, "upto": upto.0});
        if let Err(TrySendError::Full(_) | TrySendError::Closed(_)) = reports.try_send(line) {}
    });
    // On its own, so that the work ends even if whoever asked goes away.
    let work = tokio::spawn(async move {
        let _place = place;
        let outcome = control.rebuild(progress).await;
        if outcome.as_ref().is_ok_and(|rebuilt| !rebuilt.is_equal()) {
            hub.rebuilt();
        }
        let outcome = outcome.map(|rebuilt| rebuilt_views(&rebuilt));
        let last = match &outcome {
            Ok(rebuilt) => serde_json::to_value(rebuilt).unwrap_or(Value::Null),
            Err(failed) => serde_json::to_value(problems::of_rebuild(failed)).unwrap_or(Value::Null),
        };
        // No one may be reading any more.
        let _ = lines.send(last).await;
        outcome
    });
    if media_type == NDJSON {
        return Ok(answer(StatusCode::OK, NDJSON, ndjson(waiting)));
    }
    drop(waiting);
    match work.await {
        Ok(Ok(rebuilt)) => Ok(answer(StatusCode::OK, JSON, reply::json(&rebuilt))),
        Ok(Err(failed)) => Err(problems::of_rebuild(&failed).into()),
        Err(_) => {
            Err(Problem::new(ProblemKind::Internal, "a fault of the service has cut the rebuild off").into())
        }
    }
}

fn ndjson(waiting: mpsc::Receiver<Value>) -> Body {
    let lines = stream::unfold(waiting, |mut waiting| async move {
        let line = waiting.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(format!("{line}\n"))), waiting))
    });
    Body::from_stream(lines)
}

fn rebuilt_views(rebuilt: &Rebuilt) -> RebuiltViews {
    let table = |table: &projector::Comparison| RebuiltTable {
        table: table.table.to_owned(),
        rows: table.live_rows,
        rebuilt_rows: table.built_rows,
        equal: table.equal,
    };
    RebuiltViews {
        position: rebuilt.position.0,
        equal: rebuilt.is_equal(),
        tables: rebuilt.tables.iter().map(table).collect(),
    }
}
