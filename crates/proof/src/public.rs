//! The digest of an article as readers see it: what `base` and `target` of a change are.
//!
//! Two layers: a digest a block, and the article's over its fields and the blocks' digests in
//! order. Nothing secret goes in, so every subscriber can check every change.

use sha2::{Digest as _, Sha256};

use crate::hash::Hash;

/// One piece of inline mark-up, as it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkParts<'a> {
    /// First byte of the range.
    pub start: u64,
    /// The byte after its last.
    pub end: u64,
    /// What is done to the range.
    pub kind: &'a str,
    /// Target of a link; empty for every other kind.
    pub href: &'a str,
}

/// One field, as it is hashed: its name and its items, one for a prose field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldItems<'a> {
    /// The field's name.
    pub name: &'a str,
    /// Its items in order.
    pub items: Vec<&'a str>,
}

/// Returns the digest of one block.
///
/// SHA-256 over `writethru/block/v1`, id, kind, text, the number of marks, and for each mark its
/// start, end, kind and target. Texts are preceded by their length in bytes; all numbers are eight
/// bytes, big end first.
pub fn block_hash<'a>(
    id: &str,
    kind: &str,
    text: &str,
    marks: impl ExactSizeIterator<Item = MarkParts<'a>>,
) -> Hash {
    let mut digest = Sha256::new();
    digest.update(b"writethru/block/v1");
    counted(&mut digest, id);
    counted(&mut digest, kind);
    counted(&mut digest, text);
    number(&mut digest, marks.len() as u64);
    for mark in marks {
        number(&mut digest, mark.start);
        number(&mut digest, mark.end);
        counted(&mut digest, mark.kind);
        counted(&mut digest, mark.href);
    }
    Hash(digest.finalize().into())
}

/// Returns the digest of an article: its present public fields in the order of the format, and the
/// digests of its blocks in order.
///
/// SHA-256 over `writethru/article/v1`, the number of fields, for each field its name, the number
/// of its items and the items, then the number of blocks and their digests. Texts are preceded by
/// their length in bytes; all numbers are eight bytes, big end first.
pub fn article_hash<'a>(fields: &[FieldItems<'_>], blocks: impl ExactSizeIterator<Item = &'a Hash>) -> Hash {
    let mut digest = Sha256::new();
    digest.update(b"writethru/article/v1");
    number(&mut digest, fields.len() as u64);
    for field in fields {
        counted(&mut digest, field.name);
        number(&mut digest, field.items.len() as u64);
        for item in &field.items {
            counted(&mut digest, item);
        }
    }
    number(&mut digest, blocks.len() as u64);
    for block in blocks {
        digest.update(block.0);
    }
    Hash(digest.finalize().into())
}

fn number(digest: &mut Sha256, number: u64) {
    digest.update(number.to_be_bytes());
}

fn counted(digest: &mut Sha256, text: &str) {
    number(digest, text.len() as u64);
    digest.update(text);
}
