//! Following the stream: what other processes store moves the head of this one too.
//!
//! The server announces each record that it has stored, at most once; so the head is also asked for
//! from time to time. Neither ever moves the head back.

use std::time::Duration;

use futures::StreamExt;

use super::core::Core;
use super::link::sequence_of;
use crate::contract::Position;

/// How long a record may stay unseen whose announcement was lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Moves the head until it is aborted.
pub(super) async fn follow(core: &Core) {
    tokio::join!(listen(core), look(core));
}

async fn listen(core: &Core) {
    loop {
        if let Ok(mut announcements) = core.link.announcements().await {
            while let Some(announcement) = announcements.next().await {
                if let Some(sequence) = sequence_of(&announcement) {
                    core.advance(Position(sequence));
                }
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn look(core: &Core) {
    let mut clock = tokio::time::interval(LOOK_EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        // Without an answer the next look will do.
        if let Ok(head) = core.link.leader_head().await {
            core.advance(Position(head));
        }
    }
}
