//! What can be read from the views.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use log::Position;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter, types::Value};
use story::diff::Op;
use story::{Article, Kind, Revision, Slug, StoryId};
use wire::http::{RevisionLine, StoryLine};
use wire::{ArticleMeta, ArticleView, Cursor};

use crate::views::{AsOf, ChangeRow, ParkedStory, Pool, StoryFilter, StoryPage, View, ViewError, Views};

/// Most rows that one read returns, whatever was asked for.
const ROWS_MAX: usize = 1_000;

impl Views {
    /// Returns the id of the story that `name` (an id or a slug) names; for [`View::Public`], only
    /// of one that has been published.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn resolve(&self, name: &str, view: View) -> Result<Option<StoryId>, ViewError> {
        let (column, key) = match (name.parse::<StoryId>(), name.parse::<Slug>()) {
            (Ok(id), _) => ("story", Value::Blob(id.as_bytes().to_vec())),
            (_, Ok(slug)) => ("slug", Value::Text(slug.to_string())),
            _ => return Ok(None),
        };
        let public = if view == View::Public { " AND public_revision IS NOT NULL" } else { "" };
        let sql = format!("SELECT story FROM stories WHERE {column} = ?1{public}");
        self.query(move |connection| {
            Ok(connection.prepare_cached(&sql)?.query_row([key], |row| story_id(row, 0)).optional()?)
        })
        .await
    }

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

    /// Returns `story` at a moment, or `None` if it had nothing to show then.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn article(
        &self,
        story: StoryId,
        at: AsOf,
        view: View,
    ) -> Result<Option<ArticleView>, ViewError> {
        self.query(move |connection| {
            let epoch = epoch(connection)?;
            let Some(row) = revision_at(connection, story, at, view)? else { return Ok(None) };
            let article = article_at(connection, story, row.revision)?;
            let article = if view == View::Public { article.public() } else { article };
            Ok(Some(ArticleView::of(
                &article,
                ArticleMeta {
                    story,
                    desk: word(&row.desk, "revisions.desk")?,
                    revision: row.revision,
                    status: word(&row.status, "revisions.status")?,
                    kind: word(&row.kind, "revisions.kind")?,
                    hash: word(&row.hash, "revisions.hash")?,
                    recorded: time(row.recorded)?,
                    published: row.published.map(time).transpose()?,
                    significant: row.significant.map(time).transpose()?,
                    cursor: Cursor { epoch, position: row.position },
                },
            )))
        })
        .await
    }

    /// Returns the article alone at a revision, or `None` if `view` has no such revision.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn state(
        &self,
        story: StoryId,
        revision: Revision,
        view: View,
    ) -> Result<Option<Article>, ViewError> {
        self.query(move |connection| {
            if revision == Revision::ZERO {
                return Ok(Some(Article::default()));
            }
            if revision_at(connection, story, AsOf::Revision(revision.get()), view)?.is_none() {
                return Ok(None);
            }
            let article = article_at(connection, story, revision)?;
            Ok(Some(if view == View::Public { article.public() } else { article }))
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

    /// Returns up to `limit` revisions of `story` behind `after`, oldest first.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn history(
        &self,
        story: StoryId,
        after: Revision,
        limit: usize,
        view: View,
    ) -> Result<Vec<RevisionLine>, ViewError> {
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT revision, kind, public, recorded, occurred, actor, note, significance, position, hash
                 FROM revisions WHERE story = ?1 AND revision > ?2 AND (public OR ?3) ORDER BY revision LIMIT ?4",
            )?;
            let mut rows = statement.query(params![
                story.as_bytes(),
                after.get(),
                view == View::Desk,
                limit.min(ROWS_MAX)
            ])?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                lines.push(revision_line(row)?);
            }
            Ok(lines)
        })
        .await
    }

    /// Returns up to `limit` public changes behind `after`, in the order of the log; the newest
    /// without reading a file.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn changes(&self, after: Position, limit: usize) -> Result<Vec<ChangeRow>, ViewError> {
        if let Some(changes) = self.recent().and_then(|recent| recent.behind(after, limit.min(ROWS_MAX))) {
            return Ok(changes);
        }
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT position, story, desk, desk_before, kind, level, from_revision, to_revision, event
                 FROM changes WHERE position > ?1 ORDER BY position LIMIT ?2",
            )?;
            let mut newest = connection.prepare_cached("SELECT article FROM stories WHERE story = ?1")?;
            let mut rows = statement.query(params![after.0, limit.min(ROWS_MAX)])?;
            let (mut changes, mut articles) = (Vec::new(), HashMap::new());
            while let Some(row) = rows.next()? {
                let mut change = change_row(row)?;
                // Read once however often the story changed: it may be large.
                change.article = match articles.entry(change.story) {
                    Entry::Occupied(known) => Bytes::clone(known.get()),
                    Entry::Vacant(unknown) => {
                        let article =
                            newest.query_row([change.story.as_bytes()], |row| row.get::<_, Vec<u8>>(0))?;
                        unknown.insert(article.into()).clone()
                    }
                };
                changes.push(change);
            }
            Ok(changes)
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

    async fn query<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, ViewError> + Send + 'static,
    ) -> Result<T, ViewError> {
        let pool: Arc<Pool> = Arc::clone(self.pool());
        tokio::task::spawn_blocking(move || pool.with(query)).await.unwrap_or_else(|_| {
            // The query panicked or the runtime is shutting down.
            Err(ViewError::Damaged { place: "an unreadable row".to_owned() })
        })
    }
}

