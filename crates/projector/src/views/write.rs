//! The one connection that writes the views.

use std::path::Path;
use std::time::Duration;

use log::{Epoch, Position};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use story::{Effect, Reach, Revision, StoryId};

use crate::step::{Carried, Step, text};
use crate::views::schema;
use crate::views::{OpenViewsError, ParkedStory};

/// Size of SQLite's pages: large values (articles, changes) in few pages.
const PAGE_BYTES: u32 = 8 * 1024;
/// Most memory for pages: those that the newest revisions of the stories at work go to.
const CACHE_KIB: i64 = 32 * 1024;

/// Writes the views; one at a time exists for a file.
#[derive(Debug)]
pub(crate) struct Writer {
    connection: Connection,
}

impl Writer {
    /// Opens or makes the views at `path` for the log of `epoch`.
    pub(crate) fn open(path: &Path, epoch: Epoch) -> Result<Self, OpenViewsError> {
        let shown = || path.display().to_string();
        let io = |source| OpenViewsError::Io { path: shown(), source };
        let connection = Connection::open(path).map_err(io)?;
        let prepared = || -> rusqlite::Result<bool> {
            connection.busy_timeout(Duration::from_secs(30))?;
            connection.pragma_update(None, "page_size", PAGE_BYTES)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            // Lost views are built again from the log: a power cut may take the last commits, in
            // order, and the checkpoint with them.
            connection.pragma_update(None, "synchronous", "normal")?;
            connection.pragma_update(None, "secure_delete", true)?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.set_prepared_statement_cache_capacity(super::pool::STATEMENTS_MAX);
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            schema::prepare(&connection, epoch)
        };
        if prepared().map_err(io)? {
            Ok(Self { connection })
        } else {
            Err(OpenViewsError::OtherLog { path: shown() })
        }
    }

    pub(crate) fn position(&self) -> rusqlite::Result<Position> {
        schema::position(&self.connection)
    }

    /// Runs `write` in one transaction and moves the checkpoint to `position` with it.
    pub(crate) fn commit<E: From<rusqlite::Error>>(
        &mut self,
        position: Position,
        write: impl FnOnce(&Rows<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let transaction = self.connection.transaction()?;
        write(&Rows(&transaction))?;
        transaction
            .execute("UPDATE meta SET value = ?1 WHERE name = 'position'", [position.0.to_string()])?;
        transaction.commit()?;
        Ok(())
    }

    /// Folds the WAL into the file and closes it, so that it can be renamed.
    pub(crate) fn close(self) -> rusqlite::Result<()> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.connection.close().map_err(|(_, error)| error)
    }

    /// Folds the WAL into the file and empties it, so that no file holds what a commit has overwritten;
    /// returns whether that could be done.
    pub(crate) fn empty_journal(&self) -> rusqlite::Result<bool> {
        let busy: i64 = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(busy == 0)
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}

/// The rows of one transaction.
pub(crate) struct Rows<'a>(&'a Transaction<'a>);

impl Rows<'_> {
    /// Returns what the views carry over from a story's earlier revisions.
    pub(crate) fn carried(&self, story: StoryId) -> rusqlite::Result<Carried> {
        let mut statement = self.0.prepare_cached(
            "SELECT significant, lost_by, redrafted, embargo, shown FROM stories WHERE story = ?1",
        )?;
        let carried = statement.query_row([story.as_bytes()], |row| {
            let reach = match (row.get::<_, Option<u64>>(1)?.map(Revision), row.get(2)?) {
                (None, _) => Reach::Whole,
                (Some(by), false) => Reach::Lost(by),
                (Some(by), true) => Reach::Redrafted(by),
            };
            let embargo = row.get::<_, Option<u64>>(3)?.map(Revision);
            let shown = row.get::<_, Option<u64>>(4)?.map(Revision);
            Ok(Carried { significant: row.get(0)?, reach, embargo, shown })
        });
        Ok(carried.optional()?.unwrap_or_default())
    }

