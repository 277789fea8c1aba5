//! The description of the API says what is served, and all of it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::service::{Service, check_schema, document};

/// Every documented operation for programs of ours: path, method, description. Feeds are refused with pages.
fn operations() -> Vec<(&'static str, Method, &'static Value)> {
    every_operation().into_iter().filter(|(_, _, operation)| !is_feed(operation)).collect()
}

fn is_feed(operation: &Value) -> bool {
    operation["tags"][0] == "feeds"
}

fn every_operation() -> Vec<(&'static str, Method, &'static Value)> {
    let paths = document()["paths"].as_object().unwrap();
    let each = |(path, item): (&'static String, &'static Value)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| {
            (path.as_str(), method.to_ascii_uppercase().parse::<Method>().unwrap(), operation)
        })
    };
    paths.iter().flat_map(each).collect()
}

#[tokio::test]
async fn the_document_is_served_as_it_is_made() {
    let service = Service::start().await;
    let served = service.get("/openapi.json").await.json();
    assert_eq!(&served, document());
    assert_eq!(served["openapi"], "3.1.0");
    service.stop().await;
}

#[tokio::test]
async fn every_documented_operation_is_served_and_every_other_method_is_not() {
    let service = Service::start().await;
    let mut served = BTreeSet::new();
    for (path, method, _) in operations() {
        let address = address_of(path);
        let answer = service.send(method.clone(), &address, &[], "").await;
        if answer.headers.get("content-type").is_some_and(|kind| kind == "application/problem+json") {
            let name = answer.json()["type"].as_str().unwrap().to_owned();
            assert!(
                !matches!(name.as_str(), "/problems/no-such-address" | "/problems/method-not-allowed"),
                "{path}"
            );
        }
        served.insert((path, method.to_string()));
    }
    for path in served.iter().map(|(path, _)| *path).collect::<BTreeSet<_>>() {
        let address = address_of(path);
        let refused = service.send(Method::TRACE, &address, &[], "").await;
        refused.problem("method-not-allowed");
        // What the router says it takes is what the document says.
        let takes: BTreeSet<_> = refused.header("allow").split(',').filter(|name| *name != "HEAD").collect();
        let documented = served.iter().filter(|(other, _)| *other == path).map(|(_, method)| method.as_str());
        assert_eq!(takes, documented.collect(), "{path}");
    }
    service.stop().await;
}

#[tokio::test]
async fn every_documented_feed_is_served_as_it_is_described() {
    let service = Service::start().await;
    let copy = r#"{"headline": "Talks", "tags": ["peace"], "blocks": [{"text": "They met."}]}"#;
    let filed = service.send(
        Method::POST,
        "/v1/stories?slug=talks&desk=world",
        &[("content-type", "application/json")],
        copy,
    );
    assert!(filed.await.status.is_success());
    service.views.reached(service.log.head()).await;
    let mut seen = BTreeSet::new();
    for (path, method, operation) in every_operation() {
        if !is_feed(operation) {
            continue;
        }
        let place = path.replace("{desk}", "world").replace("{tag}", "peace").replace("{story}", "talks");
        for format in ["feed.atom", "feed.rss", "feed.json"] {
            let address = place.replace("{feed}", format);
            let feed = service.send(method.clone(), &address, &[], "").await;
            assert_eq!(feed.status, 200, "{address}");
            let known = [("if-none-match", feed.header("etag"))];
            assert_eq!(service.send(method.clone(), &address, &known, "").await.status, 304, "{address}");
            seen.insert(address);
        }
        if path.contains("{feed}") {
            assert_eq!(service.get(&place.replace("{feed}", "feed.xml")).await.status, 404, "{path}");
        }
    }
    assert_eq!(seen.len(), 12);
    service.stop().await;
}

#[tokio::test]
async fn every_documented_parameter_is_known_and_no_other() {
    let service = Service::start().await;
    for (path, method, operation) in operations() {
        let address = address_of(path);
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
            assert!(
                parameter["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{path}: {parameter}"
            );
            assert_eq!(parameter["required"], false, "{path}: {parameter}");
            let name = parameter["name"].as_str().unwrap();
            let answer = service.send(method.clone(), &format!("{address}?{name}=%07"), &[], "A\n\nB.").await;
            assert!(!answer.text().contains("there is no parameter"), "{method} {path} does not know {name}");
        }
        let answer = service.send(method.clone(), &format!("{address}?zzzzzzzz=1"), &[], "A\n\nB.").await;
        let problem = answer.problem("bad-request");
        let detail = problem["detail"].as_str().unwrap();
        let known: BTreeSet<_> = match detail.split_once("known are ") {
            Some((_, names)) => names.split(", ").collect(),
            None => BTreeSet::new(),
        };
        let documented = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let documented: BTreeSet<_> =
            documented.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(known, documented, "{method} {path}");
    }
    service.stop().await;
}

/// Returns an address that fits `path`: of nothing that is there.
fn address_of(path: &str) -> String {
    path.replace("{block}", "b1")
        .replace("{act}", "kill")
        .replace("{schema}", "change.v1.json")
        .replace(['{', '}'], "")
}

#[test]
fn every_operation_is_described_and_its_examples_fit() {
    for (path, method, operation) in every_operation() {
        for member in ["summary", "operationId"] {
            assert!(
                operation[member].as_str().is_some_and(|text| !text.is_empty()),
                "{method} {path}: {member}"
            );
        }
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.contains_key("500") && responses.contains_key("503"), "{method} {path}");
        for response in responses.values() {
            assert!(!response["description"].as_str().unwrap().is_empty());
            for content in response["content"].as_object().into_iter().flat_map(|content| content.values()) {
                for example in content["examples"].as_object().into_iter().flat_map(|all| all.values()) {
                    check_schema(&content["schema"], &example["value"]);
                }
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value) {
        match value {
            Value::Object(object) => {
                if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document().pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                object.values().for_each(walk);
            }
            Value::Array(values) => values.iter().for_each(walk),
            _ => {}
        }
    }
    walk(document());
}
