//! The owner: whoever can read the data dir. Its key is in a file there, so that a new service has a
//! first key and nobody can be locked out for ever.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::OptionalExtension;
use story::ActorId;

use crate::access::Role;
use crate::actors::{self, Actor};
use crate::error::{Cause, StoreError, store_errors};
use crate::file::{close_to_others, private};
use crate::grant::Grant;
use crate::keys::{self, NewKey, Which};
use crate::secret::{KeyId, Secret};
use crate::store::Registry;
use crate::writer::Writing;

/// The owner's actor id. It has every role on every desk, and cannot be changed or removed.
pub const OWNER: &str = "owner";
/// Most bytes that are read of a file that may be the owner's key.
const FILE_BYTES_MAX: u64 = 1024;

/// What has become of the owner's key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerKey {
    /// The file holds a valid key and was left alone.
    Kept(KeyId),
    /// There was no file, or it held no valid key of the owner: it holds a new one now, and the one
    /// before is revoked.
    Made(KeyId),
}

/// Why there may be no owner's key.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    /// The file could not be read or written.
    #[error("cannot use the owner's key file {path}; check its permissions, or delete it to get a new key")]
    Io {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The registry refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

store_errors!(OwnerError);

impl Registry {
    /// Sees to it that there is an owner, and that `file` holds a valid key of it, readable by nobody
    /// else. For the start of a service; not for two at once.
    ///
    /// The new key is stored before the file is put in place: after a crash between the two, the next
    /// start makes another and revokes this one.
    ///
    /// # Errors
    /// [`OwnerError`].
    pub async fn ensure_owner(&self, file: &Path, now: Timestamp) -> Result<OwnerKey, OwnerError> {
        let path = file.to_owned();
        let text = blocking(file, move || read(&path)).await?;
        self.write(move |writing| grant_everything(writing, now)).await?;
        let held = text
            .as_deref()
            .and_then(|text| self.verify(text.trim_end(), now))
            .filter(|identity| identity.actor.as_str() == OWNER);
        if let Some(identity) = held {
            let path = file.to_owned();
            blocking(file, move || close_to_others(&path)).await?;
            return Ok(OwnerKey::Kept(identity.key));
        }
        let (id, secret) = self.write(move |writing| make_key(writing, now)).await?;
        let path = file.to_owned();
        blocking(file, move || put(&path, &secret)).await?;
        Ok(OwnerKey::Made(id))
    }
}

/// Adds the owner, or gives it the roles that it lacks.
fn grant_everything(writing: &mut Writing<'_>, now: Timestamp) -> Result<(), OwnerError> {
    let grants: Vec<Grant> = Role::ALL.iter().copied().map(Grant::everywhere).collect();
    match actors::load(writing.db, &owner())? {
        None => {
            let owner =
                Actor { id: owner(), name: None, grants, added: now, name_erased: None, deactivated: None };
            actors::insert(writing.db, &owner)?;
        }
        Some(owner) if owner.grants != grants => actors::update(writing, &Actor { grants, ..owner })?,
        Some(_) => {}
    }
    Ok(())
}

/// Revokes the key that was in the file, and makes the one that is to be.
fn make_key(writing: &mut Writing<'_>, now: Timestamp) -> Result<(KeyId, Secret), OwnerError> {
    // Where nodes share the registry, each has a key of the owner in a file of its own.
    let setting = |name: &str| {
        let value = "SELECT value FROM settings WHERE name = ?1";
        writing.db.query_row(value, [name], |row| row.get::<_, String>(0)).optional()
    };
    let before = match setting("shared-with")? {
        None => Some(Which::InFile),
        Some(_) => setting("owner-key")?.and_then(|id| id.parse().ok()).map(Which::One),
    };
    if let Some(before) = before {
        keys::revoke(writing, &owner(), &before, now)?;
    }
    let id = keys::unused(writing.db)?;
    let secret = Secret::random(id);
    keys::insert(writing, id, NewKey::of(owner()), now, &secret)?;
    writing.db.execute("UPDATE keys SET in_file = 1 WHERE id = ?1", [id.to_string()])?;
    writing.db.execute("INSERT OR REPLACE INTO settings VALUES ('owner-key', ?1)", [id.to_string()])?;
    Ok((id, secret))
}

fn owner() -> ActorId {
    OWNER.parse().expect("letters make an actor id")
}

fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Puts the key in place at once: whoever reads the file finds the old one, none, or the whole new
/// one.
fn put(path: &Path, secret: &Secret) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private().create_new(true).open(&beside)?; // New, so that its mode is ours.
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    sync_folder(folder.unwrap_or(Path::new(".")))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

async fn blocking<T: Send + 'static>(
    file: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, OwnerError> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    done.map_err(|error| OwnerError::Io { path: file.display().to_string(), source: Arc::new(error) })
}
