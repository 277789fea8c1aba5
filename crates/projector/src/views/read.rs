//! What can be read of one story.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params, types::Value};
use story::diff::Op;
use story::{Article, Kind, Revision, Slug, StoryId};
use wire::http::RevisionLine;
use wire::{ArticleMeta, ArticleView, Cursor};

use crate::views::{AsOf, Leaving, Pool, View, ViewError, Views, moments};

/// Most rows that one read returns, whatever was asked for.
pub(super) const ROWS_MAX: usize = 1_000;

/// What a [`RevisionLine`] is read from.
const LINE: &str = "revision, kind, public, recorded, occurred, actor, note, significance, position, hash,
 coalesce(tombstone, shows_hash), status, until, rebased, reason, approver";

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
        Ok(self.shown(story, at, view).await?.map(|(article, _)| article))
    }

    /// Does what [`Views::article`] does, and says what leaves with it if the story has, or had, an
    /// embargo or a schedule.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn shown(
        &self,
        story: StoryId,
        at: AsOf,
        view: View,
    ) -> Result<Option<(ArticleView, Option<Leaving>)>, ViewError> {
        self.query(move |connection| {
            let Some(row) = revision_at(connection, story, at, view)? else { return Ok(None) };
            Ok(Some((article_of(connection, story, &row, view)?, row.leaving(story))))
        })
        .await
    }

    /// Returns the newest revision of `story` that `view` may see, without reading its article.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn newest(&self, story: StoryId, view: View) -> Result<Option<Revision>, ViewError> {
        self.revision(story, AsOf::Latest, view).await
    }

    /// Returns which revision of `story` a moment shows to `view`, without reading its article.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn revision(
        &self,
        story: StoryId,
        at: AsOf,
        view: View,
    ) -> Result<Option<Revision>, ViewError> {
        self.query(move |connection| moments::at(connection, story, at, view)).await
    }

    /// Returns what leaves with `revision`, if the story has, or had, an embargo or a schedule by then.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn leaving(&self, story: StoryId, revision: Revision) -> Result<Option<Leaving>, ViewError> {
        self.query(move |connection| {
            let row = revision_at(connection, story, AsOf::Revision(revision.get()), View::Desk)?;
            Ok(row.and_then(|row| row.leaving(story)))
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
            let row = revision_at(connection, story, AsOf::Revision(revision.get()), view)?;
            let Some(row) = row else { return Ok(None) };
            Ok(Some(row.shown(article_at(connection, story, row.content(view))?, view).0))
        })
        .await
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
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {LINE} FROM revisions
                 WHERE story = ?1 AND revision > ?2 AND (?3 OR (public AND hidden_by IS NULL))
                 ORDER BY revision LIMIT ?4"
            ))?;
            let mut rows = statement.query(params![
                story.as_bytes(),
                after.get(),
                view == View::Desk,
                limit.min(ROWS_MAX)
            ])?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                lines.push(revision_line(row, view)?);
            }
            Ok(lines)
        })
        .await
    }

    /// Returns the lines of `revisions` of `story`, those that `view` may see, in the order given.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn lines(
        &self,
        story: StoryId,
        revisions: Vec<Revision>,
        view: View,
    ) -> Result<Vec<RevisionLine>, ViewError> {
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {LINE} FROM revisions WHERE story = ?1 AND revision = ?2
                 AND (?3 OR (public AND hidden_by IS NULL))"
            ))?;
            let mut lines = Vec::with_capacity(revisions.len());
            for revision in revisions {
                let mut rows =
                    statement.query(params![story.as_bytes(), revision.get(), view == View::Desk])?;
                if let Some(row) = rows.next()? {
                    lines.push(revision_line(row, view)?);
                }
            }
            Ok(lines)
        })
        .await
    }

    pub(super) async fn query<T: Send + 'static>(
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
pub(super) struct RevisionRow {
    pub(super) revision: Revision,
    position: u64,
    kind: String,
    status: String,
    desk: String,
    hash: String,
    tombstone: Option<String>,
    /// Where readers see an earlier working article than this: which, and its hash.
    apart: Option<(Revision, String)>,
    until: Option<i64>,
    recorded: i64,
    pub(super) published: Option<i64>,
    significant: Option<i64>,
    pub(super) note: String,
    embargo: Option<u64>,
}

impl RevisionRow {
    pub(super) fn leaving(&self, story: StoryId) -> Option<Leaving> {
        let embargo = self.embargo.map(Revision);
        embargo.map(|embargo| Leaving { story, revision: self.revision, embargo })
    }

    /// Returns the revision whose working article `view` sees something of.
    fn content(&self, view: View) -> Revision {
        match (view, &self.apart) {
            (View::Public, Some((shown, _))) => *shown,
            _ => self.revision,
        }
    }

