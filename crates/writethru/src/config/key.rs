//! The keys of the configuration: names, variables, defaults and what they mean.

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// The data dir.
    Data,
    /// The server that commands talk to.
    Url,
    /// The file with the key that commands send.
    CredentialFile,
    /// Where `up` listens.
    Http,
    /// Where the service says it is, in items of standards.
    PublicUrl,
    /// What the publisher is called in them.
    Provider,
    /// The hub that feeds name.
    WebsubHub,
    /// A NATS server that runs already.
    NatsUrl,
    /// What the service signs in with at that server.
    NatsSeed,
    /// Whether to do without NATS.
    NoNats,
    /// The nats-server program.
    NatsServerBin,
    /// Where the event log is: in a file, or on NATS.
    LogBackend,
    /// The NATS servers of the event log.
    LogUrl,
    /// Which log on those servers.
    LogName,
    /// In how many partitions it is.
    LogPartitions,
    /// On how many servers it is.
    LogReplicas,
    /// What is logged.
    Log,
    /// How it is logged.
    LogFormat,
}

impl Key {
    /// Every key, in the order of the documentation.
    pub(crate) const ALL: [Self; 18] = [
        Self::Data,
        Self::Url,
        Self::CredentialFile,
        Self::Http,
        Self::PublicUrl,
        Self::Provider,
        Self::WebsubHub,
        Self::NatsUrl,
        Self::NatsSeed,
        Self::NoNats,
        Self::NatsServerBin,
        Self::LogBackend,
        Self::LogUrl,
        Self::LogName,
        Self::LogPartitions,
        Self::LogReplicas,
        Self::Log,
        Self::LogFormat,
    ];

