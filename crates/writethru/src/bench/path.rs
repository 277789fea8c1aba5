//! The whole path: from push to a NATS subscriber.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use story::StoryId;
use wire::Subject;

use super::load::{self, Drive, Filed};
use super::stage::Stage;
use super::timings::{Spread, Timings};
use crate::exit::Exit;
use crate::failure::{Failure, chain};

/// Round trips measured.
const ROUND_TRIPS: usize = 300;
/// How long the subscriber may take to get what is still under way at the end.
const CATCH_UP_MAX: Duration = Duration::from_mins(5);

/// What a run of the whole path came to.
#[derive(Debug)]
pub(super) struct Through {
    /// The pushes.
    pub(super) filed: Filed,
    /// From push to subscriber; `None` without NATS.
    pub(super) arrived: Option<Spread>,
}

/// When each push began, by story and revision.
#[derive(Debug, Default)]
pub(super) struct Clock {
    stories: Mutex<HashMap<StoryId, usize>>,
    /// By writer: the beginning of the push that made revision 2, 3, …
    begun: Mutex<Vec<Vec<Instant>>>,
}

impl Clock {
    /// Begins to follow `stories`, one a writer, all at revision 1.
    pub(super) fn follow(&self, stories: &[StoryId]) {
        let numbered = stories.iter().enumerate().map(|(number, story)| (*story, number)).collect();
        *self.stories.lock().unwrap_or_else(PoisonError::into_inner) = numbered;
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = vec![Vec::new(); stories.len()];
    }

    /// Notes that a writer begins its next push.
    pub(super) fn begin(&self, writer: usize, at: Instant) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(begun) = begun.get_mut(writer) {
            begun.push(at);
        }
    }

    /// Returns when the push behind a message with this id (`story:revision`) began.
    fn began(&self, id: &str) -> Option<Instant> {
        let (story, revision) = id.split_once(':')?;
        let story: StoryId = story.parse().ok()?;
        let index = revision.parse::<usize>().ok()?.checked_sub(2)?;
        let writer = *self.stories.lock().unwrap_or_else(PoisonError::into_inner).get(&story)?;
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).get(writer)?.get(index).copied()
    }
}

/// Lets writers push while a subscriber takes every change.
///
/// # Errors
/// A push is refused, NATS does not answer, or a change does not arrive.
pub(super) async fn push_and_follow(stage: &Stage, drive: Drive) -> Result<Through, Failure> {
    let Some(url) = &stage.nats else {
        return Ok(Through { filed: load::push(&stage.desk, drive, None).await?, arrived: None });
    };
    let clock = Arc::new(Clock::default());
    let client = connect(url).await?;
    let changes = client.subscribe(Subject::CHANGES).await.map_err(|error| silent(&error))?;
    client.flush().await.map_err(|error| silent(&error))?;
    let (told, end) = tokio::sync::watch::channel(None::<u64>);
    let subscriber = tokio::spawn(take(changes, Arc::clone(&clock), end));
    let filed = load::push(&stage.desk, drive, Some(clock)).await?;
    told.send_replace(Some(filed.updates));
    let arrived = tokio::time::timeout(CATCH_UP_MAX, subscriber).await;
    let lost = || Failure::new(Exit::Failure, "bench", "not every change has arrived at the subscriber");
    let arrived = arrived.map_err(|_| lost())?.map_err(|error| lost().why(error.to_string()))?;
    Ok(Through { filed, arrived: Some(arrived.spread()) })
}

/// Takes changes until as many have come as `end` says.
async fn take(
    mut changes: async_nats::Subscriber,
    clock: Arc<Clock>,
    mut end: tokio::sync::watch::Receiver<Option<u64>>,
) -> Timings {
    let mut timings = Timings::default();
    let mut arrived = 0_u64;
    loop {
        if end.borrow().is_some_and(|updates| arrived >= updates) {
            return timings;
        }
        tokio::select! {
            // Cancel-safe: a message stays in the subscription until it is returned.
            message = changes.next() => {
                let Some(message) = message else { return timings };
                let now = Instant::now();
                let id = message.headers.as_ref().and_then(|headers| headers.get("Nats-Msg-Id"));
                if let Some(began) = id.and_then(|id| clock.began(id.as_str())) {
                    timings.add(now - began);
                    arrived += 1;
                }
            }
            // Cancel-safe: a channel's change is seen now or next time.
            Ok(()) = end.changed() => {}
        }
    }
}

/// Returns how long a message takes to NATS and back, with `pause` between two.
///
/// # Errors
/// NATS does not answer.
pub(super) async fn round_trip(url: &str, pause: Duration) -> Result<Spread, Failure> {
    let client = connect(url).await?;
    let mut messages = client.subscribe("bench.round.trip").await.map_err(|error| silent(&error))?;
    let mut timings = Timings::default();
    for _ in 0..ROUND_TRIPS {
        tokio::time::sleep(pause).await;
        let began = Instant::now();
        client.publish("bench.round.trip", "x".into()).await.map_err(|error| silent(&error))?;
        client.flush().await.map_err(|error| silent(&error))?;
        if messages.next().await.is_none() {
            break;
        }
        timings.add(began.elapsed());
    }
    Ok(timings.spread())
}

async fn connect(url: &str) -> Result<async_nats::Client, Failure> {
    let options = async_nats::ConnectOptions::new().subscription_capacity(1 << 16);
    options.connect(url).await.map_err(|error| silent(&error))
}

fn silent(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Exit::Unavailable, "nats-unreachable", "NATS does not answer")
        .why(chain(error))
        .next("leave it out: --no-nats")
}
