//! Where readers find stories: the newest of the house, of a desk, under a tag.
//!
//! A story that was withheld, killed or taken down stays on its shelves as a tombstone, since whoever
//! read it there must hear of it. One that was unpublished, which is done quietly, does not.

use jiff::Timestamp;
use rusqlite::{Connection, params_from_iter, types::Value};
use story::{Desk, StoryId};

use crate::views::edition::edition;
use crate::views::read::{ROWS_MAX, story_id, time, word};
use crate::views::{AsOf, Edition, View, ViewError, Views};

/// The stories that stand on a shelf. Written as the indexes over them have it, so that they are used.
const STANDS: &str = "public_status IN ('usable', 'withheld', 'killed', 'takendown')";
/// What orders a shelf: when a change last mattered.
const ORDER: &str = "coalesce(significant, first_published)";

/// Which stories to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shelf {
    /// All of them.
    House,
    /// A desk's.
    Desk(Desk),
    /// Those under a tag, as it is written.
    Tag(String),
}

/// A desk that has published something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskLine {
    /// The desk.
    pub desk: Desk,
    /// How many of its stories readers can read.
    pub stories: u64,
}

impl Views {
    /// Returns up to `limit` stories of `shelf` as readers see them, those first whose last change of
    /// significance is newest; `None` if readers know of no such desk or tag.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn shelf(&self, shelf: Shelf, limit: usize) -> Result<Option<Vec<Edition>>, ViewError> {
        self.query(move |connection| {
            let stories = stories(connection, &shelf, limit.min(ROWS_MAX))?;
            if stories.is_empty() && !is_known(connection, &shelf)? {
                return Ok(None);
            }
            let mut editions = Vec::with_capacity(stories.len());
            for story in stories {
                editions.extend(edition(connection, story, AsOf::Latest, View::Public)?);
            }
            Ok(Some(editions))
        })
        .await
    }

    /// Returns every desk of which readers can read something, by name.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn public_desks(&self) -> Result<Vec<DeskLine>, ViewError> {
        self.query(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT public_desk, count(*) FROM stories WHERE public_status = 'usable'
                 GROUP BY public_desk ORDER BY public_desk LIMIT 1000",
            )?;
            let mut rows = statement.query([])?;
            let mut desks = Vec::new();
            while let Some(row) = rows.next()? {
                let desk = word(&row.get::<_, String>(0)?, "stories.public_desk")?;
                desks.push(DeskLine { desk, stories: row.get(1)? });
            }
            Ok(desks)
        })
        .await
    }

    /// Returns the tags that readers find `story` under; of one that was taken from them, where it was found.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn tags_of(&self, story: StoryId) -> Result<Vec<String>, ViewError> {
        self.query(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT tag FROM tags WHERE story = ?1 ORDER BY tag")?;
            let rows = statement.query_map([story.as_bytes()], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Returns when readers were last told anything at all; `None` if they never were.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn last_told(&self) -> Result<Option<Timestamp>, ViewError> {
        self.query(|connection| {
            let mut statement = connection.prepare_cached("SELECT max(public_recorded) FROM stories")?;
            statement.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(time).transpose()
        })
        .await
    }
}

fn stories(connection: &Connection, shelf: &Shelf, limit: usize) -> Result<Vec<StoryId>, ViewError> {
    let (condition, bound) = match shelf {
        Shelf::House => ("", None),
        Shelf::Desk(desk) => (" AND public_desk = ?", Some(Value::Text(desk.to_string()))),
        Shelf::Tag(tag) => {
            (" AND story IN (SELECT story FROM tags WHERE tag = ?)", Some(Value::Text(tag.clone())))
        }
    };
    let sql = format!(
        "SELECT story FROM stories WHERE {STANDS}{condition} ORDER BY {ORDER} DESC, story DESC LIMIT {limit}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(bound), |row| story_id(row, 0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns whether readers know of the shelf, though nothing may stand on it now.
fn is_known(connection: &Connection, shelf: &Shelf) -> Result<bool, ViewError> {
    let (sql, bound) = match shelf {
        Shelf::House => return Ok(true),
        Shelf::Desk(desk) => ("SELECT 1 FROM stories WHERE public_desk = ?1 LIMIT 1", desk.to_string()),
        Shelf::Tag(tag) => ("SELECT 1 FROM tags WHERE tag = ?1 LIMIT 1", tag.clone()),
    };
    Ok(connection.prepare_cached(sql)?.exists([bound])?)
}
