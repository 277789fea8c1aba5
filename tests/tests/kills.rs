//! kill -9 while copy comes in: nothing acknowledged is lost, nothing doubled, readers converge.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use client::Replica;
use serde_json::Value;
use story::{Revision, StoryId};
use writethru_tests::{Orphans, PATIENCE, Service, harvey, json_lines, writethru};

/// How often the service is killed; `WRITETHRU_KILLS=50` for a longer run.
const KILLS: u64 = 5;

/// An import in the background whose acknowledged lines come as they are printed.
struct Import {
    child: Child,
    lines: mpsc::Receiver<Value>,
}

impl Import {
    fn start(service: &Service) -> Self {
        let path = harvey();
        let mut child = service
            .command(&["import", path.to_str().expect("UTF-8"), "--desk", "storms", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = mpsc::sync_channel(1_000);
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Ok(line) = serde_json::from_str(&line) {
                    // The test has seen enough: what is printed after that does not count.
                    let _ = sender.send(line);
                }
            }
        });
        Self { child, lines }
    }

    fn acknowledged(&self, count: u64, within: Duration) -> Vec<Value> {
        (0..count).map_while(|_| self.lines.recv_timeout(within).ok()).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "a longer run is asked for by the environment")]
fn kills() -> u64 {
    std::env::var("WRITETHRU_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS)
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing_acknowledged_double_nothing_and_readers_converge() {
    let folder = Orphans(tempfile::tempdir().expect("a temp dir"));
    let data = folder.0.path().join("data");
    let mut acknowledged: HashMap<u64, Value> = HashMap::new();
    for kill in 0..kills() {
        let mut service = Service::start(&data);
        let mut import = Import::start(&service);
        // Another moment each time: after as many lines as a small generator says, then at once.
        let lines = acknowledged.len() as u64 + 1 + (kill * 2_654_435_761) % 17;
        for line in import.acknowledged(lines, PATIENCE) {
            let number = line["line"].as_u64().expect("a number");
            let earlier = acknowledged.entry(number).or_insert_with(|| line.clone());
            assert_eq!(
                (&earlier["story"], &earlier["revision"]),
                (&line["story"], &line["revision"]),
                "line {number}"
            );
        }
        service.kill();
        import.child.kill().expect("our child");
        import.child.wait().expect("our child");
    }
    let service = Service::start(&data);
    let replica = Replica::builder(&service.nats).everything().connect().await.expect("connected");
    let path = harvey();
    let whole =
        json_lines(&service.run(&["import", path.to_str().expect("UTF-8"), "--desk", "storms", "--json"]));
    for line in &whole {
        if let Some(earlier) = acknowledged.get(&line["line"].as_u64().expect("a number")) {
            assert_eq!(
                (&earlier["story"], &earlier["revision"]),
                (&line["story"], &line["revision"]),
                "{line}"
            );
        }
    }
    let stories = json_lines(&service.run(&["list", "--json"]));
    assert_eq!(stories.len(), 1, "one story, however often its first push was cut off");
    assert_eq!(stories[0]["revision"].as_u64(), Some(whole.len() as u64), "every state once");
    let story: StoryId = stories[0]["story"].as_str().expect("an id").parse().expect("an id");
    let last = Revision(whole.len() as u64);
    let held = tokio::time::timeout(PATIENCE, replica.wait_until(story, last))
        .await
        .expect("in time")
        .expect("open");
    let shown: Value =
        serde_json::from_str(&service.run(&["show", "nhc-harvey-2017", "--json"])).expect("JSON");
    assert_eq!(held.hash.to_string(), shown["hash"]);
    replica.close().await;
    service.stop();
    writethru_tests::answer(writethru(&data, &["check"]));
}
