//! Lost and tampered messages: what the replica shows is always what was published.

use std::time::Duration;

use crate::nats;
use crate::newsroom::Newsroom;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, SubjectTransform};
use async_nats::jetstream::{self, Context};
use futures::StreamExt;
use log::Position;
use projector::ChangeRow;
use publisher::server::NatsServer;
use story::{Revision, StoryId};
use wire::{Subject, WT_ARTICLES, WT_CHANGES};
use writethru_client::{Builder, Replica, ResetReason, Update};

/// A NATS that a test fills by hand, with what a real newsroom published: `revisions` of one story.
struct Wire {
    server: NatsServer,
    jetstream: Context,
    rows: Vec<ChangeRow>,
    story: StoryId,
    _newsroom: Newsroom,
}

impl Wire {
    async fn of(revisions: u32) -> Self {
        let newsroom = Newsroom::open().await;
        let server = nats::start(&newsroom.path().join("nats"), None).await;
        let mut rows = Vec::new();
        for number in 1..=revisions {
            newsroom.file("quake", &["The ground shook in the north.", &format!("{number} dead.")]).await;
            // Each with the article of its own time.
            let behind = rows.last().map_or(Position::ZERO, |row: &ChangeRow| row.position);
            rows.extend(newsroom.views.changes(behind, 1).await.expect("changes"));
        }
        let jetstream = jetstream::new(nats::client(&server.url()).await);
        // What is published to `lost` is stored, but no live subscriber hears of it.
        let changes = Config {
            name: WT_CHANGES.to_owned(),
            subjects: vec![Subject::CHANGES.to_owned(), "lost.>".to_owned()],
            subject_transform: Some(SubjectTransform {
                source: "lost.>".to_owned(),
                destination: Subject::CHANGES.to_owned(),
            }),
            allow_direct: true,
            ..Config::default()
        };
        let articles = Config {
            name: WT_ARTICLES.to_owned(),
            subjects: vec![Subject::ARTICLES.to_owned()],
            max_messages_per_subject: 1,
            allow_direct: true,
            ..Config::default()
        };
        jetstream.create_stream(changes).await.expect("a stream");
        jetstream.create_stream(articles).await.expect("a stream");
        let story = rows[0].story;
        Self { server, jetstream, rows, story, _newsroom: newsroom }
    }

    async fn begin(&self, build: impl FnOnce(Builder) -> Builder) -> Replica {
        self.change(1).await;
        self.article(1).await;
        let replica = build(Replica::builder(&self.server.url())).connect().await.expect("connected");
        replica.live().await.expect("connected");
        replica
    }

    fn row(&self, revision: usize) -> &ChangeRow {
        &self.rows[revision - 1]
    }

    fn subject(&self, revision: usize) -> String {
        let row = self.row(revision);
        Subject::change(&row.desk, row.kind, row.level, row.story).to_string()
    }

    async fn send(&self, subject: String, revision: usize, payload: bytes::Bytes) {
        let id = wire::message_id(self.story, self.row(revision).to);
        let message = PublishMessage::build().payload(payload).message_id(id);
        self.jetstream.send_publish(subject, message).await.expect("sent").await.expect("stored");
    }

    /// Publishes a change as the publisher does.
    async fn change(&self, revision: usize) {
        self.send(self.subject(revision), revision, self.row(revision).event.clone()).await;
    }

    /// Stores a change that is lost on its way to live subscribers.
    async fn lost_change(&self, revision: usize) {
        let subject = self.subject(revision).replace("wt.v1.change.", "lost.");
        self.send(subject, revision, self.row(revision).event.clone()).await;
    }

    async fn article(&self, revision: usize) {
        let row = self.row(revision);
        let subject = Subject::article(&row.desk, row.story).to_string();
        let message = PublishMessage::build().payload(row.article.clone());
        self.jetstream.send_publish(subject, message).await.expect("sent").await.expect("stored");
    }
}

async fn told(replica: &mut Replica, updates: usize) -> Vec<(&'static str, u64)> {
    let updates: Vec<Update> = replica.take(updates).collect().await;
    let line = |update: &Update| match update {
        Update::Changed { change, article } => {
            assert_eq!(change.target, article.hash);
            ("changed", change.to.get())
        }
        Update::Reset { reason: ResetReason::Start, article, .. } => ("start", article.revision.get()),
        Update::Reset { reason: ResetReason::Hole, article, .. } => ("hole", article.revision.get()),
        Update::Reset { reason: ResetReason::Mismatch, article, .. } => ("mismatch", article.revision.get()),
        other => panic!("{other:?}"),
    };
    updates.iter().map(line).collect()
}

