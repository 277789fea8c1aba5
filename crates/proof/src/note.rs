//! Signed notes (c2sp.org/signed-note): a text, and under it who signed it.
//!
//! A text is worth nothing before [`Note::verify`] has named a key that is trusted. Signatures of
//! keys that are not known are kept and passed over: so keys change, and witnesses sign beside the
//! log.

mod key;

use std::fmt::Write as _;

use crate::lines::{from_base64, push_base64};

pub use key::{Algorithm, KeyError, KeyId, KeyName, SignerKey, VerifierKey};

/// The longest note in bytes: room for 16 signatures of every assigned kind, and to spare.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;

/// The most signatures that a note has.
pub const SIGNATURES_MAX: usize = 64;

/// How a signature line begins: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// A text and the signatures under it. The text ends in a newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line: who says to have signed, and the signature as the key's kind has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

/// A signature that was verified: by which of the keys asked for, and when it says it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The key's place in the list that was given.
    pub key: usize,
    /// Seconds since the epoch, of a cosignature: as its maker said.
    pub time: Option<u64>,
}

/// Text that is no signed note: it was cut off, changed, or never was one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More bytes or signatures than are read.
    #[error("a note has at most 262,144 bytes and 64 signatures")]
    TooLong,
    /// A control character, or bytes that are not UTF-8.
    #[error("a note is UTF-8 without control characters other than newline")]
    Characters,
    /// No blank line with signatures after it.
    #[error("a note is a text, a blank line, and signature lines, each ended by a newline")]
    Layout,
    /// A line after the last blank one that is no signature.
    #[error("signature line {line} is not an em dash, a key name and base64")]
    Signature {
        /// Which one, from 1.
        line: usize,
    },
}

/// Why a note is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A known key's signature is false: the note was changed after it was signed, or is forged.
    #[error("the signature by {name} does not fit the text")]
    False {
        /// Whose signature.
        name: KeyName,
    },
    /// No signature is of a known key: ask for the maker's verifier key out of band.
    #[error("no known key has signed this")]
    Unknown,
}

impl Note {
    /// Returns the unsigned note of `text`.
    ///
    /// # Errors
    /// [`NoteError`], if the text does not end in a newline, is too long or has control characters.
    pub fn new(text: String) -> Result<Self, NoteError> {
        check_characters(&text)?;
        if text.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong);
        }
        if !text.ends_with('\n') {
            return Err(NoteError::Layout);
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Returns the signed note that `bytes` are, exactly as [`Note::to_text`] prints it.
    ///
    /// # Errors
    /// [`NoteError`], if they are anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong);
        }
        let whole = std::str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
        check_characters(whole)?;
        // The text keeps the first newline; the second is the blank line.
        let end = whole.rfind("\n\n").ok_or(NoteError::Layout)? + 1;
        let (text, signatures) = (&whole[..end], &whole[end + 1..]);
        Ok(Self { text: text.to_owned(), signatures: parse_signatures(signatures)? })
    }

    /// Returns the text that is signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the signatures in the order of their lines.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Adds a signature in place of one by the same key.
    ///
    /// # Errors
    /// [`NoteError::TooLong`], if there is no room for another.
    pub fn add(&mut self, signature: Signature) -> Result<(), NoteError> {
        let same = |held: &Signature| held.id == signature.id && held.name == signature.name;
        let mut signatures = self.signatures.clone();
        signatures.retain(|held| !same(held));
        signatures.push(signature);
        let added = Self { text: self.text.clone(), signatures };
        if added.signatures.len() > SIGNATURES_MAX || added.to_text().len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong);
        }
        *self = added;
        Ok(())
    }

    /// Returns the note as it is stored and sent: text, blank line, signatures.
    pub fn to_text(&self) -> String {
        let mut whole = format!("{}\n", self.text);
        push_signatures(&self.signatures, &mut whole);
        whole
    }

    /// Verifies every signature by one of `keys` and returns one entry a key that signed, in the
    /// order of `keys`; of a key that signed twice, the later time.
    ///
    /// # Errors
    /// [`VerifyError::False`], if a line bears the name and id of one of `keys` and does not fit:
    /// then the note is rejected whole. [`VerifyError::Unknown`], if none of them signed.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Verified>, VerifyError> {
        let mut verified = Vec::new();
        for (place, key) in keys.iter().enumerate() {
            let own = self.signatures.iter().filter(|line| line.id == key.id() && line.name == *key.name());
            let mut latest: Option<Verified> = None;
            for line in own {
                let time = key.verify(&self.text, &line.bytes);
                let time = time.map_err(|_| VerifyError::False { name: line.name.clone() })?;
                let time = time.max(latest.and_then(|latest| latest.time));
                latest = Some(Verified { key: place, time });
            }
            verified.extend(latest);
        }
        if verified.is_empty() { Err(VerifyError::Unknown) } else { Ok(verified) }
    }
}

impl Signature {
    /// Returns a signature line of parts.
    pub(crate) fn new(name: KeyName, id: KeyId, bytes: Vec<u8>) -> Self {
        Self { name, id, bytes }
    }

    /// Returns whose signature it says it is.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Returns the id of the key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Returns the signature line, ended by a newline.
    pub fn to_line(&self) -> String {
        let mut line = String::new();
        push_signatures(std::slice::from_ref(self), &mut line);
        line
    }
}

/// Returns the signatures of signature lines, at least one.
///
/// # Errors
/// [`NoteError`], for lines that are none.
pub(crate) fn parse_signatures(lines: &str) -> Result<Vec<Signature>, NoteError> {
    let lines = lines.strip_suffix('\n').ok_or(NoteError::Layout)?;
    let mut signatures = Vec::new();
    for (place, line) in lines.split('\n').enumerate() {
        if place == SIGNATURES_MAX {
            return Err(NoteError::TooLong);
        }
        signatures.push(parse_signature(line).ok_or(NoteError::Signature { line: place + 1 })?);
    }
    Ok(signatures)
}

fn parse_signature(line: &str) -> Option<Signature> {
    let (name, body) = line.strip_prefix(DASH)?.split_once(' ')?;
    let body = from_base64(body)?;
    let (id, bytes) = body.split_first_chunk()?;
    if bytes.is_empty() {
        return None;
    }
    Some(Signature { name: name.parse().ok()?, id: KeyId(*id), bytes: bytes.to_vec() })
}

fn push_signatures(signatures: &[Signature], out: &mut String) {
    for Signature { name, id, bytes } in signatures {
        write!(out, "{DASH}{name} ").expect("a text takes whatever is written");
        push_base64(&[&id.0, bytes.as_slice()].concat(), out);
        out.push('\n');
    }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    let plain = text.bytes().all(|byte| byte >= b' ' || byte == b'\n');
    if plain { Ok(()) } else { Err(NoteError::Characters) }
}
