//! Replicas in other languages than ours, through a service that goes away and comes back.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use writethru_tests::Service;
use writethru_tests::tools::found;

/// Follows a story until a revision, and says which article it then has: in Python.
const PYTHON: &str = r#"
import json, sys, writethru
url, story, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
with writethru.follow(url, story=story) as replica:
    print(replica.revision, flush=True)
    article = replica.wait_until(last, timeout=60)
    print(json.dumps({"revision": article["revision"], "hash": article["hash"]}))
"#;

/// The same in JavaScript.
const NODE: &str = r"
const { follow } = await import(process.argv[1])
const [url, story, last] = process.argv.slice(2)
const replica = await follow(url, { story })
console.log(replica.revision)
const { revision, hash } = await replica.waitUntil(Number(last), { signal: AbortSignal.timeout(60_000) })
console.log(JSON.stringify({ revision, hash }))
await replica.close()
";

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients").join(path)
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

/// Lets `follower` follow through a service that is killed and comes back; it is given the service's address,
/// the story and the last revision.
fn check(mut follower: Command) {
    let folder = tempfile::tempdir().expect("a temp dir");
    let data = folder.path().join("data");
    let mut service = Service::start(&data);
    let url = service.http.clone();
    push(&service, folder.path(), 12);
    push(&service, folder.path(), 13);
    let following = follower.args([&url, "ferry", "6"]).stdout(Stdio::piped()).spawn();
    let mut following = following.expect("it is there: it was looked for");
    let mut lines = BufReader::new(following.stdout.take().expect("piped")).lines();
    assert_eq!(lines.next().expect("a line").expect("read"), "2");
    push(&service, folder.path(), 14);
    service.kill();
    let address = url.trim_start_matches("http://");
    let service = Service::start_with(&data, &["--http", address], Stdio::inherit());
    for missing in 15..=17 {
        push(&service, folder.path(), missing);
    }
    let last = lines.next().expect("a line").expect("read");
    assert!(following.wait().expect("it ends").success());
    let shown: Value = serde_json::from_str(&service.run(&["show", "ferry", "--json"])).expect("JSON");
    let held: Value = serde_json::from_str(&last).expect("JSON");
    assert_eq!((&held["revision"], &held["hash"]), (&shown["revision"], &shown["hash"]));
    service.stop();
}

#[test]
fn a_replica_in_python_is_exact_after_the_service_was_killed_and_came_back() {
    let Some(python) = found("python3") else { return println!("NOT RUN: there is no python3") };
    let mut follower = Command::new(python);
    follower.args(["-c", PYTHON]).env("PYTHONPATH", package("python/src"));
    check(follower);
}

#[test]
fn a_replica_in_typescript_is_exact_after_the_service_was_killed_and_came_back() {
    let built = package("typescript/dist/index.js");
    let (Some(node), true) = (found("node"), built.exists()) else {
        return println!("NOT RUN: node is missing, or {}: run `make test`", built.display());
    };
    let mut follower = Command::new(node);
    follower.args(["--input-type=module", "--eval", NODE, "--"]).arg(built);
    check(follower);
}
