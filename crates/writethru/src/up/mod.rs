//! The service in one process, whole or some of its parts: composition, readiness, and an orderly end.

mod auditor;
mod banner;
mod carrying;
pub(crate) mod data_dir;
mod demo;
mod edge;
pub(crate) mod files;
mod lease;
pub(crate) mod nats;
pub(crate) mod notarial;
pub(crate) mod people;
mod receipts;
mod relay;
pub(crate) mod roles;
mod service;
mod signals;
mod upkeep;
mod websub;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::discovery::Run;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;
use crate::session::Session;
use crate::times;
use data_dir::DataDir;
use roles::{Role, Roles};
use service::Service;

/// Runs the `roles` of the service until a signal ends it; `demo` is the speed of the demonstration, if
/// one is to be given.
///
/// # Errors
/// What keeps it from starting, or what broke while it ran.
pub(crate) async fn run(session: Session, roles: Roles, demo: Option<f64>) -> Result<Exit, Failure> {
    let stop = CancellationToken::new();
    files::raise_limit_for_connections();
    signals::listen(stop.clone()).map_err(|error| {
        Failure::new(Exit::Failure, "signals", "cannot listen for signals").because(&error)
    })?;
    let listener = if roles.has(Role::Gateway) { Some(bind(&session).await?) } else { None };
    let data = DataDir::take(&session.settings.data)?;
    let mut service = Box::pin(Service::start(&session, &data, (listener, roles), stop.clone())).await?;
    let fresh = service.is_empty();
    let outcome = Box::pin(serve(&session, &mut service, demo.filter(|_| fresh), &stop)).await;
    // Other commands must not find a server that takes nothing any more.
    let removed = Run::remove(&session.settings.data);
    if let Err(error) = removed {
        tracing::warn!(error = %error, "Cannot remove run.json");
    }
    let broken = service.drain().await;
    drop(data);
    if demo.is_some() && !fresh {
        say("the demo was not played: it needs an empty data dir (--data DIR)");
    }
    outcome?;
    broken.map_or(Ok(Exit::Ok), Err)
}

/// Tells where the service is, plays the demo if there is one, and waits for the end.
async fn serve(
    session: &Session,
    service: &mut Service,
    demo: Option<f64>,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let Some(http) = service.http() else { return wait(session, service, stop).await };
    let mut run = Run {
        http,
        nats: service.nats(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: times::now(),
    };
    let write = |run: &Run| {
        run.write(&session.settings.data).map_err(|error| {
            Failure::new(Exit::Unavailable, "run-file", "cannot write run.json").because(&error)
        })
    };
    write(&run)?;
    if session.output.json {
        session.output.json(&run)?;
    }
    banner::ready(&run, session);
    let playing = async {
        if let Some(speed) = demo {
            Box::pin(demo::play(session, speed)).await?;
            banner::after_demo(session);
        }
        std::future::pending::<Result<(), Failure>>().await
    };
    tokio::pin!(playing);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            // Cancel-safe: a channel's change is seen now or next time.
            Some(url) = service.nats_appeared() => {
                say(format_args!("NATS is there now: {url}"));
                run.nats = Some(url);
                write(&run)?;
            }
            // Pinned: it goes on where it was.
            played = &mut playing => return played,
        }
    }
}

/// Waits for the end of a process that does not answer over HTTP, and so cannot be found.
async fn wait(session: &Session, service: &Service, stop: &CancellationToken) -> Result<(), Failure> {
    if session.output.json {
        let nats = service.nats();
        session.output.json(&serde_json::json!({"http": null, "nats": nats, "pid": std::process::id()}))?;
    }
    say("ready; this process does not answer over HTTP. Ctrl-C stops it in order.");
    stop.cancelled().await;
    Ok(())
}

async fn bind(session: &Session) -> Result<TcpListener, Failure> {
    let address = session.settings.http;
    TcpListener::bind(address).await.map_err(|error| {
        let next = match error.kind() {
            std::io::ErrorKind::AddrInUse => "choose another port: --http 127.0.0.1:0 takes any free one",
            std::io::ErrorKind::PermissionDenied => "choose a port from 1024 on",
            _ => "choose another address: --http ADDR",
        };
        Failure::new(Exit::Unavailable, "bind", format!("cannot listen on {address}"))
            .because(&error)
            .next(next)
    })
}
