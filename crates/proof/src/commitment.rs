//! Commitments: digests that fix a value without telling it.
//!
//! A commitment binds whoever made it to one value; without the salt it cannot be guessed, however
//! short the value is. Erasing value and salt therefore erases the words for good, while every
//! digest over the commitment stays as it was.

use std::fmt;

use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};

use crate::hash::{HashError, from_base64url, push_base64url};

/// A digest that fixes one value (a sentence, an item of a list) without telling it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Commitment(pub [u8; 32]);

/// What keeps a commitment from being guessed: 32 secret bytes, one salt a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 32]);

/// The 32 random bytes from which all salts of one event come. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(pub [u8; 32]);

/// The salts of one seed, with the part of the work that they share done once.
pub struct Salts(Hkdf<Sha256>);

impl Seed {
    /// Returns the salt of the value number `index`, from 0.
    ///
    /// HKDF-SHA-256 (RFC 5869) without salt, info `writethru/salt/v1` and the index as four bytes,
    /// big end first.
    pub fn salt(&self, index: u32) -> Salt {
        self.salts().at(index)
    }

    /// Returns all salts of this seed: cheaper than [`Seed::salt`] from the second one on.
    pub fn salts(&self) -> Salts {
        Salts(Hkdf::new(None, &self.0))
    }

    /// Appends the seed in base64url to `out`.
    pub fn push_base64url(&self, out: &mut Vec<u8>) {
        push_base64url(&self.0, out);
    }

    /// Returns the seed whose base64url form is `text`.
    ///
    /// # Errors
    /// [`HashError::Base64Url`] for anything but 43 characters of canonical base64url.
    pub fn from_base64url(text: &str) -> Result<Self, HashError> {
        from_base64url(text.as_bytes()).map(Self)
    }
}

impl Salts {
    /// Returns the salt of the value number `index`, from 0, as [`Seed::salt`] does.
    #[expect(clippy::missing_panics_doc, reason = "HKDF refuses only lengths above 8160 bytes")]
    pub fn at(&self, index: u32) -> Salt {
        let mut salt = [0; 32];
        self.0
            .expand_multi_info(&[b"writethru/salt/v1", &index.to_be_bytes()], &mut salt)
            .expect("32 bytes are below HKDF's limit of 255 blocks");
        Salt(salt)
    }
}

impl Salt {
    /// Appends the salt in base64url to `out`.
    pub fn push_base64url(&self, out: &mut Vec<u8>) {
        push_base64url(&self.0, out);
    }

    /// Returns the salt whose base64url form is `text`.
    ///
    /// # Errors
    /// [`HashError::Base64Url`] for anything but 43 characters of canonical base64url.
    pub fn from_base64url(text: &str) -> Result<Self, HashError> {
        from_base64url(text.as_bytes()).map(Self)
    }
}

impl Commitment {
    /// Appends the commitment in base64url to `out`.
    pub fn push_base64url(&self, out: &mut Vec<u8>) {
        push_base64url(&self.0, out);
    }

    /// Returns the commitment in base64url: 43 characters, no padding.
    pub fn to_base64url(&self) -> String {
        crate::hash::Hash(self.0).to_base64url()
    }

    /// Returns the commitment whose base64url form is `text`.
    ///
    /// # Errors
    /// [`HashError::Base64Url`] for anything but 43 characters of canonical base64url.
    pub fn from_base64url(text: &str) -> Result<Self, HashError> {
        from_base64url(text.as_bytes()).map(Self)
    }
}

/// Returns the commitment to `value` under `salt`.
///
/// SHA-256 over `writethru/value/v1`, the salt, the value's length in bytes as eight bytes (big
/// end first), and the value.
pub fn commit(salt: &Salt, value: &[u8]) -> Commitment {
    let mut digest = Sha256::new();
    digest.update(b"writethru/value/v1");
    digest.update(salt.0);
    digest.update((value.len() as u64).to_be_bytes());
    digest.update(value);
    Commitment(digest.finalize().into())
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64url())
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(secret)")
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(secret)")
    }
}

impl fmt::Debug for Salts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salts(secret)")
    }
}
