//! How the service starts and ends.

use std::io::{BufRead, BufReader, Write};

use crate::harness::{Service, run, writethru};
use rustix::process::Signal;

#[test]
fn a_second_instance_is_refused_and_the_first_goes_on() {
    let service = Service::start();
    let said = run(&mut service.command(&["up", "--no-nats", "--http", "127.0.0.1:0", "--json"])).exits(69);
    let problem = said.problem();
    assert_eq!(problem["type"], "/problems/data-dir-in-use");
    assert!(problem["detail"].as_str().unwrap().contains(&service.run["pid"].to_string()), "{problem}");
    service.run(&["list"]).exits(0);
}

#[test]
fn the_first_signal_drains_and_leaves_no_run_file() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut service = Service::start();
        service.push("storm", "Storm nears\n\nThree ships are overdue.");
        assert!(service.data().join("run.json").exists());
        service.signal(signal);
        let (code, said) = service.wait();
        assert_eq!(code, 0, "{said}");
        assert!(!service.data().join("run.json").exists());
        service.run(&["check"]).exits(0);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut service = Service::start();
    let address = service.run["http"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let mut slow = std::net::TcpStream::connect(address).unwrap();
    let head = "POST /v1/stories?slug=s&desk=d HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n";
    slow.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(slow.try_clone().unwrap()).read_line(&mut answer).unwrap();
    assert!(answer.contains("100"), "the request is at work: {answer}");
    service.signal(Signal::INT);
    while !service.line().contains("stopping") {}
    service.signal(Signal::INT);
    let (code, said) = service.wait();
    assert_eq!(code, 130, "{said}");
    service.run(&["check"]).exits(0);
}

#[test]
fn what_was_filed_is_there_after_a_restart() {
    let mut service = Service::start();
    let first = service.push("storm", "Storm nears\n\nThree ships are overdue.");
    service.stop();
    let again = Service::start_on(service.data(), &["--no-nats"]);
    let second = again.push("storm", "Storm nears\n\nFour ships are overdue.");
    assert_eq!(second["story"], first["story"]);
    assert_eq!(second["revision"], 2);
}

#[test]
fn a_killed_service_leaves_nothing_that_stops_the_next() {
    let mut service = Service::start();
    service.push("storm", "Storm nears\n\nThree ships are overdue.");
    service.signal(Signal::KILL);
    service.wait();
    assert!(service.data().join("run.json").exists());
    let said = service.run(&["list"]).exits(69);
    assert!(said.stderr.contains("seems to be gone"), "{said:?}");
    let again = Service::start_on(service.data(), &["--no-nats"]);
    assert_eq!(again.run(&["show", "storm", "--json"]).json()["revision"], 1);
}

#[test]
fn views_are_rebuilt_by_the_server_and_without_it_and_are_equal() {
    let mut service = Service::start();
    service.push("storm", "Storm nears\n\nThree ships are overdue.");
    service.push("storm", "Storm nears\n\nFour ships are overdue.");
    let before = service.run(&["show", "storm", "--json"]).json();
    assert_eq!(service.run(&["rebuild", "--json"]).exits(0).json()["equal"], true);
    assert_eq!(service.run(&["show", "storm", "--json"]).json(), before);
    service.stop();
    assert_eq!(service.run(&["rebuild", "--json"]).exits(0).json()["equal"], true);
    for name in ["views.db", "views.db-wal", "views.db-shm"] {
        let _ = std::fs::remove_file(service.data().join(name));
    }
    let again = Service::start_on(service.data(), &["--no-nats"]);
    let mut after = again.run(&["show", "storm", "--json"]).json();
    after["cursor"] = before["cursor"].clone();
    assert_eq!(after, before);
}

#[test]
fn doctor_finds_nothing_wrong_with_a_healthy_service() {
    let service = Service::start();
    let said = service.run(&["doctor", "--json"]).exits(0);
    let found: Vec<serde_json::Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        found.iter().any(|finding| finding["what"] == "server" && finding["verdict"] == "ok"),
        "{found:?}"
    );
    assert!(found.iter().all(|finding| finding["verdict"] != "fault"), "{found:?}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let service = Service::start();
    let address = service.run["http"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let other = tempfile::tempdir().unwrap();
    let said =
        run(writethru().args(["up", "--no-nats", "--http", &address, "--data"]).arg(other.path())).exits(69);
    assert!(said.stderr.contains(&address) && said.stderr.contains("next:"), "{said:?}");
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(writethru().args(["completions", shell])).exits(0).stdout.contains("writethru"));
    }
    let folder = tempfile::tempdir().unwrap();
    run(writethru().args(["man", "--out"]).arg(folder.path())).exits(0);
    for page in ["writethru.1", "writethru-push.1", "writethru-watch.1"] {
        assert!(folder.path().join(page).exists(), "{page}");
    }
}
