//! The whole service in one process: composition, readiness, and an orderly end.

pub(crate) mod data_dir;
pub(crate) mod nats;
mod signals;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Runs the service until a signal ends it; `demo` is the speed of the demonstration, if one is
/// to be given.
///
/// # Errors
/// What keeps it from starting.
pub(crate) async fn run(session: Session, demo: Option<f64>) -> Result<Exit, Failure> {
    let _ = (session, demo);
    todo!("run")
}
