//! `run.json`: how other commands find the server that runs on a data dir.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::failure::Failure;

/// The addresses of a running server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Base URL of the HTTP API.
    pub(crate) http: String,
    /// URL of the NATS server, if there is one.
    pub(crate) nats: Option<String>,
    /// Process id of the server.
    pub(crate) pid: u32,
    /// Version of the server.
    pub(crate) version: String,
    /// When it became ready.
    pub(crate) started: Timestamp,
}

/// Returns where `run.json` is in the data dir.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join("run.json")
}

impl Run {
    /// Writes `run.json` in one step: a reader sees the old file, none, or the whole new one.
    ///
    /// # Errors
    /// The data dir cannot be written.
    pub(crate) fn write(&self, data: &Path) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(data)?;
        serde_json::to_writer(&mut file, self)?;
        io::Write::write_all(&mut file, b"\n")?;
        file.persist(path(data)).map_err(|error| error.error)?;
        Ok(())
    }

    /// Returns what `run.json` says; `None` if there is no such file.
    ///
    /// # Errors
    /// The file cannot be read, or does not say what it should.
    pub(crate) fn read(data: &Path) -> Result<Option<Self>, Failure> {
        let path = path(data);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Failure::new(
                    Exit::Unavailable,
                    "run-file",
                    format!("cannot read {}", path.display()),
                )
                .because(&error)
                .next("check the permissions of the data dir, or name the server with --url"));
            }
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Failure::new(Exit::Unavailable, "run-file", format!("{} is not readable", path.display()))
                .because(&error)
                .next("restart `writethru up`: it writes the file anew")
        })
    }

    /// Removes `run.json`; it is fine if there is none.
    ///
    /// # Errors
    /// The data dir cannot be written.
    pub(crate) fn remove(data: &Path) -> io::Result<()> {
        match fs::remove_file(path(data)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        Run {
            http: "http://127.0.0.1:8080".into(),
            nats: None,
            pid: 7,
            version: "0.1.0".into(),
            started: "2026-11-23T00:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn what_is_written_is_what_is_found() {
        let data = tempfile::tempdir().unwrap();
        run().write(data.path()).unwrap();
        assert_eq!(Run::read(data.path()).unwrap(), Some(run()));
    }

    #[test]
    fn an_empty_data_dir_names_no_server() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Run::read(data.path()).unwrap(), None);
        Run::remove(data.path()).unwrap();
    }

    #[test]
    fn a_broken_run_file_is_unavailable_not_a_panic() {
        let data = tempfile::tempdir().unwrap();
        fs::write(path(data.path()), "{\"http\":").unwrap();
        assert_eq!(Run::read(data.path()).unwrap_err().exit(), Exit::Unavailable);
    }
}
