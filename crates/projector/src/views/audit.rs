//! What an auditor asks of public changes: which were made in silence, which corrections lack what a
//! correction needs, which recalls went out, and what readers had between two times.
//!
//! No answer holds a word of an article. A page ends when it has looked at so many changes, so that no
//! question takes long: it may be empty and have a next one.

use jiff::Timestamp;
use log::Position;
use rusqlite::{Connection, OptionalExtension, Row, params};
use story::significance::{Code, Significance};
use story::{Desk, Kind, Level, Revision, Status, StoryId};
use wire::http::{
    ChangeName, CorrectionFinding, Lack, NOBODY_NAMED, NOT_STATED, PublicStretch, Silence, SilentChange,
};

use crate::views::moments::at;
use crate::views::read::{ROWS_MAX, story_id, time, word};
use crate::views::{AsOf, View, ViewError, Views};

/// Changes, or stories, that one page looks at.
const WALK_MAX: usize = 10_000;

/// Which changes to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Recorded then or later.
    pub from: Timestamp,
    /// Recorded before.
    pub to: Timestamp,
    /// Only of this desk.
    pub desk: Option<Desk>,
}

/// One page of what was found, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T, At> {
    /// What was found; it may be nothing.
    pub found: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<At>,
}

/// Where a page of stretches ended: the story, and its revision.
pub type StretchPlace = (StoryId, Revision);

/// A public change that called revisions back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalling {
    /// The story.
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
    /// The revision that calls back.
    pub revision: Revision,
    /// What sort of update it is.
    pub kind: Kind,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// Its place in the log.
    pub position: Position,
}

/// A story that is or was under an embargo or a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embargoed {
    /// The story.
    pub story: StoryId,
    /// Its slug.
    pub slug: String,
}

/// A public change, as it is looked at.
struct Change {
    position: Position,
    name: ChangeName,
    status: Status,
    note: String,
    approver: Option<String>,
    what: String,
    place: String,
    significance: Option<Significance>,
    recalls: bool,
}

impl Views {
    /// Returns public changes of `period` behind `after` that readers who had the story before were told
    /// nothing of, though they are substantive or take the story away.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn silent_changes(
        &self,
        period: Period,
        after: Position,
        limit: usize,
    ) -> Result<Found<SilentChange, Position>, ViewError> {
        self.query(move |connection| walk(connection, &period, (after, limit), silent)).await
    }

    /// Returns public corrections and clarifications of `period` behind `after` that lack something.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn lacking_corrections(
        &self,
        period: Period,
        after: Position,
        limit: usize,
    ) -> Result<Found<CorrectionFinding, Position>, ViewError> {
        self.query(move |connection| walk(connection, &period, (after, limit), lacking)).await
    }

    /// Returns public changes of `period` behind `after` that called revisions back.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn recalling(
        &self,
        period: Period,
        after: Position,
        limit: usize,
    ) -> Result<Found<Recalling, Position>, ViewError> {
        let take = |change: Change| {
            let Change { name, position, recalls, .. } = change;
            let ChangeName { story, slug, revision, kind, recorded, .. } = name;
            recalls.then_some(Recalling { story, slug, revision, kind, recorded, position })
        };
        self.query(move |connection| walk(connection, &period, (after, limit), take)).await
    }

    /// Returns stories behind `after`, in the order of their ids, that are or were under an embargo or a
    /// schedule; only those of `desk`, if one is named.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn embargoed(
        &self,
        desk: Option<Desk>,
        after: Option<StoryId>,
        limit: usize,
    ) -> Result<Vec<Embargoed>, ViewError> {
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT story, slug FROM stories WHERE embargo IS NOT NULL AND story > ?1
                 AND (?2 IS NULL OR desk = ?2) ORDER BY story LIMIT ?3",
            )?;
            let after = after.map_or_else(Vec::new, |story| story.as_bytes().to_vec());
            let desk = desk.as_ref().map(Desk::as_str);
            let found = statement.query_map(params![after, desk, limit.min(ROWS_MAX)], |row| {
                Ok(Embargoed { story: story_id(row, 0)?, slug: row.get(1)? })
            })?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    /// Returns what readers had at any time of `period`, behind `after`: story by story in the order of
    /// their ids, and each revision with the times from and until which it was what they had.
    ///
    /// What was taken from readers since is there too: they had it.
    ///
    /// # Errors
    /// [`ViewError`].
    pub async fn public_between(
        &self,
        period: Period,
        after: Option<StretchPlace>,
        limit: usize,
    ) -> Result<Found<PublicStretch, StretchPlace>, ViewError> {
        self.query(move |connection| between(connection, &period, after, limit)).await
    }
}

