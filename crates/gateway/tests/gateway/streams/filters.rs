//! What a reader asks for is chosen by the service.

use reqwest::Method;

use super::client::Reader;
use crate::service::Service;

/// Files copy in the service's own JSON.
async fn copy(service: &Service, address: &str, headline: &str, tags: &[&str], text: &str) {
    let copy = serde_json::json!({"headline": headline, "tags": tags, "blocks": [{"text": text}]});
    let json = [("content-type", "application/json")];
    let answer = service.send(Method::POST, address, &json, copy.to_string()).await;
    assert!(answer.status.is_success(), "{answer:?}");
    service.views.reached(service.log.head()).await;
}

#[tokio::test]
async fn each_filter_gives_what_it_says_caught_up_and_live() {
    let service = Service::start().await;
    let cases = [
        ("", vec![1, 2, 3, 4, 5, 6]),
        ("desk=money", vec![2, 4]),
        ("tag=asia", vec![1, 3, 5, 6]),
        ("tag=as", vec![6]),
        ("kind=refile", vec![3]),
        ("kind=refile,kill", vec![3, 6]),
        ("min_significance=substantive", vec![1, 2, 5, 6]),
        ("headline_only=true", vec![1, 2, 5, 6]),
        ("desk=world&headline_only=true&kind=update", vec![1, 5]),
    ];
    let mut live = Vec::new();
    for (filter, _) in &cases {
        let mut reader = Reader::open(&service, &format!("/v1/events?{filter}")).await;
        assert_eq!(reader.up_to_date().await, []);
        live.push(reader);
    }
    copy(&service, "/v1/stories?slug=quake&desk=world", "Quake", &["asia"], "Two people were hurt.").await;
    copy(&service, "/v1/stories?slug=rates&desk=money", "Rates", &[], "They rise.").await;
    copy(&service, "/v1/stories?slug=quake&kind=refile", "Quake", &["asia"], "two people were hurt.").await;
    copy(&service, "/v1/stories?slug=rates", "Rates", &["economy"], "They rise.").await;
    copy(&service, "/v1/stories?slug=quake", "Quake kills nine", &[], "Nine people died.").await;
    let json = [("content-type", "application/json")];
    let reason = "{\"reason\":\"r\"}";
    let killed = service.send(Method::POST, "/v1/stories/quake/acts/kill", &json, reason).await;
    assert!(killed.status.is_success(), "{killed:?}");
    service.views.reached(service.log.head()).await;
    let position = |id: &Option<String>| u64::from_str_radix(&id.as_ref().unwrap()[17..], 16).unwrap();
    for ((filter, expected), mut reader) in cases.into_iter().zip(live) {
        let mut seen = Vec::new();
        while seen.len() < expected.len() {
            seen.push(position(&reader.soon().await.id));
        }
        assert_eq!(seen, expected, "{filter}, live");
        // Of what was killed there is the kill, and no more.
        let mut later = Reader::open(&service, &format!("/v1/events?since=earliest&{filter}")).await;
        let seen: Vec<_> = later.up_to_date().await.iter().map(|event| position(&event.id)).collect();
        let left: Vec<_> = expected.into_iter().filter(|at| ![1, 3, 5].contains(at)).collect();
        assert_eq!(seen, left, "{filter}, caught up");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_filter_that_cannot_be_is_refused_by_name() {
    let service = Service::start().await;
    for (query, place) in [
        ("kind=refile,nonsense", "kind"),
        ("desk=a%20b", "desk"),
        ("min_significance=huge", "min_significance"),
        ("headline_only=yes", "headline_only"),
        ("payload=fat", "payload"),
        ("unit=bytes", "unit"),
        ("patch=diff", "patch"),
        ("since=yesterday", "since"),
    ] {
        let answer = service.get(&format!("/v1/events?{query}")).await;
        let problem = answer.problem("bad-request");
        assert_eq!(problem["place"], format!("query parameter {place}"), "{query}");
    }
    service.stop().await;
}
