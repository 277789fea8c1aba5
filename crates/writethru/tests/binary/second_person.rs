//! The two-person rule from the command line: one asks, another approves or refuses.

use crate::harness::{Said, Service, run};

const COPY: &str = "Storm nears coast\n\nThree ships are overdue.";

/// A service whose kills and alerts need a second person, and the key of an editor who is not the
/// owner.
fn guarded() -> (Service, String) {
    let service = Service::start();
    service.push("storm", COPY);
    service.run(&["policy", "set", "kill", "correction", "alert"]).exits(0);
    service.run(&["actor", "add", "ed-7", "--grant", "editor@world"]).exits(0);
    let key = service.run(&["key", "add", "--actor", "ed-7"]).exits(0).stdout.trim().to_owned();
    (service, key)
}

fn as_editor(service: &Service, key: &str, arguments: &[&str]) -> Said {
    run(service.command(arguments).env("WRITETHRU_KEY", key))
}

#[test]
fn a_kill_waits_for_somebody_else_and_is_done_when_they_approve() {
    let (service, key) = guarded();
    let asked = service.run(&["kill", "storm", "--reason", "forged"]).exits(0);
    assert!(asked.stdout.starts_with("request 1  kill needs a second person"), "{asked:?}");
    assert!(asked.stderr.contains("`writethru approve 1` by someone else, until 2"), "{asked:?}");
    let shown = service.run(&["show", "storm", "--public"]).exits(0).stdout;
    assert!(shown.contains("ships"), "{shown}");
    let own = service.run(&["approve", "1", "--json"]).exits(65).problem();
    assert_eq!(own["reason"], "same-person", "{own}");
    let listed = as_editor(&service, &key, &["requests"]).exits(0).stdout;
    assert!(listed.contains("kill") && listed.contains("owner") && listed.contains("pending"), "{listed}");
    let one = as_editor(&service, &key, &["requests", "1"]).exits(0).stdout;
    assert!(one.contains("reason: forged"), "{one}");
    let killed = as_editor(&service, &key, &["approve", "1"]).exits(0).stdout;
    assert!(killed.contains("storm  revision 2  kill") && killed.contains("voided: revision 1"), "{killed}");
    let shown = service.run(&["show", "storm", "--public"]).exits(0).stdout;
    assert!(!shown.contains("ships"), "{shown}");
    let log = service.run(&["log", "storm", "--json"]).exits(0).stdout;
    assert!(log.contains(r#""actor":"owner""#), "{log}");
    as_editor(&service, &key, &["approve", "1"]).exits(65);
    let all = service.run(&["requests", "--all", "--json"]).exits(0).json();
    assert_eq!((&all["state"], &all["approver"]), (&"executed".into(), &"ed-7".into()), "{all}");
}

#[test]
fn copy_waits_too_and_is_refused_with_a_reason() {
    let (service, key) = guarded();
    let file = service.file("alert.txt", "Storm makes landfall");
    let push = ["push", file.to_str().unwrap(), "--slug", "landfall", "--desk", "world", "--json"];
    let waiting = as_editor(&service, &key, &push).exits(0).json();
    assert_eq!((&waiting["request"], &waiting["act"]), (&1.into(), &"alert".into()), "{waiting}");
    service.run(&["show", "landfall"]).exits(1);
    let one = service.run(&["requests", "1"]).exits(0).stdout;
    assert!(one.contains("a new story") && one.contains("Storm makes landfall"), "{one}");
    service.run(&["refuse", "1", "--reason", "not confirmed"]).exits(0);
    let one = as_editor(&service, &key, &["requests", "1"]).exits(0).stdout;
    assert!(one.contains("refused") && one.contains("not confirmed"), "{one}");
    as_editor(&service, &key, &["approve", "1"]).exits(65);
    service.run(&["show", "landfall"]).exits(1);
}

#[test]
fn a_redaction_waits_for_who_approves_and_takes_the_words_then() {
    let (service, editor) = guarded();
    service.run(&["policy", "set", "redaction"]).exits(0);
    service.run(&["actor", "add", "counsel", "--grant", "legal@*"]).exits(0);
    let counsel = service.run(&["key", "add", "--actor", "counsel"]).exits(0).stdout.trim().to_owned();
    let redact = [
        "redact",
        "storm",
        "--match",
        "overdue",
        "--kind",
        "erase",
        "--basis",
        "GDPR-Art.17",
        "--reason",
        "forged",
        "--approver",
        "ed-7",
    ];
    let asked = as_editor(&service, &counsel, &redact).exits(0);
    assert!(asked.stdout.starts_with("request 1  redaction needs a second person"), "{asked:?}");
    assert!(service.run(&["show", "storm"]).exits(0).stdout.contains("overdue"), "nothing is done yet");
    as_editor(&service, &counsel, &["approve", "1"]).exits(65);
    as_editor(&service, &editor, &["approve", "1"]).exits(0);
    assert!(!service.run(&["show", "storm"]).exits(0).stdout.contains("overdue"));
    let audit = as_editor(&service, &counsel, &["audit", "redactions", "--json"]).exits(0).json();
    assert_eq!((&audit["actor"], &audit["approver"]), (&"counsel".into(), &"ed-7".into()), "{audit}");
}