/// A row of `revisions`, without its content.
struct RevisionRow {
    revision: Revision,
    position: u64,
    kind: String,
    status: String,
    desk: String,
    hash: String,
    recorded: i64,
    published: Option<i64>,
    significant: Option<i64>,
}

fn revision_at(
    connection: &Connection,
    story: StoryId,
    at: AsOf,
    view: View,
) -> Result<Option<RevisionRow>, ViewError> {
    let (condition, bound) = match at {
        AsOf::Latest => ("revision <= ?2", i64::MAX),
        AsOf::Revision(revision) => ("revision = ?2", i64::try_from(revision).unwrap_or(i64::MAX)),
        AsOf::Back(back) => {
            let newest = revision_at(connection, story, AsOf::Latest, view)?;
            let Some(wanted) = newest.and_then(|row| row.revision.get().checked_sub(back)) else {
                return Ok(None);
            };
            ("revision <= ?2", i64::try_from(wanted).unwrap_or(i64::MAX))
        }
        AsOf::Recorded(time) => ("recorded <= ?2", time.as_microsecond()),
        AsOf::Cursor(cursor) if cursor.epoch == epoch(connection)? => {
            ("position <= ?2", i64::try_from(cursor.position).unwrap_or(i64::MAX))
        }
        AsOf::Cursor(_) => return Ok(None),
    };
    let public = if view == View::Public { " AND public" } else { "" };
    let sql = format!(
        "SELECT revision, position, kind, status, desk, recorded, published, significant, hash FROM revisions
         WHERE story = ?1 AND {condition}{public} ORDER BY revision DESC LIMIT 1"
    );
    let row = connection
        .prepare_cached(&sql)?
        .query_row(params![story.as_bytes(), bound], |row| {
            Ok(RevisionRow {
                revision: Revision(row.get(0)?),
                position: row.get(1)?,
                kind: row.get(2)?,
                status: row.get(3)?,
                desk: row.get(4)?,
                recorded: row.get(5)?,
                published: row.get(6)?,
                significant: row.get(7)?,
                hash: row.get(8)?,
            })
        })
        .optional()?;
    Ok(row)
}

/// Returns the working article at `revision`: the nearest whole one before it, and the steps since.
fn article_at(connection: &Connection, story: StoryId, revision: Revision) -> Result<Article, ViewError> {
    let damaged = |problem: String| ViewError::Damaged { place: format!("story {story}, {problem}") };
    let mut statement = connection.prepare_cached(
        "SELECT revision, whole, content FROM revisions WHERE story = ?1 AND revision <= ?2 ORDER BY revision DESC",
    )?;
    let mut rows = statement.query(params![story.as_bytes(), revision.get()])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let number: u64 = row.get(0)?;
        let ops: Vec<Op> = serde_json::from_slice(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?)
            .map_err(|error| damaged(format!("revision {number}: {error}")))?;
        steps.push((number, ops));
        if row.get(1)? {
            break;
        }
    }
    steps.iter().rev().try_fold(Article::default(), |article, (number, ops)| {
        story::diff::apply(&article, ops).map_err(|error| damaged(format!("revision {number}: {error}")))
    })
}

