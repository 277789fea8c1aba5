//! What a backup says of itself: `backup.json`, written last.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use proof::Hash;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Name of the manifest in the folder of a backup.
pub(super) const FILE: &str = "backup.json";
/// The format that this version writes and reads.
pub(super) const FORMAT: u32 = 1;
/// Most bytes of a manifest.
const BYTES_MAX: u64 = 64 * 1024;
/// Bytes read at a time.
const CHUNK_BYTES: usize = 1024 * 1024;

/// A backup's manifest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Version of this format.
    pub(super) format: u32,
    /// Version of the program that made it.
    pub(super) version: String,
    /// When it was complete.
    pub(super) created: Timestamp,
    /// Which life of the log it is from.
    pub(super) epoch: u64,
    /// Position of its newest record.
    pub(super) head: u64,
    /// Its files.
    pub(super) files: Vec<Entry>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its name in the folder.
    pub(super) name: String,
    /// Its size.
    pub(super) bytes: u64,
    /// SHA-256 of its bytes.
    pub(super) hash: Hash,
}

impl Entry {
    /// Returns what the manifest says of `file`, which it reads whole.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn of(file: &Path) -> io::Result<Self> {
        let file = file.to_owned();
        tokio::task::spawn_blocking(move || read(&file)).await.map_err(io::Error::other)?
    }
}

impl Manifest {
    /// Reads the manifest of the backup in `folder`.
    ///
    /// # Errors
    /// There is none, or it is not of a format known here.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let mut text = String::new();
        File::open(folder.join(FILE))?.take(BYTES_MAX).read_to_string(&mut text)?;
        let invalid = |problem: String| io::Error::new(io::ErrorKind::InvalidData, problem);
        let manifest: Self = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(invalid(format!("it has format {}, this version reads {FORMAT}", manifest.format)));
        }
        Ok(manifest)
    }

    /// Writes it to `folder`, whole or not at all; returns once it is synced.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let beside: PathBuf = folder.join(format!("{FILE}.new"));
        let mut file = File::create_new(&beside)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&beside, folder.join(FILE))?;
        File::open(folder)?.sync_all()
    }
}

fn read(file: &Path) -> io::Result<Entry> {
    let name = file.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidFilename)?;
    let (mut hash, mut bytes, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK_BYTES]);
    let mut open = File::open(file)?;
    loop {
        let read = open.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        bytes += read as u64;
    }
    Ok(Entry { name: name.to_owned(), bytes, hash: Hash(hash.finalize().into()) })
}
