//! Configuration: parsed once, checked whole, and able to say where each value came from.
//!
//! Flags win over the environment, the environment over the file, the file over defaults. An
//! unknown key is an error. Nothing else in the program reads the environment.

mod file;
mod key;
mod notary;
mod validate;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::credential::Credential;
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) use file::template;
pub(crate) use key::Key;
pub(crate) use notary::NotarySettings;

/// The variable that may hold the key itself.
const KEY_VARIABLE: &str = "WRITETHRU_KEY";

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The command line.
    Flag,
    /// An environment variable.
    Environment(&'static str),
    /// A line of a file.
    File(PathBuf, usize),
    /// Nobody said.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Values that the command line gave, by key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    /// The values, as written.
    pub(crate) values: BTreeMap<Key, String>,
    /// The configuration file to read in place of the data dir's.
    pub(crate) config: Option<PathBuf>,
}

/// Which NATS server to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NatsChoice {
    /// The one at this URL.
    Url(String),
    /// One of our own, started and supervised.
    Child,
    /// None.
    Off,
}

/// Where the event log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogChoice {
    /// In a file of the data dir.
    File,
    /// On NATS.
    Stream {
        /// Its servers; `None` are those that NATS is at anyway.
        servers: Option<String>,
        /// Which log there.
        name: log::LogName,
        /// On how many servers it is made, if that was said.
        replicas: Option<log::Replicas>,
    },
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The data dir.
    pub(crate) data: PathBuf,
    /// The server that commands talk to; `None` means the one that runs on the data dir.
    pub(crate) url: Option<reqwest::Url>,
    /// The file with the key that commands send, if it was named.
    pub(crate) key_file: Option<PathBuf>,
    /// The key that the environment holds; it is never among the sources.
    pub(crate) key: Option<Credential>,
    /// Where `up` listens.
    pub(crate) http: SocketAddr,
    /// Where the service says it is in items of standards, if it was said.
    pub(crate) public_url: Option<String>,
    /// What the publisher is called in them, if it was said.
    pub(crate) provider: Option<String>,
    /// The hub that feeds name, if there is one.
    pub(crate) websub_hub: Option<String>,
    /// Which NATS server `up` and `watch` use.
    pub(crate) nats: NatsChoice,
    /// File with what the service signs in with at a NATS server that runs already.
    pub(crate) nats_seed: Option<PathBuf>,
    /// The nats-server program, if it was named.
    pub(crate) nats_server_bin: Option<PathBuf>,
    /// Where the event log is.
    pub(crate) event_log: LogChoice,
    /// The transparency log.
    pub(crate) notary: NotarySettings,
    /// What is logged, if it was said.
    pub(crate) log: Option<String>,
    /// How it is logged.
    pub(crate) log_format: LogFormat,
    /// Every value as written, with its origin: what `config show` prints.
    pub(crate) sources: BTreeMap<Key, (String, Origin)>,
}

impl Settings {
    /// Returns the configuration that `flags`, the environment and the file add up to.
    ///
    /// # Errors
    /// A [`Failure`] of usage names the key, where it was set, and what is allowed.
    pub(crate) fn load(flags: &Flags) -> Result<Self, Failure> {
        Self::resolve(flags, &|name| read_environment(name))
    }

    /// Like [`Settings::load`], with the environment as a function.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub(crate) fn resolve(
        flags: &Flags,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let mut sources: BTreeMap<Key, (String, Origin)> = BTreeMap::new();
        for key in Key::ALL {
            if let Some(default) = key.default() {
                sources.insert(key, (default.to_owned(), Origin::Default));
            }
            if let Some(value) = environment(key.environment()).filter(|value| !value.is_empty()) {
                sources.insert(key, (value, Origin::Environment(key.environment())));
            }
            if let Some(value) = flags.values.get(&key) {
                sources.insert(key, (value.clone(), Origin::Flag));
            }
        }
        let named = flags.config.clone().or_else(|| environment("WRITETHRU_CONFIG").map(PathBuf::from));
        let data = sources.get(&Key::Data).map(|(data, _)| PathBuf::from(data)).unwrap_or_default();
        let (entries, notary) = file::read(named.as_deref(), &data)?;
        for (key, value, line, path) in entries {
            let stronger = sources.get(&key).is_some_and(|(_, origin)| *origin != Origin::Default);
            if !stronger {
                sources.insert(key, (value, Origin::File(path, line)));
            }
        }
        let mut settings = validate::settings(sources)?;
        let given = environment(KEY_VARIABLE).filter(|key| !key.trim().is_empty());
        settings.notary = notary;
        settings.key = given.map(|key| Credential::of_environment(&key, KEY_VARIABLE)).transpose()?;
        Ok(settings)
    }
}

/// Returns a variable of the environment; this is the only place that reads it.
#[expect(clippy::disallowed_methods, reason = "this is the one place that configuration comes from")]
fn read_environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns the search path for programs.
pub(crate) fn program_path() -> Option<std::ffi::OsString> {
    std::env::var_os("PATH")
}

/// Returns the configuration file of a data dir.
pub(crate) fn data_dir_file(data: &Path) -> PathBuf {
    data.join("writethru.toml")
}

/// Returns the failure of a configuration that makes no sense.
fn misconfigured(what: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, "configuration", what)
        .next("`writethru config show --origin` says where each value comes from")
}

#[cfg(test)]
mod tests;
