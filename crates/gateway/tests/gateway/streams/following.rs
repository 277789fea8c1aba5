//! Beginning, going on, and ending.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{PATIENCE, Reader};
use crate::service::Service;

const STORY: &str = "Talks resume in Cairo\n\nDelegates met on Sunday.\n\nTwo people were hurt.";

fn part(number: usize) -> String {
    format!("{STORY}\n\nPart {number}.")
}

fn tos(events: &[super::client::Event]) -> Vec<u64> {
    events.iter().map(super::client::Event::to).collect()
}

#[tokio::test]
async fn changes_come_in_order_as_they_are_made_and_byte_for_byte_as_elsewhere() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let mut all = Reader::open(&service, "/v1/events?since=earliest").await;
    assert_eq!(
        (all.status.as_u16(), &all.headers["content-type"]),
        (200, &"text/event-stream".parse().unwrap())
    );
    for (name, value) in
        [("cache-control", "no-store"), ("x-accel-buffering", "no"), ("link", "</v1/events>; rel=\"self\"")]
    {
        assert_eq!(all.headers[name], value);
    }
    assert!(!all.headers.contains_key("content-encoding"));
    let first = all.block().await.unwrap();
    let retry: u64 = first.strip_prefix("retry: ").unwrap().parse().unwrap();
    assert!((1_000..=3_000).contains(&retry), "{retry}");
    assert_eq!(tos(&all.up_to_date().await), [1]);
    let mut lines = Reader::with(&service, "/v1/events", &[("accept", "application/x-ndjson")]).await;
    assert_eq!(lines.headers["content-type"], "application/x-ndjson");
    // From now on, and it says where that is.
    assert_eq!(lines.soon().await.json(), json!({"cursor": "0000000000000007-0000000000000001"}));
    for number in 1..=5 {
        service.file("/v1/stories/talks", &part(number)).await;
    }
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        here.push(all.soon().await);
        there.push(lines.soon().await);
    }
    assert_eq!(here, there);
    assert_eq!(tos(&here), [2, 3, 4, 5, 6]);
    let stored = service.get("/v1/changes?after=0000000000000007-0000000000000001").await;
    let sent: Vec<_> = here.iter().map(|event| event.data.as_str()).collect();
    assert_eq!(stored.text(), format!("[{}]", sent.join(",")));
    assert_eq!(here[0].id.as_deref(), Some("0000000000000007-0000000000000002"));
    service.stop().await;
}

#[tokio::test]
async fn who_comes_again_with_what_it_had_last_misses_and_repeats_nothing_over_a_restart() {
    let mut service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let (mut seen, mut last, mut part_number) = (Vec::new(), None::<String>, 0);
    for address in ["/v1/events?since=earliest", "/v1/stories/talks/events?since=earliest"] {
        for _ in 0..2 {
            let known: Vec<_> = last.iter().map(|last| ("last-event-id", last.as_str())).collect();
            let mut reader = Reader::with(&service, address, &known).await;
            service.file("/v1/stories/talks", &part(part_number)).await;
            part_number += 1;
            let upto = service.log.head().0;
            while seen.last() != Some(&upto) {
                let event = reader.soon().await;
                last = event.id.clone().or(last);
                if event.name == "change" {
                    seen.push(event.to());
                }
            }
            drop(reader);
            service.file("/v1/stories/talks", &part(part_number)).await;
            part_number += 1;
            service = service.restarted().await;
        }
    }
    assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>());
    service.stop().await;
}

