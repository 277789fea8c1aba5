//! Tables of the views, and what makes two copies of them equal.

use log::{Epoch, Position};
use rusqlite::{Connection, OptionalExtension, types::ValueRef};
use sha2::{Digest, Sha256};

/// Format of the views; another one means: delete and build again.
const FORMAT: i64 = 7;

/// Every table that the log determines, with the order in which its rows are compared.
pub(crate) const TABLES: [(&str, &str); 8] = [
    ("stories", "story"),
    ("revisions", "story, revision"),
    ("entries", "story, block, revision"),
    ("passages", "story, place, since"),
    ("tags", "tag, story"),
    ("changes", "position"),
    ("redactions", "position"),
    ("parked", "story"),
];

const TABLES_SQL: &str = "
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stories(
  story BLOB PRIMARY KEY, slug TEXT NOT NULL, desk TEXT NOT NULL, status TEXT NOT NULL,
  revision INTEGER NOT NULL, public_revision INTEGER, headline TEXT NOT NULL, public_headline TEXT,
  recorded INTEGER NOT NULL, public_recorded INTEGER, published INTEGER, first_published INTEGER,
  significant INTEGER, level TEXT, article BLOB, public_desk TEXT, public_status TEXT, until INTEGER,
  source TEXT, lost_by INTEGER, redrafted INTEGER NOT NULL, embargo INTEGER, public_embargo INTEGER, shown INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS stories_slug ON stories(slug);
CREATE INDEX IF NOT EXISTS stories_until ON stories(until) WHERE until IS NOT NULL;
CREATE INDEX IF NOT EXISTS stories_recorded ON stories(recorded DESC, story);
CREATE INDEX IF NOT EXISTS stories_shelf ON stories(coalesce(significant, first_published) DESC, story DESC)
  WHERE public_status IN ('usable', 'withheld', 'killed', 'takendown');
CREATE INDEX IF NOT EXISTS stories_desk_shelf
  ON stories(public_desk, coalesce(significant, first_published) DESC, story DESC)
  WHERE public_status IN ('usable', 'withheld', 'killed', 'takendown');
CREATE INDEX IF NOT EXISTS stories_public_recorded ON stories(public_recorded);
CREATE TABLE IF NOT EXISTS revisions(
  story BLOB NOT NULL, revision INTEGER NOT NULL, position INTEGER NOT NULL, public INTEGER NOT NULL,
  kind TEXT NOT NULL, status TEXT NOT NULL, desk TEXT NOT NULL, recorded INTEGER NOT NULL, occurred TEXT,
  actor TEXT NOT NULL, note TEXT NOT NULL, significance TEXT, hash TEXT NOT NULL, published INTEGER,
  significant INTEGER, whole INTEGER NOT NULL, content BLOB NOT NULL, tombstone TEXT, hidden_by INTEGER,
  until INTEGER, rebased INTEGER, reason TEXT, approver TEXT, what TEXT, place TEXT, embargo INTEGER,
  shows INTEGER, shows_hash TEXT, PRIMARY KEY(story, revision)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS revisions_corrections ON revisions(story, revision)
  WHERE kind IN ('correction', 'clarification');
CREATE INDEX IF NOT EXISTS revisions_public
  ON revisions(story, revision, recorded, hidden_by, shows, tombstone) WHERE public;
CREATE INDEX IF NOT EXISTS revisions_recorded ON revisions(recorded, story, revision, position);
CREATE TABLE IF NOT EXISTS entries(
  story BLOB NOT NULL, block TEXT NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY(story, block, revision)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passages(
  story BLOB NOT NULL, place TEXT NOT NULL, since INTEGER NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY(story, place, since)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags(
  tag TEXT NOT NULL, story BLOB NOT NULL, PRIMARY KEY(tag, story)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_story ON tags(story);
CREATE TABLE IF NOT EXISTS changes(
  position INTEGER PRIMARY KEY, story BLOB NOT NULL, desk TEXT NOT NULL, desk_before TEXT, kind TEXT NOT NULL,
  level TEXT NOT NULL, from_revision INTEGER NOT NULL, to_revision INTEGER NOT NULL, event BLOB NOT NULL,
  status TEXT NOT NULL, recall BLOB, hidden_by INTEGER, embargo INTEGER, tags TEXT, headline INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS changes_story ON changes(story, position);
CREATE TABLE IF NOT EXISTS redactions(
  position INTEGER PRIMARY KEY, story BLOB NOT NULL, revision INTEGER NOT NULL, kind TEXT NOT NULL,
  basis TEXT NOT NULL, value_count INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS redactions_story ON redactions(story, revision);
CREATE TABLE IF NOT EXISTS parked(story BLOB PRIMARY KEY, position INTEGER NOT NULL, problem TEXT NOT NULL);
";

/// Makes the tables if they are missing; returns `false` if the file holds views of another log
/// or format.
pub(crate) fn prepare(connection: &Connection, epoch: Epoch) -> rusqlite::Result<bool> {
    connection.execute_batch(TABLES_SQL)?;
    let stamp = format!("{FORMAT}:{:016x}", epoch.0);
    let present: Option<String> =
        connection.query_row("SELECT value FROM meta WHERE name = 'of'", [], |row| row.get(0)).optional()?;
    if let Some(present) = present {
        return Ok(present == stamp);
    }
    connection.execute("INSERT INTO meta VALUES('of', ?1), ('position', '0')", [&stamp])?;
    Ok(true)
}

/// Returns the newest position that the views include.
pub(crate) fn position(connection: &Connection) -> rusqlite::Result<Position> {
    let position: String =
        connection.query_row("SELECT value FROM meta WHERE name = 'position'", [], |row| row.get(0))?;
    Ok(Position(position.parse().unwrap_or(0)))
}

/// Returns the number of rows of `table` and a hash over all of them in `order`: equal for two
/// copies only if every value of every row is.
pub(crate) fn digest(connection: &Connection, table: &str, order: &str) -> rusqlite::Result<(u64, [u8; 32])> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))?;
    let columns = statement.column_count();
    let mut rows = statement.query([])?;
    let (mut count, mut hash) = (0, Sha256::new());
    while let Some(row) = rows.next()? {
        count += 1;
        for column in 0..columns {
            let (tag, bytes) = match row.get_ref(column)? {
                ValueRef::Null => (0_u8, Vec::new()),
                ValueRef::Integer(integer) => (1, integer.to_be_bytes().to_vec()),
                ValueRef::Real(real) => (2, real.to_be_bytes().to_vec()),
                ValueRef::Text(text) => (3, text.to_vec()),
                ValueRef::Blob(blob) => (4, blob.to_vec()),
            };
            hash.update([tag]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(&bytes);
        }
    }
    Ok((count, hash.finalize().into()))
}
