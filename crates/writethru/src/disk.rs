//! How much room there is on a disk.

use std::path::Path;

/// Returns the bytes that this process may still write beside `folder`.
///
/// # Errors
/// What the system says of a folder that cannot be looked at.
pub(crate) fn available_bytes(folder: &Path) -> std::io::Result<u64> {
    let space = rustix::fs::statvfs(folder)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}
