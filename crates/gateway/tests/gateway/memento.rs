//! A story's public past over HTTP: moments on both axes, permanent addresses, and RFC 7089.

use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::service::{Answer, BASE, Service};

/// Published, a draft, published; returns the story's id and when each was recorded, by the desk.
async fn told(service: &Service) -> (String, Vec<String>) {
    service.file("/v1/stories?slug=fire&desk=world", "Fire\n\nA fire is burning.").await;
    service.file("/v1/stories/fire?draft=true", "Fire\n\nA canary is burning.").await;
    let pushed = service.file("/v1/stories/fire?note=It%20is%20out", "Fire\n\nThe fire is out.").await;
    let page = service.get("/v1/stories/fire/history?view=desk").await.json();
    let lines = page["revisions"].as_array().unwrap().iter().rev();
    let times = lines.map(|line| line["recorded"].as_str().unwrap().to_owned()).collect();
    (pushed.story.to_string(), times)
}

/// Asks the story's `TimeGate` and follows nowhere.
async fn timegate(service: &Service, time: Option<&str>) -> Answer {
    let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let mut request = client.get(format!("{}/v1/stories/fire/timegate", service.base));
    if let Some(time) = time {
        request = request.header("accept-datetime", time);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

fn links(answer: &Answer) -> String {
    let all = answer.headers.get_all("link").iter().map(|link| link.to_str().unwrap());
    all.collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn a_time_is_on_the_axis_that_was_asked_for() {
    let service = Service::start().await;
    let (_, times) = told(&service).await;
    let second = &times[1];
    for (query, revision) in [
        (format!("as_of={second}&view=desk"), 2),
        (format!("as_of={second}&view=desk&axis=recorded"), 2),
        (format!("as_of={second}&view=desk&axis=published"), 1),
        (format!("as_of={second}"), 1),
        (format!("as_of={second}&axis=recorded"), 1),
    ] {
        for address in ["", "/blame"] {
            let shown = service.get(&format!("/v1/stories/fire{address}?{query}")).await.json();
            assert_eq!(shown["revision"], revision, "{address} {query}");
        }
        let diff = service.get(&format!("/v1/stories/fire/diff?{query}")).await.json();
        assert_eq!((&diff["to"], &diff["from"]), (&json!(revision), &json!(revision - 1)), "{query}");
        let history = service.get(&format!("/v1/stories/fire/history?{query}")).await.json();
        assert_eq!(history["revisions"][0]["revision"], revision, "{query}");
    }
    for refused in ["/v1/stories/fire?axis=published", "/v1/stories/fire/blame?as_of=rev:1&axis=recorded"] {
        let problem = service.get(refused).await.problem("bad-request");
        assert_eq!(problem["place"], "query parameter axis", "{problem}");
    }
    let twice = service.get("/v1/stories/fire/diff?to=2&as_of=rev:2").await;
    assert_eq!(twice.problem("bad-request")["place"], "query parameter as_of");
    service.stop().await;
}

/// Asserts which revision every read of one story shows at the moment that `query` says.
async fn check_reads(service: &Service, query: &str, revision: u64) {
    for address in ["", "/blame"] {
        let shown = service.get(&format!("/v1/stories/fire{address}?{query}")).await.json();
        assert_eq!(shown["revision"], revision, "{address} {query}");
    }
    let diff = service.get(&format!("/v1/stories/fire/diff?{query}")).await.json();
    assert_eq!(diff["to"], revision, "{query}");
    let history = service.get(&format!("/v1/stories/fire/history?{query}")).await.json();
    assert_eq!(history["revisions"][0]["revision"], revision, "{query}");
}

#[tokio::test]
async fn a_read_goes_back_to_what_subscribers_had_got() {
    let service = Service::start().await;
    let (story, _) = told(&service).await;
    let story = story.parse().unwrap();
    let at = |second: i64| jiff::Timestamp::from_second(2_000_000_000 + second).unwrap();
    for (who, revision, second) in [("wire-7", 1, 0), ("desk-b", 1, 5), ("desk-b", 3, 10)] {
        let revision = story::Revision(revision);
        service.registry.delivered(&who.parse().unwrap(), story, revision, at(second)).await.unwrap();
    }
    for (axis, second, revision) in
        [("delivered", 9, 1), ("delivered", 10, 3), ("delivered:wire-7", 10, 1), ("delivered:desk-b", 10, 3)]
    {
        check_reads(&service, &format!("as_of={}&view=desk&axis={axis}", at(second)), revision).await;
    }
    let ask = |query: String| format!("/v1/stories/fire?{query}");
    for (axis, second) in [("delivered", -1), ("delivered:desk-b", 4), ("delivered:nobody", 10)] {
        let none = service.get(&ask(format!("as_of={}&view=desk&axis={axis}", at(second)))).await;
        none.problem("revision-not-found");
    }
    // Who got what is not for readers; a list is of no one story; a name is a name; the axis is a time's.
    for refused in [
        ask(format!("as_of={}&axis=delivered", at(10))),
        format!("/v1/stories?as_of={}&view=desk&axis=delivered", at(10)),
        ask(format!("as_of={}&view=desk&axis=delivered:%20", at(10))),
        ask(format!("as_of={}&view=desk&axis=published:desk-b", at(10))),
        ask("as_of=rev:1&view=desk&axis=delivered".to_owned()),
    ] {
        let problem = service.get(&refused).await.problem("bad-request");
        assert_eq!(problem["place"], "query parameter axis", "{refused}: {problem}");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_read_goes_back_to_a_size_of_the_transparency_log() {
    let service = Service::start().await;
    told(&service).await;
    for (query, revision) in [("as_of=size:1", 1), ("as_of=size:2&view=desk", 2), ("as_of=size:3", 3)] {
        check_reads(&service, query, revision).await;
    }
    check_reads(&service, "as_of=size:2", 1).await;
    service.get("/v1/stories/fire?as_of=size:0").await.problem("revision-not-found");
    let listed = service.get("/v1/stories?as_of=size:2&view=desk").await.json();
    assert_eq!(listed["stories"][0]["revision"], 2, "{listed}");
    let ahead = service.get("/v1/stories/fire?as_of=size:4").await.problem("bad-request");
    assert_eq!(ahead["place"], "query parameter as_of", "{ahead}");
    service.stop().await;
}

#[tokio::test]
async fn a_revision_has_an_address_of_its_own_and_says_when_readers_had_it() {
    let service = Service::start().await;
    let (story, times) = told(&service).await;
    let first = service.get("/v1/stories/fire/revisions/1").await;
    let by_moment = service.get("/v1/stories/fire?as_of=rev:1").await;
    assert_eq!(first.body, by_moment.body);
    let then: jiff::Timestamp = times[0].parse().unwrap();
    let said: jiff::Timestamp =
        jiff::fmt::rfc2822::parse(first.header("memento-datetime")).unwrap().timestamp();
    assert_eq!(said.as_second(), then.as_second());
    let original = format!("{BASE}/v1/stories/{story}");
    for expected in [
        format!("<{original}>; rel=\"original\""),
        format!("<{original}/timegate>; rel=\"timegate\""),
        format!("<{original}/timemap>; rel=\"timemap\""),
        format!("<{original}/revisions/1>; rel=\"first memento\"; datetime="),
        format!("<{original}/revisions/3>; rel=\"next last memento\"; datetime="),
    ] {
        assert!(links(&first).contains(&expected), "no {expected} in {}", links(&first));
    }
    let tag = first.header("etag");
    let again =
        service.send(Method::GET, "/v1/stories/fire/revisions/1", &[("if-none-match", tag)], "").await;
    assert_eq!(again.status, 304);
    // A draft is the desk's; nobody else hears that it is there.
    service.get("/v1/stories/fire/revisions/2").await.problem("revision-not-found");
    let desk = service.get("/v1/stories/fire/revisions/2?view=desk").await;
    assert!(desk.text().contains("canary") && !desk.headers.contains_key("memento-datetime"));
    let denied = service.look("/v1/stories/fire/revisions/2?view=desk", "wt_nobody").await;
    assert_eq!(denied.status, 401);
    service.get("/v1/stories/fire/revisions/0").await.problem("revision-not-found");
    for no_number in ["latest", "+1", "-1", "1.0", "99999999999999999999999"] {
        service.get(&format!("/v1/stories/fire/revisions/{no_number}")).await.problem("bad-request");
    }
    service.stop().await;
}

#[tokio::test]
async fn a_timegate_leads_to_what_readers_had() {
    let service = Service::start().await;
    let (story, _) = told(&service).await;
    let revision = |number: u64| format!("{BASE}/v1/stories/{story}/revisions/{number}");
    let early = timegate(&service, Some("Thu, 17 Aug 2017 15:00:00 GMT")).await;
    assert_eq!((early.status.as_u16(), early.header("location")), (302, &*revision(1)));
    assert_eq!(early.header("vary"), "accept-datetime");
    assert!(!early.headers.contains_key("memento-datetime"));
    assert!(links(&early).contains("rel=\"original\"") && links(&early).contains("rel=\"timemap\""));
    for late in [None, Some("Fri, 31 Dec 2100 23:59:59 GMT")] {
        assert_eq!(timegate(&service, late).await.header("location"), revision(3), "{late:?}");
    }
    // The second in which a revision came has it: an earlier one of the same second is behind it.
    let third = service.get("/v1/stories/fire/revisions/3").await;
    let then = timegate(&service, Some(third.header("memento-datetime"))).await;
    assert_eq!(then.header("location"), revision(3));
    for nonsense in ["yesterday", "2017-08-17T15:00:00Z", ""] {
        let refused = timegate(&service, Some(nonsense)).await;
        assert_eq!(refused.problem("bad-request")["place"], "header Accept-Datetime", "{nonsense}");
    }
    let known = service.get("/v1/stories/fire").await;
    assert!(links(&known).contains(&format!("<{BASE}/v1/stories/{story}/timegate>; rel=\"timegate\"")));
    let desk = service.get("/v1/stories/fire?view=desk").await;
    assert!(!links(&desk).contains("timegate"), "drafts are nobody's past");
    service.stop().await;
}

#[tokio::test]
async fn a_timemap_lists_what_readers_can_reach_and_nothing_else() {
    let service = Service::start().await;
    let (story, _) = told(&service).await;
    let original = format!("{BASE}/v1/stories/{story}");
    let map = service.get("/v1/stories/fire/timemap").await;
    assert_eq!(map.header("content-type"), "application/link-format");
    let lines: Vec<&str> = map.text().trim_end().split(",\n").collect();
    assert_eq!(lines[0], format!("<{original}>; rel=\"original\""));
    assert!(lines[2].starts_with(&format!(
        "<{original}/timemap>; rel=\"self\"; type=\"application/link-format\"; from="
    )));
    let mementos: Vec<&str> = lines.iter().filter(|line| line.contains("memento")).copied().collect();
    assert_eq!(mementos.len(), 2, "{mementos:?}");
    assert!(mementos[0].starts_with(&format!("<{original}/revisions/1>; rel=\"first memento\"; datetime=")));
    assert!(mementos[1].starts_with(&format!("<{original}/revisions/3>; rel=\"last memento\"; datetime=")));
    let rest = service.get("/v1/stories/fire/timemap?after=1").await;
    assert!(!rest.text().contains("/revisions/1>") && rest.text().contains("/revisions/3>"));
    service.get("/v1/stories/fire/timemap?after=3").await.problem("revision-not-found");
    let body: Value = json!({"reason": "Forged."});
    service.ask(Method::POST, "/v1/stories/fire/acts/kill", &service.owner, &body).await;
    // What was killed is no memento any more; the tombstone is one.
    let map = service.get("/v1/stories/fire/timemap").await;
    assert!(!map.text().contains("/revisions/1>"), "{}", map.text());
    assert!(map.text().contains("/revisions/4>; rel=\"first last memento\""), "{}", map.text());
    service.get("/v1/stories/fire/revisions/3").await.problem("revision-not-found");
    let gate = timegate(&service, Some("Thu, 17 Aug 2017 15:00:00 GMT")).await;
    assert_eq!(gate.header("location"), format!("{original}/revisions/4"));
    service.file("/v1/stories?slug=secret&desk=world&draft=true", "Secret\n\nCanary.").await;
    for address in ["timegate", "timemap", "revisions/1"] {
        service.get(&format!("/v1/stories/secret/{address}")).await.problem("not-found");
    }
    service.stop().await;
}
