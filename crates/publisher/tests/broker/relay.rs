//! The publisher between real views and a real nats-server, through every kind of failure.

use std::collections::HashMap;

use crate::nats;
use crate::newsroom::{EPOCH, Newsroom};
use crate::publisher::server::NatsServer;
use crate::publisher::{Options, Publisher, PublisherStatus, Retention};
use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use futures::StreamExt;
use log::Position;
use projector::ChangeRow;
use rustix::process::{Pid, Signal, kill_process};
use story::StoryId;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::{ArticleMessage, ArticleView, Change, ChangeBody, CloudEvent, Subject, WT_ARTICLES, WT_CHANGES};

/// A publisher that runs.
pub(crate) struct Running {
    task: JoinHandle<()>,
    shutdown: CancellationToken,
    status: watch::Receiver<PublisherStatus>,
}

impl Running {
    pub(crate) fn begin(newsroom: &Newsroom, url: &str) -> Self {
        Self::of(newsroom, url, |publisher| publisher)
    }

    pub(crate) fn of(newsroom: &Newsroom, url: &str, with: impl FnOnce(Publisher) -> Publisher) -> Self {
        Self::noting(newsroom, url, newsroom.path().join("publisher.json"), with)
    }

    pub(crate) fn noting(
        newsroom: &Newsroom,
        url: &str,
        checkpoint: std::path::PathBuf,
        with: impl FnOnce(Publisher) -> Publisher,
    ) -> Self {
        let options = Options { epoch: EPOCH, checkpoint, retention: Retention::default() };
        let publisher =
            with(Publisher::new(newsroom.views.clone(), url.parse().expect("an address"), options));
        let (status, shutdown) = (publisher.status(), CancellationToken::new());
        Self { task: tokio::spawn(publisher.run(shutdown.clone())), shutdown, status }
    }

    /// Returns once NATS has everything that the views have.
    pub(crate) async fn caught_up(&mut self, newsroom: &Newsroom) {
        let head = newsroom.views.position();
        self.status.wait_for(|status| status.published >= head).await.expect("it runs");
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("it ends");
    }
}

/// A message of a stream: subject, id, position, body.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) subject: String,
    pub(crate) id: Option<String>,
    pub(crate) payload: Vec<u8>,
}

pub(crate) async fn stored(url: &str, stream: &str) -> Vec<Stored> {
    let jetstream = jetstream::new(nats::client(url).await);
    let stream = jetstream.get_stream(stream).await.expect("a stream");
    let config = pull::Config {
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::None,
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await.expect("a consumer");
    let count = usize::try_from(consumer.cached_info().num_pending).expect("a small number");
    if count == 0 {
        return Vec::new();
    }
    let messages = consumer.stream().messages().await.expect("messages");
    let stored = messages.take(count).map(|message| {
        let message = message.expect("a message");
        let header = |name: &str| Some(message.headers.as_ref()?.get(name)?.as_str().to_owned());
        assert_eq!(header("Content-Type").as_deref(), Some(CloudEvent::MEDIA_TYPE));
        Stored {
            subject: message.subject.to_string(),
            id: header("Nats-Msg-Id"),
            payload: message.payload.to_vec(),
        }
    });
    stored.collect().await
}

async fn rows(newsroom: &Newsroom) -> Vec<ChangeRow> {
    newsroom.views.changes(Position::ZERO, 1_000).await.expect("changes")
}

/// Returns what the stream of changes must hold: every change once, on its subject.
async fn expected(newsroom: &Newsroom) -> Vec<(String, String, Vec<u8>)> {
    let rows = rows(newsroom).await.into_iter().map(|row| {
        let subject = Subject::change(&row.desk, row.kind, row.level, row.story).to_string();
        (subject, wire::message_id(row.story, row.to), row.event.to_vec())
    });
    rows.collect()
}

/// Returns the messages in order without repeats.
fn once(stored: Vec<Stored>) -> Vec<(String, String, Vec<u8>)> {
    let mut seen = std::collections::HashSet::new();
    let messages = stored.into_iter().map(|one| (one.subject, one.id.expect("an id"), one.payload));
    messages.filter(|(_, id, _)| seen.insert(id.clone())).collect()
}

fn per_story(messages: Vec<(String, String, Vec<u8>)>) -> HashMap<String, Vec<(String, String, Vec<u8>)>> {
    let mut stories: HashMap<_, Vec<_>> = HashMap::new();
    for message in messages {
        let story = message.1.split(':').next().expect("a story").to_owned();
        stories.entry(story).or_default().push(message);
    }
    stories
}

/// Sees that every change is there, each story's in order, and each story's newest article.
pub(crate) async fn check(newsroom: &Newsroom, url: &str) {
    let changes = once(stored(url, WT_CHANGES).await);
    assert_eq!(per_story(changes), per_story(expected(newsroom).await));
    let articles = stored(url, WT_ARTICLES).await;
    let newest: HashMap<_, _> = rows(newsroom).await.into_iter().map(|row| (row.story, row)).collect();
    assert_eq!(articles.len(), newest.len());
    for row in newest.values() {
        let subject = Subject::article(&row.desk, row.story).to_string();
        let article = articles.iter().find(|article| article.subject == subject).expect("an article");
        assert_eq!(article.payload, row.article, "{subject} is old");
    }
}

pub(crate) fn kill(server: &NatsServer) {
    let process = i32::try_from(server.process().expect("it runs")).expect("an id");
    kill_process(Pid::from_raw(process).expect("an id"), Signal::KILL).expect("killed");
}

async fn updates(newsroom: &Newsroom, slug: &str, numbers: std::ops::RangeInclusive<u32>) -> StoryId {
    let mut story = None;
    for number in numbers {
        story = Some(newsroom.file(slug, &["The ground shook.", &format!("Dead: {number}.")]).await);
    }
    story.expect("at least one")
}

#[tokio::test]
async fn every_story_is_relayed_in_order_with_its_newest_article() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    updates(&newsroom, "quake", 1..=5).await;
    let mut running = Running::begin(&newsroom, &server.url());
    running.caught_up(&newsroom).await;
    updates(&newsroom, "flood", 1..=5).await;
    updates(&newsroom, "quake", 6..=9).await;
    running.caught_up(&newsroom).await;

    check(&newsroom, &server.url()).await;
    let status = running.status.borrow().clone();
    assert!(status.connected && status.lag == 0 && status.last_error.is_none(), "{status:?}");
    running.stop().await;
}

