//! The views: one SQLite file that can be deleted at any time, and the handle that reads it.

mod as_of;
mod audit;
mod changes;
mod edition;
mod filter;
mod lists;
mod moments;
mod pool;
mod read;
mod recent;
mod redactions;
mod schema;
mod search;
mod shelf;
mod then;
mod write;

use std::sync::Arc;

use bytes::Bytes;
use log::Position;
use story::{Desk, Kind, Level, Revision, Status, StoryId};
use tokio::sync::watch;

pub use as_of::{AsOf, AsOfError};
pub use audit::{Embargoed, Found, Period, Recalling, StretchPlace};
pub use edition::{Corrected, Edition, Written};
pub use filter::ChangeFilter;
pub use moments::{PublicAround, PublicMoment};
pub(crate) use pool::Pool;
pub(crate) use recent::Recent;
pub(crate) use schema::{TABLES, digest};
pub use search::PhraseFilter;
pub use shelf::{DeskLine, Shelf};
pub(crate) use write::{Rows, Writer};

/// Whose eyes a read is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Readers': only what has been published, without notes for editors. A story of which nothing
    /// has been published does not exist; of one that was taken from readers they see a tombstone,
    /// and no revision before it.
    Public,
    /// The desk's: everything.
    Desk,
}

/// Which stories a list is of.
#[derive(Debug, Clone)]
pub struct StoryFilter {
    /// Only this desk's.
    pub desk: Option<Desk>,
    /// Only those in this status.
    pub status: Option<Status>,
    /// For whose eyes.
    pub view: View,
    /// At most this many.
    pub limit: usize,
    /// Where the page before ended: its [`StoryPage::next`].
    pub after: Option<String>,
}

/// One page of a list, newest record first.
#[derive(Debug, Clone)]
pub struct StoryPage {
    /// The stories.
    pub stories: Vec<wire::http::StoryLine>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
    /// Those that have, or had, an embargo or a schedule.
    pub leaving: Vec<Leaving>,
}

/// A revision that leaves, of a story that has, or had, an embargo or a schedule: what an audit of
/// that embargo wants to hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Leaving {
    /// The story.
    pub story: StoryId,
    /// What leaves.
    pub revision: Revision,
    /// The revision that set the newest embargo or schedule up to there, over or not.
    pub embargo: Revision,
}

/// One public change, as it goes out.
#[derive(Debug, Clone)]
pub struct ChangeRow {
    /// Place in the log of the record that caused it.
    pub position: Position,
    /// The story.
    pub story: StoryId,
    /// The desk whose subjects carry it.
    pub desk: Desk,
    /// The desk that the story had before, if it has changed desks.
    pub desk_before: Option<Desk>,
    /// What sort of update it is.
    pub kind: Kind,
    /// Where the story stands after it: if not usable, readers have a tombstone.
    pub status: Status,
    /// How much it matters.
    pub level: Level,
    /// The tags that readers saw before the change or see after it, each once: whoever follows a tag
    /// hears of a story that loses it too. None where readers have a tombstone after it: tags are words.
    pub tags: Arc<[String]>,
    /// Whether the headline is another one after it.
    pub rewords_headline: bool,
    /// The public revision before; 0 for the first.
    pub from: Revision,
    /// The public revision after.
    pub to: Revision,
    /// The CloudEvent for the change's subject, exactly as it is to be published. Empty in what
    /// [`Views::outgoing`] gives of a change that readers may not see any more: then only its recall
    /// goes out.
    pub event: Bytes,
    /// The CloudEvent for the story's recall subject, if the change calls revisions back.
    pub recall: Option<Bytes>,
    /// The CloudEvent for the story's article subject: the newest public article, which may be
    /// newer than this change.
    pub article: Bytes,
    /// The revision that set the story's newest embargo or schedule up to this change, over or not.
    pub embargo: Option<Revision>,
}

impl ChangeRow {
    /// Returns whether readers lose words of earlier changes of the story with this one: with the story,
    /// or by a redaction.
    pub fn takes_words(&self) -> bool {
        self.status != Status::Usable || self.kind == Kind::Redaction
    }

