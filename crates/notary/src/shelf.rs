//! The log's files in a folder: written beside their place, synced, and moved there.
//!
//! A full file never changes. Of the partial ones, only those of the newest head are kept: a wider one
//! holds every narrower one.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use proof::tile::{self, Edge, FilePath};

/// What a file is called while it is not whole.
const UNFINISHED: &str = ".unfinished";
/// The newest signed head.
const CHECKPOINT: &str = "checkpoint";
/// Longest file that is read: a full bundle.
const FILE_BYTES_MAX: u64 = tile::BUNDLE_BYTES_MAX as u64;

/// A folder with the files of a log.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    root: PathBuf,
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The file system refused: try again.
    #[error("the files of the transparency log cannot be written")]
    Io(#[from] io::Error),
    /// Another file is there, and files never change.
    #[error("{path} is there already and holds something else")]
    Differs {
        /// Which one.
        path: FilePath,
    },
}

impl Shelf {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Reads one file.
    pub(crate) fn read(&self, path: FilePath) -> io::Result<Vec<u8>> {
        let file = self.place(path);
        if fs::metadata(&file)?.len() > FILE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "longer than any file of a log"));
        }
        fs::read(file)
    }

    /// Writes files that are not there yet, and returns once they are durable.
    pub(crate) fn write(&self, files: &[tile::File]) -> Result<(), WriteError> {
        let mut folders = BTreeSet::new();
        for file in files {
            let place = self.place(file.path);
            match fs::read(&place) {
                Ok(bytes) if bytes == file.bytes => continue,
                Ok(_) => return Err(WriteError::Differs { path: file.path }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
            let folder = place.parent().expect("a file of a log is in a folder").to_owned();
            make_folder(&folder, &mut folders)?;
            self.put(&place, &file.bytes)?;
            folders.insert(folder);
        }
        folders.iter().try_for_each(|folder| File::open(folder)?.sync_all())?;
        Ok(())
    }

    /// Puts the newest head in place of the one before.
    pub(crate) fn write_checkpoint(&self, text: &str) -> io::Result<()> {
        make_folder(&self.root, &mut BTreeSet::new())?;
        self.put(&self.root.join(CHECKPOINT), text.as_bytes())?;
        File::open(&self.root)?.sync_all()
    }

    /// Deletes the partial files of the tree of `old` entries that the one of `new` has not.
    pub(crate) fn drop_partials(&self, old: u64, new: u64) -> io::Result<()> {
        let kept = Edge::files(new);
        for path in Edge::files(old).into_iter().filter(|path| !kept.contains(path)) {
            let place = self.place(path);
            match fs::remove_file(&place) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            // It stays as long as another partial file is in it.
            let _ = place.parent().map(fs::remove_dir);
        }
        Ok(())
    }

    /// Deletes what a crash left: unfinished files, and partial files that the tree of `size` entries
    /// has not.
    pub(crate) fn sweep(&self, size: u64) -> io::Result<()> {
        let kept: BTreeSet<PathBuf> = Edge::files(size).into_iter().map(|path| self.place(path)).collect();
        if self.root.is_dir() { sweep(&self.root, &kept) } else { Ok(()) }
    }

    fn place(&self, path: FilePath) -> PathBuf {
        self.root.join(path.to_string())
    }

    fn put(&self, place: &Path, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.root.join(UNFINISHED);
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, place)
    }
}

fn sweep(folder: &Path, kept: &BTreeSet<PathBuf>) -> io::Result<()> {
    let is_partial = folder.extension().is_some_and(|extension| extension == "p");
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            sweep(&path, kept)?;
        } else if entry.file_name() == UNFINISHED || (is_partial && !kept.contains(&path)) {
            fs::remove_file(&path)?;
        }
    }
    if is_partial {
        // It stays as long as a partial file is in it.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// Makes a folder and those above it, and notes which have to be synced for it to be durable.
fn make_folder(folder: &Path, synced: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above, synced)?;
        synced.insert(above.to_owned());
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
