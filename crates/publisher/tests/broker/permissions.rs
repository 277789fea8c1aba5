//! What each user may do works, and what it may not is refused, on a real nats-server.
//!
//! What is refused is said by the server; NATS keeps the order of a connection, so once a later word
//! is refused, all before it is decided. What passes between accounts is the matter of `accounts.rs`.

use std::collections::BTreeSet;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull, push};
use async_nats::jetstream::{self};
use async_nats::{Message, Subscriber};
use futures::{FutureExt, StreamExt};
use wire::{WT_ACKS, WT_ARTICLES, WT_CHANGES, WT_RECALLS};

use crate::place::{ARTICLE, CHANGE, Place, RECALL, Sent, durable};

/// What everyone may ask.
const MARKER: &str = "wt.v1.desk.info";
const ALL: [&str; 5] = ["service", "editor", "bob", "eve", "public"];
const READERS: [&str; 3] = ["bob", "eve", "public"];
/// Where a reader may not publish, but may want an answer to go.
const ELSEWHERE: [&str; 8] = [
    ARTICLE,
    CHANGE,
    RECALL,
    "wt.v1.ack.eve",
    "wt.v1.desk.push",
    "_INBOX_eve.x",
    "$JS.API.STREAM.PURGE.WT_ARTICLES",
    "$JS.API.CONSUMER.MSG.NEXT.WT_CHANGES.eve",
];

