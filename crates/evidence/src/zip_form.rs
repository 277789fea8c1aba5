//! The one form of a bundle's zip file (PKWARE's APPNOTE.TXT): files stored as they are, in order of their
//! names, all of the same time, no comments, no extra fields. What has another form is not read; what was
//! read is written again and compared.

use crate::bag::{BASE, File};
use crate::fault::Fault;

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const END: &[u8; 4] = b"PK\x05\x06";
/// Bytes of a local header without name and extra field (4.3.7).
const LOCAL_BYTES: usize = 30;
/// What every file has: version 1.0 is needed, no flags, stored, 1980-01-01 00:00.
const COMMON: [u16; 5] = [10, 0, 0, 0, 0x21];
/// Made by version 3.0 on Unix, where the mode of a file means something.
const MADE_BY: u16 = 0x031e;
/// A plain file that everyone may read and its owner may write.
const MODE: u32 = 0o100_644 << 16;

/// Returns the zip file of `files`, which are in order, or `None` if it has more or longer files than a
/// zip file has without extensions.
pub(crate) fn write(files: &[File]) -> Option<Vec<u8>> {
    let mut zip = Vec::with_capacity(files.iter().map(|file| file.bytes.len() + 256).sum());
    let mut list = Vec::new();
    for file in files {
        let at = u32::try_from(zip.len()).ok()?;
        let name = format!("{BASE}/{}", file.name);
        let described = described(&name, &file.bytes)?;
        zip.extend_from_slice(LOCAL);
        zip.extend_from_slice(&described);
        zip.extend_from_slice(name.as_bytes());
        zip.extend_from_slice(&file.bytes);
        list.extend_from_slice(CENTRAL);
        list.extend_from_slice(&MADE_BY.to_le_bytes());
        list.extend_from_slice(&described);
        list.extend_from_slice(&[0; 6]); // No comment, the first disk, no text.
        list.extend_from_slice(&MODE.to_le_bytes());
        list.extend_from_slice(&at.to_le_bytes());
        list.extend_from_slice(name.as_bytes());
    }
    let count = u16::try_from(files.len()).ok().filter(|count| *count < u16::MAX)?;
    let (at, bytes) = (u32::try_from(zip.len()).ok()?, u32::try_from(list.len()).ok()?);
    zip.extend_from_slice(&list);
    zip.extend_from_slice(END);
    zip.extend_from_slice(&[0; 4]);
    zip.extend_from_slice(&[count.to_le_bytes(), count.to_le_bytes()].concat());
    zip.extend_from_slice(&[bytes.to_le_bytes(), at.to_le_bytes()].concat());
    zip.extend_from_slice(&[0; 2]);
    Some(zip)
}

/// Returns what both headers of a file say of it.
fn described(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let (size, name) = (u32::try_from(bytes.len()).ok()?, u16::try_from(name.len()).ok()?);
    let mut described: Vec<u8> = COMMON.iter().flat_map(|number| number.to_le_bytes()).collect();
    for number in [crc32fast::hash(bytes), size, size] {
        described.extend_from_slice(&number.to_le_bytes());
    }
    described.extend_from_slice(&name.to_le_bytes());
    described.extend_from_slice(&[0; 2]);
    Some(described)
}

/// Returns the files of a zip file in the order in which they stand there.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<File>, Fault> {
    let mut at = 0;
    let mut files: Vec<File> = Vec::new();
    while bytes[at..].starts_with(LOCAL) {
        let (file, next) = one(bytes, at)?;
        if files.last().is_some_and(|before| before.name >= file.name) {
            return Err(Fault::archive(at, format!("{} is not in the order of names", file.name)));
        }
        files.push(file);
        at = next;
    }
    if files.is_empty() || !bytes[at..].starts_with(CENTRAL) {
        return Err(Fault::archive(at, "a file of a zip archive was expected here, or the list of them"));
    }
    Ok(files)
}

/// Reads the file whose local header begins at `at`, and returns where the next one begins.
fn one(bytes: &[u8], at: usize) -> Result<(File, usize), Fault> {
    let cut = || Fault::archive(bytes.len(), "the archive ends in the middle of a file");
    let header = bytes.get(at..at + LOCAL_BYTES).ok_or_else(cut)?;
    let short = |place: usize| usize::from(u16::from_le_bytes([header[place], header[place + 1]]));
    let long = |place: usize| short(place) | short(place + 2) << 16;
    let (size, name_bytes, extra_bytes) = (long(18), short(26), short(28));
    if short(8) != 0 || size != long(22) {
        return Err(Fault::archive(at + 8, "the file is not stored as it is"));
    }
    if extra_bytes != 0 {
        return Err(Fault::archive(at + 28, "the file has an extra field"));
    }
    let name_at = at + LOCAL_BYTES;
    let name = bytes.get(name_at..name_at + name_bytes).ok_or_else(cut)?;
    let name = std::str::from_utf8(name).ok().and_then(|name| name.strip_prefix(BASE)?.strip_prefix('/'));
    let name = name.ok_or_else(|| Fault::archive(name_at, format!("a name begins with `{BASE}/`")))?;
    let body_at = name_at + name_bytes;
    let body = bytes.get(body_at..body_at + size).ok_or_else(cut)?;
    Ok((File { name: name.to_owned(), bytes: body.to_vec(), at: body_at }, body_at + size))
}

/// Returns the first byte in which two archives differ.
pub(crate) fn difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let differs = one.iter().zip(other).position(|(one, other)| one != other);
    differs.or((one.len() != other.len()).then(|| one.len().min(other.len())))
}