#[tokio::test]
async fn changes_wait_while_nats_is_not_there_and_flow_when_it_comes() {
    let newsroom = Newsroom::open().await;
    // A port that is free now: a server took it, and is gone.
    let place = newsroom.path().join("nats");
    let gone = nats::start(&place, None).await;
    let (url, port) = (gone.url(), gone.url().rsplit(':').next().expect("a port").parse().expect("a port"));
    gone.stop().await;

    let mut running = Running::begin(&newsroom, &url);
    updates(&newsroom, "quake", 1..=5).await;
    let waiting = running.status.wait_for(|status| status.lag == 5).await.expect("it runs").clone();
    assert!(!waiting.connected);

    let server = nats::start(&place, Some(port)).await;
    running.caught_up(&newsroom).await;
    check(&newsroom, &server.url()).await;
    running.stop().await;
}

#[tokio::test]
async fn nothing_is_lost_or_reordered_when_nats_is_killed_on_the_way() {
    let newsroom = Newsroom::open().await;
    let place = newsroom.path().join("nats");
    let mut server = nats::start(&place, None).await;
    let url = server.url();
    let port = url.rsplit(':').next().expect("a port").parse().expect("a port");
    let mut running = Running::begin(&newsroom, &url);
    for round in 0..3 {
        updates(&newsroom, "quake", round * 20 + 1..=round * 20 + 10).await;
        // No waiting for the relay: it is killed wherever it is.
        kill(&server);
        updates(&newsroom, "flood", round * 20 + 1..=round * 20 + 10).await;
        server.stop().await;
        server = nats::start(&place, Some(port)).await;
    }
    running.caught_up(&newsroom).await;
    check(&newsroom, &url).await;
    running.stop().await;
}

#[tokio::test]
async fn a_publisher_that_starts_again_goes_on_where_it_stopped() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    for round in 0..3 {
        let mut running = Running::begin(&newsroom, &server.url());
        updates(&newsroom, "quake", round * 10 + 1..=round * 10 + 5).await;
        running.caught_up(&newsroom).await;
        running.stop().await;
        updates(&newsroom, "quake", round * 10 + 6..=round * 10 + 9).await;
    }
    // The window in which NATS itself would notice a repeat must not be what saves us.
    let before = stored(&server.url(), WT_ARTICLES).await.len();
    assert_eq!(before, 1);
    let mut running = Running::begin(&newsroom, &server.url());
    running.caught_up(&newsroom).await;
    running.stop().await;

    let jetstream = jetstream::new(nats::client(&server.url()).await);
    let info = jetstream.get_stream(WT_ARTICLES).await.expect("a stream");
    let written = info.cached_info().state.last_sequence;
    check(&newsroom, &server.url()).await;
    let mut idle = Running::begin(&newsroom, &server.url());
    idle.caught_up(&newsroom).await;
    idle.stop().await;
    let info = jetstream.get_stream(WT_ARTICLES).await.expect("a stream");
    assert_eq!(info.cached_info().state.last_sequence, written, "an article was sent again");
}

#[tokio::test]
async fn a_publisher_that_lost_its_notes_goes_on_where_the_streams_say() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let mut running = Running::begin(&newsroom, &server.url());
    updates(&newsroom, "quake", 1..=30).await;
    running.caught_up(&newsroom).await;
    running.stop().await;
    std::fs::remove_file(newsroom.path().join("publisher.json")).expect("notes");
    let jetstream = jetstream::new(nats::client(&server.url()).await);
    let articles = jetstream.get_stream(WT_ARTICLES).await.expect("a stream");
    let before = articles.get_info().await.expect("an answer").state.last_sequence;

    let mut running = Running::begin(&newsroom, &server.url());
    running.caught_up(&newsroom).await;
    let after = articles.get_info().await.expect("an answer").state.last_sequence;
    assert!(after <= before + 1, "{} articles were sent again", after - before);
    check(&newsroom, &server.url()).await;
    running.stop().await;
}

