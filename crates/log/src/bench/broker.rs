//! The floor of a log on a server: what JetStream does with the same bytes, published by a bare client
//! with the same expectations.

use std::time::{Duration, Instant};

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, StorageType};
use async_nats::jetstream::{self, Context};
use tokio::task::JoinSet;

use super::{Load, Measured};
use crate::contract::Cause;

/// Stories that one publisher writes to in turn, as one submitter does.
const SUBJECTS_PER_PUBLISHER: usize = 8;

/// Lets `load.submitters` tasks publish one message at a time, each with an id and behind the last
/// message of its subject, for `duration`: one message a record, in a new stream on `replicas`
/// servers.
///
/// # Errors
/// What the server says.
pub async fn bare_publishes(
    servers: &str,
    replicas: usize,
    load: Load,
    duration: Duration,
) -> Result<Measured, Cause> {
    let context = context(servers).await?;
    let name = format!("BARE_{}", load.round);
    let config = Config {
        name: name.clone(),
        subjects: vec![format!("bare.{}.*", load.round)],
        storage: StorageType::File,
        num_replicas: replicas,
        ..Config::default()
    };
    context.create_stream(config).await?;
    let start = Instant::now();
    let mut publishers = JoinSet::new();
    for number in 0..load.submitters {
        let context = context.clone();
        publishers.spawn(async move { publish_until(&context, load, number, start + duration).await });
    }
    let mut calls = Vec::new();
    for published in publishers.join_all().await {
        calls.extend(published?);
    }
    let whole = start.elapsed();
    context.delete_stream(name).await?;
    Ok(Measured::new(calls.len() as u64, whole, calls))
}

/// Removes the streams of the log that is called `name`, for a new one each time.
///
/// # Errors
/// What the server says.
pub async fn remove_log(servers: &str, name: &str) -> Result<(), Cause> {
    let context = context(servers).await?;
    for stream in [format!("WT_LOG_{name}"), format!("WT_WORDS_{name}")] {
        context.delete_stream(stream).await?;
    }
    Ok(())
}

async fn context(servers: &str) -> Result<Context, Cause> {
    let servers: Vec<&str> = servers.split(',').collect();
    Ok(jetstream::new(async_nats::connect(servers).await?))
}

async fn publish_until(
    context: &Context,
    load: Load,
    number: usize,
    end: Instant,
) -> Result<Vec<Duration>, Cause> {
    let body = bytes::Bytes::from(vec![b'b'; load.record_bytes]);
    let mut calls = Vec::new();
    let mut last = [0; SUBJECTS_PER_PUBLISHER];
    while Instant::now() < end {
        let at = calls.len() % SUBJECTS_PER_PUBLISHER;
        let message = PublishMessage::build()
            .payload(body.clone())
            .message_id(format!("{:08}-{number:08}-{:018}", load.round, calls.len()))
            .expected_last_subject_sequence(last[at]);
        let subject = format!("bare.{}.{}", load.round, number * SUBJECTS_PER_PUBLISHER + at);
        let call = Instant::now();
        last[at] = context.send_publish(subject, message).await?.await?.sequence;
        calls.push(call.elapsed());
    }
    Ok(calls)
}
