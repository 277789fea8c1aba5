//! Publishers that all believe it is their turn: what they send together is what one would have sent.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::stream::Config;
use story::Deed;
use wire::{Subject, WT_ARTICLES, WT_CHANGES, WT_RECALLS};

use crate::nats;
use crate::newsroom::Newsroom;
use crate::publisher::Publisher;
use crate::relay::{Running, check, stored};

/// Makes the streams so that the server forgets ids at once: only the order of a story guards it.
async fn forgetful_streams(url: &str) {
    let context = jetstream::new(nats::client(url).await);
    for (name, subjects) in [(WT_CHANGES, Subject::CHANGES), (WT_RECALLS, Subject::RECALLS)] {
        let config = Config {
            name: name.to_owned(),
            subjects: vec![subjects.to_owned()],
            duplicate_window: Duration::from_millis(100),
            allow_direct: true,
            ..Config::default()
        };
        context.create_stream(config).await.expect("made");
    }
}

fn rivals(newsroom: &Newsroom, url: &str) -> Vec<Running> {
    let rival = |number: u32| {
        let notes = newsroom.path().join(format!("publisher-{number}.json"));
        Running::noting(newsroom, url, notes, Publisher::with_rivals)
    };
    (0..3).map(rival).collect()
}

/// Returns the ids of the stream of changes, in order.
async fn ids(url: &str) -> Vec<String> {
    stored(url, WT_CHANGES).await.into_iter().map(|one| one.id.expect("an id")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rivals_send_every_change_once_and_each_story_in_order() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(newsroom.path(), None).await;
    let url = server.url();
    forgetful_streams(&url).await;
    let mut running = rivals(&newsroom, &url);
    for round in 0..15 {
        for slug in ["storm", "flood", "quake"] {
            newsroom.file(slug, &[&format!("{round} ships are overdue.")]).await;
        }
    }
    for one in &mut running {
        one.caught_up(&newsroom).await;
    }
    check(&newsroom, &url).await;
    let sent = ids(&url).await;
    let mut once = sent.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), sent.len(), "a change was stored twice: {sent:?}");
    assert_eq!(sent.len(), 45);
    for one in running {
        one.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rivals_leave_nothing_of_a_killed_story_but_its_end_on_every_desk() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(newsroom.path(), None).await;
    let url = server.url();
    forgetful_streams(&url).await;
    let mut running = rivals(&newsroom, &url);
    for desk in ["world", "storms", "sport"] {
        newsroom.file_on(desk, "storm", &[&format!("Ships for {desk}.")]).await;
    }
    let story = newsroom.file_on("world", "storm", &["Ships are back."]).await;
    for one in &mut running {
        one.caught_up(&newsroom).await;
    }
    newsroom.act(story, Deed::Kill, "It was wrong.").await;
    for one in &mut running {
        one.caught_up(&newsroom).await;
    }
    let left = stored(&url, WT_CHANGES).await;
    let mut subjects: Vec<&str> = left.iter().map(|one| one.subject.as_str()).collect();
    subjects.sort_unstable();
    let mut once = subjects.clone();
    once.dedup();
    assert_eq!(once, subjects);
    assert!(left.iter().all(|one| one.subject.contains(".kill.")), "{subjects:?}");
    for desk in ["world", "storms", "sport"] {
        assert!(subjects.iter().any(|subject| subject.contains(desk)), "{desk}: {subjects:?}");
    }
    assert_eq!(stored(&url, WT_ARTICLES).await.len(), 1);
    assert_eq!(stored(&url, WT_RECALLS).await.len(), 3);
    for one in running {
        one.stop().await;
    }
}
