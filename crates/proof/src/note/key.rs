//! The keys that sign notes: names, ids, and the two kinds that are used here.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::Signature;
use crate::lines::{from_base64, to_base64};

/// The longest key name in bytes: what later kinds of cosignature can hold.
const NAME_BYTES_MAX: usize = 255;

/// The latest time that a cosignature may bear (c2sp.org/tlog-cosignature).
const TIME_MAX: u64 = i64::MAX as u64;

const SIGNER_PREFIX: &str = "PRIVATE+KEY+";

/// Whose key: usually an address without its scheme. No white space, no `+`, at most 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(String);

/// Four bytes that, with the name, say which key and what kind of signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 4]);

/// What a key signs, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 over the text: what a log signs with. Type 0x01.
    Ed25519,
    /// Ed25519 over a time and the text, `cosignature/v1`: what a witness signs with. Type 0x04.
    Cosignature,
}

/// A public key with its name and kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: KeyName,
    algorithm: Algorithm,
    id: KeyId,
    key: VerifyingKey,
}

/// A secret key with its name and kind. Never printed but by [`SignerKey::to_secret_text`].
#[derive(Clone)]
pub struct SignerKey {
    key: SigningKey,
    public: VerifierKey,
}

/// Text that is no key: ask for it again from whoever it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A name that signature lines cannot bear.
    #[error("a key name is 1 to 255 bytes without white space, control characters and `+`")]
    Name,
    /// Not three parts, or parts in another form.
    #[error("a key is `name+id+base64`, the id in eight lower-case hexadecimal digits")]
    Layout,
    /// A kind of key that is not used here.
    #[error("key type {kind:#04x} is not supported: 0x01 and 0x04 are")]
    Kind {
        /// The type byte.
        kind: u8,
    },
    /// No key of Ed25519, or one that signs anything.
    #[error("the public key is not a sound key of Ed25519")]
    Key,
    /// The id is of another key, name or kind.
    #[error("the key's id does not fit its name, kind and key")]
    Id,
}

/// A signature that is not the key's over the text.
pub(super) struct False;

impl KeyName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        let barred = |letter: char| letter.is_whitespace() || letter == '+' || letter < ' ';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(barred) {
            return Err(KeyError::Name);
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl KeyId {
    /// Returns the id of a key: the first bytes of SHA-256 over name, newline, kind and key.
    fn of(name: &KeyName, algorithm: Algorithm, key: &[u8; 32]) -> Self {
        let mut digest = Sha256::new();
        digest.update(&name.0);
        digest.update([b'\n', algorithm.byte()]);
        digest.update(key);
        Self(*digest.finalize().first_chunk().expect("a digest has 32 bytes"))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Algorithm {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }

    fn of(kind: u8) -> Result<Self, KeyError> {
        match kind {
            1 => Ok(Self::Ed25519),
            4 => Ok(Self::Cosignature),
            kind => Err(KeyError::Kind { kind }),
        }
    }
}

impl VerifierKey {
    /// Returns the key of these parts.
    ///
    /// # Errors
    /// [`KeyError::Key`], if the bytes are no key of Ed25519, or a weak one.
    pub fn new(name: KeyName, algorithm: Algorithm, key: &[u8; 32]) -> Result<Self, KeyError> {
        let id = KeyId::of(&name, algorithm, key);
        let key = VerifyingKey::from_bytes(key).ok().filter(|key| !key.is_weak()).ok_or(KeyError::Key)?;
        Ok(Self { name, algorithm, id, key })
    }

    /// Returns the key's name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Returns the key's id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Returns what the key signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the public key itself.
    pub fn public_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Returns when `signature`, which is this key's over `text`, says that it was made: nothing of
    /// a kind that bears no time.
    ///
    /// # Errors
    /// [`False`], if it is not.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, False> {
        let (time, signature) = match self.algorithm {
            Algorithm::Ed25519 => (None, signature),
            Algorithm::Cosignature => {
                let (time, signature) = signature.split_first_chunk().ok_or(False)?;
                (Some(u64::from_be_bytes(*time)), signature)
            }
        };
        if time > Some(TIME_MAX) {
            return Err(False);
        }
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| False)?;
        self.key.verify_strict(&message(text, time), &signature).map_err(|_| False)?;
        Ok(time)
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    /// Returns the key whose vkey is `text`.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, algorithm, key) = parse_parts(text)?;
        let verifier = Self::new(name, algorithm, &key)?;
        if verifier.id.to_string() == id { Ok(verifier) } else { Err(KeyError::Id) }
    }
}

