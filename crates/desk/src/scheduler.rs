//! Publishes what is due: embargoes that have ended, and schedules.
//!
//! It looks at the clock on the wall, because that is what an embargo names, and looks often,
//! because that clock can be set.

use std::time::Duration;

use story::{Act, ActorId, Command, CommandKey, Deed, Status, StoryId, Text};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::filing::{chain, now};
use crate::request::{ActRequest, PushError, StoryRef};
use crate::service::Desk;

/// Who acts in the log when the clock does.
const ACTOR: &str = "scheduler";
/// Longest time between two looks at the clock while something waits: what a clock that is set
/// forward delays a release by.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Most stories released between two looks.
const RELEASES_MAX: usize = 256;
/// How long the scheduler waits after the log has failed it.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn run(desk: &Desk, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            // Cancel-safe: it only waits.
            () = wait(desk) => {}
        }
        for (story, until) in desk.inner.due.at(now(), RELEASES_MAX) {
            if shutdown.is_cancelled() {
                return;
            }
            if let Err(error) = release(desk, story, until).await {
                warn!(story.id = %story, %error, "Story {story} is due and could not be released: trying again");
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        }
    }
}

/// Waits until something may be due.
async fn wait(desk: &Desk) {
    let due = &desk.inner.due;
    let Some(next) = due.next() else { return due.changed().await };
    let left = Duration::try_from(next.duration_since(now())).unwrap_or(Duration::ZERO);
    tokio::select! {
        () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
        // Cancel-safe: a notice that is lost here is found in `next` at the next turn.
        () = due.changed() => {}
    }
}

async fn release(desk: &Desk, story: StoryId, until: jiff::Timestamp) -> Result<(), PushError> {
    let actor: ActorId = ACTOR.parse().expect("nine letters are a legal actor");
    let key: CommandKey =
        format!("lapse-{}", until.as_microsecond()).parse().expect("letters and digits are a legal key");
    let act = Act { deed: Deed::Lapse, reason: Text::default(), note: Text::default(), approver: None };
    let command = Command::Act(Box::new(act));
    let request = ActRequest { story: StoryRef::Id(story), command, actor, key: Some(key), expected: None };
    match desk.act(request).await {
        Ok(answer) => {
            if answer.repeated {
                look_again(desk, story).await?;
            }
            info!(story.id = %story, %until, "Released story {story}: its time has come");
            Ok(())
        }
        // Someone has moved the end, or ended it by hand: what the log says now counts.
        Err(PushError::Refused(_) | PushError::NotFound { .. }) => look_again(desk, story).await,
        Err(error) => Err(error),
    }
}

/// Takes note of when `story` goes out as the log has it.
async fn look_again(desk: &Desk, story: StoryId) -> Result<(), PushError> {
    let held = desk.inner.stories.hold_newest(story).await?;
    let known = chain(&held).story();
    let goes_out = matches!(known.status, Status::Embargoed | Status::Scheduled);
    desk.inner.due.set(story, known.revision, known.until.filter(|_| goes_out));
    Ok(())
}
