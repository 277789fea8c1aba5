//! The transparency log of a whole service, as whoever does not trust it verifies it.

use std::fs;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use serde_json::Value;
use writethru_tests::api::Api;
use writethru_tests::{PATIENCE, Service, answer, harvey, writethru};

/// Runs `verify` and returns how it ended and what it said.
fn verify(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let arguments = [&["verify"], arguments].concat();
    let output = writethru(data, &arguments).output().expect("it runs");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let place = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copied(&path, &place);
        } else {
            fs::copy(&path, &place).expect("copied");
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_signs_is_verified_by_whoever_has_its_key() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let data = folder.path().join("data");
    let service = Service::start(&data);
    let nats = async_nats::connect(&service.nats).await.expect("connected");
    let mut heads = nats.subscribe("wt.v1.checkpoint").await.expect("subscribed");
    nats.flush().await.expect("flushed");
    service.run(&["import", "--desk", "storms", harvey().to_str().expect("UTF-8")]);
    let owner = Api::public(&service.http).with(Some(&service.owner_key()));
    let stories = owner.get("/v1/stories").await.done();
    let story = stories["stories"][0]["story"].as_str().expect("a story").to_owned();
    let receipt = owner.get(&format!("/v1/stories/{story}/revisions/1/receipt?envelope=true")).await.text();
    let file = folder.path().join("one.tlog-proof");
    fs::write(&file, &receipt).expect("written");
    let key = service.run(&["notary", "key", "show"]);
    let key = key.trim();
    let head = tokio::time::timeout(PATIENCE, heads.next()).await.expect("in time").expect("a head");
    let head = String::from_utf8_lossy(&head.payload).into_owned();
    assert!(head.starts_with(key.split('+').next().expect("a name")), "{head}");
    let (code, said) = verify(&data, &[file.to_str().expect("UTF-8"), "--key", key]);
    assert_eq!(code, Some(0), "{said}");
    let log = format!("{}/log", service.http);
    let (code, said) = verify(&data, &[&log, "--key", key, "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let proved: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&proved["verified"], proved["stories"].as_u64()), (&Value::Bool(true), Some(1)), "{said}");
    let other = key.replace('1', "2");
    let (code, said) = verify(&data, &[&log, "--key", if other == key { "nobody" } else { &other }]);
    assert!(matches!(code, Some(2 | 4)), "{said}");
    service.stop();
    let size = fs::read_to_string(data.join("tlog/checkpoint")).expect("a checkpoint");
    let size = size.lines().nth(1).expect("a size").to_owned();
    let checked = answer(writethru(&data, &["check"]));
    assert!(
        checked.contains(&format!("transparency log: {size} records under the signed head")),
        "{checked}"
    );
}

#[test]
fn a_byte_that_was_changed_is_found_and_named() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let data = folder.path().join("data");
    let service = Service::start(&data);
    service.run(&["import", "--desk", "storms", harvey().to_str().expect("UTF-8")]);
    let key = service.run(&["notary", "key", "show"]);
    service.stop();
    let copy = folder.path().join("copy");
    copied(&data.join("tlog"), &copy);
    let (place, key) = (copy.to_str().expect("UTF-8"), key.trim());
    assert_eq!(verify(&data, &[place, "--key", key]).0, Some(0));
    for file in files(&copy) {
        let bytes = fs::read(&file).expect("read");
        for at in [0, bytes.len() / 3, bytes.len() - 1] {
            let mut spoiled = bytes.clone();
            spoiled[at] ^= 1;
            fs::write(&file, &spoiled).expect("written");
            let (code, said) = verify(&data, &[place, "--key", key]);
            assert_eq!(code, Some(4), "byte {at} of {}: {said}", file.display());
        }
        fs::write(&file, &bytes).expect("written");
    }
}

#[test]
fn a_restored_log_signs_under_an_origin_of_its_own() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let (data, copy, restored) =
        (folder.path().join("data"), folder.path().join("copy"), folder.path().join("restored"));
    let service = Service::start(&data);
    service.run(&["import", "--desk", "storms", harvey().to_str().expect("UTF-8")]);
    service.run(&["backup", copy.to_str().expect("UTF-8")]);
    service.stop();
    answer(writethru(&restored, &["restore-backup", copy.to_str().expect("UTF-8")]));
    Service::start(&restored).stop();
    let head = |data: &Path| fs::read_to_string(data.join("tlog/checkpoint")).expect("a checkpoint");
    let (before, after) = (head(&data), head(&restored));
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1..3], after[1..3], "the same tree, by another name");
    answer(writethru(&restored, &["check"]));
}

/// Returns what `/readyz` says of the audit, once it says `words`.
async fn audited(service: &Service, words: &str) -> Value {
    let public = Api::public(&service.http);
    let said = async {
        loop {
            let ready = public.get("/readyz").await.json();
            let checks = ready["checks"].as_array().expect("checks").clone();
            let audit = checks.into_iter().find(|check| check["name"] == "audit").expect("an audit");
            if audit["detail"].as_str().is_some_and(|detail| detail.contains(words)) {
                return audit;
            }
        }
    };
    tokio::time::timeout(PATIENCE, said).await.unwrap_or_else(|_| panic!("the audit never says {words:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_reads_its_log_again_and_names_what_a_disk_has_changed() {
    let folder = tempfile::tempdir().expect("a temp dir");
    let data = folder.path().join("data");
    let service = Service::start(&data);
    service.run(&["import", "--desk", "storms", harvey().to_str().expect("UTF-8")]);
    let head = Api::public(&service.http).get("/v1/info").await.json();
    let head = head["head"].as_u64().expect("a position");
    let whole = audited(&service, &format!("verified up to position {head} ")).await;
    assert_eq!((&whole["ok"], &whole["required"]), (&Value::Bool(true), &Value::Bool(false)), "{whole}");
    service.stop();
    let log = data.join("log.db");
    let mut bytes = fs::read(&log).expect("read");
    let word = b"HARVEY";
    let at = bytes.windows(word.len()).position(|part| part.eq_ignore_ascii_case(word)).expect("the storm");
    bytes[at] ^= 0x20;
    fs::write(&log, bytes).expect("written");
    let service = Service::start(&data);
    let spoiled = audited(&service, "does not verify").await;
    assert_eq!(spoiled["ok"], false, "{spoiled}");
    let ready = Api::public(&service.http).get("/readyz").await;
    assert_eq!(ready.json()["ready"], true, "it stops no editor");
    service.stop();
}
