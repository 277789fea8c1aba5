//! With the feature `otel`, one trace tells of an update from push to subscriber, across processes.
//!
//! `cargo test -p writethru --features otel --test otel`; `make test` runs it after everything else.

mod collector;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::collector::{Collector, Span};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PUSHER: &str = "00f067aa0ba902b7";

/// A process of ours, which ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let process = rustix::process::Pid::from_child(&self.0);
        // One that has ended takes no signal, and needs none.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::INT);
        let _ = self.0.wait();
    }
}

/// Starts a command that sends its traces to `collector` as `service`.
fn start(collector: &Collector, service: &str, arguments: &[&str], data: &Path) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_writethru"));
    for name in ["WRITETHRU_URL", "WRITETHRU_NATS_URL", "WRITETHRU_CONFIG"] {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .arg("--data")
        .arg(data)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address)
        .env("OTEL_SERVICE_NAME", service)
        .env("OTEL_BSP_SCHEDULE_DELAY", "20")
        .env("WRITETHRU_LOG", "warn,writethru=debug")
        .env("WRITETHRU_LOG_FORMAT", "json")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Running(command.spawn().expect("the binary runs"))
}

/// Starts a service; returns it and what it says of itself.
fn service(collector: &Collector, data: &Path) -> (Running, Value) {
    let mut up = start(collector, "newsroom", &["up", "--json", "--http", "127.0.0.1:0"], data);
    let mut line = String::new();
    BufReader::new(up.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (up, serde_json::from_str(&line).expect("it becomes ready"))
}

/// Starts a subscriber; returns once it is live.
fn subscriber(collector: &Collector, data: &Path) -> Running {
    let mut watch = start(collector, "subscriber", &["watch", "--count", "1"], data);
    let mut line = String::new();
    BufReader::new(watch.0.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("watching nats://"), "{line}");
    watch
}

fn push(url: &str, key: &str, traceparent: Option<&str>) {
    let copy = json!({"headline": "Mine opens", "blocks": [{"text": "It opens."}]});
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut request = reqwest::Client::new().post(url).bearer_auth(key).json(&copy);
        if let Some(traceparent) = traceparent {
            request = request.header("traceparent", traceparent);
        }
        let answer = request.send().await.expect("the service answers");
        assert!(answer.status().is_success(), "{}", answer.status());
    });
}

#[test]
fn one_trace_tells_of_an_update_from_push_to_subscriber() {
    let collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut up, run) = service(&collector, &data);
    let mut said = up.0.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        said.read_to_string(&mut log).map(|_| log)
    });
    let mut watch = subscriber(&collector, &data);
    let key = std::fs::read_to_string(data.join("owner.key")).unwrap();
    let url = format!("{}/v1/stories?slug=mine&desk=world", run["http"].as_str().unwrap());
    push(&url, key.trim(), Some(&format!("00-{TRACE}-{PUSHER}-01")));

    let path = ["POST /v1/stories", "decide", "append", "project", "publish", "apply"];
    let spans = collector.until(|spans| path.iter().all(|name| spans.iter().any(|span| span.name == *name)));
    let spans: Vec<&Span> = spans.iter().filter(|span| span.trace == TRACE).collect();
    let named = |name: &str| {
        let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        assert_eq!(found.len(), 1, "{name}: {spans:?}");
        *found[0]
    };
    for (name, parent) in [("decide", path[0]), ("append", path[0]), ("project", "append")]
        .into_iter()
        .chain([("publish", "project"), ("apply", "publish")])
    {
        assert_eq!(named(name).parent, named(parent).id, "{name} comes after {parent}");
    }
    let request = named(path[0]);
    assert_eq!((request.parent.as_str(), request.service.as_str()), (PUSHER, "newsroom"));
    assert_eq!(named("apply").service, "subscriber");

    // A push that came without a trace begins one.
    assert!(watch.0.wait().unwrap().success());
    push(&format!("{url}&note=Again"), key.trim(), None);
    let spans = collector.until(|spans| {
        spans.iter().any(|span| span.name == path[0] && span.trace != TRACE && span.parent.is_empty())
    });
    assert!(!spans.is_empty());
    drop(up);
    let log = log.join().unwrap().unwrap();
    assert!(log.lines().any(|line| line.contains("\"trace.id\"") && line.contains(TRACE)), "{log}");
}

#[test]
fn a_collector_that_is_away_or_unusable_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there: the port was free a moment ago.
    let away = Collector::gone();
    let (up, run) = service(&away, &folder.path().join("data"));
    let key = std::fs::read_to_string(folder.path().join("data/owner.key")).unwrap();
    push(&format!("{}/v1/stories?slug=mine&desk=world", run["http"].as_str().unwrap()), key.trim(), None);
    drop(up);
}
