//! What a `WebSub` hub is told: a real receiver that is away, refuses, stands still and comes back.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use writethru_tests::api::Api;
use writethru_tests::{PATIENCE, Service};

/// A notice that waits for an answer.
struct Notice {
    feeds: BTreeSet<String>,
    connection: TcpStream,
}

impl Notice {
    /// Takes the next one and reads it strictly.
    async fn next(hub: &TcpListener) -> Self {
        let (mut connection, _) =
            tokio::time::timeout(PATIENCE, hub.accept()).await.expect("in time").expect("accepted");
        let (mut head, mut body) = (Vec::new(), Vec::new());
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.expect("a request"));
        }
        let head = String::from_utf8(head).expect("UTF-8").to_ascii_lowercase();
        assert!(head.starts_with("post /hub http/1.1\r\n"), "{head}");
        assert!(head.contains("content-type: application/x-www-form-urlencoded\r\n"), "{head}");
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        body.resize(length.expect("a length").parse().expect("a number"), 0);
        connection.read_exact(&mut body).await.expect("a body");
        let form = format!("http://x/?{}", String::from_utf8(body).expect("UTF-8"));
        let form = reqwest::Url::parse(&form).expect("a form");
        let pairs: Vec<_> = form.query_pairs().into_owned().collect();
        assert_eq!(pairs[0], ("hub.mode".to_owned(), "publish".to_owned()));
        let feeds = pairs[1..].iter().map(|(name, feed)| {
            assert_eq!(name, "hub.url");
            feed.clone()
        });
        Self { feeds: feeds.collect(), connection }
    }

    async fn answer(mut self, status: &str) {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        self.connection.write_all(answer.as_bytes()).await.expect("answered");
        self.connection.shutdown().await.expect("closed");
    }
}

/// Takes notices until one names `feed`, and answers them all with yes.
async fn told(hub: &TcpListener, feed: &str) -> BTreeSet<String> {
    loop {
        let notice = Notice::next(hub).await;
        let feeds = notice.feeds.clone();
        notice.answer("204 No Content").await;
        if feeds.contains(feed) {
            return feeds;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_is_told_which_feeds_change_and_nobody_waits_for_it() {
    let hub = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address: SocketAddr = hub.local_addr().expect("an address");
    let hub_url = format!("http://{address}/hub");
    let folder = tempfile::tempdir().expect("a temp dir");
    let environment = [("WRITETHRU_WEBSUB_HUB", Path::new(&hub_url))];
    let service = Service::start_in(folder.path(), &["--no-nats"], &environment, Stdio::null());
    let owner = Api::public(&service.http).with(Some(&service.owner_key()));
    let copy =
        |words: &str| json!({"headline": "Talks", "tags": ["peace & law"], "blocks": [{"text": words}]});
    let pushed = owner.post("/v1/stories?slug=talks&desk=world", &copy("They met.")).await.done();
    let story = pushed["story"].as_str().expect("an id").to_owned();

    // It has too much to do: it is asked again, about the same.
    let first = Notice::next(&hub).await;
    let places = [
        String::new(),
        "/desks/world".to_owned(),
        "/tags/peace%20%26%20law".to_owned(),
        format!("/stories/{story}"),
    ];
    let feeds = places
        .iter()
        .flat_map(|place| ["atom", "rss", "json"].map(|form| format!("{}{place}/feed.{form}", service.http)));
    let feeds: BTreeSet<String> = feeds.collect();
    assert_eq!(first.feeds, feeds);
    first.answer("503 Service Unavailable").await;
    let again = Notice::next(&hub).await;
    assert_eq!(again.feeds, feeds);
    for feed in &feeds {
        let answer = owner.get(feed.strip_prefix(&service.http).expect("it is here")).await;
        assert_eq!(answer.status, 200, "{feed}");
        let links: Vec<_> = answer
            .headers
            .get_all("link")
            .iter()
            .map(|link| link.to_str().expect("text").to_owned())
            .collect();
        assert!(
            links.contains(&format!("<{hub_url}>; rel=\"hub\""))
                && links.contains(&format!("<{feed}>; rel=\"self\"")),
            "{links:?}"
        );
    }

    // It stands still with a notice in its hands: what is filed meanwhile is filed and read at once.
    owner.post("/v1/stories/talks", &copy("They meet again.")).await.done();
    owner.post("/v1/stories?slug=storm&desk=weather", &copy("Wind.")).await.done();
    assert!(owner.get("/v1/stories/storm").await.text().contains("Wind."));
    again.answer("204 No Content").await;
    let next = told(&hub, &format!("{}/desks/weather/feed.atom", service.http)).await;
    assert!(next.contains(&format!("{}/feed.atom", service.http)));

    // A story that is taken from readers changes the feeds that it was in, under its tags too.
    owner.act("talks", "kill", &json!({"reason": "Forged."})).await.done();
    let tag = format!("{}/tags/peace%20%26%20law/feed.atom", service.http);
    told(&hub, &tag).await;

    // What the hub refuses is not sent again, and what comes next is.
    owner.post("/v1/stories/storm", &copy("More wind.")).await.done();
    Notice::next(&hub).await.answer("400 Bad Request").await;
    owner.post("/v1/stories?slug=calm&desk=sea", &copy("No wind.")).await.done();
    let next = Notice::next(&hub).await;
    assert!(next.feeds.contains(&format!("{}/desks/sea/feed.json", service.http)), "{:?}", next.feeds);
    assert!(!next.feeds.contains(&format!("{}/desks/weather/feed.json", service.http)), "{:?}", next.feeds);
    drop(next);
    drop(hub);
    service.stop();
}