/// Looks at changes in their order and keeps what `take` makes of them.
fn walk<T>(
    connection: &Connection,
    period: &Period,
    (after, limit): (Position, usize),
    take: impl Fn(Change) -> Option<T>,
) -> Result<Found<T, Position>, ViewError> {
    let limit = limit.clamp(1, ROWS_MAX);
    let (from, to) = (period.from.as_microsecond(), period.to.as_microsecond());
    let mut page = Found { found: Vec::new(), next: None };
    let Some((first, last)) = positions(connection, period)? else { return Ok(page) };
    let mut statement = connection.prepare_cached(
        "SELECT c.position, c.story, s.slug, c.desk, c.kind, c.from_revision, c.to_revision, r.recorded, r.actor,
         r.status, r.note, r.significance, r.approver, r.what, r.place, c.recall IS NOT NULL
         FROM changes c JOIN revisions r ON r.story = c.story AND r.revision = c.to_revision
         JOIN stories s ON s.story = c.story
         WHERE c.position > ?1 AND c.position >= ?2 AND c.position <= ?3 ORDER BY c.position",
    )?;
    let behind = i64::try_from(after.0).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![behind, first, last])?;
    let mut walked = 0;
    while let Some(row) = rows.next()? {
        let position = Position(row.get(0)?);
        walked += 1;
        let recorded: i64 = row.get(7)?;
        let desk = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        let is_asked_for = period.desk.as_ref().is_none_or(|wanted| wanted.as_str() == desk);
        if is_asked_for && (from..to).contains(&recorded) {
            page.found.extend(take(change(row)?));
        }
        if page.found.len() == limit || walked == WALK_MAX {
            page.next = Some(position);
            return Ok(page);
        }
    }
    Ok(page)
}

