//! A story's past from the command line: moments, permanent addresses, phrases.

use serde_json::{Value, json};

use crate::harness::Service;

const FIRST: &str = "Storm nears coast\n\nAt least three ships are overdue.";
const SECOND: &str = "Storm nears coast\n\nFour ships are overdue.";

#[test]
fn every_read_takes_a_moment() {
    let service = Service::start();
    service.push("storm", FIRST);
    service.push("storm", SECOND);
    let lines = service.run(&["history", "storm", "--json"]).exits(0);
    let lines: Vec<Value> = lines.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| &line["revision"]).collect::<Vec<_>>(), [2, 1]);
    let first = lines[1]["recorded"].as_str().unwrap();
    for axis in ["recorded", "published"] {
        for command in [&["show", "storm"][..], &["blame", "storm"]] {
            let asked = [command, &["--as-of", first, "--axis", axis, "--json"]].concat();
            assert_eq!(service.run(&asked).exits(0).json()["revision"], 1, "{asked:?}");
        }
        let asked = ["diff", "storm", "--as-of", first, "--axis", axis, "--json"];
        let diff = service.run(&asked).exits(0).json();
        assert_eq!((&diff["from"], &diff["to"]), (&json!(0), &json!(1)));
        let asked = ["list", "--as-of", first, "--axis", axis, "--json"];
        assert_eq!(service.run(&asked).exits(0).json()["revision"], 1);
        let asked = ["history", "storm", "--as-of", first, "--axis", axis, "--json"];
        assert_eq!(service.run(&asked).exits(0).json()["revision"], 1);
    }
    let shown = service.run(&["history", "storm", "--public"]).exits(0);
    assert!(shown.stdout.contains("/revisions/1") && !shown.stdout.contains("view=desk"), "{shown:?}");
    service.run(&["diff", "storm", "1..2", "--as-of", "rev:1"]).exits(2);
    service.run(&["show", "storm", "--axis", "published"]).exits(2);
    service.run(&["show", "storm", "--as-of", "rev:1", "--axis", "published"]).exits(65);
}

#[test]
fn a_phrase_is_found_with_the_time_that_readers_had_it() {
    let service = Service::start();
    service.push("storm", FIRST);
    service.push("storm", SECOND);
    let found = service.run(&["search", "--phrase", "at LEAST three", "--json"]).exits(0).json();
    assert_eq!((&found["slug"], &found["is_public"]), (&json!("storm"), &json!(false)));
    let shown = service.run(&["search", "--phrase", "overdue", "--story", "storm"]).exits(0);
    assert!(shown.stdout.contains("public since") && shown.stdout.contains("revisions 1 to 2"), "{shown:?}");
    let nothing = service.run(&["search", "--phrase", "canary", "--public"]).exits(0);
    assert!(nothing.stdout.is_empty() && nothing.stderr.contains("no revision has"), "{nothing:?}");
    service.run(&["search"]).exits(2);
}
