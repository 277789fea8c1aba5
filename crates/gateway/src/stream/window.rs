//! The newest changes, in the forms in which they are sent: each form is made once, for all.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use log::Position;
use projector::{ChangeRow, ViewError, Views};
use story::{Kind, Revision, Status, StoryId};
use tokio::sync::OnceCell;
use wire::Cursor;

use crate::limits::{STREAM_WINDOW_BYTES_MAX, STREAM_WINDOW_CHANGES_MAX};
use crate::stream::frame::Framing;
use crate::stream::shape::Shape;

/// In which shape, and how written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    pub(crate) framing: Framing,
    pub(crate) shape: Shape,
    /// The life of the log.
    pub(crate) epoch: u64,
}

impl Form {
    /// Returns `change` in this form; `None` if readers may not see it any more.
    pub(crate) async fn of(self, change: &ChangeRow, views: &Views) -> Result<Option<Bytes>, ViewError> {
        let shaped = self.shape.of(change, views).await?;
        Ok(shaped.map(|data| self.framing.change(self.cursor(change.position), &data)))
    }

    pub(crate) fn cursor(self, at: Position) -> Cursor {
        Cursor { epoch: self.epoch, position: at.0 }
    }
}

/// A change that has just been made, and the forms of it that somebody has wanted.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) change: ChangeRow,
    forms: [OnceCell<Option<Bytes>>; Framing::COUNT * Shape::COUNT],
}

impl Live {
    fn new(change: ChangeRow) -> Self {
        // The article is of no use here, and may be large.
        let change = ChangeRow { article: Bytes::new(), recall: None, ..change };
        Self { change, forms: Default::default() }
    }

    /// Returns the change in `form`, made by the first who asks; `None` if readers may not see it any
    /// more.
    pub(crate) async fn framed(&self, form: Form, views: &Views) -> Result<Option<Bytes>, ViewError> {
        let place = form.framing as usize * Shape::COUNT + form.shape as usize;
        let made = self.forms[place].get_or_try_init(|| Box::pin(form.of(&self.change, views))).await;
        made.cloned()
    }
}

/// A bounded window over the end of the changes, without a hole.
#[derive(Debug)]
pub(crate) struct Window {
    /// Every change behind this position, up to `reached`, is in `lives`.
    after: Position,
    reached: Position,
    lives: VecDeque<Arc<Live>>,
    bytes: usize,
}

/// Changes of the window, and how far they reach.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) lives: Vec<Arc<Live>>,
    pub(crate) reached: Position,
    /// Whether there is nothing behind them yet.
    pub(crate) is_last: bool,
}

impl Window {
    /// Returns an empty window over what comes after `position`.
    pub(crate) fn new(position: Position) -> Self {
        Self { after: position, reached: position, lives: VecDeque::new(), bytes: 0 }
    }

    /// Adds the changes up to `reached`, in order.
    pub(crate) fn add(&mut self, changes: Vec<ChangeRow>, reached: Position) {
        for change in changes {
            self.reach(&change);
            self.reached = change.position;
            self.bytes += change.event.len();
            self.lives.push_back(Arc::new(Live::new(change)));
            while self.lives.len() > STREAM_WINDOW_CHANGES_MAX || self.bytes > STREAM_WINDOW_BYTES_MAX {
                let Some(oldest) = self.lives.pop_front() else { break };
                self.bytes -= oldest.change.event.len();
                self.after = oldest.change.position;
            }
        }
        self.reached = reached.max(self.reached);
    }

    /// Forgets every change so far, and moves up to `reached`: the views have them.
    pub(crate) fn skip(&mut self, reached: Position) {
        let reached = reached.max(self.reached);
        *self = Self::new(reached);
    }

    /// Does to the changes of the window what `next`, which follows them, does to those of the views.
    fn reach(&mut self, next: &ChangeRow) {
        if next.status != Status::Usable {
            self.lives.retain(|live| live.change.story != next.story);
            self.bytes = self.lives.iter().map(|live| live.change.event.len()).sum();
        } else if next.kind == Kind::Redaction
            || (matches!(next.kind, Kind::Release | Kind::Restore) && next.from != Revision::ZERO)
        {
            // What comes back is in the views alone, and so is what is left of what was redacted.
            let last = self.lives.back().map_or(self.after, |live| live.change.position);
            (self.after, self.bytes) = (last, 0);
            self.lives.clear();
        }
    }

