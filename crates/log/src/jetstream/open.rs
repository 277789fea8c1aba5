//! Opening: the server is proved fit, the streams are found or made, what was cut off is finished.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use async_nats::{Client, ServerAddr};
use tracing::warn;

use super::core::Core;
use super::layout::Erasure;
use super::link::{self, FETCH_BYTES, FETCH_MESSAGES_MAX, Link, Unanswered, Wanted};
use super::names::Names;
use super::options::{ConnectError, JetStreamOptions};
use super::streams::{self, Creation};
use crate::contract::{Cause, Epoch, Position};

/// The oldest server that this was tested with. From 2.12 on a server stores batches whole; later ones
/// sync the log of their consensus in groups, and check every expectation of a batch.
const OLDEST: (i64, i64, i64) = (2, 15, 1);
/// What a server must take in one message: its own default.
const PAYLOAD_BYTES_MIN: usize = 1024 * 1024;

/// Opens the log; returns it and which life of it this is.
pub(super) async fn open(given: &JetStreamOptions) -> Result<(Arc<Core>, Epoch), ConnectError> {
    let servers = without_passwords(&given.servers);
    let (writing, reading) = (connect(given, &servers).await?, connect(given, &servers).await?);
    prove(&writing, &servers)?;
    let names = Names::new(given.name.clone());
    let context = link::context(&writing);
    let asking = streams::Asking { context: &context, patience: given.patience };
    let creation =
        Creation { replicas: given.replicas.count(), epoch: given.options.new_epoch, stage: given.stage };
    let create = given.options.create && !given.options.read_only;
    let absent = |stream: &str| ConnectError::Absent { stream: stream.to_owned(), servers: servers.clone() };
    let claims = streams::obtain(&asking, streams::claims(&names, creation), create).await?;
    claims.ok_or_else(|| absent(&names.claims))?;
    // The stream of records is made last: where it is, the others are.
    let parts = streams::obtain(&asking, streams::parts(&names, creation), create).await?;
    parts.ok_or_else(|| absent(&names.parts))?;
    let records = streams::obtain(&asking, streams::records(&names, creation), create).await?;
    let records = records.ok_or_else(|| absent(&names.records))?;
    let epoch = streams::epoch(&records)?;
    streams::in_stage(&records, given.stage, records.state.last_sequence == 0)?;
    let unavailable = |source: Cause| ConnectError::Unavailable { stream: names.records.clone(), source };
    let streams = (
        context.get_stream_no_info(&names.records).await.map_err(|error| unavailable(error.into()))?,
        link::context(&writing)
            .get_stream_no_info(&names.parts)
            .await
            .map_err(|error| unavailable(error.into()))?,
        context.get_stream_no_info(&names.claims).await.map_err(|error| unavailable(error.into()))?,
    );
    let link = Link::new(names.clone(), (writing, reading), streams, given.patience);
    let erasures = erasures(&link).await.map_err(|error| match error {
        Unread::Unanswered(unanswered) => unavailable(unanswered.into()),
        Unread::Damaged(problem) => {
            ConnectError::Damaged { stream: names.parts.clone(), position: Position::ZERO, problem }
        }
    })?;
    let begun: Vec<_> = erasures.values().filter(|(erasure, _)| !erasure.finished).cloned().collect();
    let known = erasures.into_iter().map(|(position, (erasure, _))| (position, erasure)).collect();
    let core = Arc::new(Core::new(link, Position(records.state.last_sequence), known));
    if !given.options.read_only {
        for (erasure, sequence) in begun {
            let position = erasure.position;
            if let Err(error) = core.finish(erasure, sequence).await {
                warn!(log.position = position.0, %error, "An erasure that was cut off is still not finished");
            }
        }
    }
    Ok((core, epoch))
}

async fn connect(given: &JetStreamOptions, servers: &str) -> Result<Client, ConnectError> {
    let unreachable = |source: Cause| ConnectError::Unreachable { servers: servers.to_owned(), source };
    let addresses: Result<Vec<ServerAddr>, _> =
        given.servers.split(',').map(|server| ServerAddr::from_str(server.trim())).collect();
    let addresses = addresses.map_err(|error| unreachable(error.into()))?;
    link::connect(addresses, given.connection.clone()).await.map_err(|error| unreachable(error.into()))
}

/// Proves what can be known of a server: not whether it syncs before it acknowledges.
fn prove(client: &Client, servers: &str) -> Result<(), ConnectError> {
    let unfit = |problem: String| Err(ConnectError::Unfit { servers: servers.to_owned(), problem });
    let (major, minor, patch) = OLDEST;
    if !client.is_server_compatible(major, minor, patch) {
        let version = client.server_info().version;
        return unfit(format!("it is version {version}, {major}.{minor}.{patch} or later is needed"));
    }
    let max_payload = client.server_info().max_payload;
    if max_payload < PAYLOAD_BYTES_MIN {
        return unfit(format!("its max_payload is {max_payload}, {PAYLOAD_BYTES_MIN} or more is needed"));
    }
    Ok(())
}

/// Why the erasures could not be read.
enum Unread {
    Unanswered(Unanswered),
    Damaged(String),
}

/// Returns the newest erasure of every position that has one, and its sequence.
async fn erasures(link: &Link) -> Result<HashMap<Position, (Erasure, u64)>, Unread> {
    let subject = link.names.all_erasures();
    let mut erasures = HashMap::new();
    let mut from = 1;
    loop {
        let wanted = Wanted {
            stream: &link.names.parts,
            from,
            subject: Some(&subject),
            messages_max: FETCH_MESSAGES_MAX,
            bytes: FETCH_BYTES,
        };
        let fetched = link.insist(|| link.fetch(wanted.clone())).await.map_err(Unread::Unanswered)?;
        let Some(last) = fetched.last() else { return Ok(erasures) };
        from = last.sequence + 1;
        for message in fetched {
            let erasure =
                Erasure::decode(None, &message.body).map_err(|fault| Unread::Damaged(fault.problem))?;
            erasures.insert(erasure.position, (erasure, message.sequence));
        }
    }
}

/// Returns URLs as they may be shown.
fn without_passwords(servers: &str) -> String {
    let shown = |server: &str| match (server.split_once("://"), server.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        (_, None) => server.to_owned(),
    };
    servers.split(',').map(|server| shown(server.trim())).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_in_no_message() {
        let shown = without_passwords("nats://user:secret@a:4222, tls://b:1,token@c,d:2");
        assert_eq!(shown, "nats://a:4222,tls://b:1,c,d:2");
    }
}
