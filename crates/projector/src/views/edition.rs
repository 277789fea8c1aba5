//! What an article does not say of itself and a standard asks for: when the story began, its note, its
//! corrections, the times of its live entries. All of it as it was at the revision that is shown.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use story::{BlockId, BlockKind, Kind, Revision, StoryId};
use wire::ArticleView;

use crate::views::read::{ROWS_MAX, article_of, revision_at, time, word};
use crate::views::{AsOf, Leaving, View, ViewError, Views};

/// A revision as a standard's item tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// The article, as its reader may see it.
    pub article: ArticleView,
    /// When the story began: for readers, when they first saw it.
    pub created: Timestamp,
    /// When readers first saw the story; `None` if they had not by then.
    pub first_published: Option<Timestamp>,
    /// The public note of the revision. Empty if none.
    pub note: String,
    /// Corrections and clarifications up to the revision, oldest first; the newest 1,000. For readers
    /// none from before a story was taken from them.
    pub corrections: Vec<Corrected>,
    /// Times of the live entries that the article has.
    pub entries: Vec<Written>,
    /// What leaves with it, if the story has, or had, an embargo or a schedule.
    pub leaving: Option<Leaving>,
}

/// A correction or a clarification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    /// The revision that made it.
    pub revision: Revision,
    /// Which of the two it is.
    pub kind: Kind,
    /// When it was recorded, and readers told.
    pub recorded: Timestamp,
    /// The public note.
    pub note: String,
    /// What was wrong. Empty if not stated.
    pub what: String,
    /// Where it stood. Empty if not stated.
    pub place: String,
}

/// When a live entry was written: what readers have not seen yet counts from when it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The entry.
    pub block: BlockId,
    /// When readers first saw it.
    pub published: Timestamp,
    /// When they first saw it as it is.
    pub modified: Timestamp,
    /// When they first saw its last change that was worth their while.
    pub significant: Timestamp,
}

impl Views {
    /// Returns `story` at a moment with what goes around its article, or `None` if it had nothing to
    /// show then.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn edition(&self, story: StoryId, at: AsOf, view: View) -> Result<Option<Edition>, ViewError> {
        self.query(move |connection| edition(connection, story, at, view)).await
    }
}

/// Returns `story` at a moment with what goes around its article.
pub(super) fn edition(
    connection: &Connection,
    story: StoryId,
    at: AsOf,
    view: View,
) -> Result<Option<Edition>, ViewError> {
    let Some(row) = revision_at(connection, story, at, view)? else { return Ok(None) };
    let article = article_of(connection, story, &row, view)?;
    let at = At { connection, story, revision: row.revision, view };
    let first_published = match row.published {
        Some(_) => at.first_published()?,
        None => None,
    };
    let created = match (view, first_published) {
        (View::Public, Some(first)) => first,
        _ => at.created()?,
    };
    Ok(Some(Edition {
        created,
        first_published,
        corrections: at.corrections()?,
        entries: at.entries(&article)?,
        leaving: row.leaving(story),
        note: row.note,
        article,
    }))
}

/// The revisions that wrote a live entry: the first, the last, and the last that mattered to readers.
struct Writers {
    first: u64,
    last: u64,
    significant: Option<u64>,
}

/// A revision of a story, for the eyes of a view.
#[derive(Clone, Copy)]
struct At<'a> {
    connection: &'a Connection,
    story: StoryId,
    revision: Revision,
    view: View,
}