    /// Returns the name in the file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Url => "url",
            Self::CredentialFile => "key_file",
            Self::Http => "http",
            Self::PublicUrl => "public_url",
            Self::Provider => "provider",
            Self::WebsubHub => "websub_hub",
            Self::NatsUrl => "nats_url",
            Self::NatsSeed => "nats_seed",
            Self::NoNats => "no_nats",
            Self::NatsServerBin => "nats_server_bin",
            Self::LogBackend => "log_backend",
            Self::LogUrl => "log_url",
            Self::LogName => "log_name",
            Self::LogPartitions => "log_partitions",
            Self::LogReplicas => "log_replicas",
            Self::Log => "log",
            Self::LogFormat => "log_format",
        }
    }

    /// Returns the environment variable.
    pub(crate) const fn environment(self) -> &'static str {
        match self {
            Self::Data => "WRITETHRU_DATA",
            Self::Url => "WRITETHRU_URL",
            Self::CredentialFile => "WRITETHRU_KEY_FILE",
            Self::Http => "WRITETHRU_HTTP",
            Self::PublicUrl => "WRITETHRU_PUBLIC_URL",
            Self::Provider => "WRITETHRU_PROVIDER",
            Self::WebsubHub => "WRITETHRU_WEBSUB_HUB",
            Self::NatsUrl => "WRITETHRU_NATS_URL",
            Self::NatsSeed => "WRITETHRU_NATS_SEED",
            Self::NoNats => "WRITETHRU_NO_NATS",
            Self::NatsServerBin => "NATS_SERVER_BIN",
            Self::LogBackend => "WRITETHRU_LOG_BACKEND",
            Self::LogUrl => "WRITETHRU_LOG_URL",
            Self::LogName => "WRITETHRU_LOG_NAME",
            Self::LogPartitions => "WRITETHRU_LOG_PARTITIONS",
            Self::LogReplicas => "WRITETHRU_LOG_REPLICAS",
            Self::Log => "WRITETHRU_LOG",
            Self::LogFormat => "WRITETHRU_LOG_FORMAT",
        }
    }

    /// Returns the default, if there is one.
    pub(crate) const fn default(self) -> Option<&'static str> {
        match self {
            Self::Data => Some("./writethru-data"),
            Self::Http => Some("127.0.0.1:8080"),
            Self::NoNats => Some("false"),
            Self::LogFormat => Some("text"),
            Self::Url
            | Self::CredentialFile
            | Self::PublicUrl
            | Self::Provider
            | Self::WebsubHub
            | Self::NatsUrl
            | Self::NatsSeed
            | Self::NatsServerBin
            | Self::LogBackend
            | Self::LogUrl
            | Self::LogName
            | Self::LogPartitions
            | Self::LogReplicas
            | Self::Log => None,
        }
    }

    /// Returns what the key means.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Data => "Folder with the log, the views and NATS's files. Not from a file inside it.",
            Self::Url => {
                "Server that commands talk to. Without it: the one that runs on the data dir (run.json)."
            }
            Self::CredentialFile => {
                "File with the key that commands send; WRITETHRU_KEY may hold the key itself. Without either: owner.key of the data dir."
            }
            Self::Http => "Address and port that `up` listens on. Port 0 takes any free one.",
            Self::PublicUrl => {
                "Address that readers know: every ninjs and NewsML-G2 item is called by it, so set it once and for ever. Without it: where `up` listens."
            }
            Self::Provider => "Name of the publisher, as items say it. Without it: the host of public_url.",
            Self::WebsubHub => {
                "WebSub hub that feeds name, for readers to subscribe at. It is told which feeds change."
            }
            Self::NatsUrl => {
                "NATS server that runs already. Without it `up` starts and supervises one of its own."
            }
            Self::NatsSeed => {
                "File with the seed (nkey) that `up` signs in with at nats_url; `nats config` makes one."
            }
            Self::NoNats => "Whether to run without NATS.",
            Self::NatsServerBin => "The nats-server program. Without it: .tools/, then PATH.",
            Self::LogBackend => {
                "Where the event log is: sqlite (log.db in the data dir, the default) or jetstream (NATS; several services may share it)."
            }
            Self::LogUrl => {
                "Where the event log is on NATS: nats://HOST:PORT,HOST:PORT/NAME?replicas=3. Without it: nats_url, or the server that `up` starts."
            }
            Self::LogName => "Which log on those servers, if log_url does not say it. Without it: 0.",
            Self::LogPartitions => "In how many partitions the log is. Only 1: positions are one order.",
            Self::LogReplicas => {
                "On how many NATS servers the log is kept when it is made: 1, 3 or 5. Without it: 3; 1 on the server that `up` starts."
            }
            Self::Log => "What is logged to stderr: error, warn, info, debug, trace, or a filter by module.",
            Self::LogFormat => "How it is logged: text or json.",
        }
    }

    /// Returns a value to show in the template for a key without a default.
    pub(crate) const fn example(self) -> &'static str {
        match self {
            Self::Url => "http://127.0.0.1:8080",
            Self::CredentialFile => "/etc/writethru/desk.key",
            Self::PublicUrl => "https://news.example",
            Self::Provider => "Example News",
            Self::WebsubHub => "https://hub.example",
            Self::NatsUrl => "nats://127.0.0.1:4222",
            Self::NatsSeed => "/etc/writethru/nats-service.nkey",
            Self::NatsServerBin => "/usr/local/bin/nats-server",
            Self::LogBackend => "jetstream",
            Self::LogUrl => "nats://10.0.0.5:4222,10.0.0.6:4222,10.0.0.7:4222/0?replicas=3",
            Self::LogName => "0",
            Self::LogPartitions => "1",
            Self::LogReplicas => "3",
            Self::Log => "warn,writethru=info",
            Self::Data | Self::Http | Self::NoNats | Self::LogFormat => "",
        }
    }

    /// Returns the key that `name` is called in the table `[log]` of the file.
    pub(crate) fn in_log_table(name: &str) -> Option<Self> {
        if name == "level" {
            return Some(Self::Log);
        }
        Self::ALL.into_iter().find(|key| key.name().strip_prefix("log_") == Some(name))
    }

    /// Returns whether the value may be written as a number.
    pub(crate) const fn is_number(self) -> bool {
        matches!(self, Self::LogPartitions | Self::LogReplicas)
    }

    /// Returns the key named `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }

    /// Returns the key whose name is most like `name`, if one is alike enough to be meant.
    pub(crate) fn alike(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .map(|key| (strsim::jaro_winkler(key.name(), name), key))
            .filter(|(likeness, _)| *likeness > 0.75)
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .map(|(_, key)| key)
    }
}
