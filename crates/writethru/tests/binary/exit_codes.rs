//! Every exit code, over the real binary.

use crate::harness::{Service, run, writethru};

#[test]
fn zero_is_an_answer() {
    let service = Service::start();
    service.push("storm", "Storm nears\n\nThree ships are overdue.");
    let said = service.run(&["show", "storm", "--json"]).exits(0);
    assert_eq!(said.json()["headline"], "Storm nears");
}

#[test]
fn one_is_a_story_or_revision_that_does_not_exist() {
    let service = Service::start();
    let said = service.run(&["show", "nowhere", "--json"]).exits(1);
    assert_eq!(said.problem()["type"], "/problems/not-found");
    assert!(said.stdout.is_empty());
    service.push("storm", "Storm nears\n\nThree ships are overdue.");
    let said = service.run(&["show", "storm", "--as-of", "rev:7", "--json"]).exits(1);
    assert_eq!(said.problem()["type"], "/problems/revision-not-found");
}

#[test]
fn two_is_a_command_line_that_makes_no_sense() {
    for arguments in [
        &["push"][..],
        &["frobnicate"],
        &["push", "x", "--slug", "not a slug"],
        &["push", "x", "--desk", "a.b"],
        &["push", "x", "--kind", "rumour"],
        &["show", "s", "--as-of", "yesterday"],
        &["diff", "s", "a..b"],
        &["watch", "--for", "soon"],
        &["up", "--http", "nowhere"],
        &["up", "--http", "0.0.0.0:0"],
    ] {
        let said = run(writethru().args(arguments));
        assert_eq!(said.code, 2, "{arguments:?} {said:?}");
        assert!(said.stdout.is_empty() && !said.stderr.is_empty(), "{arguments:?} {said:?}");
    }
}

#[test]
fn three_is_a_conflict_and_nothing_is_filed() {
    let service = Service::start();
    service.push("storm", "Storm nears\n\nThree ships are overdue.");
    let file = service.file("next.txt", "Storm nears\n\nFour ships are overdue.");
    let file = file.to_str().unwrap();
    let said = service.run(&["push", file, "--story", "storm", "--expect", "7", "--json"]).exits(3);
    assert_eq!(said.problem()["actual"], 1, "{said:?}");
    assert_eq!(service.run(&["show", "storm", "--json"]).json()["revision"], 1);
}

#[test]
fn four_is_a_data_dir_that_does_not_verify() {
    let mut service = Service::start();
    service.push("storm", "Storm nears\n\nThree ships are overdue.");
    service.run(&["check"]).exits(0);
    service.stop();
    service.run(&["check", "--json"]).exits(0);
    // The words are somewhere in the file; another letter in them must be found.
    let log = service.data().join("log.db");
    let mut bytes = std::fs::read(&log).unwrap();
    let words = b"Three ships";
    let places: Vec<usize> =
        bytes.windows(words.len()).enumerate().filter(|(_, part)| part == words).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "the log keeps the words readable");
    for at in places {
        bytes[at] = b'X';
    }
    std::fs::write(&log, bytes).unwrap();
    let said = service.run(&["check", "--json"]).exits(4);
    assert!(said.problem()["title"].as_str().unwrap().contains("position 1"), "{said:?}");
}

#[test]
fn sixty_five_is_bad_data() {
    let service = Service::start();
    let file = service.file("bad.json", "{\"headline\": 7}");
    let said = service.run(&["push", file.to_str().unwrap(), "--slug", "s", "--desk", "d"]).exits(65);
    assert!(said.stderr.contains("why:") && said.stderr.contains("next:"), "{said:?}");
}

#[test]
fn sixty_six_is_input_that_cannot_be_read() {
    let service = Service::start();
    let said = service.run(&["push", "/nowhere/story.md", "--slug", "s", "--desk", "d", "--json"]).exits(66);
    assert_eq!(said.problem()["exit"], 66);
    service.run(&["import", "/nowhere/story.jsonl", "--desk", "d"]).exits(66);
    let empty = tempfile::tempdir().unwrap();
    run(writethru().arg("check").arg("--data").arg(empty.path())).exits(66);
}

#[test]
fn sixty_nine_is_a_server_that_is_not_there() {
    let empty = tempfile::tempdir().unwrap();
    let said = run(writethru().args(["list", "--data"]).arg(empty.path())).exits(69);
    assert!(said.stderr.contains("next: start one: writethru up"), "{said:?}");
    let said = run(writethru().args(["list", "--json", "--url", "http://127.0.0.1:9"])).exits(69);
    assert_eq!(said.problem()["type"], "/problems/server-unreachable");
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = writethru()
        .args(["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn help_names_every_exit_code() {
    let said = run(writethru().arg("--help")).exits(0);
    for code in [
        "0  ok",
        "1  failure",
        "2  usage",
        "3  conflict",
        "4  differs",
        "65  bad",
        "66  the input",
        "69  unav",
        "77  denied",
        "130  a second",
    ] {
        assert!(said.stdout.contains(code), "{code} is not in {}", said.stdout);
    }
    assert!(said.stdout.starts_with("Examples:"), "{}", said.stdout);
}
