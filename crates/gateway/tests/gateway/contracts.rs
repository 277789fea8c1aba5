//! The schemas and the description of messages say what the wire crate and the API say.

use std::collections::BTreeSet;

use serde_json::Value;
use wire::schema::{SCHEMAS, Schema};
use wire::{ChangeFilter, DeskVerb, Subject};

use crate::service::{BASE, Service, document};

/// Where the subjects are written.
const SUBJECTS: &str = include_str!("../../../wire/src/subject.rs");

/// Returns every constant that is a subject, or a filter over some.
fn constants() -> BTreeSet<&'static str> {
    let lines = SUBJECTS.lines().map(str::trim).filter(|line| line.starts_with("pub const "));
    lines.filter_map(|line| line.split('"').nth(1)).filter(|value| value.starts_with("wt.")).collect()
}

/// Returns whether NATS passes what `subject` passes through `filter`.
fn covers(filter: &str, subject: &str) -> bool {
    let (filter, subject): (Vec<_>, Vec<_>) = (filter.split('.').collect(), subject.split('.').collect());
    let open = filter.last() == Some(&">") && subject.len() >= filter.len();
    let fixed = if open { filter.len() - 1 } else { filter.len() };
    (open || filter.len() == subject.len())
        && filter[..fixed].iter().zip(&subject).all(|(wanted, token)| *wanted == "*" || wanted == token)
}

/// Returns an address of the description as the filter of its subjects.
fn filter(address: &str) -> String {
    let tokens = address.split('.').map(|token| if token.starts_with('{') { "*" } else { token });
    tokens.collect::<Vec<_>>().join(".")
}

#[tokio::test]
async fn every_subject_of_the_wire_is_described_and_no_other() {
    let service = Service::start().await;
    let described = service.get("/asyncapi.json").await.json();
    let channels = described["channels"].as_object().unwrap().values();
    let addresses = channels.filter_map(|channel| channel["address"].as_str());
    let subjects: BTreeSet<String> =
        addresses.filter(|address| address.starts_with("wt.")).map(filter).collect();
    let mut expected: BTreeSet<String> = DeskVerb::ALL.map(|verb| Subject::desk(verb).into()).into();
    expected.extend([
        ChangeFilter::default().subject().into(),
        Subject::articles_of(None).into(),
        Subject::recalls_of(None).into(),
        Subject::ACKS.to_owned(),
        Subject::CHECKPOINT.to_owned(),
    ]);
    assert_eq!(subjects, expected);
    let constants = constants();
    assert!(constants.len() >= 6, "{constants:?}");
    for constant in &constants {
        assert!(subjects.iter().any(|subject| covers(constant, subject)), "{constant} is described nowhere");
    }
    for subject in &subjects {
        assert!(
            constants.iter().any(|constant| covers(constant, subject)),
            "{subject} is no subject of ours"
        );
    }
    service.stop().await;
}

#[tokio::test]
async fn the_description_of_messages_refers_to_every_schema_by_an_address_that_answers() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let service = Service::start().await;
    let described = service.get("/asyncapi.json").await.json();
    assert_eq!(described["asyncapi"], "3.0.0");
    assert_eq!(described["servers"]["http"]["host"], BASE.strip_prefix("https://").unwrap());
    let mut found = BTreeSet::new();
    references(&described, &mut found);
    let mut payloads = BTreeSet::new();
    for reference in found {
        let (address, pointer) = reference.split_once('#').unwrap_or((&reference, ""));
        if address.is_empty() {
            assert!(described.pointer(pointer).is_some(), "{reference} leads nowhere");
            continue;
        }
        let schema = service.get(address).await;
        assert_eq!(schema.header("content-type"), "application/schema+json");
        assert!(schema.json().pointer(pointer).is_some(), "{reference} leads nowhere");
        payloads.insert(address.strip_prefix("/schemas/").unwrap().to_owned());
    }
    // The others are parts of these.
    let parts =
        ["parts.v1.json", "change.v1.json", "article.v1.json", "article-reference.v1.json", "recall.v1.json"];
    let whole = SCHEMAS.iter().map(|schema| schema.name).filter(|name| !parts.contains(name));
    assert_eq!(payloads, whole.map(str::to_owned).collect());
    service.stop().await;
}

#[tokio::test]
async fn a_schema_is_kept_for_ever_and_one_that_is_not_there_is_a_problem() {
    let service = Service::start().await;
    let answer = service.get("/schemas/change.v1.json").await;
    assert_eq!(answer.text(), Schema::named("change.v1.json").unwrap().text);
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    for none in ["/schemas/change.v2.json", "/schemas/..%2fchange.v1.json", "/schemas/change.v1.json%00"] {
        service.get(none).await.problem("no-such-address");
    }
    service.get_as("/schemas/change.v1.json", "text/html").await.problem("not-acceptable");
    service.stop().await;
}

#[tokio::test]
async fn a_change_names_its_schema_where_the_service_says_that_it_is() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", "Talks\n\nThey met.").await;
    let changes = service.get("/v1/changes?after=earliest").await.json();
    assert_eq!(changes[0]["dataschema"], format!("{BASE}/schemas/change.v1.json"));
    service.stop().await;
}

/// Checks that what a request over NATS may ask is what `operation` takes, and `more`.
#[track_caller]
fn check(verb: &str, (path, method): (&str, &str), more: &[&str]) {
    let requests: Value = serde_json::from_str(Schema::named("requests.v1.json").unwrap().text).unwrap();
    let query = &requests["$defs"][verb]["properties"]["query"]["properties"];
    let asked: BTreeSet<&str> = query.as_object().unwrap().keys().map(String::as_str).collect();
    let parameters = document()["paths"][path][method]["parameters"].as_array().unwrap();
    let taken = parameters.iter().filter(|parameter| parameter["in"] == "query");
    let taken = taken.map(|parameter| parameter["name"].as_str().unwrap());
    assert_eq!(asked, taken.chain(more.iter().copied()).collect(), "{verb}");
}

#[test]
fn what_is_asked_over_nats_is_what_is_asked_over_http() {
    check("push", ("/v1/stories", "post"), &["story"]);
    check("entry", ("/v1/stories/{story}/entries", "post"), &["story", "step", "block"]);
    check("show", ("/v1/stories/{story}", "get"), &["story"]);
    check("list", ("/v1/stories", "get"), &[]);
    check("history", ("/v1/stories/{story}/history", "get"), &["story"]);
    check("diff", ("/v1/stories/{story}/diff", "get"), &["story"]);
    check("requests", ("/v1/requests", "get"), &[]);
    let body = document()["components"]["schemas"]["ActBody"]["properties"].as_object().unwrap();
    let body: Vec<&str> = body.keys().map(String::as_str).chain(["story", "act"]).collect();
    check("act", ("/v1/stories/{story}/acts/{act}", "post"), &body);
    check("redact", ("/v1/stories/{story}/redactions", "post"), &["story"]);
    let taken = document()["components"]["schemas"]["RedactBody"]["properties"].as_object().unwrap();
    let requests: Value = serde_json::from_str(Schema::named("requests.v1.json").unwrap().text).unwrap();
    let asked = requests["$defs"]["redact"]["properties"]["body"]["properties"].as_object().unwrap();
    assert_eq!(asked.keys().collect::<BTreeSet<_>>(), taken.keys().collect::<BTreeSet<_>>());
}
