//! Rows as nodes tell each other of them: what a transaction has put or cut, caught by triggers that only
//! the writer's own connection has.
//!
//! One line of JSON a row, with each value as SQLite writes a literal. Reading them back runs no SQL that
//! came from outside: tables and columns are the ones named here.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::{Deserialize, Serialize};
use story::ActorId;

/// What is shared of a table: its columns, those of its key first.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    /// How many of the columns are its key.
    key: usize,
    /// Which of its rows are shared, of `{row}`.
    only: Option<&'static str>,
}

const fn all(name: &'static str, key: usize, columns: &'static [&'static str]) -> Table {
    Table { name, columns, key, only: None }
}

/// All that nodes share. Departures are facts about one node's doors, and are not.
const TABLES: [Table; 10] = [
    all("actors", 1, &["id", "name", "grants", "added", "name_erased", "deactivated"]),
    all(
        "keys",
        1,
        &[
            "id",
            "actor",
            "digest",
            "digest_before",
            "before_until",
            "scopes",
            "desks",
            "added",
            "rotated",
            "expires",
            "used",
            "revoked",
            "note",
            "in_file",
            "command",
        ],
    ),
    all("denials", 1, &["number", "at", "actor", "key", "act", "desk", "story", "door", "reason"]),
    all(
        "requests",
        1,
        &[
            "id", "actor", "act", "story", "desk", "asked", "expires", "state", "approver", "decided",
            "ended", "revision", "reason", "command", "seen",
        ],
    ),
    all("payloads", 1, &["request", "bytes"]),
    all("deliveries", 3, &["story", "subscriber", "revision", "at"]),
    all("acknowledgements", 3, &["story", "recall", "subscriber", "at"]),
    all(
        "holds",
        1,
        &["id", "story", "basis", "reason", "placed", "placed_by", "lifted", "lifted_by", "lift_reason"],
    ),
    all("exports", 1, &["number", "at", "by", "recipient", "level", "stories", "digest", "bytes"]),
    Table { name: "settings", columns: &["name", "value"], key: 1, only: Some("{row}.name = 'policy'") },
];

/// One row, put or cut.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    put: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<String>,
    values: Vec<String>,
}

/// What a batch of rows makes stale in memory.
#[derive(Debug, Default)]
pub(crate) struct Stale {
    /// Actors whose keys must be read anew.
    pub(crate) actors: BTreeSet<ActorId>,
    /// Whether all must be.
    pub(crate) all: bool,
}

/// A row that means nothing here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    /// Another release wrote it, or it is damaged.
    #[error("a row that another node wrote cannot be read")]
    Unreadable,
    /// The file refused.
    #[error("a row that another node wrote cannot be stored")]
    Store(#[from] rusqlite::Error),
}

/// Begins to catch what is written over `db`.
pub(crate) fn capture(db: &Connection) -> rusqlite::Result<()> {
    // What is caught may have to be erased: it is never on a disk.
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS journal(number INTEGER PRIMARY KEY, line TEXT NOT NULL)",
    )?;
    for table in &TABLES {
        let name = table.name;
        for (trigger, what, row, verb, columns) in [
            ("new", "INSERT", "NEW", "put", table.columns),
            ("changed", "UPDATE", "NEW", "put", table.columns),
            ("gone", "DELETE", "OLD", "cut", &table.columns[..table.key]),
        ] {
            let only =
                table.only.map(|only| format!("WHEN {}", only.replace("{row}", row))).unwrap_or_default();
            db.execute_batch(&format!(
                "CREATE TEMP TRIGGER {name}_{trigger} AFTER {what} ON main.{name} {only} BEGIN
                 INSERT INTO journal(line) VALUES (json_object('{verb}', '{name}', 'values', json_array({})));
                 END",
                quoted(columns, &format!("{row}."))
            ))?;
        }
    }
    Ok(())
}

/// Stops catching.
fn release(db: &Connection) -> rusqlite::Result<()> {
    for table in &TABLES {
        for trigger in ["new", "changed", "gone"] {
            db.execute_batch(&format!("DROP TRIGGER IF EXISTS temp.{}_{trigger}", table.name))?;
        }
    }
    Ok(())
}

/// Returns what was caught since it was taken last, a line a row.
pub(crate) fn take(db: &Connection) -> rusqlite::Result<Vec<u8>> {
    let mut lines = Vec::new();
    let mut statement = db.prepare_cached("SELECT line FROM temp.journal ORDER BY number")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        lines.extend_from_slice(row.get_ref(0)?.as_str()?.as_bytes());
        lines.push(b'\n');
    }
    drop(rows);
    forget(db)?;
    Ok(lines)
}

/// Forgets what was caught.
pub(crate) fn forget(db: &Connection) -> rusqlite::Result<()> {
    db.execute("DELETE FROM temp.journal", []).map(drop)
}

/// Returns every shared row.
pub(crate) fn whole(db: &Connection) -> rusqlite::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for table in &TABLES {
        let (name, columns) = (table.name, quoted(table.columns, "it."));
        let only =
            table.only.map(|only| format!("WHERE {}", only.replace("{row}", "it"))).unwrap_or_default();
        let sql = format!(
            "SELECT json_object('put', '{name}', 'values', json_array({columns})) FROM {name} it {only}"
        );
        let mut statement = db.prepare(&sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            lines.extend_from_slice(row.get_ref(0)?.as_str()?.as_bytes());
            lines.push(b'\n');
        }
    }
    Ok(lines)
}

/// Stores rows that another node wrote, within an open transaction.
pub(crate) fn apply(db: &Connection, lines: &[u8], stale: &mut Stale) -> Result<(), RowError> {
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        apply_one(db, line, stale)?;
    }
    Ok(forget(db)?)
}

