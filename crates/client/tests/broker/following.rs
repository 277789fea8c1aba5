//! Replicas behind a real publisher and a real nats-server.

use crate::nats;
use crate::newsroom::Newsroom;
use crate::relay::Relay;
use futures::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use story::Revision;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use wire::{ArticleView, CloudEvent};
use writethru_client::{Replica, ResetReason, Status, Unavailable, Update};

async fn next(replica: &mut Replica) -> Update {
    replica.next().await.expect("a live replica")
}

#[track_caller]
fn changed(update: &Update) -> u64 {
    match update {
        Update::Changed { change, article } => {
            assert_eq!((change.to, change.target), (article.revision, article.hash));
            change.to.get()
        }
        other => panic!("not a change: {other:?}"),
    }
}

#[track_caller]
fn reset(update: &Update) -> (ResetReason, u64) {
    match update {
        Update::Reset { reason, article, .. } => (*reason, article.revision.get()),
        other => panic!("not a reset: {other:?}"),
    }
}

#[tokio::test]
async fn a_replica_begins_with_the_article_and_follows_every_change() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let mut relay = Relay::begin(&newsroom, &server.url());
    newsroom.file("quake", &["The ground shook."]).await;
    let story = newsroom.file("quake", &["The ground shook.", "Four dead."]).await;
    relay.caught_up(&newsroom).await;

    let mut replica = Replica::builder(&server.url()).story(story).connect().await.expect("connected");
    assert_eq!(reset(&next(&mut replica).await), (ResetReason::Start, 2));
    for number in 5..25 {
        newsroom.file("quake", &["The ground shook.", &format!("{number} dead.")]).await;
        newsroom.file("flood", &[&format!("The water is {number} feet high.")]).await;
    }
    for revision in 3..=22 {
        assert_eq!(changed(&next(&mut replica).await), revision);
    }
    let article = replica.current(story).expect("an article");
    let shown = newsroom.views.article(story, projector::AsOf::Latest, projector::View::Public).await;
    assert_eq!(*article, shown.expect("a read").expect("an article"));
    assert_eq!(replica.stories(), [story]);
    replica.close().await;
    relay.stop().await;
}

#[tokio::test]
async fn a_replica_that_is_first_waits_for_nats_and_the_first_story() {
    let newsroom = Newsroom::open().await;
    let place = newsroom.path().join("nats");
    let gone = nats::start(&place, None).await;
    let (url, port) = (gone.url(), gone.url().rsplit(':').next().expect("a port").parse().expect("a port"));
    gone.stop().await;

    let mut replica = Replica::builder(&url).connect().await.expect("NATS need not be there");
    assert_eq!(*replica.status().borrow(), Status::Connecting);
    let _server = nats::start(&place, Some(port)).await;
    replica.live().await.expect("connected");
    let relay = Relay::begin(&newsroom, &url);
    let story = newsroom.file("quake", &["The ground shook."]).await;
    assert_eq!(changed(&next(&mut replica).await), 1);
    assert_eq!(replica.current(story).expect("an article").headline, "About quake");
    relay.stop().await;
}

#[tokio::test]
async fn a_replica_of_a_desk_sees_stories_come_and_go() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let mut relay = Relay::begin(&newsroom, &server.url());
    let quake = newsroom.file_on("world", "quake", &["The ground shook."]).await;
    let derby = newsroom.file_on("sport", "derby", &["It is 0-0."]).await;
    relay.caught_up(&newsroom).await;

    let world = "world".parse().expect("a desk");
    let mut replica = Replica::builder(&server.url()).desk(world).connect().await.expect("connected");
    assert_eq!(reset(&next(&mut replica).await), (ResetReason::Start, 1));
    replica.live().await.expect("connected");
    assert_eq!(replica.stories(), [quake]);

    newsroom.file_on("sport", "derby", &["It is 1-0."]).await;
    newsroom.file_on("science", "quake", &["The ground shook.", "Why it shook."]).await;
    match next(&mut replica).await {
        Update::Removed { story, desk } => {
            assert_eq!((story, desk.expect("a desk").as_str()), (quake, "science"));
        }
        other => panic!("not removed: {other:?}"),
    }
    assert!(replica.stories().is_empty());

    newsroom.file_on("world", "derby", &["It is 1-0.", "The stand has collapsed."]).await;
    assert_eq!(reset(&next(&mut replica).await), (ResetReason::Hole, 3));
    assert_eq!(replica.stories(), [derby]);
    relay.stop().await;
}

