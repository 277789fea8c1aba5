//! The registry on real files.

mod actors;
mod exports;
mod files;
mod keys;
mod owner;
mod receipts;
mod requests;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use registry::{Actor, Grant, NewActor, Registry};
use story::{ActorId, StoryId};
use tempfile::TempDir;

/// A registry in a folder of its own.
struct Place {
    folder: TempDir,
    registry: Registry,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let registry = Registry::open(&folder.path().join("registry.db")).await.expect("opens");
        Self { folder, registry }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn reopen(&mut self) {
        self.registry.close().await;
        self.registry = Registry::open(&self.file("registry.db")).await.expect("opens");
    }

    /// Opens what would be there if the process and the machine died now.
    async fn after_a_crash(&self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["registry.db", "registry.db-wal"] {
            std::fs::copy(self.file(name), folder.path().join(name)).expect("copied");
        }
        let registry = Registry::open(&folder.path().join("registry.db")).await.expect("opens");
        Self { folder, registry }
    }

    async fn actor(&self, id: &str, grants: &[&str]) -> Actor {
        let grants: Vec<Grant> = grants.iter().map(|grant| grant.parse().expect("a grant")).collect();
        let new = NewActor { id: Some(actor(id)), name: None, grants };
        self.registry.add_actor(new, at(0)).await.expect("added")
    }

    /// Whether `needle` is in any file of the folder.
    fn holds(&self, needle: &str) -> bool {
        holds(self.folder.path(), needle)
    }
}

fn holds(folder: &Path, needle: &str) -> bool {
    std::fs::read_dir(folder).expect("a folder").any(|entry| {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("read");
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

fn actor(id: &str) -> ActorId {
    id.parse().expect("an actor id")
}

fn story(number: u8) -> StoryId {
    StoryId::from_bytes([number; 16])
}

/// So many seconds after an hour that the tests begin at.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_503_000_000 + second).expect("a time")
}
