//! The binary with a real nats-server: `NATS_SERVER_BIN`, the project's tool folder, or `PATH`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::harness::{Service, run, writethru};

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

/// Asks at `subject` with an nkey seed and a key of the desk, or as the public.
fn asked(nats: &str, who: Option<(&str, &str)>, subject: &str) -> Option<String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(async {
        let mut options = async_nats::ConnectOptions::new().request_timeout(None);
        if let Some((seed, _)) = who {
            options = options.nkey(seed.trim().to_owned()).custom_inbox_prefix("_INBOX_editor");
        }
        let (refused, mut refusals) = tokio::sync::mpsc::channel(16);
        let client = options
            .event_callback(move |event| {
                let refused = refused.clone();
                async move {
                    if matches!(event, async_nats::Event::ServerError(_)) {
                        let _ = refused.send(()).await;
                    }
                }
            })
            .connect(nats)
            .await
            .expect("the server is there");
        let body = r#"{"query":{"slug":"gale","desk":"world"},"body":"Gale\n\nIt blows."}"#;
        let mut headers = async_nats::HeaderMap::new();
        if let Some((_, key)) = who {
            headers.insert("Authorization", format!("Bearer {}", key.trim()));
        }
        tokio::select! {
            answer = client.request_with_headers(subject.to_owned(), headers, body.into()) => {
                Some(String::from_utf8(answer.expect("an answer").payload.to_vec()).expect("UTF-8"))
            }
            Some(()) = refusals.recv() => None,
        }
    })
}

#[test]
fn copy_is_filed_over_nats_with_the_editors_seed_and_not_without() {
    let mut service = Service::start_with(&[]);
    let nats = service.run["nats"].as_str().expect("there is a nats-server").to_owned();
    let seed = std::fs::read_to_string(service.data().join("nats-editor.nkey")).unwrap();
    let key = std::fs::read_to_string(service.data().join("owner.key")).unwrap();
    assert_eq!(asked(&nats, None, "wt.v1.desk.push"), None, "the public may not push");
    let listed = service.run(&["list", "--json"]).exits(0).stdout;
    assert_eq!(listed.trim(), "", "nothing was filed");
    assert!(asked(&nats, None, "wt.v1.desk.list").is_some(), "the public may ask");
    let answer = asked(&nats, Some((&seed, &key)), "wt.v1.desk.push").expect("the editor may push");
    assert!(answer.contains("\"revision\":1"), "{answer}");
    service.run(&["show", "gale"]).exits(0);
    service.stop();
}

#[test]
fn a_written_configuration_serves_the_service_and_seeds_are_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("nats");
    let config = |more: &[&str]| {
        run(writethru()
            .args(["nats", "config", "--json", "--subscriber", "bob", "--out"])
            .arg(&out)
            .args(more))
    };
    let said = config(&[]).exits(0).json();
    let seed = std::fs::read(said["subscribers"]["bob"].as_str().unwrap()).unwrap();
    for name in ["nats.conf", "nats-service.nkey", "nats-editor.nkey", "nats-subscriber-bob.nkey"] {
        let mode = std::fs::metadata(out.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    config(&[]).exits(2);
    config(&["--force", "--listen", "0.0.0.0:4222"]).exits(0);
    assert_eq!(std::fs::read(out.join("nats-subscriber-bob.nkey")).unwrap(), seed);
    let text = std::fs::read_to_string(out.join("nats.conf")).unwrap();
    assert!(!text.contains("no_auth_user"), "beyond this machine nobody comes in without a seed");
    run(writethru().args(["nats", "config", "--subscriber", "a.b", "--out"]).arg(&out)).exits(2);
}

#[test]
fn an_embargo_that_was_kept_is_shown_so_and_a_word_that_left_early_is_a_breach() {
    let mut service = Service::start_with(&[]);
    let data = service.data().to_owned();
    let file = service.file("budget.txt", "Budget rises\n\nIt rises by two.");
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    let mut watch = service
        .command(&["watch", "--count", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(watch.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let push = ["push", file.to_str().unwrap(), "--slug", "budget", "--desk", "world", "--embargo-until"];
    let story = service.run(&[&push[..], &[&until.to_string(), "--json"]].concat()).exits(0).json();
    assert!(watch.wait().unwrap().success());
    service.run(&["show", "budget", "--public"]).exits(0);
    let audited = service.run(&["audit", "embargo", "budget", "--json"]).exits(0).json();
    let departures = audited["first_departures"].as_array().unwrap();
    let doors: Vec<&str> = departures.iter().map(|one| one["door"].as_str().unwrap()).collect();
    assert!(doors.contains(&"nats-changes") && doors.contains(&"http-show"), "{audited}");
    let time = |value: &serde_json::Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(departures.iter().all(|one| time(&one["at"]) >= time(&audited["released"])), "{audited}");
    let said = service.run(&["audit", "embargo", "budget"]).exits(0).stdout;
    assert!(said.contains("first left by http-show") && said.contains("kept: nothing of budget"), "{said}");
    service.stop();

    let early = time(&audited["embargoes"][0]["set"]);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let registry = registry::Registry::open(&data.join("registry.db")).await.unwrap();
        let (story, door) = (story["story"].as_str().unwrap().parse().unwrap(), "feed".parse().unwrap());
        registry.departed(story, story::Revision(1), door, early).await.unwrap();
        registry.close().await;
    });
    let service = Service::start_on(&data, &["--no-nats"]);
    let said = service.run(&["audit", "embargo", "budget"]).exits(4).stdout;
    assert!(said.contains("left by feed TOO EARLY") && said.contains("BREACH"), "{said}");
    assert_eq!(service.run(&["audit", "embargo", "budget", "--json"]).exits(4).json()["breach"], true);
}
