//! Feeds as feedparser reads them, which readers' programs in Python are made with.
//!
//! Runs where `python3` (or `PYTHON`) has feedparser, and says aloud where it does not.

use std::process::{Command, Stdio};

use writethru_tests::Service;
use writethru_tests::api::Api;

use serde_json::{Value, json};

/// Reads the feeds at the addresses that are given; prints a line of JSON for each.
const READ: &str = r#"
import json, sys, feedparser
for address in sys.argv[1:]:
    feed = feedparser.parse(address)
    again = feedparser.parse(address, etag=feed.get("etag"))
    print(json.dumps({
        "bozo": bool(feed.bozo), "version": feed.version, "title": feed.feed.get("title"), "again": again.status,
        "entries": [{"id": e.id, "title": e.title, "link": e.link, "updated": e.get("updated"),
                     "html": e.content[0].value if "content" in e else e.get("summary"),
                     "tags": [t.term for t in e.get("tags", [])]} for e in feed.entries]}))
"#;

#[tokio::test]
async fn feedparser_reads_every_feed_without_complaint() {
    let python = match writethru_tests::tools::python("feedparser") {
        Ok(python) => python,
        Err(missing) => {
            eprintln!("NOT RUN: no feed was read by feedparser, because {missing}");
            return;
        }
    };
    let data = tempfile::tempdir().expect("a temp dir");
    let service = Service::start_with(data.path(), &["--no-nats"], Stdio::null());
    let owner = Api::public(&service.http).with(Some(&service.owner_key()));
    let copy = json!({"headline": "Talks <resume> & go on ]]>", "tags": ["Peace & law"], "language": "en",
                      "blocks": [{"text": "One & two."}]});
    owner.post("/v1/stories?slug=talks&desk=world", &copy).await.done();
    owner.post("/v1/stories?slug=rumour&desk=world", &copy).await.done();
    owner.act("rumour", "kill", &json!({"reason": "Forged."})).await.done();
    while !owner.get("/feed.atom").await.text().contains("Killed") {}
    let paths = [
        "/feed.atom",
        "/feed.rss",
        "/desks/world/feed.atom",
        "/tags/Peace%20%26%20law/feed.rss",
        "/stories/talks/feed.atom",
    ];
    let addresses = paths.map(|path| format!("{}{path}", service.http));
    let read = Command::new(&python).args(["-c", READ]).args(&addresses).output().expect("python runs");
    let said = String::from_utf8_lossy(&read.stdout).into_owned();
    assert!(read.status.success(), "{said}{}", String::from_utf8_lossy(&read.stderr));
    for (path, line) in paths.iter().zip(said.lines()) {
        let feed: Value = serde_json::from_str(line).expect("JSON");
        let version = if path.contains("rss") { "rss20" } else { "atom10" };
        assert_eq!(
            (&feed["bozo"], &feed["version"], &feed["again"]),
            (&json!(false), &json!(version), &json!(304))
        );
        let entries = feed["entries"].as_array().expect("a list");
        assert_eq!(entries.len(), if path.starts_with("/stories") { 1 } else { 2 }, "{path}: {feed}");
        let talks = entries
            .iter()
            .find(|entry| entry["title"].as_str().is_some_and(|title| title.starts_with("Talks")));
        let talks = talks.unwrap_or_else(|| panic!("{path}: {feed}"));
        assert_eq!(talks["tags"], json!(["Peace & law"]), "{path}");
        assert!(
            talks["html"].as_str().is_some_and(|html| html.contains("One &amp; two.")),
            "{path}: {talks}"
        );
        if entries.len() == 2 {
            assert!(
                entries[0]["title"].as_str().is_some_and(|title| title.starts_with("Killed")),
                "{path}: {feed}"
            );
        }
    }
    service.stop();
}
