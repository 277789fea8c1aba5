//! The server's files and its configuration.

use std::path::{Path, PathBuf};

use super::accounts::STREAMS;
use super::{ServerOptions, StartError, Sync, Users, write_private};

/// The account that everyone is in where there are no users.
const EVERYONE: &str = "$G";

/// Where everything of one server is kept.
#[derive(Debug)]
pub(super) struct Files {
    directory: PathBuf,
}

impl Files {
    pub(super) fn new(directory: &Path) -> Result<Self, StartError> {
        let file = |source| StartError::File { path: directory.to_owned(), source };
        std::fs::create_dir_all(directory).map_err(file)?;
        let directory = std::fs::canonicalize(directory).map_err(file)?;
        Ok(Self { directory })
    }

    pub(super) fn config(&self) -> PathBuf {
        self.directory.join("nats-server.conf")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.directory.join("nats-server.log")
    }

    /// What it says before it has opened its log file.
    pub(super) fn stderr(&self) -> PathBuf {
        self.directory.join("nats-server.stderr")
    }

    pub(super) fn process(&self) -> PathBuf {
        self.directory.join("nats-server.pid")
    }

    /// The file in which the process says which ports it got.
    pub(super) fn ports(&self, process: u32) -> PathBuf {
        self.directory.join("ports").join(format!("nats-server_{process}.ports"))
    }

    /// Writes the configuration for `port` and makes the folders that it names. Without `users`
    /// whoever connects may do everything.
    pub(super) fn write(
        &self,
        options: &ServerOptions,
        port: Option<u16>,
        users: Option<&Users>,
    ) -> Result<(), StartError> {
        let ports = self.directory.join("ports");
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| StartError::File { path, source }
        };
        // Old port files are of no use to anyone, and process ids come again.
        if ports.exists() {
            std::fs::remove_dir_all(&ports).map_err(file(&ports))?;
        }
        std::fs::create_dir_all(&ports).map_err(file(&ports))?;
        self.take_streams_along(users.is_some())?;
        let users = users.map(Users::config).unwrap_or_default();
        write_private(&self.config(), &(self.text(port, options.sync)? + &users))
            .map_err(file(&self.config()))
    }

    /// Hands the streams of an earlier run to the account that they are in now: the server keeps each
    /// account's in a folder that bears its name.
    fn take_streams_along(&self, users: bool) -> Result<(), StartError> {
        let of = |account| self.directory.join("jetstream").join(account);
        let (before, now) = if users { (of(EVERYONE), of(STREAMS)) } else { (of(STREAMS), of(EVERYONE)) };
        if before.exists() && !now.exists() {
            std::fs::rename(&before, &now).map_err(|source| StartError::File { path: now, source })?;
        }
        Ok(())
    }

    fn text(&self, port: Option<u16>, sync: Sync) -> Result<String, StartError> {
        let sync = if sync == Sync::Always { "  sync_interval: always\n" } else { "" };
        let port = port.map_or(-1, i32::from);
        let (log, process) = (quoted(&self.log())?, quoted(&self.process())?);
        let (ports, store) = (quoted(&self.directory.join("ports"))?, quoted(&self.directory)?);
        Ok(format!(
            "# Written by writethru at every start: changes are lost.\n\
             host: \"127.0.0.1\"\nport: {port}\nports_file_dir: {ports}\npid_file: {process}\n\
             log_file: {log}\nlogfile_size_limit: 10485760\nlogfile_max_num: 3\n\
             max_payload: {}\njetstream {{\n  store_dir: {store}\n{sync}}}\n",
            crate::MAX_PAYLOAD_BYTES
        ))
    }
}

fn quoted(path: &Path) -> Result<String, StartError> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    let text = text.ok_or_else(|| StartError::Path { path: path.to_owned() })?;
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}
