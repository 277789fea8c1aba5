//! The binary with a real nats-server: `NATS_SERVER_BIN`, the project's tool folder, or `PATH`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::harness::Service;

#[test]
fn a_watcher_sees_the_words_change_over_nats() {
    let mut service = Service::start_with(&[]);
    let nats =
        service.run["nats"].as_str().expect("there is a nats-server: `make test` fetches one").to_owned();
    service.push("storm", "Storm nears\n\nThree ships are overdue.\n\nThe harbour is closed.");
    let mut watch = service
        .command(&["watch", "--desk", "world", "--count", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut talk = BufReader::new(watch.stderr.take().unwrap());
    let mut line = String::new();
    talk.read_line(&mut line).unwrap();
    assert!(line.contains(&nats), "{line}");
    service.push("storm", "Storm nears\n\nFour ships are overdue.\n\nThe harbour is closed.");
    service.push("storm", "Storm nears\n\nThe harbour is closed.\n\nFour ships are overdue.");
    let output = watch.wait_with_output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("[-Three-]{+Four+} ships are overdue."), "{shown}");
    assert!(shown.contains("moved from"), "{shown}");
    service.stop();
    service.run(&["check"]).exits(0);
}

#[test]
fn the_demo_plays_a_whole_history_to_a_subscriber() {
    let mut service = Service::start_with(&["--demo", "--demo-speed", "1000"]);
    while !service.line().contains("that was the whole storm") {}
    let said = service.run(&["show", "nhc-harvey-2017", "--public", "--json"]).exits(0);
    assert_eq!(said.json()["revision"], 104);
    service.stop();
}
