//! What operators are given works: every measure that a dashboard or an alarm asks for is there, and the
//! unit is one that systemd takes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use writethru_tests::api::Api;
use writethru_tests::{PATIENCE, Service, binary};

fn given(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the measures of ours that `text` names.
fn measures(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("writethru_"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_measure_of_the_dashboard_the_alarms_and_the_page_for_operators_is_there() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let service = Service::start(&folder.path().join("data"));
    let owner = Api::public(&service.http).with(Some(&service.owner_key()));
    let copy = json!({"headline": "Mine opens", "blocks": [{"text": "It opens."}]});
    owner.post("/v1/stories?slug=mine&desk=world", &copy).await.done();
    owner.act("mine", "kill", &json!({"reason": "It does not."})).await.done();
    // Nobody has this address; how many deliveries wait for it is measured all the same.
    owner.post("/v1/webhooks", &json!({"url": "https://hooks.invalid/news"})).await.done();
    let dashboard: serde_json::Value = serde_json::from_str(&given("grafana-dashboard.json")).expect("JSON");
    let asked = dashboard.to_string() + &given("prometheus-alerts.yml") + &given("../OPERATIONS.md");
    let asked = measures(&asked);
    assert!(asked.len() > 10, "{asked:?}");
    // The publisher sends when it can: it is asked until it has.
    let mut missing = Vec::new();
    let complete = async {
        loop {
            let shown = owner.get("/metrics").await.text();
            let shown = measures(&shown);
            missing = asked.iter().filter(|name| !shown.contains(**name)).map(ToString::to_string).collect();
            if missing.is_empty() {
                return;
            }
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, complete).await.is_ok();
    assert!(in_time, "nothing measures {missing:?}");
    service.stop();
}

/// Returns the names of the alarms.
fn alarms(rules: &str) -> Vec<&str> {
    rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect()
}

#[test]
fn every_alarm_names_the_part_of_the_page_that_says_what_to_do() {
    let (rules, page) = (given("prometheus-alerts.yml"), given("../OPERATIONS.md"));
    let parts: Vec<(&str, &str)> = page
        .split("\n### ")
        .skip(1)
        .filter_map(|part| part.split_once("\n\n"))
        .filter(|(title, _)| title.starts_with("Writethru"))
        .collect();
    let names = alarms(&rules);
    assert!(names.len() > 10, "{names:?}");
    for name in &names {
        let part = parts.iter().find(|(title, _)| title == name);
        let (_, text) = part.unwrap_or_else(|| panic!("OPERATIONS.md has no part ### {name}"));
        assert!(text.split_whitespace().count() > 15, "### {name} says too little: {text}");
        let anchor = format!("runbook: docs/OPERATIONS.md#{}", name.to_lowercase());
        assert!(rules.lines().any(|line| line.trim() == anchor), "the alarm lacks {anchor}");
    }
    for (title, _) in parts {
        assert!(names.contains(&title), "there is no alarm {title}");
    }
}

#[test]
fn every_measure_says_what_it_is_and_in_which_unit() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let service = Service::start(&folder.path().join("data"));
    let shown = tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let owner = Api::public(&service.http).with(Some(&service.owner_key()));
        let copy = json!({"headline": "Mine opens", "blocks": [{"text": "It opens."}]});
        owner.post("/v1/stories?slug=mine&desk=world", &copy).await.done();
        owner.get("/metrics").await.text()
    });
    let units = [
        "_seconds",
        "_bytes",
        "_total",
        "_events",
        "_position",
        "_positions",
        "_records",
        "_clients",
        "_in_flight",
        "_connected",
        "_parked",
    ];
    let named = |prefix: &'static str| {
        shown.lines().filter_map(move |line| line.strip_prefix(prefix)?.split(' ').next())
    };
    let described: BTreeSet<&str> = named("# HELP ").collect();
    let measured: Vec<&str> = named("# TYPE ").collect();
    assert!(measured.len() > 15, "{shown}");
    for name in measured {
        assert!(described.contains(name), "{name} has no description");
        assert!(units.iter().any(|unit| name.ends_with(unit)), "{name} has no unit");
    }
    service.stop();
}

#[cfg(target_os = "linux")]
#[test]
fn systemd_takes_the_unit() {
    let Some(analyze) = ["/usr/bin/systemd-analyze", "/bin/systemd-analyze"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
    else {
        eprintln!("there is no systemd here: the unit is not looked at");
        return;
    };
    let folder = tempfile::tempdir().expect("a temp dir");
    let unit = folder.path().join("writethru.service");
    let text = given("writethru.service");
    let command = format!("ExecStart={} up", binary().display());
    assert!(text.contains("ExecStart=/usr/bin/writethru up"), "{text}");
    std::fs::write(&unit, text.replace("ExecStart=/usr/bin/writethru up", &command)).expect("written");
    let said = Command::new(analyze).args(["verify", "--man=no"]).arg(&unit).output().expect("it runs");
    let stderr = String::from_utf8_lossy(&said.stderr);
    let about: Vec<_> = stderr.lines().filter(|line| line.contains("writethru.service")).collect();
    assert!(about.is_empty(), "{stderr}");
}
