//! What nodes share of the webhooks, and how one of them writes it: the secrets that sign, who was told of
//! what, and what waits. So whichever node carries, nothing that waits dies with another.

use std::sync::Arc;

use peers::{Peer, Schema, Table, Told};
use rusqlite::{Connection, Transaction};

use crate::error::StoreError;
use crate::file::FORMAT;

/// How often a write is done again because another node was first.
const ATTEMPTS_MAX: u32 = 100;

/// All of it, with the life of the log that it is of.
pub(crate) static SCHEMA: Schema = Schema {
    name: "webhooks",
    format: FORMAT,
    tables: &[
        Table::whole(
            "endpoints",
            1,
            &[
                "id",
                "url",
                "description",
                "filter",
                "payload",
                "cursor",
                "state",
                "added",
                "changed",
                "reason",
            ],
        ),
        Table::whole("told", 3, &["endpoint", "story", "revision"]),
        Table::whole("secrets", 1, &["number", "endpoint", "secret", "until"]),
        Table::whole(
            "deliveries",
            1,
            &[
                "id", "endpoint", "message", "story", "position", "revision", "kind", "origin", "state",
                "attempts", "queued", "begun", "due", "ended", "status", "error",
            ],
        ),
        Table {
            name: "settings",
            columns: &["name", "value"],
            key: 1,
            only: Some("{row}.name = 'epoch'"),
            told: None,
        },
    ],
    erasing: &["secrets"],
};

/// Forgets that the file was shared: alone, it goes another way than the others.
pub(crate) fn leave(db: &Connection) -> rusqlite::Result<()> {
    db.execute("DELETE FROM settings WHERE name IN ('shared-with', 'shared-upto')", []).map(drop)
}

/// Does `work` on the newest that any node has written, in a transaction that all nodes know of once this
/// returns. Blocks.
pub(crate) fn write<T, E: From<StoreError>>(
    db: &mut Connection,
    peer: &mut Peer,
    work: &(impl FnOnce(&Transaction<'_>) -> Result<T, E> + Clone),
) -> Result<T, E> {
    let untold = |error| StoreError::Untold(Arc::new(error));
    for _ in 0..ATTEMPTS_MAX {
        peer.catch_up(db).map_err(untold)?;
        let step = db.transaction().map_err(StoreError::from)?;
        let answer = match work.clone()(&step) {
            Ok(answer) => answer,
            Err(refused) => {
                drop(step);
                peer.rewind(db);
                return Err(refused);
            }
        };
        match peer.tell(&step, false).map_err(StoreError::from)? {
            Told::All => {
                let committed = step.commit().map_err(StoreError::from);
                if committed.is_err() {
                    peer.rewind(db); // The others may know what the file does not.
                }
                return Ok(committed.map(|()| answer)?);
            }
            Told::Nobody => {
                drop(step);
                peer.rewind(db);
            }
            Told::Later => {
                drop(step);
                peer.rewind(db);
                return Ok(peer.catch_up(db).map_err(untold).map(|_| answer)?);
            }
            Told::Unknown(_) => {
                drop(step);
                peer.rewind(db);
                return Err(StoreError::Lost.into());
            }
        }
    }
    Err(StoreError::Lost.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_of_a_shared_table_is_shared() {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::file::open(&folder.path().join("courier.db")).unwrap();
        for table in SCHEMA.tables {
            let sql = format!("SELECT name FROM pragma_table_info('{}')", table.name);
            let mut statement = db.prepare(&sql).unwrap();
            let known = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            let mut known: Vec<String> = known.map(Result::unwrap).collect();
            known.sort();
            let mut shared = table.columns.to_vec();
            shared.sort_unstable();
            assert_eq!(shared, known, "{}", table.name);
        }
    }
}
