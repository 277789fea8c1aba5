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

#[test]
fn a_key_is_made_used_rotated_and_revoked() {
    let service = Service::start();
    service.push("storm", COPY);
    let added = service.run(&["actor", "add", "ed-7", "--grant", "editor@world", "--name", "Ana"]).exits(0);
    assert!(added.stdout.contains("ed-7  added  editor@world"), "{added:?}");
    let made = service.run(&["key", "add", "--actor", "ed-7", "--note", "laptop"]).exits(0);
    assert!(made.stdout.starts_with("wt_") && made.stdout.lines().count() == 1, "a key is alone on stdout");
    let id = made.stdout.split('_').nth(1).unwrap().to_owned();
    assert!(made.stderr.contains(&id) && !made.stderr.contains(made.stdout.trim()), "{}", made.stderr);
    let key = made.stdout.trim().to_owned();
    let as_editor = |key: &str, arguments: &[&str]| run(service.command(arguments).env("WRITETHRU_KEY", key));
    as_editor(&key, &["withhold", "storm", "--reason", "disputed"]).exits(0);
    let log = service.run(&["log", "storm", "--json"]).exits(0).stdout;
    assert!(log.contains(r#""actor":"ed-7""#), "{log}");
    let denied = as_editor(&key, &["takedown", "storm", "--reason", "spite"]).exits(77);
    assert!(denied.stderr.contains("WRITETHRU_KEY") && denied.stderr.contains("next:"), "{denied:?}");
    as_editor(&key, &["key", "list"]).exits(77);
    let rotated = service.run(&["key", "rotate", &id]).exits(0).stdout;
    as_editor(&key, &["list", "--desk", "world"]).exits(77);
    as_editor(rotated.trim(), &["list", "--desk", "world"]).exits(0);
    let listed = service.run(&["key", "list", "--actor", "ed-7"]).exits(0).stdout;
    assert!(listed.contains(&id) && listed.contains("valid") && listed.contains("laptop"), "{listed}");
    service.run(&["key", "revoke", &id]).exits(0);
    as_editor(rotated.trim(), &["list", "--desk", "world"]).exits(77);
    assert!(service.run(&["key", "list"]).exits(0).stdout.contains("revoked"));
}

#[test]
fn an_actor_is_listed_changed_forgotten_and_removed() {
    let service = Service::start();
    service.run(&["actor", "add", "ed-7", "--grant", "editor@world", "--name", "Ana Diaz"]).exits(0);
    service.run(&["actor", "change", "ed-7", "--grant", "reporter@*"]).exits(0);
    let listed = service.run(&["actor", "list"]).exits(0).stdout;
    assert!(listed.contains("reporter@*") && listed.contains("Ana Diaz"), "{listed}");
    service.run(&["actor", "erase-name", "ed-7"]).exits(0);
    assert!(!service.run(&["actor", "list", "--json"]).exits(0).stdout.contains("Ana"));
    service.run(&["actor", "remove", "ed-7"]).exits(0);
    assert!(service.run(&["actor", "list"]).exits(0).stdout.contains("removed"));
    service.run(&["key", "add", "--actor", "nobody"]).exits(1);
    service.run(&["actor", "add", "ed-8", "--grant", "emperor@world"]).exits(2);
    service.run(&["actor", "change", "ed-7"]).exits(2);
}

#[test]
fn the_policy_is_set_and_shown() {
    let service = Service::start();
    assert!(service.run(&["policy", "show"]).exits(0).stdout.contains("nothing needs"));
    service.run(&["policy", "set", "kill", "takedown"]).exits(0);
    let shown = service.run(&["policy", "show"]).exits(0).stdout;
    assert_eq!(shown, "needs a second person: kill, takedown\n");
    service.run(&["policy", "set", "--none"]).exits(0);
    service.run(&["policy", "set"]).exits(2);
    service.run(&["policy", "set", "everything"]).exits(2);
}

#[test]
fn recalls_embargoes_and_requests_are_told() {
    let service = Service::start();
    service.push("storm", COPY);
    let killed = service.run(&["kill", "storm", "--reason", "forged"]).exits(0).stdout;
    assert!(killed.contains("voided: revision 1"), "{killed}");
    let status = service.run(&["recall", "status", "storm"]).exits(0).stdout;
    assert!(status.starts_with("kill at revision 2") && status.contains("voids 1"), "{status}");
    let file = service.file("budget.txt", COPY);
    let push = ["push", file.to_str().unwrap(), "--slug", "budget", "--desk", "world"];
    service.run(&[&push[..], &["--embargo-until", "2199-01-01T00:00:00Z"]].concat()).exits(0);
    service.run(&["embargo", "budget", "--lift"]).exits(0);
    let audit = service.run(&["audit", "embargo", "budget"]).exits(0).stdout;
    assert!(audit.contains("embargoed until 2199-01-01 00:00:00 UTC by owner"), "{audit}");
    assert!(audit.contains("kept:"), "{audit}");
    let requests = service.run(&["requests"]).exits(0);
    assert!(requests.stdout.is_empty() && requests.stderr.contains("nothing waits"), "{requests:?}");
    service.run(&["refuse", "12"]).exits(1);
}

#[test]
fn what_was_refused_is_listed_with_who_asked_and_why() {
    let service = Service::start();
    service.push("storm", COPY);
    service.run(&["audit", "denied", "--json"]).exits(0);
    let before = jiff::Timestamp::now().to_string();
    service.run(&["actor", "add", "rep-1", "--grant", "reporter@world"]).exits(0);
    let secret = service.run(&["key", "add", "--actor", "rep-1"]).exits(0).stdout;
    let kill = ["kill", "storm", "--reason", "spite"];
    run(service.command(&kill).env("WRITETHRU_KEY", secret.trim())).exits(77);
    run(service.command(&["policy", "show"]).env("WRITETHRU_KEY", UNKNOWN)).exits(77);

    let said = service.run(&["audit", "denied"]).exits(0);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{said:?}");
    assert!(lines[1].contains("nobody known") && lines[1].contains("audit"), "{said:?}");
    assert!(
        lines[2].contains("rep-1") && lines[2].contains("kill") && lines[2].contains("world"),
        "{said:?}"
    );
    assert!(!said.stdout.contains(secret.trim()), "{said:?}");

    let newest = service.run(&["audit", "denied", "--limit", "1", "--json"]).exits(0);
    assert_eq!((&newest.json()["act"], &newest.json()["door"]), (&"audit".into(), &"http".into()));
    assert!(newest.stderr.contains("there are older ones"), "{newest:?}");
    let since = ["audit", "denied", "--from", &before, "--to", "2199-01-01T00:00:00Z", "--json"];
    assert_eq!(service.run(&since).exits(0).stdout.lines().count(), 2);
    let csv = service.run(&["audit", "denied", "--csv", "--from", &before]).exits(0).stdout;
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("when,who,key,act,desk,story,door,reason"), "{csv}");
    assert!(lines.next().is_some_and(|line| line.starts_with("20")), "{csv}");
    service.run(&["audit", "denied", "--csv", "--json"]).exits(2);
    for nothing in ["redactions", "exports"] {
        let csv = service.run(&["audit", nothing, "--csv", "--to", &before]).exits(0).stdout;
        assert_eq!(csv.lines().count(), 1, "{csv}");
    }
    let until = service.run(&["audit", "denied", "--to", &before]).exits(0);
    assert!(until.stdout.is_empty() && until.stderr.contains("nothing was refused"), "{until:?}");
    service.run(&["audit", "denied", "--from", "yesterday"]).exits(2);
    run(service.command(&["audit", "denied"]).env("WRITETHRU_KEY", secret.trim())).exits(77);
}
