//! Following the public changes over HTTP.

use serde_json::Value;

use crate::service::{Answer, Service};

const STORY: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nTwo people were hurt.";

fn ids(answer: &Answer) -> Vec<u64> {
    let events = answer.json();
    events.as_array().unwrap().iter().map(|event| event["data"]["to"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn changes_are_given_in_order_and_resumed_by_cursor() {
    let service = Service::start().await;
    for number in 1..=5 {
        service.file("/v1/stories?slug=talks&desk=world", &format!("{STORY}\n\nPart {number}.")).await;
    }
    service.file("/v1/stories?slug=talks&desk=world&draft=true", &format!("{STORY}\n\nDraft.")).await;
    let mut seen = Vec::new();
    let mut address = "/v1/changes?limit=2".to_owned();
    loop {
        let answer = service.get(&address).await;
        let page = ids(&answer);
        if page.is_empty() {
            break;
        }
        seen.extend(page);
        let link = answer.header("link").strip_suffix(">; rel=\"next\"").unwrap().strip_prefix('<').unwrap();
        assert!(link.ends_with(answer.header("writethru-cursor")));
        address = link.to_owned();
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    // Past the draft too, which readers do not get: they need not look at it again.
    let cursor = service.get(&address).await.header("writethru-cursor").to_owned();
    assert_eq!(cursor, "0000000000000007-0000000000000006");
    let event = service.get("/v1/changes?limit=1").await.json()[0].take();
    assert_eq!((&event["specversion"], &event["data"]["from"]), (&"1.0".into(), &0.into()));
    let batch = service.get_as("/v1/changes", "application/cloudevents-batch+json").await;
    assert_eq!(batch.header("content-type"), "application/cloudevents-batch+json");
    assert_eq!(ids(&service.get("/v1/changes?after=now").await), [0; 0]);
    service.stop().await;
}

#[tokio::test]
async fn a_filter_leaves_out_and_the_cursor_goes_on_past_it() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    service.file("/v1/stories?slug=rates&desk=money", STORY).await;
    service.file("/v1/stories?slug=talks&kind=refile", &STORY.replace("Two people", "two people")).await;
    for (filter, expected) in [
        ("desk=money", vec![1]),
        ("kind=refile", vec![2]),
        ("min_significance=substantive", vec![1, 1]),
        ("desk=world&min_significance=minor", vec![1, 2]),
        ("desk=sport", vec![]),
    ] {
        let answer = service.get(&format!("/v1/changes?{filter}")).await;
        assert_eq!(ids(&answer), expected, "{filter}");
        assert_eq!(answer.header("writethru-cursor"), "0000000000000007-0000000000000003", "{filter}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_reader_that_waits_gets_the_change_when_it_comes() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let cursor = service.get("/v1/changes").await.header("writethru-cursor").to_owned();
    let address = format!("/v1/changes?after={cursor}&wait=60&desk=money");
    let (answer, ()) = tokio::join!(service.get(&address), async {
        // The first does not pass the filter: the reader goes on waiting.
        service.file("/v1/stories/talks", &STORY.replace("Two", "Four")).await;
        service.file("/v1/stories?slug=rates&desk=money", STORY).await;
    });
    assert_eq!(answer.json()[0]["data"]["desk"], "money");
    service.stop().await;
}

#[tokio::test]
async fn a_waiting_reader_does_not_hold_up_shutdown() {
    let service = Service::start().await;
    let (base, client) = (service.base.clone(), service.client.clone());
    let waiting =
        tokio::spawn(async move { client.get(format!("{base}/v1/changes?wait=60")).send().await.unwrap() });
    // Until the request is at work: it is counted.
    while !service.get("/metrics").await.text().contains("writethru_http_requests_in_flight 2") {
        tokio::task::yield_now().await;
    }
    service.stop().await;
    let answer = waiting.await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap()),
        (200, Value::Array(vec![]))
    );
}

#[tokio::test]
async fn a_cursor_that_cannot_be_gone_on_from_is_refused() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    for (after, name) in [
        ("0000000000000008-0000000000000001", "cursor-gone"),
        ("0000000000000007-0000000000000002", "cursor-gone"),
        ("1", "bad-request"),
        ("", "bad-request"),
    ] {
        service.get(&format!("/v1/changes?after={after}")).await.problem(name);
    }
    let wait = service.get("/v1/changes?wait=61").await;
    assert_eq!(wait.problem("bad-request")["place"], "query parameter wait");
    service.stop().await;
}
