//! The one form of a bundle's zip file: files stored as they are, in order of their names, all of the same
//! time, no comments. What has another form is not read; what was read is written again and compared.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::bag::{BASE, File};
use crate::fault::Fault;

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
/// Bytes of a local header without name and extra field (APPNOTE.TXT 4.3.7).
const LOCAL_BYTES: usize = 30;
/// Everyone may read a file, its owner may write it.
const MODE: u32 = 0o644;

/// Returns the zip file of `files`, which are in order.
pub(crate) fn write(files: &[File]) -> Result<Vec<u8>, String> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(MODE);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        let started = zip.start_file(format!("{BASE}/{}", file.name), options);
        started.map_err(|error| error.to_string())?;
        zip.write_all(&file.bytes).map_err(|error| error.to_string())?;
    }
    zip.finish().map(Cursor::into_inner).map_err(|error| error.to_string())
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