    /// Returns up to `limit` changes behind `after`, only `story`'s if there is one; `None` if some may
    /// be older than the window.
    pub(crate) fn behind(&self, after: Position, story: Option<StoryId>, limit: usize) -> Option<Part> {
        if after < self.after {
            return None;
        }
        let first = self.lives.partition_point(|live| live.change.position <= after);
        let wanted = |live: &&Arc<Live>| story.is_none_or(|story| live.change.story == story);
        let lives: Vec<_> = self.lives.range(first..).filter(wanted).take(limit).cloned().collect();
        let is_last = lives.len() < limit;
        let last = lives.last().filter(|_| !is_last).map(|live| live.change.position);
        Some(Part { reached: last.unwrap_or(self.reached).max(after), is_last, lives })
    }
}

#[cfg(test)]
mod tests {
    use story::Level;

    use super::*;

    fn change(story: u8, position: u64, status: Status, bytes: usize) -> ChangeRow {
        ChangeRow {
            position: Position(position),
            story: StoryId::from_bytes([story; 16]),
            desk: "world".parse().expect("a desk"),
            desk_before: None,
            kind: Kind::Update,
            status,
            level: Level::Notable,
            tags: [].into(),
            rewords_headline: false,
            from: Revision(position - 1),
            to: Revision(position),
            event: Bytes::from(vec![b' '; bytes]),
            recall: None,
            article: Bytes::new(),
            embargo: None,
        }
    }

    fn usable(story: u8, position: u64) -> ChangeRow {
        change(story, position, Status::Usable, 5)
    }

    fn positions(part: &Part) -> Vec<u64> {
        part.lives.iter().map(|live| live.change.position.0).collect()
    }

    #[test]
    fn the_window_gives_what_is_behind_a_position_or_says_that_it_may_lack_some() {
        let mut window = Window::new(Position(4));
        window.add(vec![usable(1, 5), usable(2, 7), usable(1, 8)], Position(9));
        assert!(window.behind(Position(3), None, 10).is_none());
        let all = window.behind(Position(4), None, 10).expect("is in the window");
        assert_eq!((positions(&all), all.reached, all.is_last), (vec![5, 7, 8], Position(9), true));
        let two = window.behind(Position(4), None, 2).expect("is in the window");
        assert_eq!((positions(&two), two.reached, two.is_last), (vec![5, 7], Position(7), false));
        let one = window.behind(Position(5), Some(StoryId::from_bytes([1; 16])), 10).expect("likewise");
        assert_eq!((positions(&one), one.reached), (vec![8], Position(9)));
        // Whoever is ahead of the views waits, and is not taken back.
        assert_eq!(window.behind(Position(20), None, 10).expect("likewise").reached, Position(20));
    }

    #[test]
    fn a_loss_takes_the_storys_changes_out_of_the_window_and_no_others() {
        let mut window = Window::new(Position(0));
        window.add(vec![usable(1, 1), usable(2, 2)], Position(2));
        window.add(vec![change(1, 3, Status::Killed, 5)], Position(3));
        let part = window.behind(Position(0), None, 10).expect("is in the window");
        assert_eq!((positions(&part), window.bytes), (vec![2, 3], 10));
    }

    #[test]
    fn what_is_too_much_is_forgotten_from_the_oldest_on() {
        let mut window = Window::new(Position(0));
        let half = STREAM_WINDOW_BYTES_MAX / 2;
        window.add((1..=3).map(|at| change(1, at, Status::Usable, half)).collect(), Position(3));
        assert!(window.behind(Position(0), None, 10).is_none());
        assert_eq!(positions(&window.behind(Position(1), None, 10).expect("is there")), [2, 3]);
        let many = STREAM_WINDOW_CHANGES_MAX as u64 + 4;
        window.add((4..=many).map(|at| usable(1, at)).collect(), Position(many));
        assert_eq!(window.lives.len(), STREAM_WINDOW_CHANGES_MAX);
    }
}
