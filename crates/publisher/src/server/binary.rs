//! Finding the nats-server program and checking that it is new enough.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Name of the program's file.
const NAME: &str = "nats-server";
/// Longest wait for the program to say its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);

/// Where to look for the program. Nothing is read from the environment here.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// A program that was named (`NATS_SERVER_BIN`): then no other is looked for.
    pub given: Option<PathBuf>,
    /// Folder that `scripts/fetch-nats-server` fills: `.tools` of the project.
    pub tools: Option<PathBuf>,
    /// The search path (`PATH`).
    pub path: Option<OsString>,
}

/// A version of nats-server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Changes that break.
    pub major: u32,
    /// New features.
    pub minor: u32,
    /// Fixes.
    pub patch: u32,
}

impl Version {
    /// The oldest version that serves us.
    pub const OLDEST: Self = Self { major: 2, minor: 12, patch: 0 };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// A text that is not a version such as `2.15.1`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version such as 2.15.1")]
pub struct VersionError(String);

impl FromStr for Version {
    type Err = VersionError;

    /// Reads `2.15.1`, `v2.15.1` and `2.15.2-RC.1`; what stands behind the patch is left out.
    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let wrong = || VersionError(given.chars().take(80).collect());
        let numbers = given.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
        let mut numbers = numbers.split('.').map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok).ok_or_else(wrong);
        Ok(Self { major: next()?, minor: next()?, patch: next()? })
    }
}

/// A nats-server program that was found and is new enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// Its file.
    pub path: PathBuf,
    /// Its version.
    pub version: Version,
}

/// Why there is no program to start.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is none: get one.
    #[error("no nats-server found: run scripts/fetch-nats-server, or set NATS_SERVER_BIN to the path of one")]
    Nowhere,
    /// It does not run: get another.
    #[error("{path} does not run: run scripts/fetch-nats-server, or set NATS_SERVER_BIN to another")]
    Broken {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It does not say its version as nats-server does: get another.
    #[error("{path} is no nats-server: it answers {said:?} to --version")]
    NotNats {
        /// Its file.
        path: PathBuf,
        /// What it said, cut to 200 characters.
        said: String,
    },
    /// It is too old: get another.
    #[error(
        "{path} is nats-server {version}, but {oldest} or later is needed: run scripts/fetch-nats-server, \
         or set NATS_SERVER_BIN to a newer one", oldest = Version::OLDEST
    )]
    Old {
        /// Its file.
        path: PathBuf,
        /// Its version.
        version: Version,
    },
}

/// Returns the first program found: the given one, else the fetched one, else one on the path that
/// is new enough.
///
/// # Errors
/// [`FindError`] says what to do about it.
pub async fn find(search: &Search) -> Result<Binary, FindError> {
    if let Some(given) = &search.given {
        return check(given).await;
    }
    let tools = search.tools.iter().flat_map(|tools| [tools.join(NAME), tools.join(NAME).join(NAME)]);
    let path = search.path.iter().flat_map(std::env::split_paths).map(|folder| folder.join(NAME));
    let mut refused = FindError::Nowhere;
    for candidate in tools.chain(path).filter(|candidate| candidate.is_file()) {
        match check(&candidate).await {
            Ok(binary) => return Ok(binary),
            Err(problem) if matches!(refused, FindError::Nowhere) => refused = problem,
            Err(_) => {} // The first one that was refused explains more.
        }
    }
    Err(refused)
}

async fn check(path: &Path) -> Result<Binary, FindError> {
    let broken = |source| FindError::Broken { path: path.to_owned(), source };
    let asked = tokio::process::Command::new(path)
        .arg("--version")
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(VERSION_TIMEOUT, asked).await {
        Ok(output) => output.map_err(broken)?,
        Err(_) => return Err(broken(std::io::ErrorKind::TimedOut.into())),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.trim().strip_prefix("nats-server: ").and_then(|version| version.parse().ok());
    let Some(version) = version else {
        return Err(FindError::NotNats { path: path.to_owned(), said: said.chars().take(200).collect() });
    };
    if version < Version::OLDEST {
        return Err(FindError::Old { path: path.to_owned(), version });
    }
    // The program is started from another folder later.
    let path = std::path::absolute(path).map_err(broken)?;
    Ok(Binary { path, version })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn program(folder: &Path, version: &str) -> PathBuf {
        std::fs::create_dir_all(folder).unwrap();
        let path = folder.join(NAME);
        // Written under another name first: a file that is open for writing cannot be run.
        let fresh = folder.join("fresh");
        std::fs::write(&fresh, format!("#!/bin/sh\necho 'nats-server: v{version}'\n")).unwrap();
        std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&fresh, &path).unwrap();
        path
    }

    #[tokio::test]
    async fn a_fetched_server_is_taken_before_one_on_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let fetched = program(&folder.path().join("tools"), "2.15.1");
        program(&folder.path().join("bin"), "2.14.0");
        let search = Search {
            tools: Some(folder.path().join("tools")),
            path: Some(folder.path().join("bin").into_os_string()),
            ..Search::default()
        };
        let found = find(&search).await.unwrap();
        assert_eq!((found.path, found.version.to_string()), (fetched, "2.15.1".to_owned()));
    }

    #[tokio::test]
    async fn an_old_server_is_refused_by_version() {
        let folder = tempfile::tempdir().unwrap();
        program(folder.path(), "2.9.10");
        let search = Search { path: Some(folder.path().into()), ..Search::default() };
        let refused = find(&search).await.unwrap_err();
        assert!(matches!(refused, FindError::Old { version: Version { minor: 9, .. }, .. }), "{refused}");
        assert!(refused.to_string().contains("2.12.0 or later is needed: run scripts/fetch-nats-server"));
    }

    #[tokio::test]
    async fn a_given_server_that_is_missing_is_not_replaced_by_another() {
        let folder = tempfile::tempdir().unwrap();
        program(folder.path(), "2.15.1");
        let search = Search {
            given: Some(folder.path().join("missing")),
            path: Some(folder.path().into()),
            ..Search::default()
        };
        assert!(matches!(find(&search).await, Err(FindError::Broken { .. })));
    }

    #[test]
    fn versions_are_ordered_by_number() {
        let of = |text: &str| text.parse::<Version>().unwrap();
        assert!(of("v2.9.10") < of("2.12.0"));
        assert_eq!(of("2.15.2-RC.1"), of("2.15.2"));
        assert!("2.x.1".parse::<Version>().is_err());
        assert!("2.12".parse::<Version>().is_err());
    }
}
