//! Recalls: told to whoever got what is called back, here or away, and acknowledged.

use std::sync::Arc;

use crate::nats;
use crate::newsroom::Newsroom;
use crate::relay::Relay;
use futures::StreamExt;
use projector::{AsOf, View};
use publisher::Acknowledged;
use story::{Deed, Kind, Restored, Revision, Status, StoryId, Takedowns};
use tokio::sync::mpsc;
use wire::{ArticleView, Recall, Receipt};
use writethru_client::{Replica, ResetReason, Update};

const RESTORE: Deed = Deed::Restore { to: Restored::Usable, takedowns: Takedowns::Lift };

async fn subscriber(url: &str, name: &str) -> Replica {
    let builder = Replica::builder(url).subscriber(name.parse().expect("a name"));
    let replica = builder.connect().await.expect("connected");
    replica.live().await.expect("it follows");
    replica
}

/// Returns the next recall, and the article as it is then.
async fn recalled(replica: &mut Replica) -> (Arc<Recall>, Arc<ArticleView>) {
    loop {
        if let Update::Recalled { recall } = replica.next().await.expect("a live replica") {
            let article = replica.current(recall.story).expect("a tombstone");
            return (recall, article);
        }
    }
}

fn numbers(recall: &Recall) -> Vec<u64> {
    recall.voids.iter().map(|void| void.get()).collect()
}

/// Returns the next acknowledged recall, and who says so; receipts are passed over.
async fn acknowledged(acks: &mut mpsc::Receiver<Acknowledged>) -> (String, Receipt) {
    loop {
        let one = acks.recv().await.expect("an acknowledgement");
        let (subscriber, recall) = (one.subscriber.to_string(), one.acknowledgement.recall);
        one.stored();
        if let Some(recall) = recall {
            return (subscriber, recall);
        }
    }
}

#[tokio::test]
async fn a_kill_reaches_a_subscriber_that_was_away_and_both_acknowledge_it() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let (mut relay, mut acks) = Relay::with_acknowledgements(&newsroom, &server.url());
    newsroom.file("quake", &["Poison canary."]).await;
    let story = newsroom.file("quake", &["Poison canary.", "Six dead."]).await;
    relay.caught_up(&newsroom).await;
    let mut here = subscriber(&server.url(), "here").await;
    let away = subscriber(&server.url(), "away").await;
    away.wait_until(story, Revision(2)).await.expect("an article");
    away.close().await;

    newsroom.act(story, Deed::Kill, "Do not use.").await;
    let kill = Receipt { story, revision: Revision(3) };
    let (recall, article) = recalled(&mut here).await;
    assert_eq!(
        (recall.kind, numbers(&recall), recall.note.as_str()),
        (Kind::Kill, vec![1, 2], "Do not use.")
    );
    assert_eq!((article.status, article.headline.as_str(), article.blocks.len()), (Status::Killed, "", 0));
    assert_eq!(acknowledged(&mut acks).await, ("here".to_owned(), kill));

    // Back again, with nothing in memory: NATS kept it.
    let mut back = subscriber(&server.url(), "away").await;
    let (recall, article) = recalled(&mut back).await;
    assert_eq!((recall.kind, numbers(&recall), recall.status), (Kind::Kill, vec![1, 2], Status::Killed));
    assert_eq!(article.status, Status::Killed);
    assert_eq!(acknowledged(&mut acks).await, ("away".to_owned(), kill));

    // Once is enough: after the next one, the first does not come again.
    newsroom.act(story, RESTORE, "").await;
    newsroom.act(story, Deed::Withhold, "").await;
    for replica in [&mut here, &mut back] {
        let (recall, _) = recalled(replica).await;
        assert_eq!((recall.kind, numbers(&recall)), (Kind::Withhold, vec![4]));
        assert!(replica.counts().recalls <= 2);
    }
    let mut both = [acknowledged(&mut acks).await, acknowledged(&mut acks).await];
    both.sort();
    let hold = Receipt { story, revision: Revision(5) };
    assert_eq!(both, [("away".to_owned(), hold), ("here".to_owned(), hold)]);
    relay.stop().await;
}

/// Sees that the replica holds what readers get from the service.
async fn check(newsroom: &Newsroom, replica: &Replica, story: StoryId) {
    let shown = newsroom.views.article(story, AsOf::Latest, View::Public).await.expect("a read");
    let shown = shown.expect("an article");
    let held = replica.wait_until(story, shown.revision).await.expect("a live replica");
    assert_eq!(*held, shown);
}