#[tokio::test]
async fn a_hole_is_filled_from_the_stream() {
    let wire = Wire::of(5).await;
    let mut replica = wire.begin(|builder| builder.story(wire.story)).await;
    wire.lost_change(2).await;
    wire.lost_change(3).await;
    wire.change(4).await;
    wire.change(5).await;
    let expected = [("start", 1), ("changed", 2), ("changed", 3), ("changed", 4), ("changed", 5)];
    assert_eq!(told(&mut replica, 5).await, expected);
    let counts = replica.counts();
    assert!(counts.holes >= 1 && counts.resets == 0 && counts.applied == 4, "{counts:?}");
}

#[tokio::test]
async fn a_hole_that_the_stream_no_longer_fills_is_a_reset() {
    let wire = Wire::of(4).await;
    let mut replica = wire.begin(|builder| builder).await;
    // Revisions 2 and 3 are gone from the stream; the article comes after the change, as ever.
    wire.change(4).await;
    wire.article(4).await;
    assert_eq!(told(&mut replica, 2).await, [("start", 1), ("hole", 4)]);
    assert_eq!(replica.current(wire.story).expect("an article").blocks[1].text, "4 dead.");
}

#[tokio::test]
async fn a_lost_last_message_is_noticed_in_silence() {
    let wire = Wire::of(2).await;
    let mut replica = wire.begin(|builder| builder.check_every(Duration::from_millis(20))).await;
    wire.lost_change(2).await;
    assert_eq!(told(&mut replica, 2).await, [("start", 1), ("changed", 2)]);
}

#[tokio::test]
async fn changes_missed_between_reading_the_articles_and_listening_are_found() {
    let wire = Wire::of(3).await;
    // The publisher was ended between the changes and their article.
    wire.change(1).await;
    wire.article(1).await;
    wire.change(2).await;
    wire.change(3).await;
    let mut replica = Replica::builder(&wire.server.url()).connect().await.expect("connected");
    assert_eq!(told(&mut replica, 3).await, [("start", 1), ("changed", 2), ("changed", 3)]);
}

#[tokio::test]
async fn repeats_change_nothing() {
    let wire = Wire::of(3).await;
    let mut replica = wire.begin(|builder| builder).await;
    for revision in [2, 2, 1, 2, 3, 1, 3] {
        wire.change(revision).await;
    }
    assert_eq!(told(&mut replica, 3).await, [("start", 1), ("changed", 2), ("changed", 3)]);
    assert_eq!(replica.counts().resets, 0);
}

#[tokio::test]
async fn a_change_that_was_tampered_with_never_shows() {
    let wire = Wire::of(3).await;
    let mut replica = wire.begin(|builder| builder).await;
    let honest = String::from_utf8(wire.row(2).event.to_vec()).expect("JSON");
    let forged = honest.replace("\"2\"", "\"9\"").replace("2 dead.", "9 dead.");
    assert_ne!(honest, forged);
    wire.send(wire.subject(2), 2, forged.into()).await;
    wire.article(2).await;
    wire.change(3).await;

    let article = replica.wait_until(wire.story, Revision(3)).await.expect("an article");
    assert_eq!(article.blocks[1].text, "3 dead.");
    assert!(replica.counts().refused >= 1);
    let told = told(&mut replica, 3).await;
    assert_eq!((told[0], told[2]), (("start", 1), ("changed", 3)));
    assert!(told[1].1 == 2 && told[1].0 != "changed", "{told:?}");
}

#[tokio::test]
async fn a_message_that_is_no_change_disturbs_nothing() {
    let wire = Wire::of(3).await;
    let mut replica = wire.begin(|builder| builder).await;
    wire.send(wire.subject(2), 3, "{\"specversion\":".into()).await;
    let subject = "wt.v1.change.world.update.minor.nonsense".to_owned();
    wire.jetstream.publish(subject, "x".into()).await.expect("sent").await.expect("stored");
    wire.change(2).await;
    assert_eq!(told(&mut replica, 2).await, [("start", 1), ("changed", 2)]);
    assert!(replica.counts().refused >= 2);
}

#[tokio::test]
async fn an_article_that_was_tampered_with_never_shows() {
    let wire = Wire::of(2).await;
    wire.change(1).await;
    let honest = String::from_utf8(wire.row(1).article.to_vec()).expect("JSON");
    let forged = honest.replace("1 dead.", "9 dead.");
    assert_ne!(honest, forged);
    let subject = Subject::article(&wire.row(1).desk, wire.story).to_string();
    wire.jetstream.publish(subject, forged.into()).await.expect("sent").await.expect("stored");

    let replica = Replica::builder(&wire.server.url()).connect().await.expect("connected");
    let article = replica.wait_until(wire.story, Revision(1)).await.expect("an article");
    assert_eq!(article.blocks[1].text, "1 dead.");
    assert!(replica.counts().refused >= 1);
}
