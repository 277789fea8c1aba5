//! What the lines of C2SP text files are made of: decimals and base64, each with one form only.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;

/// How many characters 32 bytes are in base64 with padding (RFC 4648 section 4).
const HASH_CHARS: usize = 44;

/// Returns the number that `text` is in ASCII decimal, if it has no leading zero and is not above
/// `max`.
pub(crate) fn decimal(text: &str, max: u64) -> Option<u64> {
    let digits = text.as_bytes();
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if !plain || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    text.parse().ok().filter(|number| *number <= max)
}

/// Returns the bytes that `text` is in base64, padded and canonical.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Returns `bytes` in base64 with padding.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Appends `bytes` in base64 with padding to `out`.
pub(crate) fn push_base64(bytes: &[u8], out: &mut String) {
    STANDARD.encode_string(bytes, out);
}

/// Returns the hash that `text` is in base64.
pub(crate) fn hash_from_base64(text: &str) -> Option<Hash> {
    if text.len() != HASH_CHARS {
        return None;
    }
    // Room for what 44 characters without padding would be, which is then refused.
    let mut bytes = [0; 33];
    match STANDARD.decode_slice(text, &mut bytes) {
        Ok(32) => bytes.first_chunk().copied().map(Hash),
        _ => None,
    }
}

/// Returns the hashes of `lines`, one a line, at most `max`.
pub(crate) fn hashes_from_lines<'a>(lines: impl Iterator<Item = &'a str>, max: usize) -> Option<Vec<Hash>> {
    let mut hashes = Vec::new();
    for line in lines {
        if hashes.len() == max {
            return None;
        }
        hashes.push(hash_from_base64(line)?);
    }
    Some(hashes)
}

/// Appends `hashes` in base64, one a line.
pub(crate) fn push_hash_lines(hashes: &[Hash], out: &mut String) {
    for hash in hashes {
        push_base64(&hash.0, out);
        out.push('\n');
    }
}
