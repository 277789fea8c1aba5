//! What passes between the accounts of a real nats-server: no reader reaches another account but by
//! what is imported, wherever it wants an answer or a delivery to go.

use std::collections::BTreeMap;

use async_nats::jetstream::consumer::{AckPolicy, pull, push};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, HeaderMap};
use futures::{FutureExt, StreamExt};
use wire::{WT_ARTICLES, WT_CHANGES, WT_RECALLS};

use crate::place::{ARTICLE, CHANGE, Place, RECALL, durable};

/// What a stream takes, by the stream.
const TAKEN: [(&str, &str); 3] = [(WT_CHANGES, CHANGE), (WT_ARTICLES, ARTICLE), (WT_RECALLS, RECALL)];

/// Returns what `client` is answered at `reply`, which it may listen to.
async fn answered_at(client: &Client, ask: &str, body: &'static str, reply: &'static str) -> Vec<u8> {
    let mut answers = client.subscribe(reply).await.expect("taken");
    client.publish_with_reply(ask.to_owned(), reply, body.into()).await.expect("taken");
    answers.next().await.expect("an answer").payload.to_vec()
}

#[tokio::test]
async fn an_answer_stays_in_the_account_of_whoever_asked() {
    let place = Place::open().await;
    let (before, mut heard) = (place.state().await, place.listen().await);
    let bob = place.guarded.bob.connect(&place.url).await;
    let mut other = bob.subscribe("wt.v1.>").await.expect("taken");
    let mut changes = bob.subscribe("wt.v1.change.>").await.expect("taken");
    bob.flush().await.expect("connected");
    let client = place.guarded.public.connect(&place.url).await;
    for (stream, _) in TAKEN {
        for (_, reply) in TAKEN {
            for (call, body) in [("STREAM.INFO", ""), ("DIRECT.GET", "{\"seq\":1}"), ("STREAM.MSG.GET", "{}")]
            {
                let ask = format!("$JS.API.{call}.{stream}");
                assert!(!answered_at(&client, &ask, body, reply).await.is_empty(), "{ask}");
            }
        }
    }
    assert_eq!(place.state().await, before, "an answer was stored");
    assert_eq!(heard.of_others().await, Vec::<String>::new());
    // Bob's are his own too; NATS keeps the order in which the service speaks to him.
    place.service.publish(CHANGE, "last".into()).await.expect("sent");
    assert_eq!(changes.next().await.expect("a message").payload, "last");
    assert!(other.next().now_or_never().is_none(), "bob may not listen to all");
}

#[tokio::test]
async fn what_is_pulled_stays_in_the_account_of_whoever_pulls() {
    let place = Place::open().await;
    let client = place.guarded.public.connect(&place.url).await;
    let stream = jetstream::new(client.clone()).get_stream(WT_CHANGES).await.expect("a stream");
    let (before, mut heard) = (place.state().await, place.listen().await);
    let consumer = stream.create_consumer(pull::Config::default()).await.expect("a consumer");
    let ask = format!("$JS.API.CONSUMER.MSG.NEXT.{WT_CHANGES}.{}", consumer.cached_info().name);
    assert_eq!(answered_at(&client, &ask, "1", ARTICLE).await, WT_CHANGES.as_bytes());
    assert_eq!(place.state().await, before);
    assert_eq!(heard.of_others().await, Vec::<String>::new());
}

/// Has the messages of `stream` pushed to `subject`; `None` if the server refuses it.
async fn pushed(reader: &Context, stream: &str, subject: &str, headers_only: bool) -> Option<String> {
    let stream = reader.get_stream(stream).await.expect("a stream");
    let config = push::Config {
        deliver_subject: subject.to_owned(),
        // So that each message has an address for an answer.
        ack_policy: AckPolicy::Explicit,
        headers_only,
        ..push::Config::default()
    };
    Some(stream.create_consumer(config).await.ok()?.cached_info().name.clone())
}

/// If this fails, a reader can put one stream's messages into another, or give orders to the server:
/// then each stream needs an account of its own.
#[tokio::test]
async fn a_push_consumer_reaches_no_stream_and_gives_no_order() {
    let place = Place::open().await;
    let client = place.guarded.public.connect(&place.url).await;
    let reader = jetstream::new(client.clone());
    let targets = [
        CHANGE,
        "wt.v1.change.a.b.c.d",
        ARTICLE,
        "wt.v1.article.world.s2",
        RECALL,
        "wt.v1.ack.eve",
        "wt.v1.checkpoint",
        "wt.v1.desk.info",
        "wt.v1.desk.push",
        "_INBOX_service.x",
        "_INBOX_editor.x",
        "$JS.API.STREAM.PURGE.WT_ARTICLES",
        "$JS.API.STREAM.DELETE.WT_ARTICLES",
        "$JS.API.CONSUMER.DELETE.WT_CHANGES.eve",
        "$JS.ACK.WT_CHANGES.eve.1.1.1.1.0",
        "$SYS.REQ.SERVER.PING",
        "wt.log.s1",
    ];
    // Somebody listens on exactly these subjects, where a reader can.
    let mut listening = Vec::new();
    for subject in targets {
        listening.push(client.subscribe(subject).await.expect("taken"));
        listening.push(place.service.subscribe(subject).await.expect("subscribed"));
    }
    client.flush().await.expect("connected");
    let (before, mut heard) = (place.state().await, place.listen().await);
    let mut consumers: BTreeMap<String, &str> = BTreeMap::new();
    for (stream, _) in TAKEN {
        for subject in targets {
            for headers_only in [false, true] {
                let name = pushed(&reader, stream, subject, headers_only).await;
                consumers.extend(name.map(|name| (name, stream)));
            }
        }
    }
    assert!(consumers.len() > targets.len(), "the server has taken most of them");
    // One more of the same sort, of which it is known when it has delivered.
    let inbox = client.new_inbox();
    let mut mine = client.subscribe(inbox.clone()).await.expect("subscribed");
    client.flush().await.expect("connected");
    pushed(&reader, WT_CHANGES, &inbox, false).await.expect("a consumer");
    assert_eq!(mine.next().await.expect("a message").payload, WT_CHANGES);

    assert_eq!(place.state().await, before);
    for (name, stream) in consumers {
        let stream = reader.get_stream(stream).await.expect("a stream");
        let info = stream.consumer_info(&name).await.expect("its state");
        let to = info.config.deliver_subject.unwrap_or_default();
        assert_eq!(info.delivered.consumer_sequence, 0, "delivered to {to}");
    }
    assert_eq!(heard.of_others().await, Vec::<String>::new());
}

