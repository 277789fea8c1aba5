//! The courier of a running service: its file, and its task.

use courier::{Clock, Courier, Joint, OpenError, Webhooks};
use gateway::{Gateway, PublicDoor};
use log::EventLog;
use projector::Views;

use super::data_dir::Paths;
use super::roles::{Role, Roles};
use super::service::{Broken, Part, part};
use crate::config::Settings;
use crate::exit::Exit;
use crate::failure::Failure;

/// Opens the webhooks of a data dir, if this process is to carry them.
///
/// They are this process's own, as keys are, so they need no lease: no two processes carry the same one.
///
/// # Errors
/// The file cannot be used.
pub(super) fn open(
    (settings, paths): (&Settings, &Paths),
    log: &EventLog,
    roles: &Roles,
) -> Result<Option<Webhooks>, Failure> {
    if !roles.has(Role::Courier) {
        return Ok(None);
    }
    let path = paths.courier();
    let life = (log.epoch(), log.head());
    let opened = Webhooks::open(&path, life, settings.courier_reach, Clock::system());
    opened.map(Some).map_err(|error| unusable(&error))
}

/// Starts to carry.
pub(super) fn start(webhooks: Webhooks, (gateway, views): (&Gateway, &Views), broken: &Broken) -> Part {
    let departures = gateway.departures().clone();
    let joint = Joint { webhooks, views: views.clone() };
    let courier = Courier::new(joint, move |leaving| departures.left(PublicDoor::Webhook, leaving));
    part("courier", broken, |told| courier.run(told))
}

fn unusable(error: &OpenError) -> Failure {
    Failure::new(Exit::Unavailable, "webhooks", "cannot open the webhooks").because(error).next(
        "look at the disk and at courier.db; moved away, a new one is made and webhooks are added again",
    )
}
