//! Stories filed, changed, read and followed from the command line.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::harness::Service;
use serde_json::Value;

const FIRST: &str = "Storm nears coast\n\nThree ships are overdue.\n\nThe harbour is closed.";
const SECOND: &str = "Storm nears coast\n\nFour ships are overdue.\n\nThe harbour is closed.";

#[test]
fn a_change_is_shown_word_by_word() {
    let service = Service::start();
    let first = service.push("storm", FIRST);
    assert_eq!((&first["revision"], &first["changed"]), (&Value::from(1), &Value::from(true)));
    let second = service.push("storm", SECOND);
    assert_eq!(second["revision"], 2);
    assert_eq!(second["kind"], "update");
    assert_eq!(second["significance"]["level"], "substantive", "{second}");
    let said = service.run(&["diff", "storm"]).exits(0);
    assert!(said.stdout.contains("[-Three-]{+Four+} ships are overdue."), "{said:?}");
    let said = service.run(&["diff", "storm", "--color", "always"]).exits(0);
    assert!(said.stdout.contains("\u{1b}[") && !said.stdout.contains("{+"), "{said:?}");
    let ops = service.run(&["diff", "storm", "1..2", "--json"]).exits(0).json();
    assert_eq!(ops["ops"].as_array().map(Vec::len), Some(1), "{ops}");
    assert_eq!(service.run(&["diff", "storm", "rev:-1..rev:2", "--json"]).exits(0).json(), ops);
}

#[test]
fn the_same_copy_again_adds_nothing() {
    let service = Service::start();
    service.push("storm", FIRST);
    let again = service.push("storm", FIRST);
    assert_eq!((&again["revision"], &again["changed"]), (&Value::from(1), &Value::from(false)));
    let said = service.run(&["log", "storm", "--json"]).exits(0);
    assert_eq!(said.stdout.lines().count(), 1);
}

#[test]
fn the_same_key_never_files_twice() {
    let service = Service::start();
    let file = service.file("a.txt", FIRST);
    let push = ["push", file.to_str().unwrap(), "--slug", "storm", "--desk", "d", "--key", "k1", "--json"];
    assert_eq!(service.run(&push).exits(0).json()["repeated"], false);
    assert_eq!(service.run(&push).exits(0).json()["repeated"], true);
}

#[test]
fn a_dry_run_shows_the_words_and_files_nothing() {
    let service = Service::start();
    service.push("storm", FIRST);
    let file = service.file("next.txt", SECOND);
    let said = service.run(&["push", file.to_str().unwrap(), "--story", "storm", "--dry-run"]).exits(0);
    assert!(said.stdout.contains("[-Three-]{+Four+}"), "{said:?}");
    assert_eq!(service.run(&["show", "storm", "--json"]).json()["revision"], 1);
}

#[test]
fn a_draft_is_the_desks_own_until_it_is_published() {
    let service = Service::start();
    let file = service.file("draft.txt", FIRST);
    let file = file.to_str().unwrap();
    service.run(&["push", file, "--slug", "storm", "--desk", "world", "--draft"]).exits(0);
    service.run(&["show", "storm", "--public"]).exits(1);
    assert_eq!(service.run(&["show", "storm", "--json"]).exits(0).json()["status"], "draft");
    assert!(service.run(&["list", "--public"]).exits(0).stdout.is_empty());
    service.run(&["push", file, "--story", "storm"]).exits(0);
    service.run(&["show", "storm", "--public"]).exits(0);
}

#[test]
fn stories_are_listed_shown_and_their_past_is_kept() {
    let service = Service::start();
    service.push("storm", FIRST);
    service.push("storm", SECOND);
    service.push("fire", "Fire in the hills\n\nNobody is hurt.");
    let slugs: Vec<Value> = service
        .run(&["list", "--json"])
        .exits(0)
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["slug"].clone())
        .collect();
    assert_eq!(slugs, ["fire", "storm"]);
    let table = service.run(&["list"]).exits(0).stdout;
    assert!(table.contains("Fire in the hills") && table.contains("just now"), "{table}");
    let old = service.run(&["show", "storm", "--as-of", "rev:1", "--json"]).exits(0).json();
    assert_eq!(old["blocks"][0]["text"], "Three ships are overdue.");
    for key in
        ["story", "slug", "desk", "revision", "status", "headline", "summary", "blocks", "hash", "recorded"]
    {
        assert!(old.get(key).is_some(), "{key} is not in {old}");
    }
    let text = service.run(&["show", "storm"]).exits(0).stdout;
    assert!(text.starts_with("Storm nears coast\n"), "{text}");
    let log = service.run(&["log", "storm"]).exits(0).stdout;
    assert_eq!(log.lines().count(), 3, "{log}");
}

#[test]
fn a_correction_says_what_was_wrong() {
    let service = Service::start();
    service.push("storm", FIRST);
    let file = service.file("next.txt", SECOND);
    let push = ["push", file.to_str().unwrap(), "--story", "storm", "--kind", "correction"];
    service.run(&push).exits(65);
    let mut whole = push.to_vec();
    whole.extend(["--note", "Ships miscounted", "--what", "the number", "--where", "first paragraph"]);
    whole.extend(["--approver", "ed-7", "--json"]);
    assert_eq!(service.run(&whole).exits(0).json()["kind"], "correction");
}

#[test]
fn a_watcher_sees_the_words_change_without_nats() {
    let service = Service::start();
    service.push("storm", FIRST);
    let mut watch = service
        .command(&["watch", "--story", "storm", "--count", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut talk = BufReader::new(watch.stderr.take().unwrap());
    let mut line = String::new();
    talk.read_line(&mut line).unwrap();
    assert!(line.starts_with("watching http://"), "{line}");
    service.push("other", "Elsewhere\n\nNothing happened.");
    service.push("storm", SECOND);
    let output = watch.wait_with_output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(shown.contains("[-Three-]{+Four+} ships are overdue."), "{shown}");
    assert!(!shown.contains("Elsewhere"), "{shown}");
}

#[test]
fn a_history_is_imported_once_however_often_it_is_sent() {
    let service = Service::start();
    let line = |seq: u32, text: &str| {
        format!(
            r#"{{"seq":{seq},"at":"2017-08-17T15:00:0{seq}Z","headline":"H","body":["{text}"],"source":"s"}}"#
        )
    };
    let lines = [line(1, "One."), line(2, "Two."), line(3, "Two. "), line(4, "One.")].join("\n");
    let file = service.file("tale.jsonl", lines);
    let import = ["import", file.to_str().unwrap(), "--desk", "world", "--json"];
    let states = |said: crate::harness::Said| -> Vec<(u64, bool)> {
        let read = |line: &str| {
            let state: Value = serde_json::from_str(line).unwrap();
            (state["revision"].as_u64().unwrap(), state["changed"].as_bool().unwrap())
        };
        said.stdout.lines().map(read).collect()
    };
    let first = states(service.run(&import).exits(0));
    assert_eq!(first, [(1, true), (2, true), (2, false), (3, true)]);
    let again = states(service.run(&import).exits(0));
    assert_eq!(again, [(1, false), (2, false), (2, false), (3, false)]);
    let log = service.run(&["log", "tale", "--json"]).exits(0).stdout;
    assert_eq!(log.lines().count(), 3);
    assert!(log.contains("2017-08-17T15:00:01Z"), "{log}");
    service.run(&["check"]).exits(0);
}
