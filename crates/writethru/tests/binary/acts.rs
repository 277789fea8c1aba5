//! What is done to a story beside filing copy: each command once, for real.

use crate::harness::Service;
use serde_json::Value;

const COPY: &str = "Storm nears coast\n\nThree ships are overdue.";

/// Runs an act and asserts the kind and the status that it comes to.
#[track_caller]
fn check(service: &Service, arguments: &[&str], kind: &str, status: &str) -> Value {
    let mut arguments = arguments.to_vec();
    arguments.push("--json");
    let answer = service.run(&arguments).exits(0).json();
    assert_eq!((&answer["kind"], &answer["status"]), (&kind.into(), &status.into()), "{answer}");
    answer
}

#[test]
fn a_story_is_held_released_killed_and_restored() {
    let service = Service::start();
    service.push("storm", COPY);
    check(&service, &["withhold", "storm", "--reason", "disputed"], "withhold", "withheld");
    let shown = service.run(&["show", "storm", "--public"]).exits(0).stdout;
    assert!(!shown.contains("ships"), "{shown}");
    check(&service, &["release", "storm"], "release", "usable");
    check(&service, &["kill", "storm", "--reason", "forged", "--note", "Withdrawn"], "kill", "killed");
    let refused = service.run(&["release", "storm", "--json"]).exits(65).problem();
    assert_eq!(refused["type"], "/problems/refused", "{refused}");
    check(&service, &["restore", "storm", "--reason", "it was genuine"], "restore", "usable");
    check(&service, &["unpublish", "storm", "--reason", "a day early"], "unpublish", "draft");
    check(&service, &["takedown", "storm", "--reason", "court order"], "takedown", "takendown");
    check(&service, &["restore", "storm", "--reason", "order lifted", "--draft"], "restore", "draft");
    let log = service.run(&["log", "storm"]).exits(0).stdout;
    assert!(log.contains("court order") && log.contains("takendown"), "{log}");
}

#[test]
fn an_act_says_what_became_of_the_story() {
    let service = Service::start();
    service.push("storm", COPY);
    let said = service.run(&["kill", "storm", "--reason", "forged"]).exits(0);
    assert!(said.stdout.starts_with("storm  revision 2  kill · killed"), "{said:?}");
}

#[test]
fn an_act_needs_its_reason_and_keeps_to_the_revision_that_was_seen() {
    let service = Service::start();
    service.push("storm", COPY);
    service.run(&["kill", "storm"]).exits(2);
    service.run(&["kill", "storm", "--reason", "forged", "--expect", "7"]).exits(3);
    service.run(&["kill", "nowhere", "--reason", "forged"]).exits(1);
    let kill = ["kill", "storm", "--reason", "forged", "--key", "k1", "--json"];
    assert_eq!(service.run(&kill).exits(0).json()["repeated"], false);
    assert_eq!(service.run(&kill).exits(0).json()["repeated"], true);
}

#[test]
fn an_embargo_is_set_moved_and_lifted() {
    let service = Service::start();
    let file = service.file("budget.txt", COPY);
    let file = file.to_str().unwrap();
    let (first, second) = ("2199-01-01T00:00:00Z", "2199-02-01T00:00:00Z");
    let push = ["push", file, "--slug", "budget", "--desk", "world", "--embargo-until", first, "--json"];
    let pushed = service.run(&push).exits(0).json();
    assert_eq!((&pushed["status"], &pushed["until"]), (&"embargoed".into(), &first.into()), "{pushed}");
    service.run(&["show", "budget", "--public"]).exits(1);
    let moved = check(&service, &["embargo", "budget", "--until", second], "embargo", "embargoed");
    assert_eq!(moved["until"], second);
    for arguments in [&["show", "budget"][..], &["list"], &["log", "budget"]] {
        let said = service.run(arguments).exits(0).stdout;
        assert!(said.contains("embargoed until 2199-02-01 00:00:00 UTC"), "{said}");
    }
    let lifted = service.run(&["embargo", "budget", "--lift", "--json"]).exits(0).json();
    assert_eq!(lifted["status"], "usable");
    service.run(&["show", "budget", "--public"]).exits(0);
    service.run(&["embargo", "budget"]).exits(2);
    service.run(&["embargo", "budget", "--until", "soon"]).exits(2);
}

#[test]
fn what_is_due_goes_out_by_itself() {
    let service = Service::start();
    let file = service.file("soon.txt", COPY);
    let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(1);
    let mut watch = service
        .command(&["watch", "--count", "1"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut talk = std::io::BufReader::new(watch.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut talk, &mut line).unwrap();
    let push = ["push", file.to_str().unwrap(), "--slug", "soon", "--desk", "world", "--publish-at"];
    service.run(&[&push[..], &[&at.to_string(), "--json"]].concat()).exits(0);
    let output = watch.wait_with_output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("release"), "{shown}");
    service.run(&["show", "soon", "--public"]).exits(0);
}

#[test]
fn an_entry_is_added_edited_pinned_and_deleted() {
    let service = Service::start();
    service.push("final", "The final, live\n\nWelcome.");
    let add = ["entry", "add", "final", "--text", "**Goal!** 1-0.", "--json"];
    let added = service.run(&add).exits(0).json();
    let block = added["block"].as_str().unwrap_or_else(|| panic!("{added}")).to_owned();
    let file = service.file("entry.md", "**Goal!** 2-0.");
    service.run(&["entry", "edit", "final", &block, file.to_str().unwrap(), "--note", "Score"]).exits(0);
    let shown = service.run(&["show", "final"]).exits(0).stdout;
    assert!(shown.contains("2-0") && !shown.contains("1-0"), "{shown}");
    service.run(&["entry", "pin", "final", &block]).exits(0);
    assert_eq!(service.run(&["show", "final", "--json"]).json()["pinned"][0], block.as_str());
    service.run(&["entry", "unpin", "final", &block]).exits(0);
    service.run(&["entry", "add", "final", "--text", "Half-time.", "--place", "bottom"]).exits(0);
    service.run(&["entry", "delete", "final", &block]).exits(0);
    let shown = service.run(&["show", "final"]).exits(0).stdout;
    assert!(!shown.contains("Goal") && shown.ends_with("Half-time.\n"), "{shown}");
    service.run(&["entry", "edit", "final", &block, "--text", "x"]).exits(65);
    service.run(&["entry", "add", "final"]).exits(2);
}
