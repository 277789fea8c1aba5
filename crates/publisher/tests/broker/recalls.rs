//! What is called back: told to everyone, and taken out of the streams.

use std::sync::{Arc, Mutex};

use crate::nats;
use crate::newsroom::Newsroom;
use crate::publisher::{Acknowledged, Stream};
use crate::relay::{Running, check, stored};
use async_nats::jetstream;
use projector::Leaving;
use story::{Deed, Kind, Restored, Revision, Status, Takedowns};
use tokio::sync::mpsc;
use wire::{
    Acknowledgement, ArticleView, CloudEvent, Recall, Receipt, Subject, WT_ACKS, WT_ARTICLES, WT_CHANGES,
    WT_RECALLS,
};

const RESTORE: Deed = Deed::Restore { to: Restored::Usable, takedowns: Takedowns::Lift };

/// Sees that no message of any stream holds `word`.
async fn is_nowhere(url: &str, word: &str) {
    for stream in [WT_CHANGES, WT_ARTICLES, WT_RECALLS] {
        for message in stored(url, stream).await {
            let text = String::from_utf8(message.payload).expect("JSON");
            assert!(!text.contains(word), "{word} is in {stream}, {}: {text}", message.subject);
        }
    }
}

/// Returns id, kind, voids and status of every recall in its stream.
async fn recalls(url: &str) -> Vec<(String, Kind, Vec<u64>, Status)> {
    let recalls = stored(url, WT_RECALLS).await.into_iter().map(|message| {
        let recall: CloudEvent<Recall> = serde_json::from_slice(&message.payload).expect("a recall");
        let Recall { kind, voids, status, .. } = recall.data;
        (message.id.expect("an id"), kind, voids.into_iter().map(Revision::get).collect(), status)
    });
    recalls.collect()
}

async fn ids(url: &str, stream: &str) -> Vec<String> {
    stored(url, stream).await.into_iter().map(|message| message.id.expect("an id")).collect()
}

#[tokio::test]
async fn no_voided_word_is_in_any_stream_after_a_loss() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let url = server.url();
    let mut running = Running::begin(&newsroom, &url);
    for (slug, deed) in [
        ("held", Deed::Withhold),
        ("killed", Deed::Kill),
        ("down", Deed::Takedown),
        ("gone", Deed::Unpublish),
    ] {
        newsroom.file(slug, &["Poison canary.", "Four dead."]).await;
        let story = newsroom.file(slug, &["Poison canary.", "Six dead."]).await;
        running.caught_up(&newsroom).await;
        newsroom.act(story, deed, "A public note.").await;
    }
    newsroom.file("other", &["All is well."]).await;
    running.caught_up(&newsroom).await;
    is_nowhere(&url, "canary").await;
    is_nowhere(&url, "dead").await;
    check(&newsroom, &url).await;
    let kinds: Vec<_> = recalls(&url).await.into_iter().map(|(_, kind, voids, _)| (kind, voids)).collect();
    assert_eq!(kinds, [(Kind::Withhold, vec![1, 2]), (Kind::Kill, vec![1, 2]), (Kind::Takedown, vec![1, 2])]);
    running.stop().await;
}

#[tokio::test]
async fn a_recall_goes_before_its_change_and_a_restored_story_follows() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let url = server.url();
    let mut running = Running::begin(&newsroom, &url);
    newsroom.file("quake", &["4 dead."]).await;
    let story = newsroom.correct("quake", &["6 dead."]).await;
    running.caught_up(&newsroom).await;
    assert_eq!(ids(&url, WT_CHANGES).await.len(), 2, "a correction takes nothing away");
    newsroom.act(story, Deed::Kill, "Do not use.").await;
    newsroom.act(story, RESTORE, "").await;
    running.caught_up(&newsroom).await;
    assert_eq!(ids(&url, WT_CHANGES).await, [format!("{story}:3"), format!("{story}:4")]);
    assert_eq!(
        recalls(&url).await,
        [
            (format!("recall:{story}:2"), Kind::Correction, vec![1], Status::Usable),
            (format!("recall:{story}:3"), Kind::Kill, vec![2], Status::Killed),
        ]
    );
    let articles = stored(&url, WT_ARTICLES).await;
    let article: CloudEvent<ArticleView> = serde_json::from_slice(&articles[0].payload).expect("an article");
    assert_eq!((article.data.blocks[0].text.as_str(), article.data.status), ("6 dead.", Status::Usable));
    running.stop().await;
}