#[tokio::test]
async fn a_nats_that_lost_everything_gets_everything_again() {
    let newsroom = Newsroom::open().await;
    let place = newsroom.path().join("nats");
    let server = nats::start(&place, None).await;
    let (url, port) =
        (server.url(), server.url().rsplit(':').next().expect("a port").parse().expect("a port"));
    let mut running = Running::begin(&newsroom, &url);
    updates(&newsroom, "quake", 1..=10).await;
    updates(&newsroom, "flood", 1..=10).await;
    running.caught_up(&newsroom).await;

    server.stop().await;
    std::fs::remove_dir_all(place.join("jetstream")).expect("a store");
    let server = nats::start(&place, Some(port)).await;
    let jetstream = jetstream::new(nats::client(&url).await);
    while jetstream.get_stream(WT_ARTICLES).await.is_err() {
        tokio::task::yield_now().await;
    }
    updates(&newsroom, "flood", 11..=11).await;
    running.caught_up(&newsroom).await;
    check(&newsroom, &server.url()).await;
    running.stop().await;
}

#[tokio::test]
async fn articles_that_were_deleted_come_back_without_the_changes() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let mut running = Running::begin(&newsroom, &server.url());
    updates(&newsroom, "quake", 1..=3).await;
    updates(&newsroom, "flood", 1..=3).await;
    running.caught_up(&newsroom).await;
    running.stop().await;
    let jetstream = jetstream::new(nats::client(&server.url()).await);
    jetstream.delete_stream(WT_ARTICLES).await.expect("deleted");

    let mut running = Running::begin(&newsroom, &server.url());
    running.caught_up(&newsroom).await;
    check(&newsroom, &server.url()).await;
    assert_eq!(stored(&server.url(), WT_CHANGES).await.len(), 6);
    running.stop().await;
}

#[tokio::test]
async fn a_story_that_changes_desks_leaves_no_article_behind_and_tells_the_desk_it_leaves() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let mut running = Running::begin(&newsroom, &server.url());
    newsroom.file_on("world", "quake", &["The ground shook."]).await;
    running.caught_up(&newsroom).await;
    let story = newsroom.file_on("science", "quake", &["The ground shook.", "Why it shook."]).await;
    running.caught_up(&newsroom).await;

    let articles = stored(&server.url(), WT_ARTICLES).await;
    let subjects: Vec<_> = articles.iter().map(|article| article.subject.clone()).collect();
    assert_eq!(subjects, [format!("wt.v1.article.science.{story}")]);
    let changes = stored(&server.url(), WT_CHANGES).await;
    let ids: Vec<_> = changes.iter().map(|change| change.id.clone().expect("an id")).collect();
    assert_eq!(ids, [format!("{story}:1"), format!("{story}:2"), format!("{story}:2:world")]);
    assert!(changes[1].subject.starts_with("wt.v1.change.science."));
    assert!(changes[2].subject.starts_with("wt.v1.change.world."));
    assert_eq!(changes[1].payload, changes[2].payload);
    running.stop().await;
}

#[tokio::test]
async fn what_is_too_large_for_a_message_is_sent_as_a_reference() {
    let newsroom = Newsroom::open().await;
    let server = nats::start(&newsroom.path().join("nats"), None).await;
    let mut running = Running::begin(&newsroom, &server.url());
    let large = "All of it is true. ".repeat(10_000);
    let texts = vec![large.as_str(); 7];
    let story = newsroom.file("archive", &texts).await;
    running.caught_up(&newsroom).await;

    let path = format!("/v1/stories/{story}?as_of=rev:1");
    let changes = stored(&server.url(), WT_CHANGES).await;
    let change: CloudEvent<Change> = serde_json::from_slice(&changes[0].payload).expect("a change");
    assert_eq!(change.data.body, ChangeBody::Fetch(path.clone()));
    let articles = stored(&server.url(), WT_ARTICLES).await;
    let article: CloudEvent<ArticleMessage> =
        serde_json::from_slice(&articles[0].payload).expect("an article");
    let row = &rows(&newsroom).await[0];
    let whole: CloudEvent<ArticleView> = serde_json::from_slice(&row.article).expect("an article");
    match article.data {
        ArticleMessage::Reference(reference) => {
            assert_eq!((reference.fetch, reference.hash), (path, whole.data.hash));
        }
        ArticleMessage::Whole(_) => panic!("{} bytes were sent", articles[0].payload.len()),
    }
    running.stop().await;
}

#[tokio::test]
async fn a_stop_is_quick_though_nats_is_not_there() {
    let newsroom = Newsroom::open().await;
    updates(&newsroom, "quake", 1..=2).await;
    let running = Running::begin(&newsroom, "nats://127.0.0.1:1");
    running.stop().await;
}
