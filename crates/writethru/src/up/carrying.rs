//! The courier of a running service: its file, and its task.

use courier::{Clock, Courier, Joint, OpenError, Webhooks};
use gateway::{Gateway, PublicDoor};
use log::EventLog;
use peers::SharedFile;
use projector::Views;
use tokio_util::sync::CancellationToken;

use super::data_dir::Paths;
use super::lease::Leases;
use super::roles::{Role, Roles};
use super::service::{Broken, Part, part};
use crate::config::Settings;
use crate::exit::Exit;
use crate::failure::Failure;

/// Opens the webhooks of a data dir, if this process is to carry them. Where the log is on NATS, they are those
/// that all nodes of the log with this role share.
///
/// # Errors
/// The file cannot be used.
pub(super) async fn open(
    (settings, paths): (&Settings, &Paths),
    log: &EventLog,
    (roles, leases): (&Roles, Option<&Leases>),
) -> Result<Option<Webhooks>, Failure> {
    if !roles.has(Role::Courier) {
        return Ok(None);
    }
    let path = paths.courier();
    let (life, means) = ((log.epoch(), log.head()), (settings.courier_reach, Clock::system()));
    let opened = match leases {
        None => Webhooks::open(&path, life, means.0, means.1),
        Some(leases) => {
            let (name, replicas) = leases.log();
            let shared = SharedFile::open(leases.context(), replicas, (Webhooks::schema(), name)).await;
            let shared = shared.map_err(|error| {
                Failure::new(Exit::Unavailable, "webhooks", "cannot use the webhooks that the nodes share")
                    .because(&error)
                    .next("see that as many NATS servers run as the log has replicas, then start again")
            })?;
            Webhooks::open_shared(&path, life, means, shared).await
        }
    };
    opened.map(Some).map_err(|error| unusable(&error))
}

/// Starts to carry: always, or whenever it is this process's turn.
pub(super) fn start(
    webhooks: Webhooks,
    (gateway, views): (&Gateway, &Views),
    leases: Option<&Leases>,
    broken: &Broken,
) -> Part {
    let (departures, views) = (gateway.departures().clone(), views.clone());
    let courier = move || {
        let (departures, joint) =
            (departures.clone(), Joint { webhooks: webhooks.clone(), views: views.clone() });
        Courier::new(joint, move |leaving| departures.left(PublicDoor::Webhook, leaving))
    };
    match leases {
        None => part("courier", broken, |told| courier().run(told)),
        Some(leases) => {
            let lease = leases.of("courier");
            let work = move |told: CancellationToken| Box::pin(courier().run(told));
            part("courier", broken, |told| lease.keep(told, work))
        }
    }
}

fn unusable(error: &OpenError) -> Failure {
    Failure::new(Exit::Unavailable, "webhooks", "cannot open the webhooks").because(error).next(
        "look at the disk and at courier.db; moved away, a new one is made and webhooks are added again",
    )
}
