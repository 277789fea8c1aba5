//! Users on a real nats-server: what each may do works, and what it may not changes nothing.
//!
//! What is refused is shown by what does not arrive. NATS keeps the order of a connection, so once a
//! later message is there, an earlier one that is not there was refused.

use std::collections::BTreeSet;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, stream};
use async_nats::{Client, Message, Subscriber};
use futures::{FutureExt, StreamExt};
use tempfile::TempDir;
use wire::{Subject, WT_ACKS, WT_ARTICLES, WT_CHANGES, WT_RECALLS};

use crate::nats::{Guarded, User};

/// What everyone may publish: sent last.
const MARKER: &str = "wt.v1.desk.info";
const CHANGE: &str = "wt.v1.change.world.update.notable.s1";
const ALL: [&str; 5] = ["service", "editor", "bob", "eve", "public"];
const READERS: [&str; 3] = ["bob", "eve", "public"];

/// A server with users and streams, each with one message, and a durable consumer of eve's.
struct Place {
    guarded: Guarded,
    url: String,
    service: Client,
    jetstream: jetstream::Context,
    _folder: TempDir,
}

impl Place {
    async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let guarded = Guarded::start(folder.path()).await;
        let url = guarded.server.url();
        let service = guarded.service.connect(&url).await;
        let jetstream = jetstream::new(service.clone());
        let streams = [
            (WT_CHANGES, Subject::CHANGES, CHANGE),
            (WT_ARTICLES, Subject::ARTICLES, "wt.v1.article.world.s1"),
            (WT_RECALLS, Subject::RECALLS, "wt.v1.recall.world.s1"),
            (WT_ACKS, Subject::ACKS, "wt.v1.ack.eve"),
        ];
        for (name, subjects, subject) in streams {
            let subjects = vec![subjects.to_owned()];
            let config = stream::Config {
                name: name.to_owned(),
                subjects,
                allow_direct: true,
                ..stream::Config::default()
            };
            jetstream.create_stream(config).await.expect("a stream");
            jetstream.publish(subject, name.into()).await.expect("sent").await.expect("stored");
        }
        let place = Self { guarded, url, service, jetstream, _folder: folder };
        let eve = jetstream::new(place.guarded.eve.connect(&place.url).await);
        durable(&eve, "eve").await;
        place
    }

    fn user(&self, name: &str) -> &User {
        match name {
            "service" => &self.guarded.service,
            "editor" => &self.guarded.editor,
            "bob" => &self.guarded.bob,
            "eve" => &self.guarded.eve,
            _ => &self.guarded.public,
        }
    }

    /// Publishes everything as `user`; returns the subjects that arrived.
    async fn arrived(&self, user: &str, messages: &[(String, String)]) -> BTreeSet<String> {
        let mut everything = self.service.subscribe(">").await.expect("subscribed");
        // A round trip: the subscription is there, and what came before has been heard.
        let ready = self.service.new_inbox();
        self.service.publish(ready.clone(), "".into()).await.expect("taken");
        while everything.next().await.expect("a message").subject.as_str() != ready {}
        let client = self.user(user).connect(&self.url).await;
        for (subject, body) in messages {
            client.publish(subject.clone(), body.clone().into()).await.expect("taken");
        }
        client.publish(MARKER, user.to_owned().into()).await.expect("taken");
        let mut arrived = BTreeSet::new();
        loop {
            let message = everything.next().await.expect("a message");
            if message.subject.as_str() == MARKER && message.payload == user.as_bytes() {
                return arrived;
            }
            arrived.insert(message.subject.to_string());
        }
    }

    /// Returns everything that a user must not be able to change.
    async fn state(&self) -> Vec<String> {
        let names: BTreeSet<String> =
            self.jetstream.stream_names().map(|name| name.expect("a name")).collect().await;
        let mut state: Vec<String> = Vec::new();
        for name in names {
            let mut stream = self.jetstream.get_stream(&name).await.expect("a stream");
            let info = stream.info().await.expect("its state");
            let (config, at) = (&info.config, &info.state);
            state.push(format!(
                "{name} {:?} {} {} {}",
                config.subjects, config.max_messages, at.messages, at.last_sequence
            ));
        }
        let stream = self.jetstream.get_stream(WT_CHANGES).await.expect("a stream");
        let mut info = stream.consumer_info("eve").await.expect("eve's consumer is there");
        // A map: its order says nothing.
        info.config.metadata.clear();
        state.push(format!(
            "{:?} {:?} {:?} {}",
            info.config, info.delivered, info.ack_floor, info.num_pending
        ));
        state
    }
}

