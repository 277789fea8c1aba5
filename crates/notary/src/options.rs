//! What a notary is told: where its files are, what the log is called, and who witnesses it.

use std::path::PathBuf;

use log::Epoch;
use proof::note::{KeyName, VerifierKey};

/// How a notary is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of the static files: `DATA/tlog`.
    pub tiles: PathBuf,
    /// File that remembers what was signed last: `DATA/notary.db`.
    pub heads: PathBuf,
    /// File with the secret key: `DATA/notary.key`. Made if there is none.
    pub key: PathBuf,
    /// What the log is called before `/log/<epoch>`. Asked for once in the life of an event log: what it
    /// signed under first, it goes on signing under.
    pub name: String,
    /// Who is asked to cosign.
    pub witnesses: Vec<WitnessAt>,
}

/// A witness, and where it takes checkpoints.
#[derive(Debug, Clone)]
pub struct WitnessAt {
    /// What it is called in our messages.
    pub name: String,
    /// Its verifier key.
    pub key: VerifierKey,
    /// Its address, without `/add-checkpoint`.
    pub url: String,
}

/// A name that no log can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a log's name is 1 to 200 bytes without white space, control characters and `+`")]
pub struct NameError;

/// Longest name, so that the origin is a legal name of a key.
const NAME_BYTES_MAX: usize = 200;

/// Returns the origin of the log `name` over the event log's life `epoch`: also its key's name.
///
/// # Errors
/// [`NameError`].
pub fn origin_of(name: &str, epoch: Epoch) -> Result<KeyName, NameError> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(NameError);
    }
    format!("{name}/log/{}", epoch.0).parse().map_err(|_| NameError)
}
