//! Opening the event log, in the ways that commands need it: a file of the data dir, or on NATS.

use std::path::Path;

use async_nats::ConnectOptions;
use log::{ConnectError, Epoch, EventLog, JetStreamOptions, LogName, OpenError, Options, Replicas, Stage};
use publisher::server::{SERVICE_INBOX, Seed};
use uuid::Uuid;

use crate::config::{LogChoice, NatsChoice, Settings};
use crate::discovery::Run;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::up::data_dir::Paths;
use crate::up::nats::Broker;

/// A log on NATS, and how it is opened.
#[derive(Debug, Clone)]
pub(crate) struct OnNats {
    /// Where, and what to sign in with.
    pub(crate) broker: Broker,
    /// Which log there.
    pub(crate) name: LogName,
    /// On how many servers it is made.
    pub(crate) replicas: Replicas,
    /// Whether it is being filled from another.
    pub(crate) stage: Stage,
}

impl OnNats {
    /// Returns the log that the configuration names, on `broker` if it does not say where; `None` if
    /// it is in a file.
    ///
    /// # Errors
    /// The seed to sign in with cannot be read, or there is no server.
    pub(crate) fn of(settings: &Settings, broker: Option<&Broker>) -> Result<Option<Self>, Failure> {
        let LogChoice::Stream { servers, name, replicas } = &settings.event_log else { return Ok(None) };
        let seed =
            || settings.nats_seed.as_deref().map(Seed::read).transpose().map_err(|error| no_seed(&error));
        let is_child = servers.is_none() && settings.nats == NatsChoice::Child;
        let broker = match (servers, &settings.nats, broker) {
            (Some(url), ..) | (None, NatsChoice::Url(url), _) => Broker { url: url.clone(), seed: seed()? },
            (None, _, Some(broker)) => broker.clone(),
            (None, _, None) => of_running(settings)?,
        };
        let replicas = replicas.unwrap_or(if is_child { Replicas::One } else { Replicas::Three });
        Ok(Some(Self { broker, name: name.clone(), replicas, stage: Stage::Whole }))
    }

    /// Opens it.
    ///
    /// # Errors
    /// No server answers, or what is there is no log that this version can use.
    pub(crate) async fn open(&self, options: Options) -> Result<EventLog, Failure> {
        let mut connection = ConnectOptions::new().name("writethru log").max_reconnects(None);
        if let Some(seed) = &self.broker.seed {
            connection = connection.nkey(seed.as_str().to_owned()).custom_inbox_prefix(SERVICE_INBOX);
        }
        let given = JetStreamOptions {
            servers: self.broker.url.clone(),
            connection,
            name: self.name.clone(),
            replicas: self.replicas,
            patience: JetStreamOptions::PATIENCE,
            stage: self.stage,
            options,
        };
        Box::pin(EventLog::connect(given)).await.map_err(|error| unconnected(&error))
    }
}

/// Returns the NATS server of the service that runs on the data dir.
fn of_running(settings: &Settings) -> Result<Broker, Failure> {
    let no_server = || {
        Failure::new(
            Exit::Unavailable,
            "no-server",
            "cannot reach the event log: it is on the NATS server of `up`",
        )
        .why("no service runs on the data dir, so that its NATS server does not either")
        .next("start it: writethru up; or say where the log is: log_url")
    };
    let url = Run::read(&settings.data)?.and_then(|run| run.nats).ok_or_else(no_server)?;
    let seed =
        Seed::read(&Paths::new(&settings.data).nats_service_seed()).map_err(|error| no_seed(&error))?;
    Ok(Broker { url, seed: Some(seed) })
}

/// Opens the log of the configuration for a service, making it if there is none; `broker` is the NATS
/// server of the service, if there is one by now.
///
/// # Errors
/// It is in use, foreign, damaged, or cannot be reached.
pub(crate) async fn open_for_service(
    settings: &Settings,
    paths: &Paths,
    broker: Option<&Broker>,
) -> Result<EventLog, Failure> {
    match OnNats::of(settings, broker)? {
        None => open_or_create(paths).await,
        Some(on_nats) => {
            on_nats.open(Options { new_epoch: draw_epoch(), create: true, read_only: false }).await
        }
    }
}

/// Opens the log of the configuration, which must be there, only to read.
///
/// # Errors
/// As [`open_existing`].
pub(crate) async fn open_configured(settings: &Settings) -> Result<EventLog, Failure> {
    match OnNats::of(settings, None)? {
        None => {
            must_exist(&settings.data)?;
            open_to_read_at(&Paths::new(&settings.data).log()).await
        }
        Some(on_nats) => on_nats.open(reading()).await,
    }
}