#[tokio::test]
async fn a_storys_stream_begins_with_its_article_and_has_no_other_story() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    service.file("/v1/stories?slug=rates&desk=money", "Rates\n\nUp.").await;
    let shown = service.get("/v1/stories/talks").await;
    let mut reader = Reader::open(&service, "/v1/stories/talks/events").await;
    let snapshot = reader.soon().await;
    assert_eq!((snapshot.name.as_str(), snapshot.data.as_str()), ("snapshot", shown.text()));
    assert_eq!(snapshot.id, Some(shown.json()["cursor"].as_str().unwrap().to_owned()));
    assert_eq!(reader.up_to_date().await, []);
    service.file("/v1/stories/rates", "Rates\n\nDown.").await;
    service.file("/v1/stories/talks", &part(1)).await;
    let change = reader.soon().await.json();
    assert_eq!((&change["data"]["slug"], &change["data"]["base"]), (&json!("talks"), &shown.json()["hash"]));
    // The page's own link goes on right behind it, and the stream knows its name.
    let links: Vec<_> = shown.headers.get_all("link").iter().map(|link| link.to_str().unwrap()).collect();
    let monitor = links.iter().find_map(|link| link.strip_suffix(">; rel=\"monitor\"")).unwrap();
    let mut behind = Reader::open(&service, &monitor[1..]).await;
    assert_eq!(tos(&behind.up_to_date().await), [2]);
    let own = format!("<{}>; rel=\"self\"", monitor[1..].split('?').next().unwrap());
    assert_eq!(behind.headers["link"], own.as_str());
    let desk = service.get("/v1/stories/talks?view=desk").await;
    assert_eq!(desk.headers.get_all("link").iter().count(), 1, "the desk's copy is on no stream");
    service.stop().await;
}

#[tokio::test]
async fn a_cursor_that_is_gone_is_refused_with_where_to_begin_again() {
    let service = Service::start().await;
    let story = service.file("/v1/stories?slug=talks&desk=world", STORY).await.story;
    for cursor in ["0000000000000008-0000000000000001", "0000000000000007-0000000000000099"] {
        for (address, snapshot) in [
            ("/v1/events".to_owned(), "/v1/stories".to_owned()),
            ("/v1/stories/talks/events".to_owned(), format!("/v1/stories/{story}")),
        ] {
            let asked = service.get(&format!("{address}?since={cursor}")).await;
            // What the reader says it had goes before what its address says.
            let last = [("last-event-id", cursor)];
            let said = service.send(Method::GET, &format!("{address}?since=now"), &last, "").await;
            for answer in [asked, said] {
                assert_eq!(answer.status, 410);
                assert_eq!(answer.problem("cursor-gone")["snapshot"], snapshot.as_str());
            }
        }
    }
    for (headers, problem) in
        [(("last-event-id", "yesterday"), "bad-request"), (("accept", "application/json"), "not-acceptable")]
    {
        service.send(Method::GET, "/v1/events", &[headers], "").await.problem(problem);
    }
    // A browser that has had nothing yet says so with an empty one.
    let mut reader = Reader::with(&service, "/v1/events?since=earliest", &[("last-event-id", "")]).await;
    assert_eq!(tos(&reader.up_to_date().await), [1]);
    service.stop().await;
}

#[tokio::test]
async fn a_story_that_nobody_may_know_of_is_not_there_in_the_same_bytes() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=draft&desk=world&draft=true", STORY).await;
    service.file("/v1/stories?slug=later&desk=world&embargo_until=2999-01-01T00:00:00Z", STORY).await;
    let nobody = [("authorization", "-")];
    let missing = |name: &'static str| {
        let service = &service;
        async move {
            let mut said = Vec::new();
            for address in [format!("/v1/stories/{name}/events"), format!("/v1/stories/{name}")] {
                let answer = service.send(Method::GET, &address, &nobody, "").await;
                assert_eq!(answer.status, 404, "{address}");
                let request = answer.header("x-request-id").to_owned();
                let text = answer.text().replace(&request, "").replace(&address, "").replace(name, "name");
                said.push(text);
            }
            assert_eq!(said[0], said[1]);
            said.remove(0)
        }
    };
    let said = (missing("never-was").await, missing("draft").await, missing("later").await);
    assert_eq!((&said.0, &said.0), (&said.1, &said.2));
    service.stop().await;
}

#[tokio::test]
async fn the_head_of_a_stream_is_given_without_its_body() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    for address in ["/v1/events", "/v1/stories/talks/events"] {
        let head = service.client.head(format!("{}{address}", service.base)).send().await.unwrap();
        assert_eq!(
            (head.status().as_u16(), head.headers()["content-type"].to_str().unwrap()),
            (200, "text/event-stream")
        );
        assert!(head.headers().contains_key("link"));
        assert_eq!(head.bytes().await.unwrap().len(), 0);
    }
    service.stop().await;
}

