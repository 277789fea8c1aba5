//! Replicas in other languages than ours, through a service that goes away and comes back.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use writethru_tests::Service;

/// Follows a story until a revision, and says which article it then has.
const FOLLOW: &str = r#"
import json, sys, writethru
url, story, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
with writethru.follow(url, story=story) as replica:
    print(replica.revision, flush=True)
    article = replica.wait_until(last, timeout=60)
    print(json.dumps({"revision": article["revision"], "hash": article["hash"]}))
"#;

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/python/src")
}

fn push(service: &Service, folder: &Path, missing: u64) {
    let copy = folder.join("ferry.txt");
    fs::write(
        &copy,
        format!("Ferry aground\n\nAt least {missing} people are missing.\n\nA search goes on.\n"),
    )
    .expect("written");
    service.run(&["push", copy.to_str().expect("UTF-8"), "--slug", "ferry", "--desk", "world"]);
}

#[test]
fn a_replica_in_python_is_exact_after_the_service_was_killed_and_came_back() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let data = folder.path().join("data");
    let mut service = Service::start(&data);
    let url = service.http.clone();
    push(&service, folder.path(), 12);
    push(&service, folder.path(), 13);
    let mut python = match Command::new("python3")
        .args(["-c", FOLLOW, &url, "ferry", "6"])
        .env("PYTHONPATH", package())
        .stdout(Stdio::piped())
        .spawn()
    {
        Ok(python) => python,
        Err(error) => return println!("NOT RUN: there is no python3: {error}"),
    };
    let mut lines = BufReader::new(python.stdout.take().expect("piped")).lines();
    assert_eq!(lines.next().expect("a line").expect("read"), "2");
    push(&service, folder.path(), 14);
    service.kill();
    let address = url.trim_start_matches("http://");
    let service = Service::start_with(&data, &["--http", address], Stdio::inherit());
    for missing in 15..=17 {
        push(&service, folder.path(), missing);
    }
    let last = lines.next().expect("a line").expect("read");
    assert!(python.wait().expect("it ends").success());
    let shown: Value = serde_json::from_str(&service.run(&["show", "ferry", "--json"])).expect("JSON");
    let held: Value = serde_json::from_str(&last).expect("JSON");
    assert_eq!((&held["revision"], &held["hash"]), (&shown["revision"], &shown["hash"]));
    service.stop();
}