async fn durable(jetstream: &jetstream::Context, name: &str) -> jetstream::consumer::PullConsumer {
    let stream = jetstream.get_stream(WT_CHANGES).await.expect("the stream");
    let config = pull::Config {
        durable_name: Some(name.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ..pull::Config::default()
    };
    stream.create_consumer(config).await.expect("a consumer")
}

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
    for call in ["MSG.NEXT", "CREATE", "DURABLE.CREATE", "DELETE", "PAUSE", "UNPIN", "LEADER.STEPDOWN"] {
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

#[tokio::test]
async fn each_user_publishes_what_it_may_and_nothing_else() {
    let place = Place::open().await;
    for user in ALL {
        check_publishing(&place, user, &publishing()).await;
    }
}

#[tokio::test]
async fn no_user_but_the_service_changes_what_is_stored() {
    let place = Place::open().await;
    let before = place.state().await;
    for user in ["editor", "bob", "public"] {
        check_publishing(&place, user, &calling()).await;
        assert_eq!(place.state().await, before, "{user} has changed something");
    }
    for user in ["editor", "public"] {
        check_publishing(&place, user, &publishing()).await;
        assert_eq!(place.state().await, before, "{user} has changed something");
    }
}

async fn check_publishing(place: &Place, user: &str, rows: &[(String, String, Vec<&str>)]) {
    let messages: Vec<_> = rows.iter().map(|(subject, body, _)| (subject.clone(), body.clone())).collect();
    let arrived = place.arrived(user, &messages).await;
    for (subject, _, who) in rows {
        assert_eq!(arrived.contains(subject), who.contains(&user), "{user} publishes {subject}");
    }
}

/// Filter, a subject that it takes in, and who may subscribe to it.
const SUBSCRIBING: [(&str, &str, &[&str]); 21] = [
    ("wt.v1.change.>", CHANGE, &["service", "bob", "eve", "public"]),
    ("wt.v1.change.world.>", CHANGE, &["service", "bob", "eve", "public"]),
    ("wt.v1.article.>", "wt.v1.article.world.s1", &["service", "bob", "eve", "public"]),
    ("wt.v1.recall.*.*", "wt.v1.recall.world.s1", &["service", "bob", "eve", "public"]),
    ("wt.v1.checkpoint", "wt.v1.checkpoint", &["service", "bob", "eve", "public"]),
    ("wt.v1.ack.*", "wt.v1.ack.bob", &["service"]),
    ("wt.v1.ack.bob", "wt.v1.ack.bob", &["service"]),
    ("wt.v1.desk.>", "wt.v1.desk.push", &["service"]),
    ("wt.v1.desk.show", "wt.v1.desk.show", &["service"]),
    ("wt.v1.>", CHANGE, &["service"]),
    ("*.v1.change.>", CHANGE, &["service"]),
    (">", CHANGE, &["service"]),
    ("wt.log.>", "wt.log.s1", &["service"]),
    ("$SYS.>", "$SYS.x", &["service"]),
    ("$JS.EVENT.>", "$JS.EVENT.x", &["service"]),
    ("$KV.>", "$KV.x.y", &["service"]),
    ("_INBOX.>", "_INBOX.x", &["service", "public"]),
    ("_INBOX_service.>", "_INBOX_service.x", &["service"]),
    ("_INBOX_editor.>", "_INBOX_editor.x", &["service", "editor"]),
    ("_INBOX_bob.>", "_INBOX_bob.x", &["service", "bob"]),
    ("_INBOX_eve.>", "_INBOX_eve.x", &["service", "eve"]),
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
        client.publish(MARKER, "".into()).await.expect("taken");
        asked.next().await.expect("asked: the subscriptions are there");
        for (_, subject, _) in SUBSCRIBING {
            place.service.publish(subject, "word".into()).await.expect("sent");
        }
        place.service.publish(inbox, "last".into()).await.expect("sent");
        last.next().await.expect("the last message");
        for ((filter, _, who), messages) in SUBSCRIBING.iter().zip(&mut subscriptions) {
            let heard = messages.next().now_or_never().flatten().is_some();
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
    for (name, subject) in
        [(WT_CHANGES, CHANGE), (WT_ARTICLES, "wt.v1.article.world.s1"), (WT_RECALLS, "wt.v1.recall.world.s1")]
    {
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

/// Not wanted, but so: `docs/OPERATIONS.md` tells operators. If this fails, NATS has learned it.
#[tokio::test]
async fn permissions_do_not_hold_back_where_an_answer_goes() {
    let place = Place::open().await;
    let client = place.guarded.public.connect(&place.url).await;
    let mut heard = place.service.subscribe("wt.v1.>").await.expect("subscribed");
    place.jetstream.get_stream(WT_CHANGES).await.expect("a stream");
    let ask = format!("$JS.API.DIRECT.GET.{WT_CHANGES}");
    client.publish_with_reply(ask, "wt.v1.article.world.s1", "{\"seq\":1}".into()).await.expect("taken");
    let message = heard.next().await.expect("a message");
    assert_eq!(
        (message.subject.as_str(), &message.payload[..]),
        ("wt.v1.article.world.s1", WT_CHANGES.as_bytes())
    );
}

/// An answer may land on a subject that manages streams, and there the server takes no orders from
/// itself. If this fails, a reader can empty a stream: give the public no consumers.
#[tokio::test]
async fn an_answer_of_the_server_is_no_order_to_it() {
    let place = Place::open().await;
    let client = place.guarded.public.connect(&place.url).await;
    let mut heard = place.service.subscribe("$JS.API.STREAM.>").await.expect("subscribed");
    let stream = jetstream::new(client.clone()).get_stream(WT_CHANGES).await.expect("a stream");
    let before = place.state().await;
    for (number, headers_only) in [false, true].into_iter().enumerate() {
        // A purge takes any body that is no JSON, a deletion takes an empty one.
        let order = format!("$JS.API.STREAM.{}.{WT_ARTICLES}", ["PURGE", "DELETE"][number]);
        let name = Some(format!("order-{number}"));
        let config = pull::Config { name, headers_only, ..pull::Config::default() };
        let consumer = stream.create_consumer(config).await.expect("a consumer");
        let ask = format!("$JS.API.CONSUMER.MSG.NEXT.{WT_CHANGES}.{}", consumer.cached_info().name);
        client.publish_with_reply(ask, order.clone(), "".into()).await.expect("taken");
        let is_answer = |message: &Message| {
            message
                .reply
                .as_ref()
                .is_some_and(|reply| reply.starts_with(&format!("$JS.ACK.{WT_CHANGES}.order-{number}.")))
        };
        while !is_answer(&heard.next().await.expect("a message")) {}
    }
    assert_eq!(place.state().await, before);
}