impl At<'_> {
    fn created(self) -> Result<Timestamp, ViewError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT recorded FROM revisions WHERE story = ?1 ORDER BY revision LIMIT 1")?;
        time(statement.query_row([self.story.as_bytes()], |row| row.get(0))?)
    }

    fn first_published(self) -> Result<Option<Timestamp>, ViewError> {
        let mut statement =
            self.connection.prepare_cached("SELECT first_published FROM stories WHERE story = ?1")?;
        let first: Option<i64> = statement.query_row([self.story.as_bytes()], |row| row.get(0))?;
        first.map(time).transpose()
    }

    /// Reads the index over corrections alone, however long the history is: unasked, SQLite would not.
    fn corrections(self) -> Result<Vec<Corrected>, ViewError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT revision, kind, recorded, note, what, place
             FROM revisions INDEXED BY revisions_corrections
             WHERE story = ?1 AND revision <= ?2 AND kind IN ('correction', 'clarification')
             AND CASE WHEN ?3 THEN public OR revision = ?2 ELSE public AND hidden_by IS NULL END
             ORDER BY revision DESC LIMIT ?4",
        )?;
        let is_desk = self.view == View::Desk;
        let mut rows =
            statement.query(params![self.story.as_bytes(), self.revision.get(), is_desk, ROWS_MAX])?;
        let mut corrections = Vec::new();
        while let Some(row) = rows.next()? {
            corrections.push(Corrected {
                revision: Revision(row.get(0)?),
                kind: word(&row.get::<_, String>(1)?, "revisions.kind")?,
                recorded: time(row.get(2)?)?,
                note: row.get(3)?,
                what: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
                place: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
            });
        }
        corrections.reverse();
        Ok(corrections)
    }

    fn entries(self, article: &ArticleView) -> Result<Vec<Written>, ViewError> {
        let blocks = article.blocks.iter().filter(|block| block.kind == BlockKind::Entry);
        let shown: Vec<BlockId> = blocks.map(|block| block.id.clone()).collect();
        if shown.is_empty() {
            return Ok(Vec::new());
        }
        let written = self.written()?;
        let mut times = HashMap::new();
        let mut seen = |revision: u64| -> Result<Timestamp, ViewError> {
            if let Some(time) = times.get(&revision) {
                return Ok(*time);
            }
            let time = self.seen(revision)?;
            times.insert(revision, time);
            Ok(time)
        };
        let mut entries = Vec::with_capacity(shown.len());
        for block in shown {
            let Some(by) = written.get(block.as_str()) else { continue };
            let published = seen(by.first)?;
            let significant = by.significant.map_or(Ok(published), &mut seen)?;
            entries.push(Written { block, published, modified: seen(by.last)?, significant });
        }
        Ok(entries)
    }

    /// Returns which revisions wrote each live entry.
    fn written(self) -> Result<HashMap<String, Writers>, ViewError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT block, min(entries.revision), max(entries.revision), max(entries.revision) FILTER
               (WHERE json_extract(significance, '$.level') <> 'minor')
             FROM entries LEFT JOIN revisions USING(story, revision)
             WHERE story = ?1 AND revision <= ?2 GROUP BY block",
        )?;
        let rows = statement.query_map(params![self.story.as_bytes(), self.revision.get()], |row| {
            Ok((row.get(0)?, Writers { first: row.get(1)?, last: row.get(2)?, significant: row.get(3)? }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns when readers could first see what `revision` wrote: a draft waits for what publishes it.
    fn seen(self, revision: u64) -> Result<Timestamp, ViewError> {
        let visible = if self.view == View::Public { " AND hidden_by IS NULL" } else { "" };
        let published = self
            .connection
            .prepare_cached(&format!(
                "SELECT recorded FROM revisions WHERE story = ?1 AND revision BETWEEN ?2 AND ?3
                 AND public AND tombstone IS NULL{visible} ORDER BY revision LIMIT 1"
            ))?
            .query_row(params![self.story.as_bytes(), revision, self.revision.get()], |row| row.get(0))
            .optional()?;
        if let Some(published) = published {
            return time(published);
        }
        let mut statement = self
            .connection
            .prepare_cached("SELECT recorded FROM revisions WHERE story = ?1 AND revision = ?2")?;
        time(statement.query_row(params![self.story.as_bytes(), revision], |row| row.get(0))?)
    }
}
