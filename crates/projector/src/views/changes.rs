//! What goes out: public changes, in the order of the log.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use log::Position;
use rusqlite::{Row, params};
use story::{Revision, StoryId};
use wire::CloudEvent;

use crate::views::read::{ROWS_MAX, story_id, word};
use crate::views::{ChangeRow, ViewError, Views};

/// What a [`ChangeRow`] is read from.
const COLUMNS: &str = "position, story, desk, desk_before, kind, level, from_revision, to_revision, event,
 status, recall, hidden_by, embargo, tags, headline";

/// Who asks for changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// Readers: nothing that was taken from them.
    Public,
    /// Who sends to subscribers: of what was taken, the recalls.
    Outgoing,
}

impl Door {
    /// Returns whether `change` goes through; one that readers may not see has no event any more.
    pub(crate) fn passes(self, change: &ChangeRow) -> bool {
        !change.event.is_empty() || (self == Self::Outgoing && change.recall.is_some())
    }

    const fn condition(self) -> &'static str {
        match self {
            Self::Public => "hidden_by IS NULL",
            Self::Outgoing => "(hidden_by IS NULL OR recall IS NOT NULL)",
        }
    }
}

impl Views {
    /// Returns up to `limit` public changes behind `after`, in the order of the log; the newest
    /// without reading a file. Changes from before a story was taken from readers are left out.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn changes(&self, after: Position, limit: usize) -> Result<Vec<ChangeRow>, ViewError> {
        self.through(Door::Public, after, limit).await
    }

    /// Does what [`Views::changes`] does, and also returns each change that was taken from readers and
    /// calls earlier revisions back, without its words: its event and its article are empty.
    ///
    /// For who tells subscribers: one that was away must still hear of every recall.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn outgoing(&self, after: Position, limit: usize) -> Result<Vec<ChangeRow>, ViewError> {
        self.through(Door::Outgoing, after, limit).await
    }

    /// Returns the place of the newest redaction up to `upto` that hides words, if there is one.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn newest_redaction(&self, upto: Position) -> Result<Option<Position>, ViewError> {
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT max(position) FROM redactions WHERE position <= ?1 AND kind <> 'annotate'",
            )?;
            Ok(statement.query_row([upto.0], |row| row.get::<_, Option<u64>>(0))?.map(Position))
        })
        .await
    }

    /// Returns up to `limit` public changes of `story` behind `after`, in the order of the log, without
    /// the newest article: [`ChangeRow::article`] is empty. Costs what is returned, however many changes
    /// other stories had.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn changes_of(
        &self,
        story: StoryId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<ChangeRow>, ViewError> {
        let limit = limit.min(ROWS_MAX);
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM changes WHERE story = ?1 AND position > ?2 AND {} ORDER BY position LIMIT ?3",
                Door::Public.condition()
            ))?;
            let mut rows = statement.query(params![story.as_bytes(), after.0, limit])?;
            let mut changes = Vec::new();
            while let Some(row) = rows.next()? {
                changes.push(change_row(row)?);
            }
            Ok(changes)
        })
        .await
        .map(|changes| self.served(changes))
    }

    async fn through(&self, door: Door, after: Position, limit: usize) -> Result<Vec<ChangeRow>, ViewError> {
        let limit = limit.min(ROWS_MAX);
        if let Some(changes) = self.recent().and_then(|recent| recent.behind(after, limit, door)) {
            return Ok(self.served(changes));
        }
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM changes WHERE position > ?1 AND {} ORDER BY position LIMIT ?2",
                door.condition()
            ))?;
            let mut newest = connection.prepare_cached("SELECT article FROM stories WHERE story = ?1")?;
            let mut rows = statement.query(params![after.0, limit])?;
            let (mut changes, mut articles) = (Vec::new(), HashMap::new());
            while let Some(row) = rows.next()? {
                let mut change = change_row(row)?;
                if change.event.is_empty() {
                    changes.push(change);
                    continue;
                }
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
        .map(|changes| self.served(changes))
    }

    /// Returns `changes` with the addresses of their schemas, where the service is known.
    fn served(&self, mut changes: Vec<ChangeRow>) -> Vec<ChangeRow> {
        let Some(base) = self.base.as_deref() else { return changes };
        let served = |message: &Bytes| CloudEvent::served_at(message, base).map(Bytes::from);
        // Changes of one story share its newest article, which may be large. The rows keep what is kept until
        // all are done, so an address is that of one article.
        let mut articles = HashMap::new();
        for change in &changes {
            if let Entry::Vacant(unknown) = articles.entry(change.article.as_ptr())
                && let Some(article) = served(&change.article)
            {
                unknown.insert(article);
            }
        }
        for change in &mut changes {
            if let Some(event) = served(&change.event) {
                change.event = event;
            }
            change.recall =
                change.recall.as_ref().map(|recall| served(recall).unwrap_or_else(|| recall.clone()));
            if let Some(article) = articles.get(&change.article.as_ptr()) {
                change.article = article.clone();
            }
        }
        changes
    }
}

/// Returns a change, without its story's article, and without its words if readers may not see them.
fn change_row(row: &Row<'_>) -> Result<ChangeRow, ViewError> {
    let is_hidden = row.get::<_, Option<u64>>(11)?.is_some();
    let tags = row.get::<_, Option<String>>(13)?.filter(|_| !is_hidden);
    let tags = tags.map_or_else(|| Ok([].into()), |tags| serde_json::from_str(&tags));
    Ok(ChangeRow {
        position: Position(row.get(0)?),
        story: story_id(row, 1)?,
        desk: word(&row.get::<_, String>(2)?, "changes.desk")?,
        desk_before: row
            .get::<_, Option<String>>(3)?
            .map(|desk| word(&desk, "changes.desk_before"))
            .transpose()?,
        kind: word(&row.get::<_, String>(4)?, "changes.kind")?,
        status: word(&row.get::<_, String>(9)?, "changes.status")?,
        level: word(&row.get::<_, String>(5)?, "changes.level")?,
        tags: tags.map_err(|_| ViewError::Damaged { place: "changes.tags".to_owned() })?,
        rewords_headline: row.get(14)?,
        from: Revision(row.get(6)?),
        to: Revision(row.get(7)?),
        event: if is_hidden { Bytes::new() } else { row.get::<_, Vec<u8>>(8)?.into() },
        recall: row.get::<_, Option<Vec<u8>>>(10)?.map(Bytes::from),
        article: Bytes::new(),
        embargo: row.get::<_, Option<u64>>(12)?.map(Revision),
    })
}