/// Subject, body, and who may publish it.
fn publishing() -> Vec<(String, String, Vec<&'static str>)> {
    let mut rows: Vec<(String, String, Vec<&'static str>)> = Vec::new();
    let mut row = |subject: &str, body: &str, who: &[&'static str]| {
        rows.push((subject.to_owned(), body.to_owned(), who.to_vec()));
    };
    for verb in ["show", "list", "history", "diff"] {
        row(&format!("wt.v1.desk.{verb}"), "{}", &ALL);
    }
    for verb in ["push", "act", "entry", "a_verb_of_tomorrow"] {
        row(&format!("wt.v1.desk.{verb}"), "{}", &["service", "editor"]);
    }
    row("wt.v1.ack.bob", "{}", &["service", "bob"]);
    row("wt.v1.ack.x", "{}", &["service"]);
    let service_only = [
        "wt.v1.change.world.update.notable.s2",
        "wt.v1.article.world.s2",
        "wt.v1.recall.world.s2",
        "wt.v1.checkpoint",
        "wt.v1.other",
        "wt.log.s1",
        "wt.log.0.s1",
        "wt.words.0.story.s1",
        "wt.names.0.x",
        "wt.logged.0.wt.log.0.s1",
        "wt.registry.0",
        "wt.webhooks.0",
        "$KV.WT_LEASES.publisher",
        "$KV.WT_HEADS.0.1",
        "wt",
        "other",
        "$SYS.REQ.SERVER.PING",
        "$SRV.PING",
        "$JS.EVENT.ADVISORY.x",
        "_INBOX_service.x",
        "_INBOX_editor.x",
        "_INBOX_bob.x",
        "_INBOX.x",
        "$KV.x.y",
        "_R_.x.y",
        "$JS.API.x",
    ];
    for subject in service_only {
        row(subject, "{}", &["service"]);
    }
    rows
}

/// Calls of `JetStream`: subject, body, and who may make them. Made as the service they would do
/// what they say, so it is left out.
fn calling() -> Vec<(String, String, Vec<&'static str>)> {
    let mut rows: Vec<(String, String, Vec<&'static str>)> = Vec::new();
    let mut row = |call: &str, body: &str, who: &[&'static str]| {
        rows.push((format!("$JS.{call}"), body.to_owned(), who.to_vec()));
    };
    row("API.INFO", "", &READERS);
    row("API.STREAM.NAMES", "", &READERS);
    for stream in [WT_CHANGES, WT_ARTICLES, WT_RECALLS] {
        for call in ["STREAM.INFO", "STREAM.MSG.GET", "DIRECT.GET"] {
            row(&format!("API.{call}.{stream}"), "{\"seq\":1}", &READERS);
        }
        row(&format!("API.DIRECT.GET.{stream}.{CHANGE}"), "", &READERS);
        for call in ["CONSUMER.INFO", "CONSUMER.MSG.NEXT"] {
            row(&format!("API.{call}.{stream}.any"), "{\"batch\":1,\"no_wait\":true}", &READERS);
        }
        row(&format!("ACK.{stream}.any.1.1.1.1.0"), "", &READERS);
        row(&format!("FC.{stream}.any.x"), "", &READERS);
    }
    for stream in [WT_CHANGES, WT_ARTICLES, WT_RECALLS] {
        // The name in the body is not the server's to follow.
        let body = format!(
            "{{\"stream_name\":\"{stream}\",\"config\":{{\"name\":\"eve\",\"ack_policy\":\"none\"}}}}"
        );
        row(&format!("API.CONSUMER.CREATE.{stream}"), &body, &READERS);
    }
    row(&format!("API.CONSUMER.CREATE.{WT_ACKS}"), "{}", &[]);
    for name in ["any", "any.wt.v1.change.world.>"] {
        row(&format!("API.CONSUMER.CREATE.{WT_CHANGES}.{name}"), "{}", &READERS);
    }
    let config = |name: &str| {
        format!(
            "{{\"stream_name\":\"{WT_CHANGES}\",\"config\":{{\"durable_name\":\"{name}\",\"ack_policy\":\"none\"}}}}"
        )
    };
    // What is eve's is hers alone; of bob there is none, so it does nothing.
    for (call, name) in [("MSG.NEXT", "bob"), ("DURABLE.CREATE", "bob"), ("DELETE", "bob")] {
        row(&format!("API.CONSUMER.{call}.{WT_CHANGES}.{name}"), "{}", &["bob"]);
    }
    row(&format!("API.CONSUMER.CREATE.{WT_CHANGES}.bob.wt.v1.change.world.>"), "{}", &["bob"]);
    row(&format!("ACK.{WT_CHANGES}.bob.1.1.1.1.0"), "", &["bob"]);
    for call in
        ["MSG.NEXT", "CREATE", "DURABLE.CREATE", "DELETE", "PAUSE", "UNPIN", "RESET", "LEADER.STEPDOWN"]
    {
        row(&format!("API.CONSUMER.{call}.{WT_CHANGES}.eve"), &config("eve"), &[]);
    }
    row(&format!("API.CONSUMER.CREATE.{WT_CHANGES}.eve.{CHANGE}"), &config("eve"), &[]);
    row(&format!("ACK.{WT_CHANGES}.eve.1.1.1.1.0"), "", &[]);
    for call in ["CREATE.EVIL", "UPDATE.EVIL", "DELETE.EVIL"] {
        row(&format!("API.STREAM.{call}"), "{\"name\":\"EVIL\",\"subjects\":[\"evil\"]}", &[]);
    }
    for stream in [WT_CHANGES, WT_ARTICLES, WT_RECALLS, WT_ACKS] {
        let update =
            format!("{{\"name\":\"{stream}\",\"subjects\":[\"elsewhere.{stream}\"],\"max_msgs\":1}}");
        row(&format!("API.STREAM.UPDATE.{stream}"), &update, &[]);
        row(&format!("API.STREAM.MSG.DELETE.{stream}"), "{\"seq\":1}", &[]);
        for call in ["DELETE", "PURGE", "SNAPSHOT", "RESTORE", "LEADER.STEPDOWN", "PEER.REMOVE"] {
            row(&format!("API.STREAM.{call}.{stream}"), "", &[]);
        }
        row(&format!("API.CONSUMER.DELETE.{stream}.any"), "", &[]);
        row(&format!("API.CONSUMER.NAMES.{stream}"), "", &[]);
    }
    for call in ["STREAM.INFO", "STREAM.MSG.GET", "DIRECT.GET"] {
        row(&format!("API.{call}.{WT_ACKS}"), "{\"seq\":1}", &[]);
    }
    for call in
        ["STREAM.LIST", "STREAM.TEMPLATE.NAMES", "META.LEADER.STEPDOWN", "SERVER.REMOVE", "ACCOUNT.PURGE.x"]
    {
        row(&format!("API.{call}"), "", &[]);
    }
    row(&format!("API.CONSUMER.CREATE.{WT_ACKS}.any"), "{}", &[]);
    row(&format!("API.CONSUMER.MSG.NEXT.{WT_ACKS}.writethru"), "1", &[]);
    row(&format!("ACK.{WT_ACKS}.writethru.1.1.1.1.0"), "", &[]);
    rows
}

/// Calls about the event log and the leases, which are the service's alone.
fn calling_the_log() -> Vec<(String, String, Vec<&'static str>)> {
    let calls =
        ["STREAM.INFO", "STREAM.MSG.GET", "DIRECT.GET", "STREAM.PURGE", "STREAM.DELETE", "CONSUMER.CREATE"];
    let of_consumers = ["CONSUMER.CREATE", "CONSUMER.MSG.NEXT", "CONSUMER.DURABLE.CREATE"];
    let of = |stream: &str| {
        let calls = calls.map(|call| format!("$JS.API.{call}.{stream}"));
        let more = of_consumers.map(|call| format!("$JS.API.{call}.{stream}.any"));
        calls
            .into_iter()
            .chain(more)
            .map(|call| (call, "{\"seq\":1}".to_owned(), Vec::new()))
            .collect::<Vec<_>>()
    };
    ["WT_LOG_0", "WT_WORDS_0", "WT_NAMES_0", "KV_WT_LEASES"].into_iter().flat_map(of).collect()
}

#[tokio::test]
async fn each_user_publishes_what_it_may_and_nothing_else() {
    let place = Place::open().await;
    for user in ["editor", "bob", "eve", "public"] {
        check_publishing(&place, user, &publishing(), None).await;
    }
}

#[tokio::test]
async fn no_user_but_the_service_changes_what_is_stored() {
    let place = Place::open().await;
    let before = place.state().await;
    let mut heard = place.listen().await;
    for user in ["editor", "bob", "public"] {
        for reply in [None].into_iter().chain(ELSEWHERE.map(Some)) {
            check_publishing(&place, user, &calling(), reply).await;
            assert_eq!(place.state().await, before, "{user} has changed something, answered at {reply:?}");
        }
    }
    for user in ["editor", "public"] {
        for reply in [None].into_iter().chain(ELSEWHERE.map(Some)) {
            check_publishing(&place, user, &publishing(), reply).await;
            assert_eq!(place.state().await, before, "{user} has changed something, answered at {reply:?}");
        }
    }
    for user in ["editor", "bob", "public"] {
        check_publishing(&place, user, &calling_the_log(), None).await;
    }
    let mut heard = heard.of_others().await;
    heard.retain(|subject| !subject.starts_with("wt.v1.desk."));
    assert_eq!(heard, Vec::<String>::new(), "the desk's account has heard it");
}

async fn check_publishing(
    place: &Place,
    user: &str,
    rows: &[(String, String, Vec<&str>)],
    reply: Option<&str>,
) {
    let sent = |(subject, body, _): &(String, String, Vec<&str>)| {
        let (subject, body) = (subject.clone(), body.clone());
        Sent { subject, reply: reply.map(str::to_owned), body }
    };
    let refused = place.refused(user, &rows.iter().map(sent).collect::<Vec<_>>()).await;
    for (subject, _, who) in rows {
        assert_eq!(refused.contains(subject), !who.contains(&user), "{user} publishes {subject}");
    }
}

/// The service publishes to itself: it is never refused, so what arrives is looked at.
#[tokio::test]
async fn the_service_publishes_everything() {
    let place = Place::open().await;
    let mut heard = place.listen().await;
    let rows = publishing();
    for (subject, body, _) in &rows {
        place.service.publish(subject.clone(), body.clone().into()).await.expect("taken");
    }
    let arrived = heard.subjects().await;
    let expected: BTreeSet<String> = rows.into_iter().map(|(subject, ..)| subject).collect();
    assert_eq!(expected.difference(&arrived).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// Filter, a subject that it takes in, and who hears it when the service says it.
const SUBSCRIBING: [(&str, &str, &[&str]); 24] = [
    ("wt.v1.change.>", CHANGE, &["service", "bob", "eve", "public"]),
    ("wt.v1.change.world.>", CHANGE, &["service", "bob", "eve", "public"]),
    ("wt.v1.article.>", ARTICLE, &["service", "bob", "eve", "public"]),
    ("wt.v1.recall.*.*", RECALL, &["service", "bob", "eve", "public"]),
    ("wt.v1.checkpoint", "wt.v1.checkpoint", &["service", "bob", "eve", "public"]),
    ("wt.v1.ack.*", "wt.v1.ack.bob", &["service"]),
    ("wt.v1.ack.bob", "wt.v1.ack.bob", &["service"]),
    ("wt.v1.desk.>", "wt.v1.desk.push", &["service"]),
    ("wt.v1.desk.show", "wt.v1.desk.show", &["service"]),
    ("wt.v1.>", CHANGE, &["service"]),
    ("*.v1.change.>", CHANGE, &["service"]),
    (">", CHANGE, &["service"]),
    ("wt.log.>", "wt.log.s1", &["service"]),
    ("wt.words.>", "wt.words.0.story.s1", &["service"]),
    ("wt.logged.>", "wt.logged.0.wt.log.0.s1", &["service"]),
    ("$SYS.>", "$SYS.x", &["service"]),
    ("$JS.EVENT.>", "$JS.EVENT.x", &["service"]),
    ("$KV.>", "$KV.x.y", &["service"]),
    ("_R_.>", "_R_.x.y", &["service"]),
    ("_INBOX.>", "_INBOX.x", &["service"]),
    ("_INBOX_service.>", "_INBOX_service.x", &["service"]),
    ("_INBOX_editor.>", "_INBOX_editor.x", &["service", "editor"]),
    ("_INBOX_bob.>", "_INBOX_bob.x", &["service"]),
    ("_INBOX_eve.>", "_INBOX_eve.x", &["service"]),
];

#[tokio::test]
async fn each_user_hears_what_it_may_and_nothing_else() {
    let place = Place::open().await;
    let mut asked = place.service.subscribe(MARKER).await.expect("subscribed");
    place.jetstream.get_stream(WT_CHANGES).await.expect("a stream");
    for user in ALL {
        let client = place.user(user).connect(&place.url).await;
        let mut subscriptions: Vec<Subscriber> = Vec::new();
        for (filter, ..) in SUBSCRIBING {
            subscriptions.push(client.subscribe(filter).await.expect("taken"));
        }
        let inbox = client.new_inbox();
        let mut last = client.subscribe(inbox.clone()).await.expect("subscribed");
        client.publish_with_reply(MARKER, inbox, "".into()).await.expect("taken");
        let asked = asked.next().await.expect("asked: the subscriptions are there");
        for (_, subject, _) in SUBSCRIBING {
            place.service.publish(subject, "word".into()).await.expect("sent");
        }
        let reply = asked.reply.expect("where to answer");
        place.service.publish(reply, "last".into()).await.expect("sent");
        last.next().await.expect("the last message");
        for ((filter, _, who), messages) in SUBSCRIBING.iter().zip(&mut subscriptions) {
            // The last message may be heard twice.
            let words = std::iter::from_fn(|| messages.next().now_or_never().flatten());
            let heard = words.filter(|message| message.payload == "word").count() > 0;
            assert_eq!(heard, who.contains(&user), "{user} listens to {filter}");
        }
    }
}

#[tokio::test]
async fn the_public_reads_the_streams_and_is_answered_by_the_desk() {
    let place = Place::open().await;
    let mut requests = place.service.subscribe("wt.v1.desk.show").await.expect("subscribed");
    let service = place.service.clone();
    tokio::spawn(async move {
        let Message { reply, .. } = requests.next().await.expect("a request");
        service.publish(reply.expect("where to answer"), "the story".into()).await.expect("sent");
    });
    place.jetstream.get_stream(WT_CHANGES).await.expect("a stream");
    let client = place.guarded.public.connect(&place.url).await;
    let answer = client.request("wt.v1.desk.show", "{}".into()).await.expect("an answer");
    assert_eq!(answer.payload, "the story");

    let jetstream = jetstream::new(client);
    for (name, subject) in [(WT_CHANGES, CHANGE), (WT_ARTICLES, ARTICLE), (WT_RECALLS, RECALL)] {
        let stream = jetstream.get_stream(name).await.expect("a stream");
        let config =
            pull::OrderedConfig { filter_subject: subject.to_owned(), ..pull::OrderedConfig::default() };
        let consumer = stream.create_consumer(config).await.expect("an ordered consumer");
        let mut messages = consumer.messages().await.expect("messages");
        assert_eq!(messages.next().await.expect("one").expect("read").payload, name);
        let direct = stream.direct_get_last_for_subject(subject).await.expect("read at once");
        assert_eq!(direct.payload, name);
        assert_eq!(stream.get_raw_message(1).await.expect("read from the leader").payload, name);
    }
}

/// As clients of other makes do it: by the deliver subject, in an inbox.
#[tokio::test]
async fn readers_may_have_messages_pushed_to_their_inbox_or_pull_many() {
    let place = Place::open().await;
    for number in 0..300 {
        let sent = place.jetstream.publish(CHANGE, number.to_string().into()).await.expect("sent");
        sent.await.expect("stored");
    }
    for user in ["bob", "public"] {
        let client = place.user(user).connect(&place.url).await;
        let stream = jetstream::new(client.clone()).get_stream(WT_CHANGES).await.expect("a stream");
        let ordered =
            push::OrderedConfig { deliver_subject: client.new_inbox(), ..push::OrderedConfig::default() };
        let consumer = stream.create_consumer(ordered).await.expect("an ordered consumer");
        let messages = consumer.messages().await.expect("messages").take(301);
        let last = messages.map(|message| message.expect("read")).fold(None, |_, last| async { Some(last) });
        assert_eq!(last.await.expect("some").payload, "299", "{user}");

        let acknowledged = push::Config {
            deliver_subject: client.new_inbox(),
            ack_policy: AckPolicy::Explicit,
            deliver_policy: DeliverPolicy::All,
            ..push::Config::default()
        };
        let mut consumer = stream.create_consumer(acknowledged).await.expect("a consumer");
        let mut messages = consumer.messages().await.expect("messages").take(10);
        while let Some(message) = messages.next().await {
            message.expect("read").double_ack().await.expect("acknowledged");
        }
        assert_eq!(consumer.info().await.expect("its state").ack_floor.stream_sequence, 10, "{user}");

        let pulling = stream.create_consumer(pull::Config::default()).await.expect("a consumer");
        let page = pulling.fetch().max_messages(301).messages().await.expect("messages");
        assert_eq!(page.count().await, 301, "{user}");
    }
}

#[tokio::test]
async fn a_pull_that_waits_is_answered_when_something_comes() {
    let place = Place::open().await;
    let client = place.guarded.public.connect(&place.url).await;
    let stream = jetstream::new(client).get_stream(WT_CHANGES).await.expect("a stream");
    let config = pull::Config { deliver_policy: DeliverPolicy::New, ..pull::Config::default() };
    let consumer = stream.create_consumer(config).await.expect("a consumer");
    let mut messages = consumer.messages().await.expect("messages");
    let mut first = Box::pin(messages.next());
    assert!(first.as_mut().now_or_never().is_none(), "there is nothing yet");
    // Once it is known that the pull waits.
    while place
        .jetstream
        .get_stream(WT_CHANGES)
        .await
        .expect("a stream")
        .consumer_info(&consumer.cached_info().name)
        .await
        .expect("its state")
        .num_waiting
        == 0
    {}
    let sent = place.jetstream.publish(CHANGE, "late".into()).await.expect("sent");
    sent.await.expect("stored");
    let message = first.await.expect("one").expect("read");
    assert_eq!((message.subject.as_str(), &message.payload[..]), (CHANGE, &b"late"[..]));
    message.double_ack().await.expect("acknowledged");
}

#[tokio::test]
async fn a_subscriber_keeps_its_place_and_acknowledges_in_its_own_name() {
    let place = Place::open().await;
    let jetstream = jetstream::new(place.guarded.bob.connect(&place.url).await);
    let consumer = durable(&jetstream, "bob").await;
    let mut messages = consumer.fetch().max_messages(1).messages().await.expect("messages");
    messages.next().await.expect("one").expect("read").double_ack().await.expect("its place is kept");
    drop(messages);
    let again = durable(&jetstream::new(place.guarded.bob.connect(&place.url).await), "bob").await;
    assert_eq!(again.cached_info().num_pending + again.cached_info().num_ack_pending as u64, 0);
    let stored = jetstream.publish("wt.v1.ack.bob", "{}".into()).await.expect("sent").await.expect("stored");
    assert_eq!((stored.stream.as_str(), stored.sequence), (WT_ACKS, 2));
    let stream = jetstream.get_stream(WT_CHANGES).await.expect("a stream");
    stream.delete_consumer("bob").await.expect("it is bob's");
}

#[tokio::test]
async fn a_wrong_seed_is_not_let_in() {
    let place = Place::open().await;
    let seed = crate::publisher::server::Seed::new();
    let refused = async_nats::ConnectOptions::with_nkey(seed.as_str().to_owned()).connect(&place.url).await;
    assert!(refused.is_err());
}
