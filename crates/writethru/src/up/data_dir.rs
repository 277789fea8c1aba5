//! The data dir: made, closed to others, and held by one process at a time.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::discovery::Run;
use crate::exit::Exit;
use crate::failure::Failure;

/// How often the lock is tried: `doctor` holds it for an instant when it looks.
const LOCK_TRIES: u32 = 5;
/// How long between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(40);

/// The files of a data dir.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// The folder.
    pub(crate) root: PathBuf,
}

impl Paths {
    /// Returns the files of the data dir `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Returns the event log.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log.db")
    }

    /// Returns the views.
    pub(crate) fn views(&self) -> PathBuf {
        self.root.join("views.db")
    }

    /// Returns the registry of people, machines and keys.
    pub(crate) fn registry(&self) -> PathBuf {
        self.root.join("registry.db")
    }

    /// Returns the owner's key.
    pub(crate) fn owner_key(&self) -> PathBuf {
        self.root.join("owner.key")
    }

    /// Returns the folder of our own NATS server.
    pub(crate) fn nats(&self) -> PathBuf {
        self.root.join("nats")
    }

    /// Returns what the service signs in with at our own NATS server.
    pub(crate) fn nats_service_seed(&self) -> PathBuf {
        self.root.join("nats-service.nkey")
    }

    /// Returns what an editor's program signs in with there.
    pub(crate) fn nats_editor_seed(&self) -> PathBuf {
        self.root.join("nats-editor.nkey")
    }

    /// Returns the publisher's checkpoint.
    pub(crate) fn publisher(&self) -> PathBuf {
        self.root.join("publisher.json")
    }

    /// Returns the files of the transparency log.
    pub(crate) fn tlog(&self) -> PathBuf {
        self.root.join("tlog")
    }

    /// Returns what remembers which head of it was signed last.
    pub(crate) fn notary(&self) -> PathBuf {
        self.root.join("notary.db")
    }

    /// Returns the key that it is signed with.
    pub(crate) fn notary_key(&self) -> PathBuf {
        self.root.join("notary.key")
    }

    /// Returns the lock.
    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("writethru.lock")
    }
}

/// A data dir that this process holds. Dropping it lets go.
#[derive(Debug)]
pub(crate) struct DataDir {
    /// Its files.
    pub(crate) paths: Paths,
    _lock: File,
}

impl DataDir {
    /// Takes the data dir, making it if there is none; only its owner may enter a new one.
    ///
    /// # Errors
    /// Another process holds it, or it cannot be made.
    pub(crate) fn take(root: &Path) -> Result<Self, Failure> {
        make(root).map_err(|error| unusable(root, &error))?;
        let paths = Paths::new(root);
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(paths.lock())
            .map_err(|error| unusable(root, &error))?;
        for tries_left in (0..LOCK_TRIES).rev() {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tries_left > 0 => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => return Err(in_use(root, &mut lock)),
                Err(TryLockError::Error(error)) => return Err(unusable(root, &error)),
            }
        }
        note_holder(&mut lock).map_err(|error| unusable(root, &error))?;
        // Whoever wrote it is gone, or we would not have the lock.
        Run::remove(root).map_err(|error| unusable(root, &error))?;
        Ok(Self { paths, _lock: lock })
    }
}

/// Returns whether another process holds the data dir now.
///
/// # Errors
/// The lock cannot be looked at.
pub(crate) fn is_held(paths: &Paths) -> io::Result<bool> {
    let lock = match File::options().read(true).write(true).open(paths.lock()) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes a folder that only its owner may enter, unless it is there.
#[cfg(unix)]
pub(crate) fn make(root: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(root)
}

/// Makes a folder, unless it is there.
#[cfg(not(unix))]
pub(crate) fn make(root: &Path) -> io::Result<()> {
    fs::create_dir_all(root)
}

fn note_holder(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.seek(SeekFrom::Start(0))?;
    writeln!(lock, "{}", std::process::id())
}

fn in_use(root: &Path, lock: &mut File) -> Failure {
    let mut holder = String::new();
    // Only for the message: without the number it is still clear.
    let _ = lock.read_to_string(&mut holder);
    let holder = holder.trim();
    let by = if holder.is_empty() { "another process".to_owned() } else { format!("process {holder}") };
    Failure::new(Exit::Unavailable, "data-dir-in-use", format!("data dir {} is in use", root.display()))
        .why(format!("{by} runs on it, and a log has one writer"))
        .next("stop that one first, or give this one a data dir of its own: --data DIR")
}

fn unusable(root: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Unavailable, "data-dir", format!("cannot use the data dir {}", root.display()))
        .because(error)
        .next("check its permissions, or choose another: --data DIR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_dir_is_held_by_one_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("new/data");
        let held = DataDir::take(&root).unwrap();
        let failure = DataDir::take(&root).unwrap_err();
        assert_eq!(failure.exit(), Exit::Unavailable);
        assert!(failure.to_json()["detail"].as_str().unwrap().contains(&std::process::id().to_string()));
        assert!(is_held(&held.paths).unwrap());
        drop(held);
        assert!(!is_held(&Paths::new(&root)).unwrap());
        DataDir::take(&root).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_new_data_dir_is_closed_to_others() {
        use std::os::unix::fs::PermissionsExt;
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("data");
        let _held = DataDir::take(&root).unwrap();
        assert_eq!(fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