/// Not wanted, but so: `docs/OPERATIONS.md` tells operators. If this fails, NATS has learned it.
#[tokio::test]
async fn a_push_consumer_can_make_anothers_hand_out_but_not_forget() {
    let place = Place::open().await;
    let client = place.guarded.public.connect(&place.url).await;
    let reader = jetstream::new(client);
    let next = format!("$JS.API.CONSUMER.MSG.NEXT.{WT_CHANGES}.eve");
    pushed(&reader, WT_CHANGES, &next, true).await.expect("a consumer");
    let stream = place.jetstream.get_stream(WT_CHANGES).await.expect("a stream");
    let eve = async || stream.consumer_info("eve").await.expect("its state");
    while eve().await.num_ack_pending == 0 {}
    // It comes again after the wait for its acknowledgement, which nobody can forge.
    pushed(&reader, WT_CHANGES, &format!("$JS.ACK.{WT_CHANGES}.eve.1.1.1.1.0"), true).await;
    let info = eve().await;
    assert_eq!((info.num_ack_pending, info.ack_floor.stream_sequence), (1, 0));
}

#[tokio::test]
async fn a_trace_goes_nowhere_where_its_asker_may_not_publish() {
    let place = Place::open().await;
    let (before, mut heard) = (place.state().await, place.listen().await);
    let (client, mut refusals) = place.guarded.public.connect_and_hear(&place.url).await;
    for (_, subject) in TAKEN {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Trace-Dest", subject);
        let ask = format!("$JS.API.STREAM.INFO.{WT_CHANGES}");
        client.publish_with_headers(ask, headers, "".into()).await.expect("taken");
        let refusal = refusals.recv().await.expect("the client is there");
        assert!(refusal.contains(subject), "{refusal}");
    }
    assert_eq!(place.state().await, before, "a trace was stored");
    assert_eq!(heard.of_others().await, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_hears_what_a_subscriber_or_an_editor_is_answered() {
    let place = Place::open().await;
    let mut requests = place.service.subscribe("wt.v1.desk.show").await.expect("subscribed");
    let service = place.service.clone();
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            service.publish(request.reply.expect("where to answer"), "secret".into()).await.expect("sent");
        }
    });
    place.jetstream.get_stream(WT_CHANGES).await.expect("a stream");
    let mut sniffing = Vec::new();
    for user in ["eve", "public", "editor"] {
        let client = place.user(user).connect(&place.url).await;
        for filter in
            [">", "_INBOX.>", "_INBOX_bob.>", "_INBOX_editor.>", "_INBOX_service.>", "_R_.>", "*.*.>"]
        {
            let own = filter == format!("_INBOX_{user}.>");
            if !own {
                sniffing.push((user, filter, client.subscribe(filter).await.expect("taken")));
            }
        }
        client.flush().await.expect("connected");
    }
    for user in ["bob", "editor"] {
        let client = place.user(user).connect(&place.url).await;
        let answer = client.request("wt.v1.desk.show", "{}".into()).await.expect("an answer");
        assert_eq!(answer.payload, "secret");
        if user == "bob" {
            let stream = jetstream::new(client.clone()).get_stream(WT_CHANGES).await.expect("a stream");
            stream.get_raw_message(1).await.expect("read");
            durable(&jetstream::new(client), "bob").await;
        }
    }
    for (user, filter, messages) in &mut sniffing {
        assert!(messages.next().now_or_never().flatten().is_none(), "{user} hears {filter}");
    }
}

#[tokio::test]
async fn streams_that_were_stored_without_users_are_there_with_users_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = crate::nats::start(folder.path(), None).await;
    let jetstream = jetstream::new(crate::nats::client(&server.url()).await);
    let config = jetstream::stream::Config {
        name: WT_CHANGES.to_owned(),
        subjects: vec!["wt.v1.change.>".to_owned()],
        ..jetstream::stream::Config::default()
    };
    jetstream.create_stream(config).await.unwrap();
    jetstream.publish(CHANGE, "kept".into()).await.unwrap().await.unwrap();
    server.stop().await;

    let guarded = crate::nats::Guarded::start(folder.path()).await;
    let kept = async |client: Client| {
        let stream = jetstream::new(client).get_stream(WT_CHANGES).await.unwrap();
        stream.get_raw_message(1).await.unwrap().payload
    };
    assert_eq!(kept(guarded.service.connect(&guarded.server.url()).await).await, "kept");
    guarded.server.stop().await;

    let server = crate::nats::start(folder.path(), None).await;
    assert_eq!(kept(crate::nats::client(&server.url()).await).await, "kept");
    server.stop().await;
}