#[tokio::test]
async fn a_replica_is_exact_through_every_loss_and_return() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let mut relay = Relay::begin(&newsroom, &server.url());
    let story = newsroom.file("quake", &["The ground shook.", "Four dead."]).await;
    relay.caught_up(&newsroom).await;
    let mut replica = Replica::builder(&server.url()).story(story).connect().await.expect("connected");
    replica.live().await.expect("it follows");
    let original = replica.current(story).expect("an article").hash;
    for deed in [Deed::Withhold, Deed::Release, Deed::Kill, RESTORE, Deed::Unpublish, RESTORE] {
        newsroom.act(story, deed, "").await;
        check(&newsroom, &replica, story).await;
        let view = replica.current(story).expect("an article");
        assert_eq!(view.hash == original, view.status == Status::Usable, "{deed:?}");
        // Who comes now finds the same.
        relay.caught_up(&newsroom).await;
        let late = Replica::builder(&server.url()).story(story).connect().await.expect("connected");
        check(&newsroom, &late, story).await;
    }
    newsroom.file("quake", &["The ground shook.", "Six dead."]).await;
    check(&newsroom, &replica, story).await;
    assert_eq!((replica.counts().resets, replica.counts().refused, replica.counts().holes), (0, 0, 0));
    // Without a name it is told as well, while it is here.
    let mut told = Vec::new();
    while told.len() < 10 {
        told.push(match replica.next().await.expect("a live replica") {
            Update::Reset { reason: ResetReason::Start, .. } => "start".to_owned(),
            Update::Changed { change, .. } => change.kind.to_string(),
            Update::Recalled { recall } => format!("recalled by {}", recall.kind),
            other => panic!("{other:?}"),
        });
    }
    let withhold = ["start", "withhold", "recalled by withhold", "release"];
    let kill = ["kill", "recalled by kill", "restore", "unpublish", "restore", "update"];
    assert_eq!(told, [&withhold[..], &kill[..]].concat());
    relay.stop().await;
}

#[tokio::test]
async fn an_owner_that_reads_slowly_hears_of_every_recall() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let relay = Relay::begin(&newsroom, &server.url());
    let story = newsroom.file("quake", &["1 dead."]).await;
    let builder = Replica::builder(&server.url()).updates_waiting(1);
    let mut replica = builder.connect().await.expect("connected");
    replica.wait_until(story, Revision(1)).await.expect("an article");
    for number in 2..=5 {
        newsroom.correct("quake", &[&format!("{number} dead.")]).await;
    }
    // What is withheld before it went out never goes out.
    replica.wait_until(story, Revision(5)).await.expect("an article");
    newsroom.act(story, Deed::Withhold, "").await;
    replica.wait_until(story, Revision(6)).await.expect("an article");
    let mut voids = Vec::new();
    while voids.len() < 5 {
        if let Update::Recalled { recall } = replica.next().await.expect("a live replica") {
            voids.extend(numbers(&recall));
        }
    }
    // A recall that comes with its change may overtake one that comes by itself.
    voids.sort_unstable();
    assert_eq!(voids, [1, 2, 3, 4, 5]);
    relay.stop().await;
}

#[tokio::test]
async fn a_subscriber_says_which_revisions_it_has() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let (mut relay, mut acks) = Relay::with_acknowledgements(&newsroom, &server.url());
    let story = newsroom.file("quake", &["1 dead."]).await;
    relay.caught_up(&newsroom).await;
    let replica = subscriber(&server.url(), "partner").await;
    for number in 2..=4 {
        newsroom.file("quake", &[&format!("{number} dead.")]).await;
    }
    replica.wait_until(story, Revision(4)).await.expect("an article");
    let mut newest = Revision::ZERO;
    while newest < Revision(4) {
        let one = acks.recv().await.expect("receipts");
        assert_eq!((one.subscriber.as_str(), one.acknowledgement.recall), ("partner", None));
        for receipt in &one.acknowledgement.received {
            assert!(receipt.story == story && receipt.revision > newest, "{receipt:?} after {newest}");
            newest = receipt.revision;
        }
        one.stored();
    }
    relay.stop().await;
}

#[tokio::test]
async fn a_recall_reaches_who_was_there_before_the_service() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let mut replica = Replica::builder(&server.url())
        .subscriber("early".parse().expect("a name"))
        .check_every(std::time::Duration::from_millis(20))
        .connect()
        .await
        .expect("connected");
    replica.live().await.expect("it follows");
    let (relay, mut acks) = Relay::with_acknowledgements(&newsroom, &server.url());
    let story = newsroom.file("quake", &["1 dead."]).await;
    newsroom.correct("quake", &["2 dead."]).await;
    let (recall, _) = recalled(&mut replica).await;
    assert_eq!((recall.kind, numbers(&recall)), (Kind::Correction, vec![1]));
    let correction = Receipt { story, revision: Revision(2) };
    assert_eq!(acknowledged(&mut acks).await, ("early".to_owned(), correction));
    relay.stop().await;
}
