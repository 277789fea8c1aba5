//! Who people and machines are: the registry beside the log, and the owner's key.

use std::path::Path;

use jiff::Timestamp;
use peers::SharedFile;
use registry::{OpenError, OwnerKey, Registry};
use tracing::info;

use super::data_dir::Paths;
use super::lease;
use crate::event_log::OnNats;
use crate::exit::Exit;
use crate::failure::Failure;

/// Opens the registry of a data dir, making it if there is none, and sees to it that the owner's key
/// is in its file. Where the log is on NATS, it is the one that all nodes of the log share.
///
/// # Errors
/// It is in use, foreign, damaged, or cannot be read; or the key cannot be written.
pub(super) async fn open(paths: &Paths, on_nats: Option<&OnNats>) -> Result<Registry, Failure> {
    let registry = open_file(&paths.registry(), on_nats).await?.map_err(|error| {
        let exit = match &error {
            OpenError::Foreign { .. } | OpenError::Damaged { .. } => Exit::Differs,
            OpenError::InUse { .. } | OpenError::Io { .. } | OpenError::Shared { .. } => Exit::Unavailable,
        };
        Failure::new(exit, "registry", "cannot open the registry").because(&error)
    })?;
    let key = registry.ensure_owner(&paths.owner_key(), Timestamp::now()).await.map_err(|error| {
        Failure::new(Exit::Unavailable, "owner-key", "cannot put the owner's key in its file").because(&error)
    })?;
    if let OwnerKey::Made(id) = key {
        info!(key.id = %id, "Made a key for the owner");
    }
    Ok(registry)
}

/// Opens the registry in `file`, with the other nodes of the log if it is on NATS.
///
/// # Errors
/// NATS does not answer; the inner error is the registry's own.
pub(crate) async fn open_file(
    file: &Path,
    on_nats: Option<&OnNats>,
) -> Result<Result<Registry, OpenError>, Failure> {
    let Some(on_nats) = on_nats else { return Ok(Registry::open(file).await) };
    let context = lease::connect(on_nats, "writethru registry").await?;
    let name = on_nats.name.to_string();
    let shared = SharedFile::open(&context, on_nats.replicas.count(), (Registry::schema(), &name)).await;
    let shared = shared.map_err(|error| {
        Failure::new(Exit::Unavailable, "registry", "cannot use the registry that the nodes share")
            .because(&error)
            .next("see that as many NATS servers run as the log has replicas, then start again")
    })?;
    Ok(Registry::open_shared(file, shared).await)
}