    /// Deletes every row of `story`.
    pub(crate) fn forget(&self, story: StoryId) -> rusqlite::Result<()> {
        for (table, _) in schema::TABLES {
            let delete = format!("DELETE FROM {table} WHERE story = ?1");
            self.0.prepare_cached(&delete)?.execute([story.as_bytes()])?;
        }
        Ok(())
    }

    pub(crate) fn is_parked(&self, story: StoryId) -> rusqlite::Result<bool> {
        let mut statement = self.0.prepare_cached("SELECT 1 FROM parked WHERE story = ?1")?;
        statement.exists([story.as_bytes()])
    }

    pub(crate) fn park(&self, parked: &ParkedStory) -> rusqlite::Result<()> {
        self.0.prepare_cached("INSERT OR IGNORE INTO parked VALUES(?1, ?2, ?3)")?.execute(params![
            parked.story.as_bytes(),
            parked.position.0,
            parked.problem
        ])?;
        Ok(())
    }

    /// Writes what one record makes for ever: its revision, and its change if there is one; and what
    /// readers can reach of those before it.
    pub(crate) fn write(&self, step: &Step) -> rusqlite::Result<()> {
        self.write_revision(step)?;
        if let Some(change) = &step.change {
            self.0
                .prepare_cached(
                    "INSERT INTO changes VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, NULL, ?12,
                     ?13, ?14)",
                )?
                .execute(params![
                    step.position.0,
                    step.story.as_bytes(),
                    step.desk.as_str(),
                    change.desk_before.as_ref().map(story::Desk::as_str),
                    step.kind.as_str(),
                    change.level.as_str(),
                    change.from.get(),
                    step.revision.get(),
                    &change.event[..],
                    step.status.as_str(),
                    change.recall.as_deref(),
                    step.embargo.map(Revision::get),
                    (!change.tags.is_empty()).then(|| text(&change.tags)),
                    change.rewords_headline,
                ])?;
        }
        if let Some(redaction) = &step.redaction {
            self.0.prepare_cached("INSERT INTO redactions VALUES(?1, ?2, ?3, ?4, ?5, ?6)")?.execute(
                params![
                    step.position.0,
                    step.story.as_bytes(),
                    step.revision.get(),
                    redaction.kind.as_str(),
                    redaction.basis.as_str(),
                    redaction.values.len(),
                ],
            )?;
        }
        for entry in &step.entries {
            self.0.prepare_cached("INSERT OR IGNORE INTO entries VALUES(?1, ?2, ?3)")?.execute(params![
                step.story.as_bytes(),
                entry.as_str(),
                step.revision.get()
            ])?;
        }
        for passage in &step.passages {
            self.0
                .prepare_cached("INSERT OR REPLACE INTO passages VALUES(?1, ?2, ?3, ?4)")?
                .execute(params![step.story.as_bytes(), passage.place, step.revision.get(), passage.text])?;
        }
        if let Some(tags) = &step.tags {
            self.0.prepare_cached("DELETE FROM tags WHERE story = ?1")?.execute([step.story.as_bytes()])?;
            for tag in tags {
                self.0
                    .prepare_cached("INSERT OR IGNORE INTO tags VALUES(?1, ?2)")?
                    .execute(params![tag, step.story.as_bytes()])?;
            }
        }
        self.reach(step)
    }

    /// Hides earlier revisions and their changes from readers, or brings them back.
    fn reach(&self, step: &Step) -> rusqlite::Result<()> {
        let (by, revisions, changes) = match step.effect {
            Effect::None => return Ok(()),
            Effect::Hides(by) => (
                by,
                "UPDATE revisions SET hidden_by = ?2 WHERE story = ?1 AND revision < ?3 AND public AND hidden_by IS NULL",
                "UPDATE changes SET hidden_by = ?2 WHERE position IN
                 (SELECT position FROM revisions WHERE story = ?1 AND revision < ?3 AND hidden_by = ?2)",
            ),
            // The changes first: which they are is told by the revisions.
            Effect::BringsBack(by) => (
                by,
                "UPDATE revisions SET hidden_by = NULL WHERE story = ?1 AND hidden_by = ?2 AND revision < ?3",
                "UPDATE changes SET hidden_by = NULL WHERE position IN
                 (SELECT position FROM revisions WHERE story = ?1 AND revision < ?3 AND hidden_by = ?2)",
            ),
        };
        let mut statements = [revisions, changes];
        if matches!(step.effect, Effect::BringsBack(_)) {
            statements.reverse();
        }
        for statement in statements {
            let values = params![step.story.as_bytes(), by.get(), step.revision.get()];
            self.0.prepare_cached(statement)?.execute(values)?;
        }
        Ok(())
    }

    fn write_revision(&self, step: &Step) -> rusqlite::Result<()> {
        let apart = step.change.as_ref().and_then(|change| change.apart.as_deref());
        self.0
            .prepare_cached(
                "INSERT INTO revisions VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                 ?18, NULL, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)",
            )?
            .execute(params![
                step.story.as_bytes(),
                step.revision.get(),
                step.position.0,
                step.change.is_some(),
                step.kind.as_str(),
                step.status.as_str(),
                step.desk.as_str(),
                step.recorded,
                step.occurred,
                step.actor,
                step.note,
                step.significance,
                step.hash,
                step.published,
                step.significant,
                step.whole,
                step.content,
                step.change.as_ref().and_then(|change| change.tombstone.as_deref()),
                step.inside.until,
                step.inside.rebased,
                step.inside.reason,
                step.inside.approver,
                step.put_right.as_ref().map(|(what, _)| what),
                step.put_right.as_ref().map(|(_, place)| place),
                step.embargo.map(Revision::get),
                apart.and(step.shown).map(Revision::get),
                apart,
            ])?;
        Ok(())
    }

    /// Writes where a story stands after `step`, the newest, and what readers see of it after `told`,
    /// the newest that told them something, with the public article.
    pub(crate) fn write_story(&self, step: &Step, told: Option<(&Step, &[u8])>) -> rusqlite::Result<()> {
        let (lost_by, redrafted) = match step.reach {
            Reach::Whole => (None, false),
            Reach::Lost(by) => (Some(by.get()), false),
            Reach::Redrafted(by) => (Some(by.get()), true),
        };
        self.0
            .prepare_cached(
                "INSERT INTO stories(story, slug, desk, status, revision, headline, recorded, until, source, lost_by, redrafted,
                 embargo, shown) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                 ON CONFLICT(story) DO UPDATE SET slug = ?2, desk = ?3, status = ?4, revision = ?5, headline = ?6, recorded = ?7,
                 until = ?8, source = ?9, lost_by = ?10, redrafted = ?11, embargo = ?12, shown = ?13",
            )?
            .execute(params![
                step.story.as_bytes(),
                step.slug,
                step.desk.as_str(),
                step.status.as_str(),
                step.revision.get(),
                step.headline,
                step.recorded,
                step.inside.until,
                step.inside.source,
                lost_by,
                redrafted,
                step.embargo.map(Revision::get),
                step.shown.map(Revision::get),
            ])?;
        let Some((step, article)) = told else { return Ok(()) };
        self.0
            .prepare_cached(
                "UPDATE stories SET public_revision = ?2, public_headline = ?3, public_recorded = ?4, published = ?5,
                 first_published = ?6, significant = ?7, level = ?8, article = ?9, public_desk = ?10, public_status = ?11,
                 public_embargo = ?12
                 WHERE story = ?1",
            )?
            .execute(params![
                step.story.as_bytes(),
                step.revision.get(),
                step.change.as_ref().map_or("", |change| &change.headline),
                step.recorded,
                step.published,
                step.first_published,
                step.significant,
                step.change.as_ref().map(|change| change.level.as_str()),
                article,
                step.desk.as_str(),
                step.status.as_str(),
                step.embargo.map(Revision::get),
            ])?;
        Ok(())
    }
}
