//! Changes over NATS, by the same replica that any subscriber can embed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use client::{Replica, ResetReason, Update};
use futures::StreamExt;
use story::{Desk, Revision, StoryId};
use wire::ArticleView;

use super::{News, Seen, Started, no_article};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// How long connecting and fetching what there is may take.
const LIVE_MAX: Duration = Duration::from_secs(30);

/// A replica and what it has shown.
#[derive(Debug)]
pub(crate) struct Follower {
    replica: Replica,
    url: String,
    /// The newest article of each story that has been handed on; the replica shares them.
    shown: HashMap<StoryId, Arc<ArticleView>>,
}

impl Follower {
    /// Returns a replica that is live: everything after this is news.
    ///
    /// # Errors
    /// NATS does not answer in time.
    pub(crate) async fn open(session: &Session, url: String, desk: Option<&Desk>) -> Result<Self, Failure> {
        let mut builder = Replica::builder(&url);
        if let Some(desk) = desk {
            builder = builder.desk(desk.clone());
        }
        if let Ok(api) = session.api() {
            builder = builder.service(api.base().as_str());
        }
        let replica = builder.connect().await.map_err(|error| silent(&url).because(&error))?;
        match tokio::time::timeout(LIVE_MAX, replica.live()).await {
            Ok(Ok(())) => {}
            Ok(Err(closed)) => return Err(silent(&url).because(&closed)),
            Err(_) => return Err(silent(&url).why(format!("there was none within {} s", LIVE_MAX.as_secs()))),
        }
        let known = |story| replica.current(story).map(|view| (story, view));
        let shown = replica.stories().into_iter().filter_map(known).collect();
        Ok(Self { replica, url, shown })
    }

    /// Returns the server that is followed.
    pub(crate) fn source(&self) -> String {
        self.url.clone()
    }

    /// Returns the next news. Cancel-safe: an update is handed on as soon as it is taken.
    ///
    /// # Errors
    /// The replica has ended.
    pub(crate) async fn next(&mut self) -> Result<News, Failure> {
        loop {
            let update = self.replica.next().await;
            let update = update.ok_or_else(|| silent(&self.url).why("the replica has ended"))?;
            match update {
                Update::Changed { change, article } => {
                    let before = self.shown.insert(change.story, Arc::clone(&article));
                    // What the replica began with comes as updates too.
                    if before.as_ref().is_some_and(|before| before.revision >= change.to) {
                        continue;
                    }
                    let before = before.filter(|_| change.from != Revision::ZERO);
                    let before = before.map(|view| view.to_article()).transpose();
                    let before = before.map_err(|error| no_article(&error))?;
                    let after = article.to_article().map_err(|error| no_article(&error))?;
                    return Ok(News::Changed(Box::new(Seen { change: (*change).clone(), before, after })));
                }
                Update::Reset { story, reason, article } => {
                    let before = self.shown.insert(story, Arc::clone(&article));
                    if reason == ResetReason::Start
                        || before.as_ref().is_some_and(|before| before.revision >= article.revision)
                    {
                        continue;
                    }
                    let before = before.map(|view| view.to_article()).transpose();
                    let before = before.map_err(|error| no_article(&error))?;
                    let after = article.to_article().map_err(|error| no_article(&error))?;
                    let started =
                        Started { reason: reason.to_string(), before, now: (*article).clone(), after };
                    return Ok(News::Reset(Box::new(started)));
                }
                Update::Removed { story, .. } => {
                    self.shown.remove(&story);
                }
                Update::Unavailable { story, revision, reason } => {
                    return Ok(News::Trouble(format!("{story} revision {revision}: {reason}")));
                }
                _ => {}
            }
        }
    }
}

fn silent(url: &str) -> Failure {
    Failure::new(Exit::Unavailable, "nats-unreachable", format!("no answer from NATS at {url}"))
        .next("check that it runs (`writethru doctor`), or ask the HTTP API: --no-nats")
}
