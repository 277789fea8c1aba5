//! The streams: made if they are missing, never changed if they are there.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{Config, LastRawMessageErrorKind, RetentionPolicy, Stream};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use story::{Desk, StoryId};
use wire::{ACKNOWLEDGEMENT_BYTES_MAX, Cursor, Subject, WT_ACKS, WT_ARTICLES, WT_CHANGES, WT_RECALLS};

use crate::headers;
use crate::trouble::Trouble;

/// How long a recall is kept for a subscriber that is away.
const RECALLS_AGE_MAX: Duration = Duration::from_hours(400 * 24);
/// How long an acknowledgement waits to be stored.
const ACKS_AGE_MAX: Duration = Duration::from_hours(30 * 24);
/// Place of the desk in the subject of a change.
const DESK_TOKEN: usize = 3;
/// Room for the headers of an acknowledgement.
const ACK_HEADERS_BYTES_MAX: usize = 2 * 1024;
/// Most bytes of acknowledgements that wait; beyond it the oldest go.
const ACKS_BYTES_MAX: i64 = 256 * 1024 * 1024;

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

/// Handles of the streams.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) changes: Stream,
    pub(crate) articles: Stream,
    pub(crate) recalls: Stream,
    pub(crate) acks: Stream,
}

impl Streams {
    /// Returns every stream, making those that are missing.
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
        let recalls = Config {
            name: WT_RECALLS.to_owned(),
            description: Some("Every recall, for subscribers that were away".to_owned()),
            subjects: vec![Subject::RECALLS.to_owned()],
            max_age: RECALLS_AGE_MAX,
            num_replicas: retention.replicas,
            allow_direct: true,
            ..Config::default()
        };
        let acks = Config {
            name: WT_ACKS.to_owned(),
            description: Some("Acknowledgements of recalls, until they are stored".to_owned()),
            subjects: vec![Subject::ACKS.to_owned()],
            retention: RetentionPolicy::WorkQueue,
            max_age: ACKS_AGE_MAX,
            max_bytes: ACKS_BYTES_MAX,
            max_message_size: i32::try_from(ACKNOWLEDGEMENT_BYTES_MAX + ACK_HEADERS_BYTES_MAX).unwrap_or(-1),
            num_replicas: retention.replicas,
            ..Config::default()
        };
        Ok(Self {
            changes: ensure(jetstream, WT_CHANGES, changes).await?,
            articles: ensure(jetstream, WT_ARTICLES, articles).await?,
            recalls: ensure(jetstream, WT_RECALLS, recalls).await?,
            acks: ensure(jetstream, WT_ACKS, acks).await?,
        })
    }
}

impl Streams {
    /// Returns the stream that readers know as `kind`, and its name.
    pub(crate) const fn of(&self, kind: crate::leaving::Stream) -> (&Stream, &'static str) {
        match kind {
            crate::leaving::Stream::Changes => (&self.changes, WT_CHANGES),
            crate::leaving::Stream::Articles => (&self.articles, WT_ARTICLES),
            crate::leaving::Stream::Recalls => (&self.recalls, WT_RECALLS),
        }
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

/// Returns every desk on whose subjects the stream of changes holds something of `story`.
pub(crate) async fn desks_of(changes: &Stream, story: StoryId) -> Result<Vec<Desk>, Trouble> {
    let filter = Subject::changes_of(story);
    let subjects = changes.info_with_subjects(filter.as_str()).await;
    let subjects = subjects.map_err(|error| trouble(WT_CHANGES, &error))?;
    let mut desks: Vec<Desk> = Vec::new();
    let subjects: Vec<(String, usize)> =
        subjects.try_collect().await.map_err(|error| trouble(WT_CHANGES, &error))?;
    for (subject, _) in subjects {
        let desk = subject.split('.').nth(DESK_TOKEN).and_then(|token| token.parse().ok());
        desks.extend(desk.filter(|desk| !desks.contains(desk)));
    }
    // Always in the same order, so that whoever goes on knows how far another came.
    desks.sort();
    Ok(desks)
}

/// Takes everything on the subjects of `filter` before `sequence` out of `stream`, message by message,
/// each overwritten in the server's file: no new reader gets it from there, and nobody finds it on the
/// disk. A purge would be one request, and leave the words in the file for as long as it likes.
pub(crate) async fn forget(
    (stream, name): (&Stream, &'static str),
    filter: &Subject,
    sequence: u64,
) -> Result<(), Trouble> {
    let mut next = 1;
    loop {
        let found = match stream.get_first_raw_message_by_subject(filter.as_str(), next).await {
            Ok(found) if found.sequence < sequence => found.sequence,
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => return Ok(()),
            Err(error) => return Err(trouble(name, &error)),
        };
        if let Err(error) = stream.delete_message(found).await {
            // Its time may have come in between.
            let gone = stream.get_raw_message(found).await;
            if !gone.is_err_and(|error| error.kind() == LastRawMessageErrorKind::NoMessageFound) {
                return Err(trouble(name, &error));
            }
        }
        next = found + 1;
    }
}

/// Deletes the stream of articles with its files. A stream that keeps one message a subject leaves the
/// words of those before in its file; made and filled again, it has none.
pub(crate) async fn clear_articles(jetstream: &Context) -> Result<(), Trouble> {
    match jetstream.delete_stream(WT_ARTICLES).await {
        Ok(_) => Ok(()),
        Err(error) => match jetstream.get_stream(WT_ARTICLES).await {
            Ok(_) => Err(trouble(WT_ARTICLES, &error)),
            Err(_) => Ok(()), // Someone else has done it.
        },
    }
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
