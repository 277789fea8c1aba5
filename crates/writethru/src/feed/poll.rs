//! Changes from the HTTP API by long polling: for where there is no NATS.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use story::{Article, Desk, Revision, StoryId};
use wire::{ArticleView, Change, ChangeBody, Cursor};

use super::{News, Seen, Started, no_article};
use crate::api::{Api, Query};
use crate::exit::Exit;
use crate::failure::Failure;

/// How long the server may wait for a change.
const WAIT: Duration = Duration::from_secs(20);
/// Most changes asked for at a time.
const PAGE_CHANGES: usize = 100;
/// Most stories whose articles are kept; others are fetched again when they change.
const KEPT_STORIES_MAX: usize = 1_000;
/// Pause after the server could not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// A reader of `/v1/changes`.
#[derive(Debug)]
pub(crate) struct Poll {
    api: Api,
    desk: Option<Desk>,
    cursor: Cursor,
    waiting: VecDeque<Change>,
    articles: HashMap<StoryId, (Revision, Article)>,
}

impl Poll {
    /// Returns a reader of the changes from now on, of one desk or all.
    ///
    /// # Errors
    /// The server cannot be asked how far it is.
    pub(crate) async fn open(api: Api, desk: Option<&Desk>) -> Result<Self, Failure> {
        let cursor = now(&api).await?;
        Ok(Self { api, desk: desk.cloned(), cursor, waiting: VecDeque::new(), articles: HashMap::new() })
    }

    /// Returns the server that is asked.
    pub(crate) fn source(&self) -> String {
        self.api.base().to_string()
    }

    /// Returns the next change and the articles around it, once there is one.
    ///
    /// # Errors
    /// The server says no in a way that waiting does not mend.
    pub(crate) async fn next(&mut self) -> Result<News, Failure> {
        loop {
            if let Some(change) = self.waiting.front().cloned() {
                let seen = self.read(change).await?;
                // Only now is the change read: a call that is cut off reads it again.
                self.waiting.pop_front();
                return Ok(seen);
            }
            self.ask().await?;
        }
    }

    /// Waits for a page of changes, or an empty one.
    async fn ask(&mut self) -> Result<(), Failure> {
        let mut query: Query = vec![
            ("after", self.cursor.to_string()),
            ("limit", PAGE_CHANGES.to_string()),
            ("wait", WAIT.as_secs().to_string()),
        ];
        query.extend(self.desk.as_ref().map(|desk| ("desk", desk.to_string())));
        match self.api.changes(&query, WAIT).await {
            Ok((events, cursor)) => {
                // The server's cursor is also past changes that the filter left out.
                let last = events.last().map(|event| event.data.cursor);
                self.cursor = cursor.or(last).unwrap_or(self.cursor);
                self.waiting.extend(events.into_iter().map(|event| event.data));
                Ok(())
            }
            Err(failure) if failure.exit() == Exit::Unavailable => {
                tracing::warn!(failure = failure.what(), "The server does not answer; trying again");
                tokio::time::sleep(PAUSE).await;
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    async fn read(&mut self, change: Change) -> Result<News, Failure> {
        let before = match self.articles.get(&change.story) {
            _ if change.from == Revision::ZERO => None,
            Some((revision, article)) if *revision == change.from => Some(article.clone()),
            _ => Some(self.fetch(change.story, change.from).await?.1),
        };
        let base = before.clone().unwrap_or_default();
        let news = match change.apply_to(&base, change.from) {
            Ok(after) => News::Changed(Box::new(Seen { change, before, after })),
            Err(error) => {
                let (now, after) = self.fetch(change.story, change.to).await?;
                if matches!(change.body, ChangeBody::Fetch(_)) {
                    News::Changed(Box::new(Seen { change, before, after }))
                } else {
                    News::Reset(Box::new(Started { reason: error.to_string(), before, now, after }))
                }
            }
        };
        if self.articles.len() >= KEPT_STORIES_MAX {
            self.articles.clear();
        }
        let (story, revision, article) = match &news {
            News::Changed(seen) => (seen.change.story, seen.change.to, &seen.after),
            News::Reset(started) => (started.now.story, started.now.revision, &started.after),
            News::Trouble(_) => return Ok(news),
        };
        self.articles.insert(story, (revision, article.clone()));
        Ok(news)
    }

    async fn fetch(&self, story: StoryId, revision: Revision) -> Result<(ArticleView, Article), Failure> {
        let query = vec![("view", "public".to_owned()), ("as_of", format!("rev:{revision}"))];
        let view: ArticleView = self.api.get(&["v1", "stories", &story.to_string()], &query).await?;
        let article = view.to_article().map_err(|error| no_article(&error))?;
        Ok((view, article))
    }
}

/// Returns the cursor of what the views show now.
async fn now(api: &Api) -> Result<Cursor, Failure> {
    let query: Query = vec![("after", "now".to_owned())];
    let (_, cursor) = api.changes(&query, Duration::ZERO).await?;
    cursor.ok_or_else(|| {
        Failure::new(Exit::Failure, "answer-unreadable", "the server does not say where its changes are")
            .next("compare `writethru --version` with the server's (`writethru doctor`)")
    })
}
