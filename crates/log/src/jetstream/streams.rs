//! The two streams of a log as they are created, and the proof that they still are so.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, Republish, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode};
use tracing::warn;

use super::link::Unanswered;
use super::names::Names;
use super::options::{ConnectError, Stage};
use super::patience::insist;
use crate::contract::Epoch;

const FORMAT: &str = "1";
const FORMAT_KEY: &str = "writethru-format";
const EPOCH_KEY: &str = "writethru-epoch";
/// There while a log is being filled from another.
const FILLING_KEY: &str = "writethru-filling";
/// How long the server remembers ids of messages: longer than any attempt to store one goes on.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);

/// Whether a missing stream is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Creation {
    pub(super) replicas: usize,
    pub(super) epoch: Epoch,
    pub(super) stage: Stage,
}

fn config(name: &str, subjects: String, creation: Creation) -> Config {
    let metadata = [(FORMAT_KEY, FORMAT.to_owned()), (EPOCH_KEY, creation.epoch.0.to_string())];
    Config {
        name: name.to_owned(),
        subjects: vec![subjects],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        num_replicas: creation.replicas,
        discard: DiscardPolicy::New,
        deny_purge: true,
        allow_direct: true,
        duplicate_window: DUPLICATE_WINDOW,
        metadata: metadata.map(|(key, value)| (key.to_owned(), value)).into(),
        ..Config::default()
    }
}

/// The stream of records: nothing is ever removed from it.
pub(super) fn records(names: &Names, creation: Creation) -> Config {
    let republish =
        Republish { source: names.announced(), destination: names.announcements(), headers_only: true };
    let mut config = config(&names.records, names.all_records(), creation);
    if creation.stage == Stage::Filling {
        config.metadata.insert(FILLING_KEY.to_owned(), "1".to_owned());
    }
    Config {
        description: Some("Records of a Writethru event log; a sequence is a position".to_owned()),
        deny_delete: true,
        allow_atomic_publish: true,
        republish: Some(republish),
        ..config
    }
}

/// The stream of which story has which name: the first message of a name is the only one.
pub(super) fn claims(names: &Names, creation: Creation) -> Config {
    Config {
        description: Some("Which story has which name in a Writethru event log".to_owned()),
        deny_delete: true,
        ..config(&names.claims, names.all_claims(), creation)
    }
}

/// The stream of parts, from which words are erased.
pub(super) fn parts(names: &Names, creation: Creation) -> Config {
    Config {
        description: Some("What can be erased from a Writethru event log, and large envelopes".to_owned()),
        ..config(&names.parts, names.all_parts(), creation)
    }
}

/// Who is asked for a stream, and how long.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    pub(super) context: &'a Context,
    pub(super) patience: Duration,
}

/// Returns the stream that `wanted` describes, making it if it is missing and `create`.
pub(super) async fn obtain(
    asking: &Asking<'_>,
    wanted: Config,
    create: bool,
) -> Result<Option<Info>, ConnectError> {
    let stream = wanted.name.clone();
    let context = asking.context;
    let asked = insist(asking.patience, || async {
        if let Some(info) = find(context, &wanted.name).await? {
            return Ok(Some(info));
        }
        if !create {
            return Ok(None);
        }
        match context.create_stream(wanted.clone()).await {
            Ok(created) => Ok(Some(created.cached_info().clone())),
            // Another process was faster.
            Err(error) if is_taken(&error.kind()) => find(context, &wanted.name).await,
            Err(error) => Err(Unanswered::because(error)),
        }
    });
    let found =
        asked.await.map_err(|source| ConnectError::Unavailable { stream, source: Box::new(source) })?;
    if let Some(info) = &found {
        prove(&info.config, &wanted)?;
    }
    Ok(found)
}

async fn find(context: &Context, name: &str) -> Result<Option<Info>, Unanswered> {
    match context.get_stream(name).await {
        Ok(found) => Ok(Some(found.cached_info().clone())),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(told) if told.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Ok(None)
            }
            _ => Err(Unanswered::because(error)),
        },
    }
}

