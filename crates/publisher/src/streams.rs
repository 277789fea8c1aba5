//! The two streams: made if they are missing, never changed if they are there.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{Config, LastRawMessageErrorKind, Stream};
use serde::{Deserialize, Serialize};
use wire::{Cursor, Subject, WT_ARTICLES, WT_CHANGES};

use crate::headers;
use crate::trouble::Trouble;

/// How the streams are kept, where the publisher is the one that makes them.
#[derive(Debug, Clone)]
pub struct Retention {
    /// How long changes are kept for catch-up. Articles are kept as long as the story is there.
    pub changes_age_max: Duration,
    /// On how many servers each stream is kept: 1, or 3 in a cluster.
    pub replicas: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { changes_age_max: Duration::from_hours(30 * 24), replicas: 1 }
    }
}

/// What tells a stream from another of its name, and whether it has lost its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) created: String,
    pub(crate) last_sequence: u64,
}

/// What was found in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) mark: Mark,
    /// What its last message says was relayed before it.
    pub(crate) relayed: Option<Cursor>,
}

/// Handles of both streams.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) changes: Stream,
    pub(crate) articles: Stream,
}

impl Streams {
    /// Returns both streams, making those that are missing.
    pub(crate) async fn ensure(jetstream: &Context, retention: &Retention) -> Result<Self, Trouble> {
        let changes = Config {
            name: WT_CHANGES.to_owned(),
            description: Some("Every public change, for catch-up".to_owned()),
            subjects: vec![Subject::CHANGES.to_owned()],
            max_age: retention.changes_age_max,
            num_replicas: retention.replicas,
            allow_direct: true,
            ..Config::default()
        };
        let articles = Config {
            name: WT_ARTICLES.to_owned(),
            description: Some("The latest public article of each story".to_owned()),
            subjects: vec![Subject::ARTICLES.to_owned()],
            max_messages_per_subject: 1,
            num_replicas: retention.replicas,
            allow_direct: true,
            ..Config::default()
        };
        Ok(Self {
            changes: ensure(jetstream, WT_CHANGES, changes).await?,
            articles: ensure(jetstream, WT_ARTICLES, articles).await?,
        })
    }
}

async fn ensure(jetstream: &Context, name: &'static str, config: Config) -> Result<Stream, Trouble> {
    let (subjects, each) = (config.subjects.clone(), config.max_messages_per_subject);
    let stream = jetstream.get_or_create_stream(config).await;
    let stream = stream.map_err(|error| trouble(name, &error))?;
    let present = &stream.cached_info().config;
    if present.subjects != subjects || (each == 1 && present.max_messages_per_subject != 1) {
        let problem = format!("it must take {subjects:?}, with {each} messages a subject (-1: any number)");
        return Err(Trouble::Stream { stream: name, problem });
    }
    Ok(stream)
}

/// Looks up what is in `stream`; answered by its leader.
pub(crate) async fn look(stream: &Stream, name: &'static str, filter: &str) -> Result<Found, Trouble> {
    let mark = mark(stream, name).await?;
    let last = match stream.get_last_raw_message_by_subject(filter).await {
        Ok(message) => Some(message),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => None,
        Err(error) => return Err(trouble(name, &error)),
    };
    let relayed = last.and_then(|message| message.headers.get(headers::RELAYED)?.as_str().parse().ok());
    Ok(Found { mark, relayed })
}

/// Returns the mark of `stream` as it is now.
pub(crate) async fn mark(stream: &Stream, name: &'static str) -> Result<Mark, Trouble> {
    let info = stream.get_info().await.map_err(|error| trouble(name, &error))?;
    Ok(Mark { created: info.created.to_string(), last_sequence: info.state.last_sequence })
}

pub(crate) fn trouble(stream: &'static str, error: &dyn std::error::Error) -> Trouble {
    let problem = match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    Trouble::Stream { stream, problem }
}
