//! What nodes share of the registry, row by row: all but departures, which are facts about the doors of one
//! node.

use peers::{Schema, Table};

use crate::file::FORMAT;

/// All that nodes share. A node reads the keys of an actor anew when either has changed.
pub(crate) static SCHEMA: Schema = Schema {
    name: "registry",
    format: FORMAT,
    tables: &[
        Table::whole("actors", 1, &["id", "name", "grants", "added", "name_erased", "deactivated"])
            .telling(0),
        Table::whole(
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
        )
        .telling(1),
        Table::whole(
            "denials",
            1,
            &["number", "at", "actor", "key", "act", "desk", "story", "door", "reason"],
        ),
        Table::whole(
            "requests",
            1,
            &[
                "id", "actor", "act", "story", "desk", "asked", "expires", "state", "approver", "decided",
                "ended", "revision", "reason", "command", "seen",
            ],
        ),
        Table::whole("payloads", 1, &["request", "bytes"]),
        Table::whole("deliveries", 3, &["story", "subscriber", "revision", "at"]),
        Table::whole("acknowledgements", 3, &["story", "recall", "subscriber", "at"]),
        Table::whole(
            "holds",
            1,
            &["id", "story", "basis", "reason", "placed", "placed_by", "lifted", "lifted_by", "lift_reason"],
        ),
        Table::whole(
            "exports",
            1,
            &["number", "at", "by", "recipient", "level", "stories", "digest", "bytes"],
        ),
        Table {
            name: "settings",
            columns: &["name", "value"],
            key: 1,
            only: Some("{row}.name = 'policy'"),
            told: None,
        },
    ],
    // The registry says itself what erases.
    erasing: &[],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_a_shared_table_is_shared() {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::file::open_writer(&folder.path().join("registry.db")).unwrap();
        for table in SCHEMA.tables {
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
}