fn is_taken(kind: &CreateStreamErrorKind) -> bool {
    matches!(kind, CreateStreamErrorKind::JetStream(told) if told.error_code() == ErrorCode::STREAM_NAME_EXIST)
}

/// Proves that a stream does what the log relies on.
fn prove(found: &Config, wanted: &Config) -> Result<(), ConnectError> {
    let foreign = |problem: String| ConnectError::Foreign { stream: wanted.name.clone(), problem };
    match found.metadata.get(FORMAT_KEY).map(String::as_str) {
        Some(FORMAT) => {}
        Some(other) => return Err(foreign(format!("it has format {other}, this version reads {FORMAT}"))),
        None => return Err(foreign("it was not made by Writethru".to_owned())),
    }
    let settings = [
        ("its subjects", found.subjects == wanted.subjects),
        ("storage", found.storage == wanted.storage),
        ("retention", found.retention == wanted.retention),
        ("discard", found.discard == wanted.discard),
        ("deny_delete", found.deny_delete == wanted.deny_delete),
        ("deny_purge", found.deny_purge),
        ("allow_direct", found.allow_direct),
        ("allow_atomic", found.allow_atomic_publish == wanted.allow_atomic_publish),
        ("republish", found.republish == wanted.republish),
        ("max_age", found.max_age.is_zero()),
        ("max_msgs", found.max_messages <= 0),
        ("max_msgs_per_subject", found.max_messages_per_subject <= 0),
        ("max_msg_size", found.max_message_size <= 0),
        ("allow_msg_ttl", !found.allow_message_ttl),
        ("allow_rollup_hdrs", !found.allow_rollup),
        ("persist_mode", found.persist_mode == wanted.persist_mode),
        ("a subject transform", found.subject_transform.is_none()),
        ("a source or a mirror", found.sources.is_none() && found.mirror.is_none()),
        ("sealed", !found.sealed),
    ];
    if let Some((what, _)) = settings.iter().find(|(_, right)| !right) {
        return Err(foreign(format!("its configuration was changed: {what}")));
    }
    if found.num_replicas != wanted.num_replicas {
        warn!(
            log.stream = %wanted.name,
            replicas = found.num_replicas,
            wanted = wanted.num_replicas,
            "The event log has another number of replicas than asked for"
        );
    }
    Ok(())
}

/// Returns which life of the log a stream says it is.
pub(super) fn epoch(info: &Info) -> Result<Epoch, ConnectError> {
    let written: &HashMap<String, String> = &info.config.metadata;
    written.get(EPOCH_KEY).and_then(|epoch| epoch.parse().ok()).map(Epoch).ok_or_else(|| {
        ConnectError::Foreign {
            stream: info.config.name.clone(),
            problem: format!("its metadata has no {EPOCH_KEY}"),
        }
    })
}

/// Proves that a log is in the stage in which it is wanted; `empty` says whether it has no records.
pub(super) fn in_stage(info: &Info, stage: Stage, empty: bool) -> Result<(), ConnectError> {
    let stream = info.config.name.clone();
    let is_filling = info.config.metadata.contains_key(FILLING_KEY);
    match stage {
        Stage::Whole if is_filling => Err(ConnectError::Unfinished { stream }),
        Stage::Filling if !is_filling && !empty => Err(ConnectError::Taken { stream }),
        _ => Ok(()),
    }
}

/// Says that the log in `stream` is whole.
pub(super) async fn finish(asking: &Asking<'_>, stream: &str) -> Result<(), ConnectError> {
    let unavailable = |source: Unanswered| ConnectError::Unavailable {
        stream: stream.to_owned(),
        source: Box::new(source),
    };
    let asked = insist(asking.patience, || async {
        let Some(info) = find(asking.context, stream).await? else { return Ok(()) };
        let mut config = info.config;
        if config.metadata.remove(FILLING_KEY).is_none() {
            return Ok(());
        }
        asking.context.update_stream(config).await.map(drop).map_err(Unanswered::because)
    });
    asked.await.map_err(unavailable)
}