/// Returns the first and the last position at which anything was recorded in the period.
fn positions(connection: &Connection, period: &Period) -> Result<Option<(i64, i64)>, ViewError> {
    if (period.from, period.to) == (Timestamp::MIN, Timestamp::MAX) {
        return Ok(Some((0, i64::MAX)));
    }
    // Clocks of a cluster differ: positions do not rise quite as times do.
    let mut statement = connection.prepare_cached(
        "SELECT min(position), max(position) FROM revisions INDEXED BY revisions_recorded
         WHERE recorded >= ?1 AND recorded < ?2",
    )?;
    let bounds = params![period.from.as_microsecond(), period.to.as_microsecond()];
    let found = statement
        .query_row(bounds, |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
    Ok(found.0.zip(found.1))
}

fn change(row: &Row<'_>) -> Result<Change, ViewError> {
    let text = |column| row.get::<_, String>(column);
    let said = |column| row.get::<_, Option<String>>(column).map(Option::unwrap_or_default);
    let damaged = |error| ViewError::Damaged { place: format!("revisions.significance: {error}") };
    let significance: Option<String> = row.get(11)?;
    Ok(Change {
        position: Position(row.get(0)?),
        name: ChangeName {
            story: story_id(row, 1)?,
            slug: text(2)?,
            desk: word(&text(3)?, "changes.desk")?,
            kind: word(&text(4)?, "changes.kind")?,
            from: Revision(row.get(5)?),
            revision: Revision(row.get(6)?),
            recorded: time(row.get(7)?)?,
            actor: word(&text(8)?, "revisions.actor")?,
        },
        status: word(&text(9)?, "revisions.status")?,
        note: text(10)?,
        significance: significance.map(|json| serde_json::from_str(&json)).transpose().map_err(damaged)?,
        approver: row.get(12)?,
        what: said(13)?,
        place: said(14)?,
        recalls: row.get(15)?,
    })
}

fn silent(change: Change) -> Option<SilentChange> {
    let Change { name, status, note, significance, .. } = change;
    // A tombstone is a notice itself, save where the story is just gone.
    let is_gone = name.kind == Kind::Unpublish;
    let is_told = !note.trim().is_empty() || (status != Status::Usable && !is_gone);
    if name.from == Revision::ZERO || is_told {
        return None;
    }
    let reasons = significance.as_ref().map_or(&[][..], |said| &said.reasons);
    let by_rules = reasons.iter().filter(|reason| reason.code != Code::Label);
    let by_rules = by_rules.map(|reason| reason.level).max().unwrap_or(Level::Minor);
    let level = significance.as_ref().map_or(Level::Minor, |said| said.level);
    let silence = match (is_gone, level, by_rules) {
        (true, ..) => Silence::Gone,
        (false, Level::Substantive, _) => Silence::NoNote,
        (false, _, Level::Substantive) => Silence::LabelledLower,
        _ => return None,
    };
    let mut codes: Vec<Code> = Vec::new();
    for reason in reasons.iter().filter(|reason| reason.level == Level::Substantive) {
        if !codes.contains(&reason.code) {
            codes.push(reason.code);
        }
    }
    Some(SilentChange { change: name, silence, level, reasons: codes })
}

fn lacking(change: Change) -> Option<CorrectionFinding> {
    let Change { name, note, approver, what, place, .. } = change;
    if !matches!(name.kind, Kind::Correction | Kind::Clarification) {
        return None;
    }
    let is_correction = name.kind == Kind::Correction;
    let is_said = |text: &str| !text.trim().is_empty() && text != NOT_STATED;
    let approver = approver.filter(|approver| approver != NOBODY_NAMED);
    let mut lacks = Vec::new();
    let mut lack = |lacks_it: bool, what: Lack| {
        if lacks_it {
            lacks.push(what);
        }
    };
    lack(!is_said(&note), Lack::Note);
    lack(is_correction && approver.is_none(), Lack::Approver);
    lack(approver.as_deref() == Some(name.actor.as_str()), Lack::SecondPerson);
    lack(is_correction && !is_said(&what), Lack::What);
    lack(is_correction && !is_said(&place), Lack::Where);
    (!lacks.is_empty()).then_some(CorrectionFinding { change: name, lacks })
}

fn between(
    connection: &Connection,
    period: &Period,
    after: Option<StretchPlace>,
    limit: usize,
) -> Result<Found<PublicStretch, StretchPlace>, ViewError> {
    let limit = limit.clamp(1, ROWS_MAX);
    let mut page = Found { found: Vec::new(), next: None };
    let mut statement = connection.prepare_cached(
        "SELECT story, slug FROM stories WHERE story >= ?1 AND first_published IS NOT NULL AND first_published < ?2
         AND (?3 IS NULL OR desk = ?3) ORDER BY story LIMIT ?4",
    )?;
    let begin = after.map_or_else(Vec::new, |(story, _)| story.as_bytes().to_vec());
    let desk = period.desk.as_ref().map(Desk::as_str);
    let mut stories = statement.query(params![begin, period.to.as_microsecond(), desk, WALK_MAX])?;
    let mut walked = 0;
    while let Some(row) = stories.next()? {
        let (story, slug) = (story_id(row, 0)?, row.get::<_, String>(1)?);
        walked += 1;
        let behind = after.filter(|(done, _)| *done == story).map(|(_, revision)| revision);
        let room = limit - page.found.len();
        if had(connection, period, (story, &slug, behind), (room, &mut page.found))? {
            page.next = page.found.last().map(|last| (last.story, last.revision));
            return Ok(page);
        }
        if walked == WALK_MAX {
            page.next = Some((story, Revision(i64::MAX.unsigned_abs())));
        }
    }
    Ok(page)
}

/// Adds what readers had of one story; returns whether there was no room for all of it.
fn had(
    connection: &Connection,
    period: &Period,
    (story, slug, behind): (StoryId, &str, Option<Revision>),
    (room, into): (usize, &mut Vec<PublicStretch>),
) -> Result<bool, ViewError> {
    let begin = match behind {
        Some(behind) => behind.get() + 1,
        None => at(connection, story, AsOf::Published(period.from), View::Desk)?.unwrap_or_default().get(),
    };
    let mut statement = connection.prepare_cached(
        "SELECT revision, recorded, kind, status, desk, hidden_by FROM revisions
         WHERE story = ?1 AND public AND revision >= ?2 AND recorded < ?3 ORDER BY revision LIMIT ?4",
    )?;
    let begin = i64::try_from(begin).unwrap_or(i64::MAX);
    let bounds = params![story.as_bytes(), begin, period.to.as_microsecond(), room + 1];
    let mut rows = statement.query(bounds)?;
    let mut taken = 0;
    while let Some(row) = rows.next()? {
        if taken == room {
            return Ok(true);
        }
        taken += 1;
        let text = |column| row.get::<_, String>(column);
        let revision = Revision(row.get(0)?);
        into.push(PublicStretch {
            story,
            slug: slug.to_owned(),
            desk: word(&text(4)?, "revisions.desk")?,
            revision,
            kind: word(&text(2)?, "revisions.kind")?,
            status: word(&text(3)?, "revisions.status")?,
            since: time(row.get(1)?)?,
            until: next_public(connection, story, revision)?,
            reachable: row.get::<_, Option<u64>>(5)?.is_none(),
        });
    }
    Ok(false)
}

fn next_public(
    connection: &Connection,
    story: StoryId,
    revision: Revision,
) -> Result<Option<Timestamp>, ViewError> {
    let mut statement = connection.prepare_cached(
        "SELECT recorded FROM revisions INDEXED BY revisions_public
         WHERE story = ?1 AND public AND revision > ?2 ORDER BY revision LIMIT 1",
    )?;
    let next = statement.query_row(params![story.as_bytes(), revision.get()], |row| row.get(0)).optional()?;
    next.map(time).transpose()
}