#[tokio::test]
async fn shutdown_closes_every_stream_at_once_and_says_so() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let mut readers = Vec::new();
    for address in ["/v1/events", "/v1/stories/talks/events?since=now"] {
        for accept in ["text/event-stream", "application/x-ndjson"] {
            let mut reader = Reader::with(&service, address, &[("accept", accept)]).await;
            assert_eq!(reader.up_to_date().await, []);
            readers.push(reader);
        }
    }
    service.shutdown.cancel();
    for mut reader in readers {
        let closing = reader.soon().await;
        let data = closing.json();
        assert_eq!(
            (closing.name.as_str(), &closing.id, &data["reason"]),
            ("closing", &None, &json!("shutdown"))
        );
        assert!(data["reconnect_ms"].as_u64().is_some_and(|wait_ms| wait_ms >= 1_000), "{data}");
        assert_eq!(tokio::time::timeout(PATIENCE, reader.event()).await, Ok(None));
    }
    service.stop().await;
}

#[tokio::test]
async fn a_silent_stream_says_that_it_lives_and_ends_as_planned() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let mut reader = Reader::open(&service, "/v1/events?desk=money").await;
    assert_eq!(reader.up_to_date().await, []);
    // What it does not ask for moves its cursor all the same, when it is told that the stream lives.
    service.file("/v1/stories/talks", &part(1)).await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let moved = reader.event().await.unwrap();
    assert_eq!(
        (moved.name.as_str(), moved.id.as_deref()),
        ("up-to-date", Some("0000000000000007-0000000000000002"))
    );
    let mut signs = 0;
    let last = loop {
        let block = reader.block().await.unwrap();
        if block != ": " {
            break block;
        }
        signs += 1;
    };
    let lived = began.elapsed().as_secs();
    assert!((3_100..=4_000).contains(&lived), "{lived}");
    assert_eq!(signs, lived / 15 - 1);
    assert!(last.starts_with("event: closing\ndata: {\"reason\":\"planned\""), "{last}");
    assert_eq!(reader.block().await, None);
    tokio::time::resume();
    service.stop().await;
}

#[tokio::test]
async fn open_streams_are_counted_and_take_no_place_of_requests() {
    let service = Service::start().await;
    let mut readers = Vec::new();
    for _ in 0..writethru_gateway::limits::REQUESTS_MAX + 8 {
        readers.push(Reader::open(&service, "/v1/events").await);
    }
    assert_eq!(service.get("/v1/info").await.status, 200);
    let metrics = service.get("/metrics").await;
    let count =
        metrics.text().lines().find_map(|line| line.strip_prefix("writethru_stream_clients{form=\"sse\"} "));
    // Other tests of this process have theirs.
    assert!(count.unwrap().parse::<usize>().unwrap() >= readers.len(), "{count:?}");
    service.stop().await;
}

#[tokio::test]
async fn views_that_were_wrong_and_are_put_right_are_read_again_from_the_beginning() {
    let service = Service::start().await;
    service.file("/v1/stories?slug=talks&desk=world", STORY).await;
    let mut all = Reader::open(&service, "/v1/events").await;
    let mut story = Reader::open(&service, "/v1/stories/talks/events?since=now").await;
    assert_eq!((all.up_to_date().await, story.up_to_date().await), (vec![], vec![]));
    let rebuild = "/v1/admin/rebuild";
    assert_eq!(service.post(rebuild, &[], "").await.json()["equal"], true);
    service.spoil_views("UPDATE stories SET headline = 'Nothing of the kind'").await;
    let rebuilt = service.post(rebuild, &[], "").await.json();
    assert_eq!(rebuilt["equal"], Value::Bool(false), "{rebuilt}");
    let refetch = all.soon().await;
    assert_eq!((refetch.name.as_str(), &refetch.id), ("must-refetch", &None));
    let expected = json!({"reason": "cursor-gone", "snapshot": "/v1/stories", "cursor": null});
    assert_eq!(refetch.json(), expected);
    assert_eq!(all.event().await, None);
    // A story is told by its article instead.
    assert_eq!(story.soon().await.name, "snapshot");
    service.stop().await;
}
