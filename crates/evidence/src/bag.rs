//! The bag (RFC 8493) around the payload: declaration, description, manifests.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::level::Level;

/// The folder that everything in the archive stands in.
pub const BASE: &str = "evidence";

/// Where the description of the bag stands.
pub(crate) const INFO: &str = "bag-info.txt";
/// The version of the form of bundles that this release writes and reads.
const FORM: &str = "1";

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// Its path in the bag.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// Where its bytes begin in the archive that it was read from.
    pub(crate) at: usize,
}

impl File {
    pub(crate) fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into(), at: 0 }
    }
}

/// What a bag says of itself.
#[derive(Debug)]
pub(crate) struct Info<'a> {
    pub(crate) level: Level,
    pub(crate) origin: &'a str,
    pub(crate) size: u64,
    /// When the newest revision in it was recorded.
    pub(crate) recorded: &'a str,
}

/// Returns the bag with `payload`, its files in the order of their names.
pub(crate) fn bag(info: &Info<'_>, mut payload: Vec<File>) -> Vec<File> {
    payload.sort_by(|one, other| one.name.cmp(&other.name));
    let manifest = manifest(&payload);
    let mut tags = vec![
        File::new(INFO, describe(info, &payload)),
        File::new("bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"),
        File::new("manifest-sha256.txt", manifest),
    ];
    let of_tags = self::manifest(&tags);
    tags.push(File::new("tagmanifest-sha256.txt", of_tags));
    payload.extend(tags);
    payload.sort_by(|one, other| one.name.cmp(&other.name));
    payload
}

fn describe(info: &Info<'_>, payload: &[File]) -> String {
    let bytes: usize = payload.iter().map(|file| file.bytes.len()).sum();
    let date = info.recorded.get(..10).unwrap_or_default();
    let mut text = String::new();
    let lines = [
        ("Bagging-Date", date.to_owned()),
        ("External-Description", "Evidence of what stories said, when, and by whose hand".to_owned()),
        ("External-Identifier", format!("{} {}", info.origin, info.size)),
        ("Payload-Oxum", format!("{bytes}.{}", payload.len())),
        ("Writethru-Bundle", FORM.to_owned()),
        ("Writethru-Level", info.level.to_string()),
    ];
    for (name, value) in lines {
        writeln!(text, "{name}: {value}").expect("a text takes whatever is written");
    }
    text
}

/// Returns the level that a description names.
pub(crate) fn level(info: &[u8]) -> Result<Level, String> {
    let text = std::str::from_utf8(info).map_err(|_| "it is not UTF-8".to_owned())?;
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    match value("Writethru-Bundle") {
        Some(FORM) => {}
        Some(form) => {
            return Err(format!(
                "the bundle is of form {form}, this release reads {FORM}: use its own verify.py"
            ));
        }
        None => return Err("it is no bundle of evidence: Writethru-Bundle is missing".to_owned()),
    }
    let level = value("Writethru-Level").ok_or("Writethru-Level is missing")?;
    level.parse().map_err(|error: crate::level::LevelError| error.to_string())
}

/// Returns a manifest as sha256sum writes and checks it.
fn manifest(files: &[File]) -> String {
    let mut text = String::new();
    for file in files {
        writeln!(text, "{}  {}", sha256(&file.bytes), file.name).expect("a text takes whatever is written");
    }
    text
}

/// Returns the SHA-256 of `bytes` in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes whatever is written");
        text
    })
}