    /// Returns what `view` sees of the working `article` at this revision, and its hash.
    fn shown(&self, article: Article, view: View) -> (Article, &str) {
        let hash = self.apart.as_ref().map_or(&self.hash, |(_, hash)| hash);
        match (view, &self.tombstone) {
            (View::Desk, _) => (article, &self.hash),
            (View::Public, None) => (article.public(), hash),
            (View::Public, Some(hash)) => (article.tombstone(), hash),
        }
    }
}

pub(super) fn revision_at(
    connection: &Connection,
    story: StoryId,
    at: AsOf,
    view: View,
) -> Result<Option<RevisionRow>, ViewError> {
    let Some(revision) = moments::at(connection, story, at, view)? else { return Ok(None) };
    let mut statement = connection.prepare_cached(
        "SELECT revision, position, kind, status, desk, recorded, published, significant, hash, tombstone,
         until, note, embargo, shows, shows_hash FROM revisions WHERE story = ?1 AND revision = ?2",
    )?;
    let row = statement
        .query_row(params![story.as_bytes(), revision.get()], |row| {
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
                tombstone: row.get(9)?,
                until: row.get(10)?,
                note: row.get(11)?,
                embargo: row.get(12)?,
                apart: row.get::<_, Option<u64>>(13)?.map(Revision).zip(row.get(14)?),
            })
        })
        .optional()?;
    Ok(row)
}

/// Returns what `view` sees of the story at the revision of `row`.
pub(super) fn article_of(
    connection: &Connection,
    story: StoryId,
    row: &RevisionRow,
    view: View,
) -> Result<ArticleView, ViewError> {
    let (article, hash) = row.shown(article_at(connection, story, row.content(view))?, view);
    let meta = ArticleMeta {
        story,
        desk: word(&row.desk, "revisions.desk")?,
        revision: row.revision,
        status: word(&row.status, "revisions.status")?,
        kind: word(&row.kind, "revisions.kind")?,
        hash: word(hash, "revisions.hash")?,
        recorded: time(row.recorded)?,
        published: row.published.map(time).transpose()?,
        significant: row.significant.map(time).transpose()?,
        until: row.until.filter(|_| view == View::Desk).map(time).transpose()?,
        cursor: Cursor { epoch: epoch(connection)?, position: row.position },
    };
    Ok(ArticleView::of(&article, meta))
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

fn revision_line(row: &Row<'_>, view: View) -> Result<RevisionLine, ViewError> {
    let is_desk = view == View::Desk;
    let tombstone = row.get::<_, Option<String>>(10)?.filter(|_| !is_desk);
    let hash = tombstone.map_or_else(|| row.get::<_, String>(9), Ok)?;
    let significance =
        row.get::<_, Option<String>>(7)?
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .map_err(|error| ViewError::Damaged { place: format!("revisions.significance: {error}") })?;
    let line = RevisionLine {
        revision: Revision(row.get(0)?),
        kind: word::<Kind>(&row.get::<_, String>(1)?, "revisions.kind")?,
        public: row.get(2)?,
        recorded: time(row.get(3)?)?,
        occurred: row.get(4)?,
        actor: word(&row.get::<_, String>(5)?, "revisions.actor")?,
        note: row.get(6)?,
        significance,
        position: row.get(8)?,
        hash: Some(word(&hash, "revisions.hash")?),
        status: None,
        until: None,
        rebased: None,
        reason: None,
        approver: None,
    };
    Ok(if is_desk { with_inside(line, row)? } else { line })
}

/// Adds what the desk alone may see.
fn with_inside(line: RevisionLine, row: &Row<'_>) -> Result<RevisionLine, ViewError> {
    let approver: Option<String> = row.get(15)?;
    Ok(RevisionLine {
        status: Some(word(&row.get::<_, String>(11)?, "revisions.status")?),
        until: row.get::<_, Option<i64>>(12)?.map(time).transpose()?,
        rebased: row.get::<_, Option<u64>>(13)?.map(Revision),
        reason: row.get(14)?,
        approver: approver.map(|approver| word(&approver, "revisions.approver")).transpose()?,
        ..line
    })
}

pub(super) fn epoch(connection: &Connection) -> Result<u64, ViewError> {
    let stamp: String = connection
        .prepare_cached("SELECT value FROM meta WHERE name = 'of'")?
        .query_row([], |row| row.get(0))?;
    let epoch = stamp.split_once(':').and_then(|(_, epoch)| u64::from_str_radix(epoch, 16).ok());
    epoch.ok_or_else(|| ViewError::Damaged { place: "meta.of".to_owned() })
}

pub(super) fn story_id(row: &Row<'_>, column: usize) -> rusqlite::Result<StoryId> {
    Ok(StoryId::from_bytes(row.get(column)?))
}

pub(super) fn word<T: std::str::FromStr>(given: &str, place: &str) -> Result<T, ViewError> {
    given.parse().map_err(|_| ViewError::Damaged { place: place.to_owned() })
}

pub(super) fn time(microseconds: i64) -> Result<Timestamp, ViewError> {
    Timestamp::from_microsecond(microseconds).map_err(|_| ViewError::Damaged { place: "a time".to_owned() })
}
