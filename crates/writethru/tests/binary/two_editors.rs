//! Two editors at once: what fits is joined, what clashes is shown, and nothing is lost.

use crate::harness::Service;

const FIRST: &str = "Storm nears coast\n\nThree ships are overdue.\n\nThe harbour is closed.";
const THEIRS: &str = "Storm nears coast\n\nFour ships are overdue.\n\nThe harbour is closed.";

#[test]
fn copy_from_an_earlier_revision_is_carried_over() {
    let service = Service::start();
    service.push("storm", FIRST);
    service.push("storm", THEIRS);
    let mine = service.file("mine.txt", FIRST.replace("closed", "open"));
    let mine = mine.to_str().unwrap();
    let said = service.run(&["push", mine, "--story", "storm", "--base", "1"]).exits(0);
    assert!(said.stderr.contains("rebased"), "{said:?}");
    let shown = service.run(&["show", "storm"]).exits(0).stdout;
    assert!(shown.contains("Four ships") && shown.contains("is open"), "{shown}");
    let mine = service.file("mine.txt", FIRST.replace("coast", "port"));
    let mine = mine.to_str().unwrap();
    let json = service.run(&["push", mine, "--story", "storm", "--base", "1", "--json"]).exits(0).json();
    assert_eq!(json["rebased"], 1, "{json}");
    let log = service.run(&["log", "storm"]).exits(0).stdout;
    assert!(log.contains("rebased from revision 1"), "{log}");
}

#[test]
fn what_clashes_is_shown_three_ways_and_goes_on_from_the_merged_copy() {
    let service = Service::start();
    service.push("storm", FIRST);
    service.push("storm", THEIRS);
    let mine = service.file("mine.txt", FIRST.replace("Three", "Five").replace("closed", "open"));
    let mine = mine.to_str().unwrap();
    let merged = service.data().parent().unwrap().join("merged.json");
    let merged = merged.to_str().unwrap();
    let push = ["push", mine, "--story", "storm", "--base", "1", "--merged", merged];
    let said = service.run(&push).exits(3);
    for line in [
        "  base    Three ships are overdue.",
        "  theirs  [-Three-]{+Four+} ships are overdue.",
        "  mine    [-Three-]{+Five+} ships are overdue.",
    ] {
        assert!(said.stderr.contains(line), "{line:?} is not in {}", said.stderr);
    }
    assert!(said.stderr.contains(&format!("writethru push {merged} --story storm --base 2")), "{said:?}");
    assert!(said.stdout.is_empty(), "{said:?}");
    assert_eq!(service.run(&["show", "storm", "--json"]).json()["revision"], 2);
    service.run(&push).exits(2);
    service.run(&["push", merged, "--story", "storm", "--base", "2"]).exits(0);
    let shown = service.run(&["show", "storm"]).exits(0).stdout;
    assert!(shown.contains("Five ships") && shown.contains("is open"), "{shown}");
}

#[test]
fn a_program_gets_every_version_of_what_clashes() {
    let service = Service::start();
    service.push("storm", FIRST);
    service.push("storm", THEIRS);
    let mine = service.file("mine.txt", FIRST.replace("Three", "Five"));
    let push = ["push", mine.to_str().unwrap(), "--story", "storm", "--base", "1", "--json"];
    let problem = service.run(&push).exits(3).problem();
    assert_eq!((&problem["expected"], &problem["actual"]), (&1.into(), &2.into()), "{problem}");
    for version in ["base", "theirs", "mine", "merged"] {
        assert!(problem[version]["blocks"].is_array(), "{version} is not in {problem}");
    }
    assert_eq!(problem["overlaps"][0]["theirs"], "Four ships are overdue.", "{problem}");
}
