//! Blocks: the ordered units of an article's body.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::identity::{IdentityError, token};
use crate::limits::BLOCK_ID_BYTES_MAX;
use crate::text::Text;

fn id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

token!(
    /// Identity of a block within its story: stable under edit and move, never used again.
    BlockId, "block id", BLOCK_ID_BYTES_MAX, "1 to 64 characters out of A-Z a-z 0-9 - _", id_byte
);

impl BlockId {
    /// Returns the `number`th id that the service mints for a story: `b1`, `b2`, …
    #[expect(clippy::missing_panics_doc, reason = "every number makes a legal id")]
    pub fn minted(number: u64) -> Self {
        format!("b{number}").parse().expect("a letter and digits are a legal block id")
    }
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockKind {
    /// Running text.
    Paragraph,
    /// A subhead.
    Heading,
    /// A quotation set apart.
    Quote,
    /// One item of a list, or a list kept in one block.
    List,
    /// A picture, video, audio or graphic: the text is its caption.
    Media,
    /// A time-stamped entry of a live blog.
    Entry,
}

impl BlockKind {
    /// Every kind, in the order above.
    pub const ALL: [Self; 6] =
        [Self::Paragraph, Self::Heading, Self::Quote, Self::List, Self::Media, Self::Entry];

    /// Returns the kind's name in every format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paragraph => "paragraph",
            Self::Heading => "heading",
            Self::Quote => "quote",
            Self::List => "list",
            Self::Media => "media",
            Self::Entry => "entry",
        }
    }
}

impl FromStr for BlockKind {
    type Err = IdentityError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == given).ok_or_else(|| {
            IdentityError::new("block kind", given, "one of paragraph, heading, quote, list, media, entry")
        })
    }
}

/// What a mark does to the words under it: the safe subset of inline mark-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkKind {
    /// Emphasis (HTML `em`, `i`).
    Em,
    /// Strong importance (HTML `strong`, `b`).
    Strong,
    /// A link (HTML `a`), with its target in [`Mark::href`].
    A,
    /// Code or a literal (HTML `code`).
    Code,
    /// Subscript.
    Sub,
    /// Superscript.
    Sup,
}

/// One piece of inline mark-up: a range of a block's text and what is done to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// First byte of the range in the block's UTF-8 text, on a character boundary.
    pub start: u32,
    /// The byte after the range's last, on a character boundary.
    pub end: u32,
    /// What is done to the range.
    pub kind: MarkKind,
    /// Target of an `a`; absent on every other kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

/// One unit of an article's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Its identity within the story.
    pub id: BlockId,
    /// What it is.
    pub kind: BlockKind,
    /// Its words.
    pub text: Text,
    /// Its inline mark-up, sorted, inside the text.
    pub marks: Arc<[Mark]>,
}
