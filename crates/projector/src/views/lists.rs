//! What can be read of many stories at once.

use std::fmt::Write as _;

use jiff::Timestamp;
use log::Position;
use rusqlite::{Connection, Row, params_from_iter, types::Value};
use story::{Revision, Slug, StoryId};
use wire::http::StoryLine;

use crate::views::read::{ROWS_MAX, story_id, time, word};
use crate::views::{Leaving, ParkedStory, StoryFilter, StoryPage, View, ViewError, Views};

impl Views {
    /// Returns every slug and its story.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn slugs(&self) -> Result<Vec<(Slug, StoryId)>, ViewError> {
        self.query(|connection| {
            let mut statement = connection.prepare("SELECT slug, story FROM stories")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, story_id(row, 1)?)))?;
            rows.map(|row| {
                let (slug, story) = row?;
                Ok((word(&slug, "stories.slug")?, story))
            })
            .collect()
        })
        .await
    }

    /// Returns one page of stories, newest record first.
    ///
    /// # Errors
    /// [`ViewError::PageToken`] for a token that no page gave.
    pub async fn stories(&self, filter: StoryFilter) -> Result<StoryPage, ViewError> {
        self.query(move |connection| list(connection, &filter)).await
    }

    /// Returns every story that goes out by itself, and when: those that are embargoed or scheduled,
    /// first due first. What a scheduler begins with.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn due(&self) -> Result<Vec<(StoryId, Timestamp)>, ViewError> {
        self.query(|connection| {
            let mut statement = connection.prepare(
                "SELECT story, until FROM stories
                 WHERE until IS NOT NULL AND status IN ('embargoed', 'scheduled') ORDER BY until, story",
            )?;
            let rows = statement.query_map([], |row| Ok((story_id(row, 0)?, row.get::<_, i64>(1)?)))?;
            rows.map(|row| {
                let (story, until) = row?;
                Ok((story, time(until)?))
            })
            .collect()
        })
        .await
    }

    /// Returns the identity that a story's copy has at its source, and the story, for every story that
    /// came from one. Two stories may have the same.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn sources(&self) -> Result<Vec<(String, StoryId)>, ViewError> {
        self.query(|connection| {
            let mut statement = connection
                .prepare("SELECT source, story FROM stories WHERE source IS NOT NULL ORDER BY story")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, story_id(row, 1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Returns the stories whose history is illegal.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn parked(&self) -> Result<Vec<ParkedStory>, ViewError> {
        self.query(|connection| {
            let mut statement =
                connection.prepare("SELECT story, position, problem FROM parked ORDER BY position")?;
            let rows = statement.query_map([], |row| {
                Ok(ParkedStory {
                    story: story_id(row, 0)?,
                    position: Position(row.get(1)?),
                    problem: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}

fn list(connection: &Connection, filter: &StoryFilter) -> Result<StoryPage, ViewError> {
    let limit = filter.limit.clamp(1, ROWS_MAX);
    let public = filter.view == View::Public;
    let prefix = if public { "public_" } else { "" };
    let mut sql = format!(
        "SELECT story, slug, {prefix}desk, {prefix}status, {prefix}revision, {prefix}headline, {prefix}recorded,
         published, level, until, {prefix}embargo FROM stories WHERE 1"
    );
    let mut values: Vec<Value> = Vec::new();
    if public {
        sql += " AND public_status = 'usable'";
    }
    if let Some(desk) = &filter.desk {
        let _ = write!(sql, " AND {prefix}desk = ?"); // Writing to a string cannot fail.
        values.push(Value::Text(desk.to_string()));
    }
    if let Some(status) = filter.status {
        let _ = write!(sql, " AND {prefix}status = ?"); // Nor here.
        values.push(Value::Text(status.to_string()));
    }
    if let Some(after) = &filter.after {
        let (time, story) = page_token(after)?;
        let _ = write!(sql, " AND ({prefix}recorded, story) < (?, ?)"); // Nor here.
        values.extend([Value::Integer(time), Value::Blob(story.as_bytes().to_vec())]);
    }
    let _ = write!(sql, " ORDER BY {prefix}recorded DESC, story DESC LIMIT {}", limit + 1); // Nor here.
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut page = StoryPage { stories: Vec::new(), next: None, leaving: Vec::new() };
    let mut last = None;
    while let Some(row) = rows.next()? {
        if page.stories.len() == limit {
            page.next = last;
            break;
        }
        let story = story_id(row, 0)?;
        last = Some(format!("{}.{story}", row.get::<_, i64>(6)?));
        let line = story_line(row, story, filter.view)?;
        let embargo = row.get::<_, Option<u64>>(10)?.map(Revision);
        page.leaving.extend(embargo.map(|embargo| Leaving { story, revision: line.revision, embargo }));
        page.stories.push(line);
    }
    Ok(page)
}

pub(super) fn page_token(given: &str) -> Result<(i64, StoryId), ViewError> {
    let read = || {
        let (time, story) = given.split_once('.')?;
        Some((time.parse().ok()?, story.parse().ok()?))
    };
    read().ok_or_else(|| ViewError::PageToken { given: given.chars().take(80).collect() })
}

fn story_line(row: &Row<'_>, story: StoryId, view: View) -> Result<StoryLine, ViewError> {
    Ok(StoryLine {
        story,
        slug: row.get(1)?,
        desk: word(&row.get::<_, String>(2)?, "stories.desk")?,
        status: word(&row.get::<_, String>(3)?, "stories.status")?,
        revision: Revision(row.get(4)?),
        headline: row.get(5)?,
        recorded: time(row.get(6)?)?,
        published: row.get::<_, Option<i64>>(7)?.map(time).transpose()?,
        until: row.get::<_, Option<i64>>(9)?.filter(|_| view == View::Desk).map(time).transpose()?,
        significance: row
            .get::<_, Option<String>>(8)?
            .map(|level| word(&level, "stories.level"))
            .transpose()?,
    })
}
