//! The demonstration: a real storm, played from its real advisories, shown as a subscriber sees it.

use std::time::Duration;

use formats::History;
use story::{Desk, Slug};

use crate::commands::import::send;
use crate::commands::watch;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::feed::{Feed, News};
use crate::history::{filing, next_line};
use crate::output::say;
use crate::session::Session;
use crate::words::Words;

/// The story's slug.
pub(super) const SLUG: &str = "nhc-harvey-2017";
const DESK: &str = "weather";
/// The history: see `fixtures/ATTRIBUTION.md`.
const HISTORY: &[u8] = include_bytes!("../../fixtures/nhc-harvey-2017.jsonl");
/// How many states go by quickly.
const QUICK_STATES: usize = 50;
const QUICK_PAUSE: Duration = Duration::from_millis(150);
const PAUSE: Duration = Duration::from_secs(1);
/// How long the subscriber may lag behind the last push.
const LAST_WAIT: Duration = Duration::from_secs(15);
/// Most lines of one change that are shown.
const LINES_MAX: usize = 9;

/// Plays the whole history, `speed` times as fast as a person likes to watch.
///
/// # Errors
/// The service does not take what it should: a fault.
pub(super) async fn play(session: &Session, speed: f64) -> Result<(), Failure> {
    let feed = Feed::open(session, None).await?;
    say(format_args!("playing Hurricane Harvey, August 2017, from the advisories as they were issued"));
    say(format_args!("what follows is what a subscriber sees over {}", feed.source()));
    say("");
    let (last, mut told) = tokio::sync::watch::channel(None);
    let watching = show(session, feed, &mut told);
    let pushing = async {
        let revision = Box::pin(push_all(session, speed)).await?;
        last.send_replace(Some(revision));
        Ok::<(), Failure>(())
    };
    // Where a push fails there is nothing more to wait for.
    tokio::try_join!(pushing, watching).map(|_| ())
}

/// Files every state; returns the last revision.
async fn push_all(session: &Session, speed: f64) -> Result<u64, Failure> {
    let api = session.api()?;
    let (slug, desk) = (identity::<Slug>(SLUG)?, identity::<Desk>(DESK)?);
    let mut history = History::new();
    let mut input = HISTORY;
    let mut revision = 0;
    let mut number = 0;
    while let Some(line) = next_line(&mut input).map_err(|error| broken(&error))? {
        let Some(state) = history.read(&line).map_err(|error| broken(&error))? else { continue };
        revision = send(&api, &filing(&slug, Some(&desk), &state, &line)).await?.revision.get();
        number += 1;
        let pause = if number <= QUICK_STATES { QUICK_PAUSE } else { PAUSE };
        tokio::time::sleep(pause.div_f64(speed)).await;
    }
    Ok(revision)
}

/// Prints every change until the one whose revision `told` says is the last.
async fn show(
    session: &Session,
    mut feed: Feed,
    told: &mut tokio::sync::watch::Receiver<Option<u64>>,
) -> Result<(), Failure> {
    let words = Words { color: session.output.color(), whole: false };
    let mut shown = 0;
    loop {
        let last = *told.borrow();
        if last.is_some_and(|last| shown >= last) {
            return Ok(());
        }
        let deadline = async {
            match last {
                Some(_) => tokio::time::sleep(LAST_WAIT).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Cancel-safe: the feed passes a change only when it returns it.
            news = feed.next() => {
                let news = news?;
                shown = match &news {
                    News::Changed(seen) => seen.change.to.get(),
                    News::Reset(started) => started.now.revision.get(),
                    News::Trouble(_) => shown,
                };
                print(&watch::lines(&news, words), session)?;
            }
            // Cancel-safe: a change of the channel is seen now or next time.
            Ok(()) = told.changed() => {}
            () = deadline => {
                say("(the subscriber is behind; it catches up while the service runs)");
                return Ok(());
            }
        }
    }
}

fn print(lines: &[String], session: &Session) -> Result<(), Failure> {
    if session.output.json {
        return Ok(());
    }
    for line in lines.iter().take(LINES_MAX) {
        session.output.line(line)?;
    }
    if lines.len() > LINES_MAX {
        session.output.line(format_args!("  … and {} more places", lines.len() - LINES_MAX))?;
    }
    session.output.line("")
}

fn identity<T: std::str::FromStr>(name: &str) -> Result<T, Failure>
where
    T::Err: std::error::Error + 'static,
{
    name.parse().map_err(|error: T::Err| broken(&error))
}

fn broken(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Exit::Failure, "demo", "the demonstration is broken").because(error)
}