#[tokio::test]
async fn a_publisher_that_was_away_sends_recalls_and_no_voided_word() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let url = server.url();
    let mut running = Running::begin(&newsroom, &url);
    let story = newsroom.file("quake", &["Poison canary.", "4 dead."]).await;
    running.caught_up(&newsroom).await;
    running.stop().await;
    newsroom.correct("quake", &["Poison canary.", "6 dead."]).await;
    newsroom.file_on("science", "quake", &["Poison canary.", "7 dead."]).await;
    newsroom.act(story, Deed::Kill, "Do not use.").await;

    let mut running = Running::begin(&newsroom, &url);
    running.caught_up(&newsroom).await;
    is_nowhere(&url, "canary").await;
    let named: Vec<_> = recalls(&url).await.into_iter().map(|(id, _, voids, _)| (id, voids)).collect();
    let id = |end: &str| format!("recall:{story}:{end}");
    assert_eq!(
        named,
        [(id("2"), vec![1]), (id("4"), vec![2, 3]), (id("4:world"), vec![2, 3])],
        "the desk that it left without hearing of it hears of the kill"
    );
    assert_eq!(ids(&url, WT_CHANGES).await, [format!("{story}:4"), format!("{story}:4:world")]);
    let articles = stored(&url, WT_ARTICLES).await;
    let subjects: Vec<_> = articles.iter().map(|article| article.subject.clone()).collect();
    assert_eq!(subjects, [format!("wt.v1.article.science.{story}")]);
    running.stop().await;
}

#[tokio::test]
async fn a_purge_that_a_crash_kept_from_happening_is_done_at_the_next_start() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let url = server.url();
    let notes = newsroom.path().join("publisher.json");
    let mut running = Running::begin(&newsroom, &url);
    let story = newsroom.file("quake", &["Poison canary."]).await;
    running.caught_up(&newsroom).await;
    running.stop().await;
    let noted = std::fs::read(&notes).expect("notes");
    newsroom.act(story, Deed::Kill, "").await;
    let row = newsroom.views.changes(log::Position::ZERO, 10).await.expect("changes").remove(0);

    // As a crash leaves it: the tombstone is stored, what was before it is still there, and the notes
    // are those from before.
    let jetstream = jetstream::new(nats::client(&url).await);
    let subject = Subject::change(&row.desk, row.kind, row.level, row.story).to_string();
    let message = jetstream::message::PublishMessage::build()
        .payload(row.event.clone())
        .header("Content-Type", CloudEvent::MEDIA_TYPE)
        .message_id(wire::message_id(row.story, row.to));
    jetstream.send_publish(subject, message).await.expect("sent").await.expect("stored");
    std::fs::write(&notes, noted).expect("notes");
    assert_eq!(stored(&url, WT_CHANGES).await.len(), 2);

    let mut running = Running::begin(&newsroom, &url);
    running.caught_up(&newsroom).await;
    is_nowhere(&url, "canary").await;
    assert_eq!(ids(&url, WT_CHANGES).await, [format!("{story}:2")]);
    running.stop().await;
}

#[tokio::test]
async fn recalls_that_nats_lost_come_back_without_the_changes() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let url = server.url();
    let mut running = Running::begin(&newsroom, &url);
    newsroom.file("quake", &["4 dead."]).await;
    newsroom.correct("quake", &["6 dead."]).await;
    running.caught_up(&newsroom).await;
    running.stop().await;
    let before = recalls(&url).await;
    let jetstream = jetstream::new(nats::client(&url).await);
    jetstream.delete_stream(WT_RECALLS).await.expect("deleted");

    let mut running = Running::begin(&newsroom, &url);
    running.caught_up(&newsroom).await;
    assert_eq!(recalls(&url).await, before);
    assert_eq!(stored(&url, WT_CHANGES).await.len(), 2);
    running.stop().await;
}

