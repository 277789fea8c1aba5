//! Who may do what from the command line: keys found, sent, and shown to nobody.

use std::os::unix::fs::PermissionsExt;

use crate::harness::{Service, run, writethru};

const COPY: &str = "Storm nears coast\n\nThree ships are overdue.";
/// A key of the right shape that no service knows.
const UNKNOWN: &str = "wt_0000000000000000_0000000000000000000000000000000000000000000";

#[test]
fn the_owner_is_known_by_the_data_dir_and_nobody_else_is() {
    let service = Service::start();
    service.push("storm", COPY);
    let url = service.run["http"].as_str().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let public = |arguments: &[&str]| {
        run(writethru().args(arguments).args(["--url", url, "--data"]).arg(elsewhere.path()))
    };
    let said = public(&["show", "storm"]).exits(77);
    assert!(said.stderr.contains("no key was sent") && said.stderr.contains("next:"), "{said:?}");
    public(&["show", "storm", "--public"]).exits(0);
    public(&["kill", "storm", "--reason", "spite"]).exits(77);
    service.run(&["show", "storm", "--url", url]).exits(0);
}

#[test]
fn an_unknown_key_is_denied_and_never_repeated() {
    let service = Service::start();
    service.push("storm", COPY);
    let file = service.file("my.key", UNKNOWN);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let file = file.to_str().unwrap();
    for said in [
        service.run(&["show", "storm", "--key-file", file, "-vv"]).exits(77),
        crate::harness::run(service.command(&["show", "storm", "-vv"]).env("WRITETHRU_KEY", UNKNOWN))
            .exits(77),
    ] {
        assert!(!said.stderr.contains("_00000000000000000000") && said.stdout.is_empty(), "{said:?}");
        assert!(!said.stderr.contains("warning"), "{said:?}");
    }
    let config =
        crate::harness::run(service.command(&["config", "show"]).env("WRITETHRU_KEY", UNKNOWN)).exits(0);
    assert!(!config.stdout.contains(UNKNOWN), "{config:?}");
}

#[test]
fn a_key_file_that_others_can_read_is_warned_of() {
    let service = Service::start();
    let owner = service.data().join("owner.key");
    assert_eq!(std::fs::metadata(&owner).unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read(owner).unwrap();
    let open = service.file("open.key", key);
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = service.run(&["list", "--key-file", open.to_str().unwrap()]).exits(0);
    assert!(said.stderr.contains("chmod 600"), "{said:?}");
}

#[test]
fn a_key_that_is_none_is_a_mistake_and_is_not_sent() {
    let service = Service::start();
    let file = service.file("no.key", "hunter2");
    let said = service.run(&["list", "--key-file", file.to_str().unwrap()]).exits(2);
    assert!(!said.stderr.contains("hunter2"), "{said:?}");
    service.run(&["list", "--key-file", "/nowhere/my.key"]).exits(66);
}

#[test]
fn listening_beyond_this_machine_must_be_said_aloud() {
    let data = tempfile::tempdir().unwrap();
    let said =
        run(writethru().args(["up", "--no-nats", "--http", "0.0.0.0:0", "--data"]).arg(data.path())).exits(2);
    assert!(said.stderr.contains("--insecure-http"), "{said:?}");
    Service::start_with(&["--no-nats", "--insecure-http"]);
}
