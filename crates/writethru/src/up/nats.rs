//! NATS for a running service: one that runs already, or a child of ours, now or later.

use std::path::{Path, PathBuf};
use std::time::Duration;

use publisher::server::{self, NatsServer, Search, Seed, ServerOptions, Sync, Users};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::data_dir::Paths;
use crate::config::{LogChoice, NatsChoice, Settings, program_path};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::output::say;

/// How long between two looks for a nats-server that is not there yet.
const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// A NATS server for the service.
#[derive(Debug, Clone)]
pub(crate) struct Broker {
    /// Its URL.
    pub(crate) url: String,
    /// What the service signs in with; without one it comes without credentials.
    pub(crate) seed: Option<Seed>,
}

/// What there is of NATS when a service starts.
#[derive(Debug)]
pub(super) struct Found {
    /// The server, if there is one by now.
    pub(super) broker: Option<Broker>,
    /// The children that were started, and how to end them.
    pub(super) children: (TaskTracker, CancellationToken),
}

impl Found {
    /// Finds the server that the configuration names, or starts a child.
    ///
    /// # Errors
    /// What to sign in with cannot be read; or the event log is to be on a child, and there is none.
    pub(super) async fn begin(settings: &Settings, paths: &Paths) -> Result<Self, Failure> {
        let seed = settings.nats_seed.as_deref().map(Seed::read).transpose();
        let seed = seed.map_err(|error| {
            Failure::new(Exit::Usage, "nats-seed", "cannot sign in at NATS")
                .because(&error)
                .next("name a file that `writethru nats config` has written: --nats-seed FILE")
        })?;
        let children = (TaskTracker::new(), CancellationToken::new());
        let broker = match &settings.nats {
            NatsChoice::Off => None,
            NatsChoice::Url(url) => Some(Broker { url: url.clone(), seed }),
            NatsChoice::Child => start_child(settings, paths, &children.0, children.1.clone()).await,
        };
        if broker.is_none() && keeps_the_log(settings) {
            return Err(Failure::new(Exit::Unavailable, "no-nats", "there is no NATS to keep the event log")
                .next("see above why none was started; or name one that runs: --log nats://HOST:PORT/NAME"));
        }
        Ok(Self { broker, children })
    }
}

/// Returns whether the child is to keep the event log.
fn keeps_the_log(settings: &Settings) -> bool {
    settings.nats == NatsChoice::Child
        && matches!(settings.event_log, LogChoice::Stream { servers: None, .. })
}

/// Returns where to look for the nats-server program: where the configuration says; else `.tools`
/// of the project, found from the current folder or the executable's; else the search path.
pub(crate) fn search(settings: &Settings) -> Search {
    Search { given: settings.nats_server_bin.clone(), tools: tools_folder(), path: program_path() }
}

fn tools_folder() -> Option<PathBuf> {
    let here = std::env::current_dir().ok();
    let program = std::env::current_exe().ok();
    let above_program = program.iter().flat_map(|program| program.ancestors().skip(1)).map(PathBuf::from);
    here.into_iter().chain(above_program).map(|folder| folder.join(".tools")).find(|tools| tools.is_dir())
}

/// Starts a nats-server child; returns it once it accepts connections, `None` if there is no
/// program to start. It runs until `shutdown`.
pub(crate) async fn start_child(
    settings: &Settings,
    paths: &Paths,
    tasks: &TaskTracker,
    shutdown: CancellationToken,
) -> Option<Broker> {
    let started = try_start(settings, paths).await;
    match started {
        Ok((server, broker)) => {
            tasks.spawn(server.run(shutdown));
            Some(broker)
        }
        Err(reason) => {
            say(format_args!("running without NATS: {reason}"));
            say(
                "  changes wait in the log; NATS is looked for every few seconds and they flow when it is there",
            );
            None
        }
    }
}

/// Looks for a nats-server until one can be started; returns it, `None` at `shutdown`.
pub(crate) async fn wait_for_child(
    settings: &Settings,
    paths: &Paths,
    tasks: &TaskTracker,
    shutdown: CancellationToken,
) -> Option<Broker> {
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return None,
            // Cancel-safe: a sleep holds nothing.
            () = tokio::time::sleep(LOOK_PAUSE) => {}
        }
        if let Ok((server, broker)) = try_start(settings, paths).await {
            tasks.spawn(server.run(shutdown));
            return Some(broker);
        }
    }
}

async fn try_start(settings: &Settings, paths: &Paths) -> Result<(NatsServer, Broker), String> {
    let binary = server::find(&search(settings)).await.map_err(|error| chain(&error))?;
    let sync = if keeps_the_log(settings) { Sync::Always } else { Sync::Relaxed };
    let options = ServerOptions { binary, directory: paths.nats(), port: None, sync };
    let seed = |path: &Path| Seed::read_or_make(path).map_err(|error| chain(&error));
    let (service, editor) = (seed(&paths.nats_service_seed())?, seed(&paths.nats_editor_seed())?);
    let users = Users::new(service.key().clone(), editor.key().clone());
    let server = NatsServer::start_for(options, users).await.map_err(|error| chain(&error))?;
    let broker = Broker { url: server.url(), seed: Some(service) };
    Ok((server, broker))
}
