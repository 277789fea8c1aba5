//! SHA-256 digests as values, and their two forms as text.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// How many characters 32 bytes are in base64url without padding (RFC 4648 section 5).
pub(crate) const BASE64URL_CHARS: usize = 43;

const PREFIX: &str = "sha256:";

/// A SHA-256 digest (FIPS 180-4).
///
/// Shown and serialized as `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

/// Text that is not a digest: check that it was copied whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not the long form.
    #[error("a hash is `sha256:` and 64 lower-case hexadecimal digits")]
    Hex,
    /// Not the short form.
    #[error("a digest in base64url is 43 characters without padding")]
    Base64Url,
}

/// Returns the hash of an envelope: SHA-256 over the bytes exactly as they are stored.
pub fn envelope_hash(envelope: &[u8]) -> Hash {
    Hash(Sha256::digest(envelope).into())
}

impl Hash {
    /// Returns the short form: 43 characters of base64url, no padding.
    pub fn to_base64url(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Appends the short form to `out`.
    pub fn push_base64url(&self, out: &mut Vec<u8>) {
        push_base64url(&self.0, out);
    }

    /// Returns the digest whose short form is `text`.
    ///
    /// # Errors
    /// [`HashError::Base64Url`], also for a last character with unused bits set, so a digest has
    /// one short form only.
    pub fn from_base64url(text: &str) -> Result<Self, HashError> {
        from_base64url(text.as_bytes()).map(Self)
    }
}

/// Appends `bytes` in base64url to `out`.
pub(crate) fn push_base64url(bytes: &[u8; 32], out: &mut Vec<u8>) {
    let mut text = [0; BASE64URL_CHARS];
    URL_SAFE_NO_PAD.encode_slice(bytes, &mut text).expect("32 bytes are 43 characters of base64url");
    out.extend_from_slice(&text);
}

/// Returns the 32 bytes that `text` is in base64url.
pub(crate) fn from_base64url(text: &[u8]) -> Result<[u8; 32], HashError> {
    if text.len() != BASE64URL_CHARS {
        return Err(HashError::Base64Url);
    }
    let mut bytes = [0; 32];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
        Ok(32) => Ok(bytes),
        _ => Err(HashError::Base64Url),
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 71];
        text[..7].copy_from_slice(PREFIX.as_bytes());
        for (pair, byte) in text[7..].chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.pad(std::str::from_utf8(&text).expect("a prefix and hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let digits = text.strip_prefix(PREFIX).ok_or(HashError::Hex)?.as_bytes();
        if digits.len() != 64 {
            return Err(HashError::Hex);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

/// Returns the value of a lower-case hexadecimal digit: a digest has one long form only.
fn nibble(digit: u8) -> Result<u8, HashError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(HashError::Hex),
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
