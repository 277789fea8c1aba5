//! Following a log that other processes write too.
//!
//! What they file becomes known here a moment later: slugs, items of wires, what is due; and what this
//! desk has in memory of their stories is forgotten. Nothing depends on that moment: a decision that
//! stores something is the log's to accept, and one that stores nothing is made again on what the log
//! says.

use std::time::Duration;

use story::{Revision, StoryId};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::service::{Desk, scan};

/// How long the follower waits after the log has failed it.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn run(desk: &Desk, shutdown: CancellationToken) {
    let inner = &desk.inner;
    let mut tail = inner.log.tail(inner.opened_at.next());
    loop {
        // Cancel-safe: a batch is taken whole or not.
        let Some(batch) = shutdown.run_until_cancelled(tail.next_batch()).await else {
            return;
        };
        let records = match batch {
            Ok(records) => records,
            Err(error) => {
                warn!(%error, "The desk cannot follow the event log: trying again");
                if shutdown.run_until_cancelled(tokio::time::sleep(RETRY_PAUSE)).await.is_none() {
                    return;
                }
                continue;
            }
        };
        for record in &records {
            scan(&inner.directory, &inner.due, record);
            let story = StoryId::from_bytes(record.story.0);
            inner.stories.outdated(story, Revision(record.revision));
        }
    }
}
