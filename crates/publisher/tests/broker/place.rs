//! A server with users and streams that hold something, and what can be seen of it.

use std::collections::BTreeSet;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{self, stream};
use async_nats::{Client, Subscriber};
use futures::StreamExt;
use tempfile::TempDir;
use wire::{Subject, WT_ACKS, WT_ARTICLES, WT_CHANGES, WT_RECALLS};

use crate::nats::{Guarded, User};

/// A change that is stored when a place is opened.
pub(crate) const CHANGE: &str = "wt.v1.change.world.update.notable.s1";
/// An article, likewise.
pub(crate) const ARTICLE: &str = "wt.v1.article.world.s1";
/// A recall, likewise.
pub(crate) const RECALL: &str = "wt.v1.recall.world.s1";

/// What is published.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) subject: String,
    pub(crate) reply: Option<String>,
    pub(crate) body: String,
}

/// What the service itself says when it is asked for [`Place::state`].
const OWN: [&str; 4] =
    ["_INBOX_service.", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.", "$JS.API.CONSUMER.INFO."];

/// What the desk's account hears.
pub(crate) struct Listening {
    service: Client,
    messages: Subscriber,
}

impl Listening {
    /// Returns the subjects that were heard until now, since the last time.
    pub(crate) async fn subjects(&mut self) -> BTreeSet<String> {
        // A round trip: what came before it has been heard.
        let last = self.service.new_inbox();
        self.service.publish(last.clone(), "".into()).await.expect("taken");
        let mut subjects = BTreeSet::new();
        loop {
            let message = self.messages.next().await.expect("a message");
            if message.subject.as_str() == last {
                return subjects;
            }
            subjects.insert(message.subject.to_string());
        }
    }

    /// Returns those that others than the service have brought about.
    pub(crate) async fn of_others(&mut self) -> Vec<String> {
        let of_others = |subject: &String| !OWN.iter().any(|own| subject.starts_with(own));
        self.subjects().await.into_iter().filter(of_others).collect()
    }
}

/// A server with users and streams, each with one message, and a durable consumer of eve's.
pub(crate) struct Place {
    pub(crate) guarded: Guarded,
    pub(crate) url: String,
    pub(crate) service: Client,
    pub(crate) jetstream: jetstream::Context,
    _folder: TempDir,
}

impl Place {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let guarded = Guarded::start(folder.path()).await;
        let url = guarded.server.url();
        let service = guarded.service.connect(&url).await;
        let jetstream = jetstream::new(service.clone());
        let streams = [
            (WT_CHANGES, Subject::CHANGES, CHANGE),
            (WT_ARTICLES, Subject::ARTICLES, ARTICLE),
            (WT_RECALLS, Subject::RECALLS, RECALL),
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

    pub(crate) fn user(&self, name: &str) -> &User {
        match name {
            "service" => &self.guarded.service,
            "editor" => &self.guarded.editor,
            "bob" => &self.guarded.bob,
            "eve" => &self.guarded.eve,
            _ => &self.guarded.public,
        }
    }

    /// Publishes everything as `user`; returns the subjects that the server refused. The client's own
    /// last word is refused to everyone but the service: once it is, all before it is decided.
    pub(crate) async fn refused(&self, user: &str, messages: &[Sent]) -> BTreeSet<String> {
        const LAST: &str = "the.last.word";
        let (client, mut refusals) = self.user(user).connect_and_hear(&self.url).await;
        for Sent { subject, reply, body } in messages {
            let (subject, body) = (subject.clone(), body.clone().into());
            let sent = match reply {
                Some(reply) => client.publish_with_reply(subject, reply.clone(), body).await,
                None => client.publish(subject, body).await,
            };
            sent.expect("taken");
        }
        client.publish(LAST, "".into()).await.expect("taken");
        let mut refused = BTreeSet::new();
        loop {
            let words = refusals.recv().await.expect("the client is there");
            let subject = words.split('"').nth(1).unwrap_or(&words).to_owned();
            if subject == LAST {
                return refused;
            }
            refused.insert(subject);
        }
    }

    /// Returns what the desk's account hears from now on.
    pub(crate) async fn listen(&self) -> Listening {
        let messages = self.service.subscribe(">").await.expect("subscribed");
        let mut listening = Listening { service: self.service.clone(), messages };
        listening.subjects().await;
        listening
    }

    /// Returns everything that a user must not be able to change.
    pub(crate) async fn state(&self) -> Vec<String> {
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

pub(crate) async fn durable(jetstream: &jetstream::Context, name: &str) -> jetstream::consumer::PullConsumer {
    let stream = jetstream.get_stream(WT_CHANGES).await.expect("the stream");
    let config = pull::Config {
        durable_name: Some(name.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ..pull::Config::default()
    };
    stream.create_consumer(config).await.expect("a consumer")
}