impl fmt::Display for VerifierKey {
    /// Prints the vkey: `name+id+base64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_parts(f, &self.name, self.id, (self.algorithm, self.key.as_bytes()))
    }
}

impl SignerKey {
    /// Returns the key that the 32 secret bytes `seed` make.
    ///
    /// # Errors
    /// [`KeyError::Key`], which no seed is known to cause.
    pub fn from_seed(name: KeyName, algorithm: Algorithm, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key = SigningKey::from_bytes(seed);
        let public = VerifierKey::new(name, algorithm, key.verifying_key().as_bytes())?;
        Ok(Self { key, public })
    }

    /// Returns the key whose secret text, as [`SignerKey::to_secret_text`] writes it, is `text`.
    ///
    /// # Errors
    /// [`KeyError`], if it is anything else.
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let text = text.strip_prefix(SIGNER_PREFIX).ok_or(KeyError::Layout)?;
        let (name, id, algorithm, seed) = parse_parts(text)?;
        let signer = Self::from_seed(name, algorithm, &seed)?;
        if signer.public.id.to_string() == id { Ok(signer) } else { Err(KeyError::Id) }
    }

    /// Returns the secret as `PRIVATE+KEY+name+id+base64`, the form of Go's `sumdb/note`.
    pub fn to_secret_text(&self) -> String {
        struct Secret<'a>(&'a SignerKey);
        impl fmt::Display for Secret<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let public = &self.0.public;
                write_parts(f, &public.name, public.id, (public.algorithm, self.0.key.as_bytes()))
            }
        }
        format!("{SIGNER_PREFIX}{}", Secret(self))
    }

    /// Returns the same secret as a key of another name, so of another log.
    ///
    /// # Errors
    /// As [`SignerKey::from_seed`].
    pub fn under(&self, name: KeyName) -> Result<Self, KeyError> {
        Self::from_seed(name, self.public.algorithm, self.key.as_bytes())
    }

    /// Returns the public key.
    pub fn verifier(&self) -> &VerifierKey {
        &self.public
    }

    /// Signs `text`; a cosignature bears `time`, in seconds since the epoch, at most 2⁶³ − 1.
    pub fn sign(&self, text: &str, time: u64) -> Signature {
        let time = time.min(TIME_MAX);
        let time = (self.public.algorithm == Algorithm::Cosignature).then_some(time);
        let mut bytes = time.map_or_else(Vec::new, |time| time.to_be_bytes().to_vec());
        bytes.extend_from_slice(&self.key.sign(&message(text, time)).to_bytes());
        Signature::new(self.public.name.clone(), self.public.id, bytes)
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({}, secret)", self.public)
    }
}

/// Returns the bytes that are signed: the text, of a cosignature after two lines of its own.
fn message(text: &str, time: Option<u64>) -> Vec<u8> {
    let mut message = match time {
        Some(time) => format!("cosignature/v1\ntime {time}\n").into_bytes(),
        None => Vec::new(),
    };
    message.extend_from_slice(text.as_bytes());
    message
}

/// Returns name, id as it is written, kind and key of `name+id+base64`.
fn parse_parts(text: &str) -> Result<(KeyName, &str, Algorithm, [u8; 32]), KeyError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(KeyError::Layout);
    };
    let body = from_base64(body).ok_or(KeyError::Layout)?;
    let (kind, key) = body.split_first().ok_or(KeyError::Layout)?;
    let algorithm = Algorithm::of(*kind)?;
    let key = key.try_into().map_err(|_| KeyError::Key)?;
    Ok((name.parse()?, id, algorithm, key))
}

fn write_parts(
    f: &mut fmt::Formatter<'_>,
    name: &KeyName,
    id: KeyId,
    (algorithm, key): (Algorithm, &[u8; 32]),
) -> fmt::Result {
    let body = [&[algorithm.byte()][..], key].concat();
    write!(f, "{name}+{id}+{}", to_base64(&body))
}
