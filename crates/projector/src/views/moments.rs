//! Which revision of a story stood at a moment, and the moments at which readers got another one.
//!
//! Times and positions rise within a story, so a moment is found by halving: a story of ten thousand
//! revisions is asked some fourteen times. Nothing here reads an article.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use story::{Revision, StoryId};

use crate::views::read::{ROWS_MAX, epoch, time};
use crate::views::{AsOf, View, ViewError, Views};

/// A public revision, and when readers got it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicMoment {
    /// The revision.
    pub revision: Revision,
    /// When readers could see it.
    pub published: Timestamp,
}

/// A public revision and those around it, as far as readers can reach them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicAround {
    /// The revision itself.
    pub this: PublicMoment,
    /// The story's first.
    pub first: PublicMoment,
    /// The story's newest.
    pub last: PublicMoment,
    /// The one before it.
    pub before: Option<PublicMoment>,
    /// The one after it.
    pub after: Option<PublicMoment>,
}

/// What of a story's public revisions readers can reach now; the index over them has it all.
const REACHED: &str =
    "SELECT revision, recorded FROM revisions INDEXED BY revisions_public WHERE story = ?1 AND public
     AND hidden_by IS NULL";

impl Views {
    /// Returns up to `limit` public revisions of `story` behind `after` that readers can reach, oldest
    /// first.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn public_moments(
        &self,
        story: StoryId,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<PublicMoment>, ViewError> {
        self.query(move |connection| {
            let sql = format!("{REACHED} AND revision > ?2 ORDER BY revision LIMIT ?3");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params![story.as_bytes(), after.get(), limit.min(ROWS_MAX)])?;
            let mut moments = Vec::new();
            while let Some(row) = rows.next()? {
                moments.push(moment(row)?);
            }
            Ok(moments)
        })
        .await
    }

    /// Returns a public revision of `story` and those around it; `None` if readers cannot reach it.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn public_around(
        &self,
        story: StoryId,
        revision: Revision,
    ) -> Result<Option<PublicAround>, ViewError> {
        self.query(move |connection| around(connection, story, revision)).await
    }

    /// Returns what readers had at `time`, with what is around it; their first revision, if that came
    /// later. `None` if they never had any that they can still reach.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn public_at(
        &self,
        story: StoryId,
        time: Timestamp,
    ) -> Result<Option<PublicAround>, ViewError> {
        self.query(move |connection| {
            let then = at(connection, story, AsOf::Recorded(time), View::Public)?;
            let found = match then {
                Some(then) => Some(then),
                None => edge(connection, story, "AND revision > ?2 ORDER BY revision LIMIT 1", 0)?
                    .map(|first| first.revision),
            };
            found.map_or(Ok(None), |revision| around(connection, story, revision))
        })
        .await
    }
}

fn around(
    connection: &Connection,
    story: StoryId,
    revision: Revision,
) -> Result<Option<PublicAround>, ViewError> {
    let number = revision.get();
    let edge = |rest, bound| edge(connection, story, rest, bound);
    let Some(this) = edge("AND revision = ?2", number)? else { return Ok(None) };
    Ok(Some(PublicAround {
        this,
        first: edge("AND revision > ?2 ORDER BY revision LIMIT 1", 0)?.unwrap_or(this),
        last: edge("AND revision > ?2 ORDER BY revision DESC LIMIT 1", 0)?.unwrap_or(this),
        before: edge("AND revision < ?2 ORDER BY revision DESC LIMIT 1", number)?,
        after: edge("AND revision > ?2 ORDER BY revision LIMIT 1", number)?,
    }))
}

fn edge(
    connection: &Connection,
    story: StoryId,
    rest: &str,
    bound: u64,
) -> Result<Option<PublicMoment>, ViewError> {
    let mut statement = connection.prepare_cached(&format!("{REACHED} {rest}"))?;
    let mut rows = statement.query(params![story.as_bytes(), bound])?;
    rows.next()?.map(moment).transpose()
}

