//! Bad input: each a clear error that says what, where and what to do; the story unchanged.

use crate::harness::Service;

/// Files `copy` and asserts that it is refused as bad data, naming `expected`.
#[track_caller]
fn check(service: &Service, name: &str, copy: &[u8], expected: &str) {
    let file = service.file(name, copy);
    let said = service.run(&["push", file.to_str().expect("UTF-8"), "--story", "storm", "--json"]).exits(65);
    let problem = said.problem();
    let shown = problem.to_string();
    assert!(shown.contains(expected), "{name}: {expected:?} is not in {shown}");
    assert!(problem["next"].as_str().is_some_and(|next| !next.is_empty()), "{name}: {shown}");
    assert!(!said.stderr.contains("panicked"), "{name}: {said:?}");
}

#[test]
fn bad_copy_is_refused_by_name_and_changes_nothing() {
    let service = Service::start();
    service.push("storm", "Storm nears\n\nThree ships are overdue.");
    let before = service.run(&["show", "storm", "--json"]).json();
    check(&service, "latin1.txt", b"Caf\xe9 closes\n\nToday.", "byte 3");
    check(&service, "lone.json", br#"{"headline":"H \ud800","blocks":[{"text":"One."}]}"#, "line 1");
    check(&service, "empty.txt", b"", "no words");
    check(&service, "blank.txt", b" \n\n\t\n", "no words");
    check(&service, "unknown.json", br#"{"headline":"H","colour":"red"}"#, "colour");
    check(&service, "twice.json", br#"{"headline":"H","headline":"I"}"#, "headline");
    check(&service, "type.json", br#"{"headline":"H","blocks":[{"text":7}]}"#, "blocks[0].text");
    check(&service, "truncated.json", br#"{"headline":"H","blocks":[{"te"#, "ends too early");
    check(&service, "array.json", b"[1,2,3]", "JSON list");
    let paragraph = format!("H\n\n{}", "word ".repeat(2 * 1024 * 1024));
    check(&service, "paragraph.txt", paragraph.as_bytes(), "limit");
    let blocks = format!("H\n\n{}", "x\n\n".repeat(100_000));
    check(&service, "blocks.txt", blocks.as_bytes(), "limit");
    assert_eq!(service.run(&["show", "storm", "--json"]).json(), before);
}

#[test]
fn a_bad_line_stops_its_file_and_names_its_place_while_others_go_on() {
    let service = Service::start();
    let line = |seq: u32, text: &str| {
        format!(r#"{{"seq":{seq},"at":null,"headline":"H","body":["{text}"],"source":"s"}}"#)
    };
    let good = service.file("good.jsonl", format!("{}\n{}\n", line(1, "One."), line(2, "Two.")));
    let bad = service.file("bad.jsonl", format!("{}\n{{\"seq\":2,\n", line(1, "One.")));
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let said = service.run(&["import", bad, good, "--desk", "world", "--json"]).exits(65);
    assert!(said.problem()["title"].as_str().unwrap().contains("bad.jsonl:2"), "{said:?}");
    assert_eq!(said.stdout.lines().filter(|line| line.contains("good.jsonl")).count(), 2, "{said:?}");
    assert_eq!(service.run(&["show", "bad", "--json"]).json()["revision"], 1);
}

#[test]
fn a_file_that_is_no_story_is_refused() {
    let service = Service::start();
    service.push("storm", "Storm nears\n\nThree ships are overdue.");
    check(&service, "picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "UTF-8");
    let file = service.file("not a slug.jsonl", "{}");
    service.run(&["import", file.to_str().unwrap(), "--desk", "d"]).exits(65);
}
