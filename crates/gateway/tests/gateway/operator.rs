//! What whoever runs the service asks of it.

use log::{Batch, NewRecord, Position, StoryKey, limits};
use reqwest::Method;
use serde_json::{Value, json};
use writethru_gateway::RelayStatus;
use writethru_gateway::limits::VIEWS_LAG_READY_MAX;

use crate::service::Service;

const STORY: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.";

#[tokio::test]
async fn a_service_says_what_it_is_and_how_far() {
    let relay = RelayStatus { is_connected: true, published: Position(1), lag_events: 0 };
    let service = Service::with(Some(relay)).await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let info = service.get("/v1/info").await.json();
    assert_eq!(info["epoch"], "0000000000000007");
    assert_eq!((&info["head"], &info["viewed"], &info["published"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(service.get("/livez").await.text(), "alive\n");
    service.stop().await;
}

#[tokio::test]
async fn a_service_is_ready_also_while_nats_is_away() {
    let relay = RelayStatus { is_connected: false, published: Position(0), lag_events: 3 };
    let service = Service::with(Some(relay)).await;
    let ready = service.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["ready"]), (200, &json!(true)));
    let nats = ready.json()["checks"][2].take();
    assert_eq!(
        (&nats["name"], &nats["ok"], &nats["required"]),
        (&json!("nats"), &json!(false), &json!(false))
    );
    service.stop().await;
}

#[tokio::test]
async fn a_service_whose_log_takes_nothing_is_not_ready_and_says_so() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    service.log.close().await;
    let push = service.post("/v1/stories/talks", &[], "Other\n\nWords.").await;
    assert_eq!(push.status, 503);
    push.problem("unavailable");
    let ready = service.get("/readyz").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.header("retry-after"), "1");
    assert_eq!(ready.problem("unavailable")["checks"][0]["ok"], false);
    // Reads go on from the views.
    assert_eq!(service.get("/v1/stories/talks").await.status, 200);
    assert_eq!(service.get("/livez").await.status, 200);
    service.shutdown.cancel();
    service.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn readiness_ends_with_the_first_event_too_many_and_life_goes_on() {
    let service = Service::start().await;
    service.stop_projecting();
    let mut revision = 0;
    let mut append = async |records: u64| {
        let record = NewRecord { envelope: "e".into(), disclosures: "d".into() };
        while revision < records {
            let count = (records - revision).min(limits::BATCH_RECORDS_MAX as u64);
            let command = log::Command(format!("fill-{revision}").into());
            let batch = Batch { command, records: vec![record.clone(); usize::try_from(count).unwrap()] };
            revision = service.log.append(StoryKey([1; 16]), revision, batch).await.unwrap().revision;
        }
    };
    append(VIEWS_LAG_READY_MAX).await;
    assert_eq!(service.get("/readyz").await.status, 200);
    append(VIEWS_LAG_READY_MAX + 1).await;
    let ready = service.get("/readyz").await;
    assert_eq!(ready.status, 503);
    let views = ready.problem("unavailable")["checks"][1].take();
    assert_eq!((&views["name"], &views["ok"]), (&json!("views"), &json!(false)));
    // A restart mends none of it.
    assert_eq!(service.get("/livez").await.status, 200);
    service.shutdown.cancel();
    service.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_measured_has_its_unit_in_its_name() {
    let relay = RelayStatus { is_connected: true, published: Position(1), lag_events: 4 };
    let service = Service::with(Some(relay)).await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    service.get("/v1/stories/talks").await;
    service.get("/v1/stories/other").await;
    service.get("/nowhere/at/all").await;
    let metrics = service.get("/metrics").await;
    for line in [
        "writethru_http_requests_total{method=\"GET\",route=\"/v1/stories/{story}\",status=\"200\"}",
        "writethru_http_requests_total{method=\"GET\",route=\"/v1/stories/{story}\",status=\"404\"}",
        "writethru_http_requests_total{method=\"GET\",route=\"unmatched\",status=\"404\"}",
        "writethru_http_request_duration_seconds_bucket{method=\"POST\",route=\"/v1/stories\",le=\"0.001\"}",
        "writethru_pushes_total{outcome=\"stored\"}",
        "writethru_views_lag_events ",
        "writethru_publisher_lag_events ",
        "writethru_log_head_position ",
    ] {
        assert!(metrics.text().contains(line), "no {line} in {}", metrics.text());
    }
    assert!(!metrics.text().contains("talks"), "labels must not grow with stories");
    service.stop().await;
}

#[tokio::test]
async fn the_views_are_built_again_and_compared() {
    let service = Service::start().await;
    for number in 0..3 {
        service.file("/v1/stories?slug=talks&desk=world", &format!("{STORY}\n\nPart {number}.")).await;
    }
    let before = service.get("/v1/stories/talks?view=desk").await;
    let answer = service.send(Method::POST, "/v1/admin/rebuild", &[], "").await;
    let rebuilt = answer.json();
    assert_eq!((&rebuilt["position"], &rebuilt["equal"]), (&json!(3), &json!(true)), "{rebuilt}");
    let revisions =
        rebuilt["tables"].as_array().unwrap().iter().find(|table| table["table"] == "revisions").unwrap();
    assert_eq!((&revisions["rows"], &revisions["rebuilt_rows"]), (&json!(3), &json!(3)));
    assert_eq!(service.get("/v1/stories/talks?view=desk").await.body, before.body);

    let lines =
        service.send(Method::POST, "/v1/admin/rebuild", &[("accept", "application/x-ndjson")], "").await;
    let lines: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], json!({"reached": 3, "upto": 3}));
    assert_eq!(lines.last().unwrap()["equal"], true);
    service.stop().await;
}
