//! The stories as they were: the list of a moment that is over.
//!
//! Revisions are walked back from the moment, and of each story the first that is met counts. A page ends
//! when it has walked so far, so that a house in which much has changed since costs more pages, not a long
//! wait.

use rusqlite::{Connection, OptionalExtension, Statement, params};
use story::{Level, Revision, StoryId};
use wire::ArticleView;
use wire::http::StoryLine;

use crate::views::lists::page_token;
use crate::views::read::{ROWS_MAX, article_of, epoch, revision_at, story_id};
use crate::views::{AsOf, StoryFilter, StoryPage, View, ViewError, Views};

/// Revisions that one page looks at.
const WALK_MAX: usize = 50_000;

impl Views {
    /// Returns one page of the stories as they were at a moment, newest record first. It may be empty and
    /// have a next one.
    ///
    /// # Errors
    /// [`ViewError::PageToken`] for a token that no page gave, [`ViewError::OfOneStory`] for a moment that
    /// is told by a revision.
    pub async fn stories_at(&self, filter: StoryFilter, at: AsOf) -> Result<StoryPage, ViewError> {
        match at {
            AsOf::Latest => self.stories(filter).await,
            AsOf::Revision(_) | AsOf::Back(_) => Err(ViewError::OfOneStory),
            _ => self.query(move |connection| page(connection, &filter, at)).await,
        }
    }
}

/// Up to where revisions count, and which do.
struct Bounds {
    recorded: i64,
    position: i64,
    /// Whether only what readers were given counts, and whether only what they can still reach.
    public: bool,
    reached: bool,
}

impl Bounds {
    fn of(connection: &Connection, at: AsOf, view: View) -> Result<Option<Self>, ViewError> {
        let (recorded, position) = match at {
            AsOf::Recorded(time) | AsOf::Published(time) => (time.as_microsecond(), i64::MAX),
            AsOf::Cursor(cursor) if cursor.epoch == epoch(connection)? => {
                (i64::MAX, i64::try_from(cursor.position).unwrap_or(i64::MAX))
            }
            AsOf::Size(size) => (i64::MAX, i64::try_from(size).unwrap_or(i64::MAX)),
            _ => return Ok(None),
        };
        let reached = view == View::Public;
        Ok(Some(Self { recorded, position, public: reached || matches!(at, AsOf::Published(_)), reached }))
    }
}

fn page(connection: &Connection, filter: &StoryFilter, at: AsOf) -> Result<StoryPage, ViewError> {
    let limit = filter.limit.clamp(1, ROWS_MAX);
    let mut page = StoryPage { stories: Vec::new(), next: None, leaving: Vec::new() };
    let Some(bounds) = Bounds::of(connection, at, filter.view)? else { return Ok(page) };
    let (time, story) = match &filter.after {
        Some(after) => page_token(after).map(|(time, story)| (time, story.as_bytes().to_vec()))?,
        None => (i64::MAX, Vec::new()),
    };
    let mut walk = connection.prepare_cached(
        "SELECT recorded, story, revision FROM revisions INDEXED BY revisions_recorded
         WHERE recorded <= ?1 AND position <= ?2 AND (recorded, story) < (?3, ?4)
         ORDER BY recorded DESC, story DESC, revision DESC",
    )?;
    let mut rows = walk.query(params![bounds.recorded.min(time), bounds.position, time, story])?;
    let mut later = connection.prepare_cached(LATER)?;
    let mut walked = 0;
    while let Some(row) = rows.next()? {
        let (recorded, story, revision) = (row.get::<_, i64>(0)?, story_id(row, 1)?, Revision(row.get(2)?));
        walked += 1;
        if is_it(&mut later, story, revision, &bounds)? {
            add(connection, &mut page, (story, revision), filter)?;
        }
        if page.stories.len() == limit || walked == WALK_MAX {
            page.next = Some(format!("{recorded}.{story}"));
            return Ok(page);
        }
    }
    Ok(page)
}

/// Whether the revision itself counts, and how the next one that does stands to the moment.
const LATER: &str = "SELECT
   (SELECT NOT ?3 OR (public AND (NOT ?4 OR hidden_by IS NULL)) FROM revisions WHERE story = ?1 AND revision = ?2),
   (SELECT recorded <= ?5 AND position <= ?6 FROM revisions WHERE story = ?1 AND revision > ?2
    AND (NOT ?3 OR (public AND (NOT ?4 OR hidden_by IS NULL))) ORDER BY revision LIMIT 1)";

/// Returns whether `revision` is the one of its story that stood at the moment.
fn is_it(
    later: &mut Statement<'_>,
    story: StoryId,
    revision: Revision,
    bounds: &Bounds,
) -> Result<bool, ViewError> {
    let Bounds { recorded, position, public, reached } = bounds;
    let bound = params![story.as_bytes(), revision.get(), public, reached, recorded, position];
    let (counts, is_over) = later.query_row(bound, |row| {
        Ok((row.get::<_, Option<bool>>(0)?.unwrap_or(false), row.get::<_, Option<bool>>(1)?.unwrap_or(false)))
    })?;
    Ok(counts && !is_over)
}

/// Adds a story to the page, if it passes the filter.
fn add(
    connection: &Connection,
    page: &mut StoryPage,
    (story, revision): (StoryId, Revision),
    filter: &StoryFilter,
) -> Result<(), ViewError> {
    let Some(row) = revision_at(connection, story, AsOf::Revision(revision.get()), filter.view)? else {
        return Ok(());
    };
    let article = article_of(connection, story, &row, filter.view)?;
    let passes = filter.desk.as_ref().is_none_or(|desk| *desk == article.desk)
        && filter.status.is_none_or(|status| status == article.status)
        && (filter.view == View::Desk || article.status == story::Status::Usable);
    if passes {
        page.leaving.extend(row.leaving(story));
        page.stories.push(line(connection, article)?);
    }
    Ok(())
}

fn line(connection: &Connection, article: ArticleView) -> Result<StoryLine, ViewError> {
    let significance = level(connection, article.story, article.revision)?;
    Ok(StoryLine {
        story: article.story,
        slug: article.slug,
        desk: article.desk,
        status: article.status,
        revision: article.revision,
        headline: article.headline,
        recorded: article.recorded,
        published: article.published,
        until: article.until,
        significance,
    })
}

/// Returns the level of the last public change up to `revision`.
fn level(connection: &Connection, story: StoryId, revision: Revision) -> Result<Option<Level>, ViewError> {
    let mut statement = connection.prepare_cached(
        "SELECT significance FROM revisions WHERE story = ?1 AND revision <= ?2 AND public
         ORDER BY revision DESC LIMIT 1",
    )?;
    let json =
        statement.query_row(params![story.as_bytes(), revision.get()], |row| row.get::<_, Option<String>>(0));
    let json = json.optional()?.flatten();
    let damaged = |error| ViewError::Damaged { place: format!("revisions.significance: {error}") };
    let said: Option<story::significance::Significance> =
        json.map(|json| serde_json::from_str(&json)).transpose().map_err(damaged)?;
    Ok(said.map(|said| said.level))
}