/// Returns how a log is opened that is only read.
pub(crate) fn reading() -> Options {
    Options { new_epoch: draw_epoch(), create: false, read_only: true }
}

/// Opens the log to write, making it if there is none.
///
/// # Errors
/// It is in use, foreign, or cannot be read.
pub(crate) async fn open_or_create(paths: &Paths) -> Result<EventLog, Failure> {
    open(paths, Options { new_epoch: draw_epoch(), create: true, read_only: false }).await
}

/// Opens a log that must be there, to write.
///
/// # Errors
/// As [`open_or_create`], and that there is none.
pub(crate) async fn open_existing(paths: &Paths) -> Result<EventLog, Failure> {
    open(paths, Options { new_epoch: draw_epoch(), create: false, read_only: false }).await
}

/// Opens the log at `path`, only to read; a server may be writing it.
///
/// # Errors
/// As [`open_existing`].
pub(crate) async fn open_to_read_at(path: &Path) -> Result<EventLog, Failure> {
    EventLog::open(path, reading()).await.map_err(|error| unopened(&error))
}

/// Gives the log at `path` a new life: whoever holds a cursor from before will notice.
///
/// # Errors
/// As [`open_existing`].
pub(crate) async fn renew(path: &Path) -> Result<(), Failure> {
    let path = path.to_owned();
    let renewed = tokio::task::spawn_blocking(move || log::renew(&path, draw_epoch())).await;
    let failed = |error| Failure::new(Exit::Failure, "log", "cannot renew the event log").because(&error);
    renewed.map_err(failed)?.map_err(|error| unopened(&error))
}

/// Refuses a folder that holds no log, before anything is made in it.
///
/// # Errors
/// There is no log.
pub(crate) fn must_exist(data: &Path) -> Result<(), Failure> {
    if Paths::new(data).log().is_file() {
        return Ok(());
    }
    Err(Failure::new(Exit::InputUnreadable, "no-data-dir", format!("{} is no data dir", data.display()))
        .why("there is no log.db in it")
        .next("name the right one: --data DIR or WRITETHRU_DATA"))
}

async fn open(paths: &Paths, options: Options) -> Result<EventLog, Failure> {
    EventLog::open(&paths.log(), options).await.map_err(|error| unopened(&error))
}

fn no_seed(error: &publisher::server::SeedFileError) -> Failure {
    Failure::new(Exit::Usage, "nats-seed", "cannot sign in at NATS")
        .because(error)
        .next("name a file that `writethru nats config` has written: --nats-seed FILE")
}

fn unconnected(error: &ConnectError) -> Failure {
    let (exit, next) = match error {
        ConnectError::Unreachable { .. } => (
            Exit::Unavailable,
            "check the address, that the servers run, and what to sign in with: nats_seed",
        ),
        ConnectError::Unfit { .. } => (Exit::Unavailable, "run nats-server 2.15.1 or later there"),
        ConnectError::Absent { .. } => (
            Exit::InputUnreadable,
            "check its name; `writethru up` or `writethru serve` makes a new one, `writethru log move` fills one",
        ),
        ConnectError::Taken { .. } => (Exit::Failure, "choose another name: nothing is written over"),
        ConnectError::Unfinished { .. } => {
            (Exit::Unavailable, "run the same `writethru log move` again: it goes on")
        }
        ConnectError::Foreign { .. } => {
            (Exit::Differs, "choose another name, or put the stream's settings back as they were")
        }
        ConnectError::Damaged { .. } => {
            (Exit::Differs, "keep the servers' files as they are, then restore a backup")
        }
        ConnectError::Unavailable { .. } => (
            Exit::Unavailable,
            "see that JetStream is on, and that as many servers run as the log has replicas",
        ),
    };
    Failure::new(exit, "log", "cannot open the event log").because(error).next(next)
}

/// Returns the failure of opening a log in a file.
pub(crate) fn unopened(error: &OpenError) -> Failure {
    let (exit, next) = match error {
        OpenError::InUse { .. } => (Exit::Unavailable, "stop the process that uses it"),
        OpenError::Foreign { .. } => {
            (Exit::Differs, "use the release that wrote it, or restore the file from a backup")
        }
        OpenError::Damaged { .. } => {
            (Exit::Differs, "keep a copy of the data dir as it is, then restore it from a backup")
        }
        OpenError::Io { .. } => (Exit::Unavailable, "check the disk and the permissions"),
    };
    Failure::new(exit, "log", "cannot open the event log").because(error).next(next)
}

/// Draws the number of a new log's life: the random part of an id.
pub(crate) fn draw_epoch() -> Epoch {
    let bytes = Uuid::now_v7().into_bytes();
    let mut random = [0_u8; 8];
    random.copy_from_slice(&bytes[8..]);
    Epoch(u64::from_be_bytes(random))
}