fn moment(row: &Row<'_>) -> Result<PublicMoment, ViewError> {
    Ok(PublicMoment { revision: Revision(row.get(0)?), published: time(row.get(1)?)? })
}

/// Returns the number of the revision that `view` sees at a moment, without looking at what it holds.
pub(super) fn at(
    connection: &Connection,
    story: StoryId,
    at: AsOf,
    view: View,
) -> Result<Option<Revision>, ViewError> {
    let is_public = view == View::Public;
    let newest = match (at, is_public) {
        (AsOf::Latest | AsOf::Back(_), true) => newest_public(connection, story, i64::MAX, Hidden::Left)?,
        _ => newest(connection, story)?,
    };
    let Some(newest) = newest else { return Ok(None) };
    let upto = match at {
        AsOf::Latest => Some(newest),
        AsOf::Revision(revision) => Some(Revision(revision)).filter(|revision| *revision <= newest),
        AsOf::Back(back) => newest.get().checked_sub(back).filter(|number| *number > 0).map(Revision),
        AsOf::Recorded(time) | AsOf::Published(time) => {
            last_upto(connection, story, newest, ("recorded", time.as_microsecond()))?
        }
        AsOf::Cursor(cursor) if cursor.epoch == epoch(connection)? => {
            let position = i64::try_from(cursor.position).unwrap_or(i64::MAX);
            last_upto(connection, story, newest, ("position", position))?
        }
        AsOf::Cursor(_) => None,
        AsOf::Size(size) => {
            last_upto(connection, story, newest, ("position", i64::try_from(size).unwrap_or(i64::MAX)))?
        }
    };
    let Some(upto) = upto else { return Ok(None) };
    let bound = i64::try_from(upto.get()).unwrap_or(i64::MAX);
    let seen = match (at, is_public) {
        (_, true) => newest_public(connection, story, bound, Hidden::Left)?,
        // What readers had, also where it was taken from them since.
        (AsOf::Published(_), false) => newest_public(connection, story, bound, Hidden::Counted)?,
        (_, false) => Some(upto),
    };
    // A number names its revision and no other.
    Ok(seen.filter(|seen| !matches!(at, AsOf::Revision(_)) || *seen == upto))
}

fn newest(connection: &Connection, story: StoryId) -> Result<Option<Revision>, ViewError> {
    let mut statement = connection.prepare_cached("SELECT max(revision) FROM revisions WHERE story = ?1")?;
    Ok(statement.query_row([story.as_bytes()], |row| row.get::<_, Option<u64>>(0))?.map(Revision))
}

/// What to do with public revisions that were taken from readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hidden {
    Left,
    Counted,
}

fn newest_public(
    connection: &Connection,
    story: StoryId,
    upto: i64,
    hidden: Hidden,
) -> Result<Option<Revision>, ViewError> {
    let mut statement = connection.prepare_cached(
        "SELECT revision FROM revisions INDEXED BY revisions_public WHERE story = ?1 AND revision <= ?2 AND public
         AND (?3 OR hidden_by IS NULL) ORDER BY revision DESC LIMIT 1",
    )?;
    let found = statement.query_row(params![story.as_bytes(), upto, hidden == Hidden::Counted], |row| {
        row.get(0).map(Revision)
    });
    Ok(found.optional()?)
}

/// Returns the last revision, up to `newest`, at which a column that rises is at most a bound.
fn last_upto(
    connection: &Connection,
    story: StoryId,
    newest: Revision,
    (column, bound): (&str, i64),
) -> Result<Option<Revision>, ViewError> {
    let mut statement = connection
        .prepare_cached(&format!("SELECT {column} FROM revisions WHERE story = ?1 AND revision = ?2"))?;
    // All up to `low` are within the bound, none from `high` on is.
    let (mut low, mut high) = (0, newest.get() + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let value = statement.query_row(params![story.as_bytes(), middle], |row| row.get::<_, i64>(0));
        let missing = || ViewError::Damaged { place: format!("story {story}, revision {middle}") };
        let value = value.optional()?.ok_or_else(missing)?;
        if value <= bound {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok((low > 0).then_some(Revision(low)))
}
