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
/// How many files are written and synced together.
const TOGETHER_MAX: usize = 16;
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
        // Some at a time, so that few files are open; the disk joins the syncs of those into few.
        files.chunks(TOGETHER_MAX).try_for_each(|some| self.write_together(some))
    }

    fn write_together(&self, files: &[tile::File]) -> Result<(), WriteError> {
        let (mut folders, mut written) = (BTreeSet::new(), Vec::new());
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
            let unfinished = self.unfinished(written.len());
            let mut made = File::create(&unfinished)?;
            made.write_all(&file.bytes)?;
            written.push((made, unfinished, place));
            folders.insert(folder);
        }
        sync_together(written.iter().map(|(made, ..)| made))?;
        for (_, unfinished, place) in &written {
            fs::rename(unfinished, place)?;
        }
        let folders = folders.iter().map(File::open).collect::<io::Result<Vec<_>>>()?;
        Ok(sync_together(folders.iter())?)
    }

    /// Puts the newest head in place of the one before. A crash may bring that one back: what counts
    /// is what was written down in the second place.
    pub(crate) fn write_checkpoint(&self, text: &str) -> io::Result<()> {
        let unfinished = self.unfinished(0);
        make_folder(&self.root, &mut BTreeSet::new())?;
        let mut made = File::create(&unfinished)?;
        made.write_all(text.as_bytes())?;
        made.sync_data()?;
        fs::rename(&unfinished, self.root.join(CHECKPOINT))
    }

    /// Deletes the partial files of the tree of `old` entries that the trees of `kept` entries have not.
    pub(crate) fn drop_partials(&self, old: u64, kept: [u64; 2]) -> io::Result<()> {
        let kept = kept.map(Edge::files).concat();
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

    fn unfinished(&self, number: usize) -> PathBuf {
        self.root.join(format!("{number}{UNFINISHED}"))
    }
}

/// Syncs files at the same time; returns once all are durable.
fn sync_together<'a>(files: impl ExactSizeIterator<Item = &'a File>) -> io::Result<()> {
    std::thread::scope(|threads| {
        let syncing: Vec<_> = files.map(|file| threads.spawn(|| file.sync_all())).collect();
        syncing
            .into_iter()
            .try_for_each(|syncing| syncing.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())))
    })
}

fn sweep(folder: &Path, kept: &BTreeSet<PathBuf>) -> io::Result<()> {
    let is_partial = folder.extension().is_some_and(|extension| extension == "p");
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            sweep(&path, kept)?;
        } else if entry.file_name().to_string_lossy().ends_with(UNFINISHED)
            || (is_partial && !kept.contains(&path))
        {
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
