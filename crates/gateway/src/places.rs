//! Places for what is at work at once: who finds none in time is told to come again.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::Problem;

use crate::limits::PLACE_WAIT;
use crate::problems::unavailable;

/// Returns a place out of `places`, waiting a little for one to come free.
pub(crate) async fn take(places: &Arc<Semaphore>, of_what: &str) -> Result<OwnedSemaphorePermit, Problem> {
    match tokio::time::timeout(PLACE_WAIT, Arc::clone(places).acquire_owned()).await {
        Ok(Ok(place)) => Ok(place),
        _ => Err(unavailable(format!("too many {of_what} are at work: nothing was done"))),
    }
}