    /// Returns what leaves with this change, if the story has, or had, an embargo or a schedule.
    pub fn leaving(&self) -> Option<Leaving> {
        self.embargo.map(|embargo| Leaving { story: self.story, revision: self.to, embargo })
    }
}

/// A story whose history is illegal: it stands still, and others go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedStory {
    /// The story.
    pub story: StoryId,
    /// Place of the first record that does not fit.
    pub position: Position,
    /// What does not fit.
    pub problem: String,
}

/// Why the views could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenViewsError {
    /// The views were made from another log: delete them, they are built again.
    #[error("views at {path} belong to another log; delete them and they are built again")]
    OtherLog {
        /// Their file.
        path: String,
    },
    /// The file system or SQLite refused.
    #[error("cannot open the views at {path}")]
    Io {
        /// Their file.
        path: String,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
}

/// Why a read gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// SQLite refused: repeat the call.
    #[error("cannot read the views")]
    Unavailable(#[from] rusqlite::Error),
    /// What is stored cannot be read: rebuild the views.
    #[error("the views are damaged at {place}: rebuild them")]
    Damaged {
        /// Where.
        place: String,
    },
    /// A moment that is told by a revision is of one story: ask with a time or a cursor.
    #[error("a revision is a moment of one story: give a time (RFC 3339), cursor:… or size:12")]
    OfOneStory,
    /// The page token is not one that a page gave.
    #[error("{given:?} is not where a page ended")]
    PageToken {
        /// What was given.
        given: String,
    },
}

/// A handle that reads the views; clones share its connections.
#[derive(Debug, Clone)]
pub struct Views {
    pool: Arc<Pool>,
    position: watch::Receiver<Position>,
    /// Absent where nobody projects into these views.
    recent: Option<Arc<Recent>>,
    /// Where the service is whose messages these are, if that is known.
    base: Option<Arc<str>>,
}

impl Views {
    /// Opens the views at `path` to read them only, as they stand now: [`Views::position`] does
    /// not move. For commands beside a running service.
    ///
    /// # Errors
    /// [`OpenViewsError`].
    pub fn open_read_only(path: &std::path::Path) -> Result<Self, OpenViewsError> {
        let pool = Arc::new(Pool::new(path.to_owned()));
        let io = |source| OpenViewsError::Io { path: path.display().to_string(), source };
        let position = pool.with(schema::position).map_err(io)?;
        Ok(Self { pool, position: watch::channel(position).1, recent: None, base: None })
    }

    pub(crate) fn new(pool: Arc<Pool>, position: watch::Receiver<Position>, recent: Arc<Recent>) -> Self {
        Self { pool, position, recent: Some(recent), base: None }
    }

    /// Returns the views with messages that name their schemas at `base`, the public address of the service,
    /// instead of by name only. Of views without it, and of handles that were cloned before, nothing
    /// changes; neither does what is kept.
    #[must_use]
    pub fn served_at(self, base: &str) -> Self {
        Self { base: Some(base.into()), ..self }
    }

    pub(crate) fn recent(&self) -> Option<&Recent> {
        self.recent.as_deref()
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Returns the newest position that the views include.
    pub fn position(&self) -> Position {
        *self.position.borrow()
    }

    /// Returns once the views include `position`, or once their projector is gone.
    ///
    /// Cancel-safe.
    pub async fn reached(&self, position: Position) {
        let mut follow = self.position.clone();
        // An error means that the projector has stopped: what is there will not change.
        let _ = follow.wait_for(|reached| *reached >= position).await;
    }

    /// Returns how often a story was taken from readers since the projector began: whoever has read
    /// changes and finds another number before sending them reads them again, for their words may be
    /// hidden by now. It moves before [`Views::position`] does. Without a projector it stays 0.
    pub fn withdrawals(&self) -> u64 {
        self.recent().map_or(0, Recent::withdrawals)
    }

    /// Returns a receiver that wakes when the views move.
    pub fn follow(&self) -> watch::Receiver<Position> {
        self.position.clone()
    }
}
