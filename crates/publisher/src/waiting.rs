//! The articles that wait to be sent: one a story, the newest, between the loop that sends changes and
//! the one that sends articles.
//!
//! Bounded: when much waits, changes wait too.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use log::Position;
use projector::ChangeRow;
use story::{Desk, StoryId};
use tokio::sync::Notify;

/// Most articles that wait for the changes before them.
const ARTICLES_MAX: usize = 1_024;
/// So many bytes of waiting articles are enough.
const ARTICLES_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What waits, shared by the two loops.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    state: Mutex<State>,
    /// Told when something is put in.
    filled: Notify,
    /// Told when everything is taken out.
    emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    articles: Articles,
    /// Every change up to here is done.
    upto: Position,
    /// Whether nobody has taken that yet.
    is_new: bool,
}

impl Waiting {
    /// Adds the articles of `rows`, which are in order; every change up to `upto` is done. Returns
    /// when there is room for more.
    pub(crate) async fn add(&self, rows: Vec<ChangeRow>, upto: Position) {
        {
            let mut state = self.state();
            state.articles.take(rows);
            state.is_new |= upto > state.upto;
            state.upto = state.upto.max(upto);
        }
        self.filled.notify_one();
        while self.state().articles.are_many() {
            self.emptied.notified().await;
        }
    }

    /// Takes what waits, at least a position that is new.
    ///
    /// Cancel-safe: what it takes, it returns at once.
    pub(crate) async fn take(&self) -> (Articles, Position) {
        loop {
            {
                let mut state = self.state();
                if std::mem::take(&mut state.is_new) {
                    self.emptied.notify_one();
                    return (std::mem::take(&mut state.articles), state.upto);
                }
            }
            self.filled.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The articles that wait until the changes before them are acknowledged: one a story, the newest.
#[derive(Debug, Default)]
pub(crate) struct Articles {
    stories: HashMap<StoryId, Shown>,
    bytes: usize,
}

/// A story's newest article.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) newest: ChangeRow,
    /// Desks that the story had.
    pub(crate) left: Vec<Desk>,
}

impl Articles {
    /// Takes the articles of `rows`, which are in order, in the place of older ones.
    pub(crate) fn take(&mut self, rows: Vec<ChangeRow>) {
        for row in rows.into_iter().filter(|row| !row.event.is_empty()) {
            let earlier = self.stories.remove(&row.story);
            let mut left = earlier.map_or_else(Vec::new, |earlier| {
                self.bytes -= earlier.newest.article.len();
                earlier.left
            });
            left.extend(row.desk_before.clone().filter(|desk| !left.contains(desk)));
            self.bytes += row.article.len();
            self.stories.insert(row.story, Shown { newest: row, left });
        }
    }

    /// Returns whether no more should wait.
    pub(crate) fn are_many(&self) -> bool {
        self.bytes >= ARTICLES_BYTES_MAX || self.stories.len() >= ARTICLES_MAX
    }

    /// Returns the stories, in no order.
    pub(crate) fn into_stories(self) -> impl Iterator<Item = Shown> {
        self.stories.into_values()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use story::Status;

    use super::*;

    fn row(story: u8, position: u64, desks: (&str, Option<&str>)) -> ChangeRow {
        let desk = |name: &str| name.parse().expect("a desk");
        ChangeRow {
            tags: [].into(),
            rewords_headline: false,
            position: Position(position),
            story: StoryId::from_bytes([story; 16]),
            desk: desk(desks.0),
            desk_before: desks.1.map(desk),
            kind: story::Kind::Update,
            status: Status::Usable,
            level: story::Level::Notable,
            from: story::Revision(position - 1),
            to: story::Revision(position),
            event: Bytes::from_static(b"event"),
            recall: None,
            article: Bytes::from(format!("article {position}")),
            embargo: None,
        }
    }

    #[test]
    fn only_the_newest_article_of_a_story_waits() {
        let mut articles = Articles::default();
        articles.take(vec![row(1, 1, ("world", None)), row(2, 2, ("world", None))]);
        articles.take(vec![row(1, 3, ("world", None))]);
        let mut waiting: Vec<u64> = articles.stories.values().map(|shown| shown.newest.position.0).collect();
        waiting.sort_unstable();
        assert_eq!(waiting, [2, 3]);
        assert_eq!(articles.bytes, 2 * "article 1".len());
        assert!(!articles.are_many());
    }

    #[test]
    fn every_desk_that_a_story_has_left_is_remembered() {
        let mut articles = Articles::default();
        articles.take(vec![row(1, 1, ("storms", Some("world"))), row(1, 2, ("sport", Some("storms")))]);
        articles.take(vec![row(1, 3, ("sport", None))]);
        let left = articles.stories.into_values().flat_map(|shown| shown.left);
        assert_eq!(left.map(|desk| desk.to_string()).collect::<Vec<_>>(), ["world", "storms"]);
    }

    #[test]
    fn many_bytes_do_not_wait() {
        let mut articles = Articles::default();
        let mut large = row(1, 1, ("world", None));
        large.article = vec![b' '; ARTICLES_BYTES_MAX].into();
        articles.take(vec![large]);
        assert!(articles.are_many());
    }

    #[tokio::test]
    async fn what_waits_is_taken_once_with_how_far_changes_have_come() {
        let waiting = Waiting::default();
        waiting.add(vec![row(1, 1, ("world", None))], Position(1)).await;
        waiting.add(vec![row(1, 2, ("world", None))], Position(4)).await;
        let (articles, upto) = waiting.take().await;
        assert_eq!((articles.into_stories().count(), upto), (1, Position(4)));
        // Nothing is new: to take again is to wait until something is, were it only a position.
        waiting.add(Vec::new(), Position(4)).await;
        assert!(futures::poll!(Box::pin(waiting.take())).is_pending());
        waiting.add(Vec::new(), Position(5)).await;
        assert_eq!(waiting.take().await.1, Position(5));
    }

    #[tokio::test]
    async fn changes_wait_while_many_articles_do() {
        let waiting = Waiting::default();
        let mut large = row(1, 1, ("world", None));
        large.article = vec![b' '; ARTICLES_BYTES_MAX].into();
        let mut add = Box::pin(waiting.add(vec![large], Position(1)));
        assert!(futures::poll!(&mut add).is_pending());
        waiting.take().await;
        add.await;
    }
}
