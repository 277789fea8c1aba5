//! Who people and machines are: the registry beside the log, and the owner's key.

use jiff::Timestamp;
use registry::{OpenError, OwnerKey, Registry};
use tracing::info;

use super::data_dir::Paths;
use crate::exit::Exit;
use crate::failure::Failure;

/// Opens the registry of a data dir, making it if there is none, and sees to it that the owner's key
/// is in its file.
///
/// # Errors
/// It is in use, foreign, damaged, or cannot be read; or the key cannot be written.
pub(super) async fn open(paths: &Paths) -> Result<Registry, Failure> {
    let registry = Registry::open(&paths.registry()).await.map_err(|error| {
        let exit = match &error {
            OpenError::Foreign { .. } | OpenError::Damaged { .. } => Exit::Differs,
            OpenError::InUse { .. } | OpenError::Io { .. } => Exit::Unavailable,
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