async fn say(url: &str, subject: &str, payload: &[u8]) {
    let jetstream = jetstream::new(nats::client(url).await);
    let sent = jetstream.publish(subject.to_owned(), payload.to_vec().into()).await.expect("sent");
    sent.await.expect("stored");
}

#[tokio::test]
async fn acknowledgements_are_kept_until_they_are_stored() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let url = server.url();
    let story = newsroom.file("quake", &["4 dead."]).await;
    // Nobody stores them yet: they wait.
    let mut running = Running::begin(&newsroom, &url);
    running.caught_up(&newsroom).await;
    let subject = Subject::ack(&"partner".parse().expect("a subscriber")).to_string();
    say(&url, &subject, b"{\"story\":1}").await;
    say(&url, &subject, &Acknowledgement::of_recall(story, Revision(1)).to_json()).await;
    running.stop().await;

    // Handed over, but not stored: it comes again.
    let (sender, mut waiting) = mpsc::channel::<Acknowledged>(1);
    let running = Running::of(&newsroom, &url, |publisher| publisher.with_acknowledgements(sender));
    let first = waiting.recv().await.expect("an acknowledgement");
    let sequence = first.sequence;
    drop(first);
    let again = waiting.recv().await.expect("an acknowledgement");
    assert_eq!((again.subscriber.as_str(), again.sequence), ("partner", sequence));
    let receipt = Receipt { story, revision: Revision(1) };
    assert_eq!(again.acknowledgement, Acknowledgement { recall: Some(receipt), received: Vec::new() });
    again.stored();
    let receipts = Acknowledgement { recall: None, received: vec![receipt] };
    say(&url, &subject, &receipts.to_json()).await;
    let next = waiting.recv().await.expect("an acknowledgement");
    assert_eq!(next.acknowledgement, receipts);
    next.stored();

    // Stored ones and the one that is none are done with.
    let jetstream = jetstream::new(nats::client(&url).await);
    let stream = jetstream.get_stream(WT_ACKS).await.expect("a stream");
    while stream.get_info().await.expect("an answer").state.messages > 0 {
        tokio::task::yield_now().await;
    }
    running.stop().await;
}

#[tokio::test]
async fn what_leaves_of_a_story_that_was_under_embargo_is_told_and_nothing_else_is() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let tells = Arc::clone(&told);
    let tell = move |stream, leaving: Leaving| {
        tells.lock().expect("no panic").push((stream, leaving));
    };
    let mut running = Running::of(&newsroom, &server.url(), |publisher| publisher.with_listener(tell));
    newsroom.file("quake", &["Four dead."]).await;
    let story = newsroom.file("budget", &["It rises."]).await;
    newsroom.act(story, Deed::Unpublish, "").await;
    let until = "2100-01-01T09:00:00Z".parse().expect("a time");
    newsroom.act(story, Deed::Embargo(until), "").await;
    running.caught_up(&newsroom).await;
    assert_eq!(told.lock().expect("no panic")[..], [], "nothing has left since there is an embargo");
    newsroom.act(story, Deed::LiftEmbargo, "").await;
    running.caught_up(&newsroom).await;
    let left = |revision| Leaving { story, revision: Revision(revision), embargo: Revision(3) };
    let released = [(Stream::Changes, left(4)), (Stream::Articles, left(4))];
    assert_eq!(told.lock().expect("no panic")[..], released);
    newsroom.act(story, Deed::Kill, "").await;
    running.caught_up(&newsroom).await;
    let killed = [(Stream::Recalls, left(5)), (Stream::Changes, left(5)), (Stream::Articles, left(5))];
    assert_eq!(told.lock().expect("no panic")[2..], killed);
    running.stop().await;
    server.stop().await;
}
