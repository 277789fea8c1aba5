//! The secret that a NATS user signs in with (an nkey seed), and its file.
//!
//! A file that is made here is readable by its owner alone. One that is there is used as it is and
//! never replaced: somebody may have been given a copy.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use nkeys::{KeyPair, KeyPairType};

/// Most bytes of a seed's file.
const FILE_BYTES_MAX: usize = 1024;

/// A user's secret. It is shown nowhere but in [`Seed::as_str`].
#[derive(Clone)]
pub struct Seed {
    text: String,
    key: UserKey,
}

/// The public half of a [`Seed`]: what the server knows the user by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserKey(String);

/// Text that is no seed of a user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the seed of a NATS user: one begins with SU and is 58 characters long")]
pub struct SeedError;

/// Why there is no seed.
#[derive(Debug, thiserror::Error)]
pub enum SeedFileError {
    /// The file can be neither read nor made: check its folder and its permissions.
    #[error("cannot use {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file holds something else: name another, or remove it, so that one is made.
    #[error("{path} holds no seed: remove it, and a new one is made")]
    NoSeed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SeedError,
    },
}

impl Seed {
    /// Returns a new one that nobody else has.
    pub fn new() -> Self {
        let pair = KeyPair::new_user();
        let text = pair.seed().expect("a pair that was made here has its seed");
        Self { text, key: UserKey(pair.public_key()) }
    }

    /// Returns what the server knows its owner by.
    pub fn key(&self) -> &UserKey {
        &self.key
    }

    /// Returns the secret.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads the seed in the file `path`.
    ///
    /// # Errors
    /// [`SeedFileError`] says what is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, SeedFileError> {
        let file = |source| SeedFileError::File { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(file)?;
        let seed = if text.len() > FILE_BYTES_MAX { Err(SeedError) } else { text.trim().parse() };
        seed.map_err(|source| SeedFileError::NoSeed { path: path.to_owned(), source })
    }

    /// Reads the seed in the file `path`, making a new one if there is no such file.
    ///
    /// # Errors
    /// [`SeedFileError`] says what is wrong with the file.
    pub fn read_or_make(path: &Path) -> Result<Self, SeedFileError> {
        let file = |source| SeedFileError::File { path: path.to_owned(), source };
        if path.try_exists().map_err(file)? {
            return Self::read(path);
        }
        let seed = Self::new();
        write_private(path, &format!("{}\n", seed.text)).map_err(file)?;
        Ok(seed)
    }
}

impl Default for Seed {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Seed").field(&self.key).finish()
    }
}

impl FromStr for Seed {
    type Err = SeedError;

    fn from_str(text: &str) -> Result<Self, SeedError> {
        let pair = KeyPair::from_seed(text).map_err(|_| SeedError)?;
        if pair.key_pair_type() != KeyPairType::User {
            return Err(SeedError);
        }
        Ok(Self { text: text.to_owned(), key: UserKey(pair.public_key()) })
    }
}

impl UserKey {
    /// Returns the key as text: `U` and 55 letters and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Writes a file that only its owner may read, in one step: whoever looks finds the old one or the
/// whole new one.
///
/// # Errors
/// The folder cannot be written.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = path.with_file_name(format!("{name}.new"));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_made_once_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("user.nkey");
        let made = Seed::read_or_make(&path).unwrap();
        assert_eq!(Seed::read_or_make(&path).unwrap().key(), made.key());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn a_file_that_holds_no_seed_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("user.nkey");
        let account = KeyPair::new_account().seed().unwrap();
        for text in ["", "SU", "not a seed", account.as_str(), &"S".repeat(5000)] {
            fs::write(&path, text).unwrap();
            let refused = Seed::read_or_make(&path).unwrap_err();
            assert!(matches!(refused, SeedFileError::NoSeed { .. }), "{text:?}: {refused}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_seed_is_not_shown() {
        let seed = Seed::new();
        assert!(!format!("{seed:?}").contains(seed.as_str()));
        assert_eq!(seed.key().as_str().len(), 56);
    }
}
