//! `show --format` of the real binary.

use serde_json::Value;

use crate::harness::Service;

const COPY: &str = "Storm nears coast\n\nThree ships are overdue.";

#[test]
fn an_article_is_printed_in_every_format_and_called_by_the_address_that_readers_know() {
    let service = Service::start_with(&[
        "--no-nats",
        "--public-url",
        "https://news.example/",
        "--provider",
        "Example & Sons",
    ]);
    let story = service.push("storm", COPY)["story"].as_str().unwrap().to_owned();
    let address = format!("https://news.example/v1/stories/{story}");
    let show = |format: &str| service.run(&["show", "storm", "--public", "--format", format]).exits(0).stdout;
    assert_eq!(show("text"), format!("{COPY}\n"));
    let own: Value = serde_json::from_str(&show("json")).unwrap();
    assert_eq!(own["blocks"][0]["text"], "Three ships are overdue.");
    let ninjs: Value = serde_json::from_str(&show("ninjs")).unwrap();
    assert_eq!((&ninjs["uri"], &ninjs["pubStatus"]), (&address.as_str().into(), &"usable".into()));
    let jsonld: Value = serde_json::from_str(&show("jsonld")).unwrap();
    assert_eq!(jsonld["publisher"]["name"], "Example & Sons");
    let newsml = show("newsml-g2");
    assert!(newsml.contains(&format!("guid=\"{address}\"")) && newsml.ends_with("</newsItem>\n"), "{newsml}");
    service.run(&["show", "storm", "--format", "nitf"]).exits(2);
    // Filed again from an item, it is the same article: nothing changes.
    let file = service.file("storm.xml", newsml);
    let again = ["push", file.to_str().unwrap(), "--slug", "copy", "--desk", "world", "--json"];
    assert_eq!(service.run(&again).exits(0).json()["revision"], 1);
    let copy = service.run(&["show", "copy", "--public", "--format", "text"]).exits(0).stdout;
    assert_eq!(copy, format!("{COPY}\n"));
}

#[test]
fn a_past_revision_is_printed_as_it_was_told() {
    let service = Service::start();
    service.push("storm", COPY);
    let file = service.file("storm.txt", "Storm nears coast\n\nFour ships are overdue.");
    let correct = [
        "push",
        file.to_str().unwrap(),
        "--slug",
        "storm",
        "--kind",
        "correction",
        "--note",
        "Four, not three.",
        "--what",
        "the number of ships",
        "--where",
        "first paragraph",
        "--approver",
        "chief",
    ];
    service.run(&correct).exits(0);
    let jsonld = |at: &str| -> Value {
        let said = service.run(&["show", "storm", "--format", "jsonld", "--as-of", at]).exits(0);
        serde_json::from_str(&said.stdout).unwrap()
    };
    assert!(jsonld("rev:1")["correction"].is_null());
    let text = jsonld("latest")["correction"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(text, "Four, not three.\nWas wrong: the number of ships\nWhere: first paragraph");
}
