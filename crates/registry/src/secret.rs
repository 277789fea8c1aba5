//! Keys as text: `wt_<key id>_<32 random bytes in base64url>`, and what is kept of them.
//!
//! Only a SHA-256 of the whole text is kept. A slow hash such as argon2 protects secrets that people
//! choose and others can guess; 256 random bits cannot be guessed, so a slow hash would protect
//! nothing and would cost every request its time.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng;
use sha2::{Digest as _, Sha256};
use story::IdentityError;
use subtle::ConstantTimeEq;

use crate::words::{illegal, text_in_json};

/// What every key begins with, so that people and scanners see what it is.
const PREFIX: &str = "wt_";
const KEY_ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;
/// Bytes of a key as text: prefix, 12 of the id, a line, 43 of the secret.
const TEXT_BYTES: usize = PREFIX.len() + KEY_ID_BYTES * 2 + 1 + (SECRET_BYTES * 8).div_ceil(6);

/// The public name of a key: 12 hex digits. It stays the same when the key is rotated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; KEY_ID_BYTES]);

impl KeyId {
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = IdentityError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let read = || {
            let digits: [u8; KEY_ID_BYTES * 2] = given.as_bytes().try_into().ok()?;
            let mut id = [0; KEY_ID_BYTES];
            for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
                *byte = digit(pair[0])? << 4 | digit(pair[1])?;
            }
            Some(Self(id))
        };
        // What was given is not repeated: it may be a whole key.
        read().ok_or_else(|| illegal("key id", "(not shown)", "the 12 hex digits between wt_ and the next _"))
    }
}

text_in_json!(KeyId);

/// A new key's text, to be shown once. Neither `Debug` nor an error ever shows it.
pub struct Secret(String);

impl Secret {
    /// Makes a secret for the key `id` from the thread's generator, which is fit for secrets and
    /// seeded by the system.
    pub(crate) fn random(id: KeyId) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Self(format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Returns the key's text. Whoever calls this shows it to its holder and to nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

/// Returns the key id within a key's text, if that has the shape of a key.
pub(crate) fn key_id(text: &str) -> Option<KeyId> {
    if text.len() != TEXT_BYTES {
        return None;
    }
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let legal = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if legal { id.parse().ok() } else { None }
}

/// SHA-256 of a key's text.
#[derive(Clone, Copy)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl Digest {
    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// Returns whether both are the same, in a time that does not depend on where they differ.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_one_shape_and_is_shown_only_when_asked() {
        let id = KeyId::random();
        let (one, other) = (Secret::random(id), Secret::random(id));
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), TEXT_BYTES);
        assert_eq!(key_id(one.expose()), Some(id));
        assert_eq!(format!("{one:?} {:?}", one.digest()), "Secret(not shown) Digest(not shown)");
        assert!(one.digest().matches(&Digest::of(one.expose())));
        assert!(!one.digest().matches(&other.digest()));
    }

    #[test]
    fn what_has_not_the_shape_of_a_key_has_no_id() {
        let good = Secret::random(KeyId::random()).0;
        for bad in [
            "",
            "wt_",
            &good[1..],
            &good[..good.len() - 1],
            &good.to_uppercase(),
            &format!("{good}="),
            &format!("{}é", &good[..good.len() - 2]),
            &good.replacen('_', "-", 2),
        ] {
            assert_eq!(key_id(bad), None, "{bad}");
        }
        let error = good.parse::<KeyId>().unwrap_err().to_string();
        assert!(!error.contains(&good[16..]), "{error}");
    }
}
