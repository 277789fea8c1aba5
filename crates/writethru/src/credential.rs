//! The key that a command sends: found, and shown to nobody.
//!
//! Its text is in one place, the header that it is sent in. It comes from a file or the environment,
//! never from the command line, where everyone on the machine could read it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use reqwest::header::HeaderValue;

use crate::config::{Key, Origin, Settings};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;

/// Name of the owner's key file in a data dir.
pub(crate) const OWNER_FILE: &str = "owner.key";
/// Most bytes that are read of a key file.
const FILE_BYTES_MAX: u64 = 1024;
/// Most characters of a key.
const KEY_CHARS_MAX: usize = 200;

/// A key, and where it was found.
#[derive(Debug, Clone)]
pub(crate) struct Credential {
    /// What is sent; marked so that nothing prints it.
    header: HeaderValue,
    /// Where it came from, for people.
    origin: String,
}

impl Credential {
    /// Returns the key that the variable `name` holds.
    ///
    /// # Errors
    /// The text is no key; it is not repeated in the failure.
    pub(crate) fn of_environment(text: &str, name: &str) -> Result<Self, Failure> {
        Self::read(text, format!("environment {name}"))
    }

    /// Returns the key to send: from `--key-file`, else `WRITETHRU_KEY`, else the configured file.
    ///
    /// # Errors
    /// The file that was named cannot be read, or holds no key.
    pub(crate) fn of_settings(settings: &Settings) -> Result<Option<Self>, Failure> {
        let by_flag = matches!(settings.sources.get(&Key::CredentialFile), Some((_, Origin::Flag)));
        match (&settings.key_file, &settings.key) {
            (Some(file), key) if by_flag || key.is_none() => Self::of_file(file).map(Some),
            (_, key) => Ok(key.clone()),
        }
    }

    /// Returns the owner's key of the data dir; `None` if there is none that we may read.
    ///
    /// # Errors
    /// The file holds no key.
    pub(crate) fn of_owner(data: &Path) -> Result<Option<Self>, Failure> {
        let path = data.join(OWNER_FILE);
        match open(&path) {
            Ok(text) => Self::read(&text, path.display().to_string()).map(Some),
            // Whoever may not read it is not the owner, and asks as the public.
            Err(error) if is_not_ours(&error) => Ok(None),
            Err(error) => Err(unreadable(&path, &error)),
        }
    }

    fn of_file(path: &Path) -> Result<Self, Failure> {
        let text = open(path).map_err(|error| unreadable(path, &error))?;
        Self::read(&text, path.display().to_string())
    }

    fn read(text: &str, origin: String) -> Result<Self, Failure> {
        let key = text.trim();
        let legal = key.starts_with("wt_")
            && key.len() <= KEY_CHARS_MAX
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        let header = HeaderValue::try_from(format!("Bearer {key}")).ok().filter(|_| legal);
        let Some(mut header) = header else {
            return Err(Failure::new(Exit::Usage, "key", format!("{origin} holds no key"))
                .why("a key is one line that begins with wt_")
                .next("`writethru key add` makes one; the owner's is owner.key in the server's data dir"));
        };
        header.set_sensitive(true);
        Ok(Self { header, origin })
    }

    /// Returns the header `Authorization` that carries it.
    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Returns where it was found.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }
}

/// Returns what the file holds; says so if others could have read it too.
fn open(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    if is_open_to_others(&file)? {
        say(format_args!(
            "warning: others on this machine can read {0}; close it: chmod 600 {0}",
            path.display()
        ));
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_file: &File) -> io::Result<bool> {
    Ok(false)
}

fn is_not_ours(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
    )
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::InputUnreadable,
        "key-unreadable",
        format!("cannot read the key in {}", path.display()),
    )
    .because(error)
    .next("check the name and the permissions: one line, readable by you alone")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "wt_0a1b_S3cret";

    #[test]
    fn a_key_is_sent_and_never_shown() {
        let key = Credential::of_environment(&format!(" {KEY}\n"), "WRITETHRU_KEY").unwrap();
        assert_eq!(key.header().to_str().unwrap(), format!("Bearer {KEY}"));
        assert!(!format!("{key:?}").contains("S3cret"), "{key:?}");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        for text in ["S3cret", "wt_S3 cret", "wt_S3cret\nwt_S3cret", &format!("wt_{}", "S3cret".repeat(50))] {
            let failure = Credential::of_environment(text, "WRITETHRU_KEY").unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage, "{text:?}");
            assert!(!failure.to_json().to_string().contains("S3"), "{failure:?}");
        }
    }

    #[test]
    fn a_data_dir_without_an_owners_key_has_none() {
        let data = tempfile::tempdir().unwrap();
        assert!(Credential::of_owner(data.path()).unwrap().is_none());
        std::fs::write(data.path().join(OWNER_FILE), format!("{KEY}\n")).unwrap();
        let key = Credential::of_owner(data.path()).unwrap().unwrap();
        assert!(key.origin().ends_with(OWNER_FILE), "{key:?}");
    }
}