/// Puts rows in the place of all that are here, within an open transaction.
pub(crate) fn replace(db: &Connection, lines: &[u8], stale: &mut Stale) -> Result<(), RowError> {
    release(db)?;
    for table in &TABLES {
        let only = table.only.map(|only| format!("WHERE {}", only.replace("{row}.", ""))).unwrap_or_default();
        db.execute(&format!("DELETE FROM {} {only}", table.name), [])?;
    }
    let mut unread = Stale::default();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        apply_one(db, line, &mut unread)?;
    }
    stale.all = true;
    Ok(capture(db)?)
}

fn apply_one(db: &Connection, line: &[u8], stale: &mut Stale) -> Result<(), RowError> {
    let line: Line = serde_json::from_slice(line).map_err(|_| RowError::Unreadable)?;
    let (name, is_put) = match (&line.put, &line.cut) {
        (Some(name), None) => (name, true),
        (None, Some(name)) => (name, false),
        _ => return Err(RowError::Unreadable),
    };
    let table = TABLES.iter().find(|table| table.name == name).ok_or(RowError::Unreadable)?;
    let columns = if is_put { table.columns } else { &table.columns[..table.key] };
    let values: Option<Vec<Value>> = line.values.iter().map(|text| literal(text)).collect();
    let values = values.filter(|values| values.len() == columns.len()).ok_or(RowError::Unreadable)?;
    let whose = match table.name {
        "actors" => values.first(),
        "keys" if is_put => values.get(1),
        _ => None,
    };
    if let Some(Value::Text(actor)) = whose {
        stale.actors.insert(actor.parse().map_err(|_| RowError::Unreadable)?);
    }
    let sql = if is_put {
        let places = vec!["?"; columns.len()].join(", ");
        format!("INSERT OR REPLACE INTO {name}({}) VALUES ({places})", columns.join(", "))
    } else {
        let key: Vec<String> = columns.iter().map(|column| format!("{column} IS ?")).collect();
        format!("DELETE FROM {name} WHERE {}", key.join(" AND "))
    };
    db.prepare_cached(&sql)?.execute(params_from_iter(values))?;
    Ok(())
}

fn quoted(columns: &[&str], of: &str) -> String {
    columns.iter().map(|column| format!("quote({of}{column})")).collect::<Vec<_>>().join(", ")
}

/// Returns the value that SQLite writes as `text`.
fn literal(text: &str) -> Option<Value> {
    if text == "NULL" {
        return Some(Value::Null);
    }
    if let Some(hex) = text.strip_prefix("X'").and_then(|rest| rest.strip_suffix('\'')) {
        let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
        let bytes: Option<Vec<u8>> =
            pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
        return bytes.filter(|_| rest.is_empty()).map(Value::Blob);
    }
    if let Some(inner) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Some(Value::Text(inner.replace("''", "'")));
    }
    text.parse().ok().map(Value::Integer)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_a_shared_table_is_shared() {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::file::open_writer(&folder.path().join("registry.db")).unwrap();
        for table in &TABLES {
            let mut known = Vec::new();
            let sql = format!("PRAGMA table_info({})", table.name);
            let mut statement = db.prepare(&sql).unwrap();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                known.push(row.get::<_, String>("name").unwrap());
            }
            known.sort();
            let mut shared = table.columns.to_vec();
            shared.sort_unstable();
            assert_eq!(shared, known, "{}", table.name);
        }
    }

    #[test]
    fn rows_arrive_as_they_left() {
        let folder = tempfile::tempdir().unwrap();
        let from = crate::file::open_writer(&folder.path().join("one.db")).unwrap();
        let to = crate::file::open_writer(&folder.path().join("other.db")).unwrap();
        for db in [&from, &to] {
            capture(db).unwrap();
        }
        from.execute_batch(
            "INSERT INTO actors VALUES ('ann', 'O''Neill \"x\" \u{1F600}', '', 1, NULL, NULL);
             INSERT INTO holds(story, basis, reason, placed, placed_by) VALUES (X'00FF', 'b', '', -5, 'ann');
             INSERT INTO exports VALUES (3, 1, 'ann', NULL, 'full', X'', 'd', 9);
             DELETE FROM exports; INSERT INTO settings VALUES ('policy', 3), ('denials-not-kept', 7);",
        )
        .unwrap();
        let mut stale = Stale::default();
        apply(&to, &take(&from).unwrap(), &mut stale).unwrap();
        assert_eq!(stale.actors.iter().map(ActorId::as_str).collect::<Vec<_>>(), ["ann"]);
        assert_eq!(whole(&to).unwrap(), whole(&from).unwrap());
        assert!(take(&to).unwrap().is_empty(), "what came from another is not told again");
        to.execute("INSERT INTO denials(at, act, door, reason) VALUES (1, 'kill', 'http', '')", []).unwrap();
        replace(&to, &whole(&from).unwrap(), &mut stale).unwrap();
        assert_eq!(whole(&to).unwrap(), whole(&from).unwrap());
        assert!(stale.all && take(&to).unwrap().len() < 200, "only what was written before");
        let counted: u64 = to.query_row("SELECT count(*) FROM settings", [], |row| row.get(0)).unwrap();
        assert_eq!(counted, 1, "what a node counts for itself is its own");
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::file::open_writer(&folder.path().join("registry.db")).unwrap();
        capture(&db).unwrap();
        for line in [
            "{}",
            r#"{"put":"sqlite_schema","values":[]}"#,
            r#"{"put":"actors","values":["'ann'"]}"#,
            r#"{"put":"payloads","values":["1","random()"]}"#,
            r#"{"put":"payloads","values":["1","X'0'"]}"#,
        ] {
            apply(&db, line.as_bytes(), &mut Stale::default()).unwrap_err();
        }
    }
}
