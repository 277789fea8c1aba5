//! The event log moved from a file to NATS and back: the same records, positions and hashes, and no way
//! to write over anything.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use writethru_tests::nats::NatsServer;
use writethru_tests::{Service, answer, json_lines, writethru};

/// Starts a server that keeps streams in `folder` and syncs before it acknowledges.
fn server(folder: &Path) -> NatsServer {
    let config = folder.join("nats.conf");
    let store = folder.join("store");
    let text = format!("jetstream {{ store_dir: \"{}\", sync_interval: always }}\n", store.display());
    std::fs::write(&config, text).expect("written");
    NatsServer::start(&config)
}

fn log_move(from: &str, to: &str) -> Command {
    // The data dir of the session is not that of the move.
    writethru(Path::new("no-data-dir"), &["log", "move", "--from", from, "--to", to, "--json"])
}

/// Runs a command that must fail; returns what it says.
#[track_caller]
fn refused(mut command: Command) -> (i32, Value) {
    let output = command.output().expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let problem = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
    (output.status.code().unwrap_or_default(), problem.unwrap_or_else(|| panic!("{said}")))
}

fn push(service: &Service, slug: &str, text: &str, key: &str) -> Value {
    let file = service.data.with_file_name(format!("{key}.txt"));
    std::fs::write(&file, text).expect("written");
    let file = file.to_str().expect("UTF-8");
    let answer = service.run(&["push", file, "--slug", slug, "--desk", "world", "--key", key, "--json"]);
    json_lines(&answer).remove(0)
}

#[test]
fn a_log_moved_to_nats_and_back_is_the_same_log() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let nats = server(folder.path());
    let path = |name: &str| folder.path().join(name);
    let (data, back) = (path("data"), path("back"));
    let service = Service::start_with(&data, &["--no-nats"], std::process::Stdio::null());
    for number in 0..7 {
        let text = format!("Storm nears coast\n\n{number} ships are overdue.");
        push(&service, "storm", &text, &format!("storm-{number}"));
        push(&service, &format!("flood-{number}"), "Flood\n\nThe river is up.", &format!("flood-{number}"));
    }
    let (from, to) = (data.to_str().expect("UTF-8"), format!("{}/main?replicas=1", nats.url()));
    let (exit, problem) = refused(log_move(from, &to));
    assert_eq!(
        (exit, &problem["type"]),
        (69, &"/problems/data-dir-in-use".into()),
        "a service runs: {problem}"
    );
    let before = json_lines(&service.run(&["show", "storm", "--json"])).remove(0);
    service.stop();

    let there: Value = serde_json::from_str(&answer(log_move(from, &to))).expect("JSON");
    assert_eq!((&there["records"], &there["verified"]), (&14.into(), &true.into()));
    let (exit, problem) = refused(log_move(from, &to));
    assert_eq!((exit, &problem["type"]), (1, &"/problems/log".into()), "{problem}");
    let (_, problem) = refused(log_move(&to, from));
    assert_eq!(problem["type"], "/problems/not-empty");

    let again: Value =
        serde_json::from_str(&answer(log_move(&to, back.to_str().expect("UTF-8")))).expect("JSON");
    for member in ["hash", "epoch", "records", "batches"] {
        assert_eq!(again[member], there[member], "{member}");
    }
    answer(writethru(&back, &["check"]));
    let service = Service::start_with(&back, &["--no-nats"], std::process::Stdio::null());
    let after = json_lines(&service.run(&["show", "storm", "--json"])).remove(0);
    assert_eq!(before, after, "the cursor too");
    let repeated = push(&service, "storm", "Storm nears coast\n\n3 ships are overdue.", "storm-3");
    assert_eq!((&repeated["revision"], &repeated["repeated"]), (&4.into(), &true.into()), "{repeated}");
    service.stop();
}