fn list(connection: &Connection, filter: &StoryFilter) -> Result<StoryPage, ViewError> {
    let limit = filter.limit.clamp(1, ROWS_MAX);
    let public = filter.view == View::Public;
    let (recorded, headline, revision) = if public {
        ("public_recorded", "public_headline", "public_revision")
    } else {
        ("recorded", "headline", "revision")
    };
    let mut sql = format!(
        "SELECT story, slug, desk, status, {revision}, {headline}, {recorded}, published, level FROM stories WHERE 1"
    );
    let mut values: Vec<Value> = Vec::new();
    if public {
        sql += " AND public_revision IS NOT NULL";
    }
    if let Some(desk) = &filter.desk {
        sql += " AND desk = ?";
        values.push(Value::Text(desk.to_string()));
    }
    if let Some(status) = filter.status {
        sql += " AND status = ?";
        values.push(Value::Text(status.to_string()));
    }
    if let Some(after) = &filter.after {
        let (time, story) = page_token(after)?;
        let _ = write!(sql, " AND ({recorded}, story) < (?, ?)"); // Writing to a string cannot fail.
        values.extend([Value::Integer(time), Value::Blob(story.as_bytes().to_vec())]);
    }
    let _ = write!(sql, " ORDER BY {recorded} DESC, story DESC LIMIT {}", limit + 1); // Nor here.
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut page = StoryPage { stories: Vec::new(), next: None };
    let mut last = None;
    while let Some(row) = rows.next()? {
        if page.stories.len() == limit {
            page.next = last;
            break;
        }
        let story = story_id(row, 0)?;
        last = Some(format!("{}.{story}", row.get::<_, i64>(6)?));
        page.stories.push(story_line(row, story)?);
    }
    Ok(page)
}

fn page_token(given: &str) -> Result<(i64, StoryId), ViewError> {
    let read = || {
        let (time, story) = given.split_once('.')?;
        Some((time.parse().ok()?, story.parse().ok()?))
    };
    read().ok_or_else(|| ViewError::PageToken { given: given.chars().take(80).collect() })
}

fn story_line(row: &Row<'_>, story: StoryId) -> Result<StoryLine, ViewError> {
    Ok(StoryLine {
        story,
        slug: row.get(1)?,
        desk: word(&row.get::<_, String>(2)?, "stories.desk")?,
        status: word(&row.get::<_, String>(3)?, "stories.status")?,
        revision: Revision(row.get(4)?),
        headline: row.get(5)?,
        recorded: time(row.get(6)?)?,
        published: row.get::<_, Option<i64>>(7)?.map(time).transpose()?,
        significance: row
            .get::<_, Option<String>>(8)?
            .map(|level| word(&level, "stories.level"))
            .transpose()?,
    })
}

fn revision_line(row: &Row<'_>) -> Result<RevisionLine, ViewError> {
    let significance =
        row.get::<_, Option<String>>(7)?
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .map_err(|error| ViewError::Damaged { place: format!("revisions.significance: {error}") })?;
    Ok(RevisionLine {
        revision: Revision(row.get(0)?),
        kind: word::<Kind>(&row.get::<_, String>(1)?, "revisions.kind")?,
        public: row.get(2)?,
        recorded: time(row.get(3)?)?,
        occurred: row.get(4)?,
        actor: word(&row.get::<_, String>(5)?, "revisions.actor")?,
        note: row.get(6)?,
        significance,
        position: row.get(8)?,
        hash: Some(word(&row.get::<_, String>(9)?, "revisions.hash")?),
    })
}

/// Returns a change, without its story's article.
fn change_row(row: &Row<'_>) -> Result<ChangeRow, ViewError> {
    Ok(ChangeRow {
        position: Position(row.get(0)?),
        story: story_id(row, 1)?,
        desk: word(&row.get::<_, String>(2)?, "changes.desk")?,
        desk_before: row
            .get::<_, Option<String>>(3)?
            .map(|desk| word(&desk, "changes.desk_before"))
            .transpose()?,
        kind: word(&row.get::<_, String>(4)?, "changes.kind")?,
        level: word(&row.get::<_, String>(5)?, "changes.level")?,
        from: Revision(row.get(6)?),
        to: Revision(row.get(7)?),
        event: Bytes::from(row.get::<_, Vec<u8>>(8)?),
        article: Bytes::new(),
    })
}

fn epoch(connection: &Connection) -> Result<u64, ViewError> {
    let stamp: String = connection
        .prepare_cached("SELECT value FROM meta WHERE name = 'of'")?
        .query_row([], |row| row.get(0))?;
    let epoch = stamp.split_once(':').and_then(|(_, epoch)| u64::from_str_radix(epoch, 16).ok());
    epoch.ok_or_else(|| ViewError::Damaged { place: "meta.of".to_owned() })
}

fn story_id(row: &Row<'_>, column: usize) -> rusqlite::Result<StoryId> {
    Ok(StoryId::from_bytes(row.get(column)?))
}

fn word<T: std::str::FromStr>(given: &str, place: &str) -> Result<T, ViewError> {
    given.parse().map_err(|_| ViewError::Damaged { place: place.to_owned() })
}

fn time(microseconds: i64) -> Result<Timestamp, ViewError> {
    Timestamp::from_microsecond(microseconds).map_err(|_| ViewError::Damaged { place: "a time".to_owned() })
}
