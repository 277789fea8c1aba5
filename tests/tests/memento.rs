//! A story's public past as `memento-client` finds it, a stock client of RFC 7089 that is told one address.
//!
//! Runs where `python3` (or `PYTHON`) has `memento_client`, and says aloud where it does not.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use writethru_tests::Service;
use writethru_tests::api::Api;

/// Asks for what an address said at each time; prints a line of JSON for each.
const ASK: &str = r#"
import json, sys
from datetime import datetime
from memento_client import MementoClient
client = MementoClient(timegate_uri="http://127.0.0.1:1/", check_native_timegate=True)
for time in sys.argv[2:]:
    found = client.get_memento_info(sys.argv[1], datetime.strptime(time, "%Y-%m-%dT%H:%M:%SZ"))
    mementos = {name: value["uri"][0] for name, value in found["mementos"].items()}
    closest = found["mementos"]["closest"]
    print(json.dumps({"original": found["original_uri"], "timegate": found["timegate_uri"], "mementos": mementos,
                      "datetime": str(closest["datetime"]), "status": closest["http_status_code"]}))
"#;

#[tokio::test]
async fn a_stock_client_finds_what_readers_had_at_a_time() {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let has = Command::new(&python).args(["-c", "import memento_client"]).stderr(Stdio::null()).status();
    if !has.is_ok_and(|status| status.success()) {
        eprintln!("NOT RUN: no story was asked for by memento-client, because {} has none", python.display());
        return;
    }
    let data = tempfile::tempdir().expect("a temp dir");
    let service = Service::start_with(data.path(), &["--no-nats"], Stdio::null());
    let owner = Api::public(&service.http).with(Some(&service.owner_key()));
    for sentence in ["At least three ships are overdue.", "Four ships are overdue.", "All ships are safe."] {
        let slug = if sentence.starts_with("At") { "?slug=storm&desk=world" } else { "/storm" };
        let copy = json!({"headline": "Storm", "blocks": [{"text": sentence}]});
        owner.post(&format!("/v1/stories{slug}"), &copy).await.done();
    }
    while owner.get("/v1/stories/storm").await.json()["revision"] != 3 {}
    let story = owner.get("/v1/stories/storm").await.json()["story"].as_str().expect("an id").to_owned();
    let original = format!("{}/v1/stories/{story}", service.http);
    let revision = |number: u64| format!("{original}/revisions/{number}");
    // By its slug, by its id, and by the address of any of its mementos.
    for address in [format!("{}/v1/stories/storm", service.http), original.clone(), revision(2)] {
        let times = ["2017-08-17T15:00:00Z", "2100-12-31T23:59:59Z"];
        let asked = Command::new(&python).args(["-c", ASK, &address]).args(times).output();
        let asked = asked.expect("python runs");
        let said = String::from_utf8_lossy(&asked.stdout).into_owned();
        assert!(asked.status.success(), "{said}{}", String::from_utf8_lossy(&asked.stderr));
        let found: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        for (found, closest) in found.iter().zip([1, 3]) {
            assert_eq!(found["timegate"], format!("{original}/timegate"), "{address}: {found}");
            assert_eq!(found["status"], 200, "{address}: {found}");
            let mementos = &found["mementos"];
            assert_eq!(mementos["closest"], revision(closest), "{address}: {found}");
            assert_eq!(mementos["first"], revision(1), "{address}: {found}");
            assert_eq!(mementos["last"], revision(3), "{address}: {found}");
            let beside = if closest == 1 { "next" } else { "prev" };
            assert_eq!(mementos[beside], revision(2), "{address}: {found}");
        }
        assert_eq!(found.len(), 2);
    }
    for (number, words) in [(1, "At least three"), (3, "All ships are safe")] {
        let read = owner.get(&format!("/v1/stories/{story}/revisions/{number}")).await;
        assert!(read.text().contains(words), "{}", read.text());
    }
    service.stop();
}
