//! The file with the log's secret key: one line, readable by its owner only.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use proof::note::{Algorithm, KeyError, KeyName, SignerKey};
use rand::Rng;

/// Most bytes that are read of a file that may be a key.
const FILE_BYTES_MAX: u64 = 1024;

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("cannot use the key file {path}: check its permissions")]
    Io {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The file holds no key: it is never written over.
    #[error("{path} holds no signer key: put the right file back, from where you keep a copy of it")]
    Foreign {
        /// The file.
        path: String,
        /// What is wrong.
        source: KeyError,
    },
}

/// Returns the key in `file` under `name`, making the file if there is none. Blocks.
///
/// # Errors
/// [`KeyFileError`]; a file that holds something else stays as it is.
pub fn read_or_make(file: &Path, name: &KeyName) -> Result<SignerKey, KeyFileError> {
    let path = || file.display().to_string();
    let foreign = |source| KeyFileError::Foreign { path: path(), source };
    let key = match read(file) {
        Ok(text) => SignerKey::from_secret_text(text.trim_end()).map_err(foreign)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut seed = [0; 32];
            rand::rng().fill_bytes(&mut seed);
            let key = SignerKey::from_seed(name.clone(), Algorithm::Ed25519, &seed).map_err(foreign)?;
            put(file, &key).map_err(|source| KeyFileError::Io { path: path(), source })?;
            key
        }
        Err(source) => return Err(KeyFileError::Io { path: path(), source }),
    };
    key.under(name.clone()).map_err(foreign)
}

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes the key, whole or not at all; returns once it is synced.
fn put(file: &Path, key: &SignerKey) -> io::Result<()> {
    let beside = file.with_extension("key.new");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut made = options.open(&beside)?;
    writeln!(made, "{}", key.to_secret_text())?;
    made.sync_all()?;
    fs::rename(&beside, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notary.key");
        let name: KeyName = "news.example/log/1".parse().unwrap();
        let made = read_or_make(&file, &name).unwrap();
        let other: KeyName = "news.example/log/2".parse().unwrap();
        let again = read_or_make(&file, &other).unwrap();
        assert_eq!(made.verifier().public_bytes(), again.verifier().public_bytes());
        assert_ne!(made.verifier().id(), again.verifier().id());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_holds_no_key_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notary.key");
        fs::write(&file, "not a key\n").unwrap();
        let error = read_or_make(&file, &"a/log/1".parse().unwrap()).unwrap_err();
        assert!(matches!(error, KeyFileError::Foreign { .. }), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "not a key\n");
    }
}