#[tokio::test]
async fn an_owner_that_reads_slowly_misses_steps_but_never_the_end() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let relay = Relay::begin(&newsroom, &server.url());
    let story = newsroom.file("quake", &["1 dead."]).await;
    let builder = Replica::builder(&server.url()).updates_waiting(1);
    let mut replica = builder.connect().await.expect("connected");
    replica.wait_until(story, Revision(1)).await.expect("an article");
    for number in 2..=30 {
        newsroom.file("quake", &[&format!("{number} dead.")]).await;
    }
    let current = replica.wait_until(story, Revision(30)).await.expect("an article");
    assert_eq!(current.blocks[0].text, "30 dead.");

    let first = next(&mut replica).await;
    assert!(matches!(first, Update::Changed { .. } | Update::Reset { reason: ResetReason::Start, .. }));
    assert_eq!(reset(&next(&mut replica).await), (ResetReason::Behind, 30));
    newsroom.file("quake", &["31 dead."]).await;
    assert_eq!(changed(&next(&mut replica).await), 31);
    relay.stop().await;
}

#[tokio::test]
async fn a_replica_loses_nothing_when_nats_is_killed() {
    let newsroom = Newsroom::open().await;
    let place = newsroom.path().join("nats");
    let mut server = nats::start(&place, None).await;
    let (url, port) =
        (server.url(), server.url().rsplit(':').next().expect("a port").parse().expect("a port"));
    let mut relay = Relay::begin(&newsroom, &url);
    let story = newsroom.file("quake", &["0 dead."]).await;
    relay.caught_up(&newsroom).await;
    let mut replica = Replica::builder(&url).everything().connect().await.expect("connected");
    replica.live().await.expect("connected");
    let mut status = replica.status();

    for round in 0..3 {
        let process = i32::try_from(server.process().expect("it runs")).expect("an id");
        kill_process(Pid::from_raw(process).expect("an id"), Signal::KILL).expect("killed");
        status.wait_for(|status| *status == Status::Lost).await.expect("a replica");
        for number in 1..=5 {
            newsroom.file("quake", &[&format!("{} dead.", round * 5 + number)]).await;
        }
        server.stop().await;
        server = nats::start(&place, Some(port)).await;
        replica.live().await.expect("connected");
    }
    let article = replica.wait_until(story, Revision(16)).await.expect("an article");
    assert_eq!(article.blocks[0].text, "15 dead.");
    // Whatever way it came, the owner hears of revisions in order, up to the last.
    let mut told = 0;
    while told < 16 {
        let revision = match next(&mut replica).await {
            Update::Changed { change, .. } => change.to.get(),
            Update::Reset { article, .. } => article.revision.get(),
            other => panic!("{other:?}"),
        };
        assert!(revision > told, "{revision} after {told}");
        told = revision;
    }
    relay.stop().await;
}

/// Answers one request after another with `body`.
async fn service(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (reader, mut writer) = stream.split();
            let mut lines = BufReader::new(reader).lines();
            let asked = lines.next_line().await.ok().flatten().unwrap_or_default();
            assert!(asked.starts_with("GET /v1/stories/") && asked.contains("?as_of=rev:1 "), "{asked}");
            while lines.next_line().await.is_ok_and(|line| line.is_some_and(|line| !line.is_empty())) {}
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            writer.write_all(head.as_bytes()).await.expect("sent");
            writer.write_all(&body).await.expect("sent");
        }
    });
    url
}

#[tokio::test]
async fn an_article_too_large_for_a_message_comes_from_the_service() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let mut relay = Relay::begin(&newsroom, &server.url());
    let large = "All of it is true. ".repeat(10_000);
    let story = newsroom.file("archive", &[large.as_str(); 7]).await;
    relay.caught_up(&newsroom).await;
    let row = &newsroom.views.changes(log::Position::ZERO, 1).await.expect("changes")[0];
    let article: CloudEvent<ArticleView> = serde_json::from_slice(&row.article).expect("an article");

    let url = service(serde_json::to_vec(&article.data).expect("JSON")).await;
    let builder = Replica::builder(&server.url()).service(&url);
    let mut replica = builder.connect().await.expect("connected");
    assert_eq!(reset(&next(&mut replica).await), (ResetReason::Large, 1));
    assert_eq!(*replica.current(story).expect("an article"), article.data);

    let mut alone = Replica::builder(&server.url()).story(story).connect().await.expect("connected");
    match next(&mut alone).await {
        Update::Unavailable { revision, reason: Unavailable::NoService { path }, .. } => {
            assert_eq!((revision.get(), path), (1, format!("/v1/stories/{story}?as_of=rev:1")));
        }
        other => panic!("{other:?}"),
    }
    relay.stop().await;
}
