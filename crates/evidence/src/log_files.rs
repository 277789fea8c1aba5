//! The files of the transparency log that a bundle has.

use std::collections::{BTreeMap, BTreeSet};

use proof::Hash;
use proof::audit::LogReader;
use proof::checkpoint::SignedCheckpoint;
use proof::receipt::Receipt;
use proof::tile::{Bundle, FULL_WIDTH, FilePath, Tile, TileHashes};
use proof::tree::{Plan, TileReader};

use crate::fault::words;
use crate::limits::WHOLE_ENTRIES_MAX;

/// Where the log's files stand in the bundle.
pub(crate) const LOG: &str = "data/log/";

/// Files of a log, by their place below its address.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogFiles(pub(crate) BTreeMap<FilePath, Vec<u8>>);

/// A file of the log that is not in the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not in the bundle")]
pub(crate) struct Missing;

impl TileReader for LogFiles {
    type Error = Missing;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, Missing> {
        self.0.get(&FilePath::Tile(tile)).cloned().ok_or(Missing)
    }
}

impl LogReader for LogFiles {
    fn bundle(&self, bundle: Bundle) -> Result<Vec<u8>, Missing> {
        self.0.get(&FilePath::Entries(bundle)).cloned().ok_or(Missing)
    }
}

impl LogFiles {
    /// Reads the files at `paths`.
    pub(crate) fn load<R: LogReader>(reader: &R, paths: BTreeSet<FilePath>) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        for path in paths {
            let read = match path {
                // A reader may answer with a wider version of a partial tile.
                FilePath::Tile(tile) => reader.tile(tile).map_err(|error| words(&error)).and_then(|bytes| {
                    let hashes = TileHashes::from_bytes(tile, &bytes).map_err(|error| words(&error))?;
                    Ok(hashes.to_bytes())
                }),
                FilePath::Entries(bundle) => reader.bundle(bundle).map_err(|error| words(&error)),
            };
            files.insert(path, read.map_err(|why| format!("{path}: {why}"))?);
        }
        Ok(Self(files))
    }

    /// Returns the receipt of the entry at `index`, whose tiles are all here.
    pub(crate) fn receipt(&self, index: u64, head: &SignedCheckpoint) -> Result<String, String> {
        let size = head.checkpoint().size();
        let plan = Plan::inclusion(index, size).map_err(|error| words(&error))?;
        let path = plan.read(self).map_err(|error| words(&error))?;
        let leaf = self.leaf(index, size).ok_or_else(|| format!("the leaf of entry {index} is not there"))?;
        let receipt = Receipt::new(&leaf, index, path, head.clone()).map_err(|error| words(&error))?;
        Ok(receipt.to_text())
    }

    fn leaf(&self, index: u64, size: u64) -> Option<Hash> {
        let width = u64::from(FULL_WIDTH);
        let tile = Tile::in_tree(0, index / width, size)?;
        let hashes = TileHashes::from_bytes(tile, self.0.get(&FilePath::Tile(tile))?).ok()?;
        hashes.hashes().get(usize::try_from(index % width).ok()?).copied()
    }
}

/// Returns the places of the bundles of entries that have those at `indexes`: all of a small log.
pub(crate) fn places(size: u64, indexes: impl Iterator<Item = u64>) -> BTreeSet<u64> {
    let width = u64::from(FULL_WIDTH);
    if size <= WHOLE_ENTRIES_MAX {
        return (0..size.div_ceil(width)).collect();
    }
    indexes.map(|index| index / width).collect()
}
