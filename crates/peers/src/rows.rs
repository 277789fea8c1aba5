//! Rows as nodes tell each other of them: what a transaction has put or cut, caught by triggers that only
//! the writer's own connection has.
//!
//! One line of JSON a row, with each value as SQLite writes a literal. Reading them back runs no SQL that
//! came from outside: tables and columns are the ones named here.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::{Deserialize, Serialize};

/// Which rows of a file are shared.
#[derive(Debug)]
pub struct Schema {
    /// What the stream is called after, in lower case: `registry`.
    pub name: &'static str,
    /// The format of the file: nodes of another do not understand each other.
    pub format: i32,
    /// What is shared; the tables of the file.
    pub tables: &'static [Table],
    /// The tables of which a row that is cut must not be left in any earlier message.
    pub erasing: &'static [&'static str],
}

/// What is shared of a table.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// All its columns, those of its key first.
    pub columns: &'static [&'static str],
    /// How many of the columns are its key.
    pub key: usize,
    /// Which of its rows are shared, as a condition on `{row}`; all without one.
    pub only: Option<&'static str>,
    /// The column by which a node is told that a row has changed, if it wants to know.
    pub told: Option<usize>,
}

impl Table {
    /// Returns a table that is shared whole.
    pub const fn whole(name: &'static str, key: usize, columns: &'static [&'static str]) -> Self {
        Self { name, columns, key, only: None, told: None }
    }

    /// Returns the same, and a node is told of the column `told` of what has changed.
    #[must_use]
    pub const fn telling(self, told: usize) -> Self {
        Self { told: Some(told), ..self }
    }
}

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

/// What a batch of rows has changed.
#[derive(Debug, Default)]
pub(crate) struct Stale {
    /// What tables tell of.
    pub(crate) told: BTreeSet<(&'static str, String)>,
    /// Whether all may be another.
    pub(crate) all: bool,
}

/// A row that means nothing here.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// Another release wrote it, or it is damaged.
    #[error("a row that another node wrote cannot be read")]
    Unreadable,
    /// The file refused.
    #[error("a row that another node wrote cannot be stored")]
    Store(#[from] rusqlite::Error),
}

/// Begins to catch what is written over `db`.
pub(crate) fn capture(schema: &Schema, db: &Connection) -> rusqlite::Result<()> {
    // What is caught may have to be erased: it is never on a disk.
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS journal(number INTEGER PRIMARY KEY, line TEXT NOT NULL)",
    )?;
    for table in schema.tables {
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
fn release(schema: &Schema, db: &Connection) -> rusqlite::Result<()> {
    for table in schema.tables {
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

/// Returns whether `lines` cut what must not be left in any earlier message.
pub(crate) fn erases(schema: &Schema, lines: &[u8]) -> bool {
    let cuts: Vec<String> = schema.erasing.iter().map(|table| format!(r#"{{"cut":"{table}","#)).collect();
    lines.split(|byte| *byte == b'\n').any(|line| cuts.iter().any(|cut| line.starts_with(cut.as_bytes())))
}

/// Forgets what was caught.
pub(crate) fn forget(db: &Connection) -> rusqlite::Result<()> {
    db.execute("DELETE FROM temp.journal", []).map(drop)
}

/// Returns every shared row.
pub(crate) fn whole(schema: &Schema, db: &Connection) -> rusqlite::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for table in schema.tables {
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
pub(crate) fn apply(
    schema: &'static Schema,
    db: &Connection,
    lines: &[u8],
    stale: &mut Stale,
) -> Result<(), RowError> {
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        apply_one(schema, db, line, stale)?;
    }
    Ok(forget(db)?)
}

/// Puts rows in the place of all that are here, within an open transaction.
pub(crate) fn replace(
    schema: &'static Schema,
    db: &Connection,
    lines: &[u8],
    stale: &mut Stale,
) -> Result<(), RowError> {
    release(schema, db)?;
    for table in schema.tables {
        let only = table.only.map(|only| format!("WHERE {}", only.replace("{row}.", ""))).unwrap_or_default();
        db.execute(&format!("DELETE FROM {} {only}", table.name), [])?;
    }
    let mut unread = Stale::default();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        apply_one(schema, db, line, &mut unread)?;
    }
    stale.all = true;
    Ok(capture(schema, db)?)
}

fn apply_one(
    schema: &'static Schema,
    db: &Connection,
    line: &[u8],
    stale: &mut Stale,
) -> Result<(), RowError> {
    let line: Line = serde_json::from_slice(line).map_err(|_| RowError::Unreadable)?;
    let (name, is_put) = match (&line.put, &line.cut) {
        (Some(name), None) => (name, true),
        (None, Some(name)) => (name, false),
        _ => return Err(RowError::Unreadable),
    };
    let table = schema.tables.iter().find(|table| table.name == name).ok_or(RowError::Unreadable)?;
    let columns = if is_put { table.columns } else { &table.columns[..table.key] };
    let values: Option<Vec<Value>> = line.values.iter().map(|text| literal(text)).collect();
    let values = values.filter(|values| values.len() == columns.len()).ok_or(RowError::Unreadable)?;
    if let Some(Value::Text(told)) = table.told.and_then(|told| values.get(told)) {
        stale.told.insert((table.name, told.clone()));
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

    static SCHEMA: Schema = Schema {
        name: "test",
        format: 1,
        tables: &[
            Table::whole("people", 1, &["id", "name", "born"]).telling(0),
            Table::whole("notes", 1, &["number", "about", "bytes"]),
            Table {
                name: "settings",
                columns: &["name", "value"],
                key: 1,
                only: Some("{row}.name = 'policy'"),
                told: None,
            },
        ],
        erasing: &["notes"],
    };

    fn file() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE people(id TEXT PRIMARY KEY, name TEXT, born INTEGER) WITHOUT ROWID;
             CREATE TABLE notes(number INTEGER PRIMARY KEY AUTOINCREMENT, about TEXT, bytes BLOB);
             CREATE TABLE settings(name TEXT PRIMARY KEY, value) WITHOUT ROWID;",
        )
        .unwrap();
        capture(&SCHEMA, &db).unwrap();
        db
    }

    #[test]
    fn rows_arrive_as_they_left() {
        let (from, to) = (file(), file());
        from.execute_batch(
            "INSERT INTO people VALUES ('ann', 'O''Neill \"x\" \u{1F600}', -5), ('bob', NULL, NULL);
             INSERT INTO notes(about, bytes) VALUES ('ann', X'00FF'), ('', X'');
             UPDATE notes SET about = 'bob' WHERE number = 2; DELETE FROM people WHERE id = 'bob';
             INSERT INTO settings VALUES ('policy', 3), ('counted', 7);",
        )
        .unwrap();
        let mut stale = Stale::default();
        let lines = take(&from).unwrap();
        assert!(!erases(&SCHEMA, &lines));
        apply(&SCHEMA, &to, &lines, &mut stale).unwrap();
        from.execute("DELETE FROM notes WHERE number = 1", []).unwrap();
        let lines = take(&from).unwrap();
        assert!(erases(&SCHEMA, &lines));
        apply(&SCHEMA, &to, &lines, &mut stale).unwrap();
        let told: Vec<_> = stale.told.iter().map(|(table, id)| (*table, id.as_str())).collect();
        assert_eq!(told, [("people", "ann"), ("people", "bob")]);
        assert_eq!(whole(&SCHEMA, &to).unwrap(), whole(&SCHEMA, &from).unwrap());
        assert!(take(&to).unwrap().is_empty(), "what came from another is not told again");
        to.execute("INSERT INTO notes(about) VALUES ('own')", []).unwrap();
        assert_eq!(to.last_insert_rowid(), 3, "no number is given twice");
        let own = take(&to).unwrap();
        assert_eq!(own.split(|byte| *byte == b'\n').count(), 2, "one row is one line");
        replace(&SCHEMA, &to, &whole(&SCHEMA, &from).unwrap(), &mut stale).unwrap();
        assert_eq!(whole(&SCHEMA, &to).unwrap(), whole(&SCHEMA, &from).unwrap());
        assert!(stale.all && take(&to).unwrap().is_empty());
        let counted: u64 = to.query_row("SELECT count(*) FROM settings", [], |row| row.get(0)).unwrap();
        assert_eq!(counted, 1, "what a node counts for itself is its own");
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let db = file();
        for line in [
            "{}",
            r#"{"put":"sqlite_schema","values":[]}"#,
            r#"{"put":"people","values":["'ann'"]}"#,
            r#"{"put":"notes","values":["1","random()","NULL"]}"#,
            r#"{"put":"notes","values":["1","NULL","X'0'"]}"#,
        ] {
            apply(&SCHEMA, &db, line.as_bytes(), &mut Stale::default()).unwrap_err();
        }
    }
}
