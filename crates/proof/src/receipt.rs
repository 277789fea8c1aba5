//! Receipts (c2sp.org/tlog-proof): one small text file that shows, without asking anyone, that an
//! entry stands in a log whose head was signed and witnessed.

use std::fmt::Write as _;

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::hash::Hash;
use crate::lines::{decimal, from_base64, hashes_from_lines, push_base64, push_hash_lines};
use crate::note::NOTE_BYTES_MAX;
use crate::policy::{Endorsement, EndorsementError, Policy};
use crate::tree::{PATH_MAX, PathError, SIZE_MAX, verify_inclusion};

/// The most extra bytes in a receipt.
pub const EXTRA_BYTES_MAX: usize = 64 * 1024;

/// The longest receipt in bytes.
pub const RECEIPT_BYTES_MAX: usize = NOTE_BYTES_MAX + 2 * EXTRA_BYTES_MAX;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// An entry's index and path, and the signed head that they lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    extra: Vec<u8>,
    index: u64,
    path: Vec<Hash>,
    checkpoint: SignedCheckpoint,
}

/// Text that is no receipt: it was cut off, changed, or never was one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Another first line: this is of another format or version.
    #[error("a receipt begins with the line `c2sp.org/tlog-proof@v1`")]
    Header,
    /// More bytes than are read.
    #[error("a receipt has at most 393,216 bytes, 65,536 of them extra")]
    TooLong,
    /// Lines that are missing, in another order or in another form.
    #[error("a receipt is a header, perhaps extra bytes, an index, hashes, a blank line, a checkpoint")]
    Layout,
    /// What stands after the blank line is no checkpoint.
    #[error("the receipt has no checkpoint")]
    Checkpoint {
        /// What is wrong with it.
        source: CheckpointError,
    },
}

/// Why a receipt proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The head is not one to believe: see the policy.
    #[error("the receipt's checkpoint is not endorsed")]
    Checkpoint {
        /// Why not.
        source: EndorsementError,
    },
    /// The entry is not where the receipt says: it was changed, or the receipt is of another one.
    #[error("the entry is not in the receipt's tree")]
    Path {
        /// Why not.
        source: PathError,
    },
}

impl Receipt {
    /// Returns the receipt for the leaf hash `leaf` at `index`, once its path has been checked.
    ///
    /// # Errors
    /// [`PathError`], if `path` does not lead to the checkpoint's root: then the stored hashes are
    /// damaged and nothing may be handed out.
    pub fn new(
        leaf: &Hash,
        index: u64,
        path: Vec<Hash>,
        checkpoint: SignedCheckpoint,
    ) -> Result<Self, PathError> {
        let receipt = Self { extra: Vec::new(), index, path, checkpoint };
        receipt.verify_path(leaf)?;
        Ok(receipt)
    }

    /// Adds bytes that nobody vouches for, such as where to find the entry.
    ///
    /// # Errors
    /// [`ReceiptError::TooLong`] above [`EXTRA_BYTES_MAX`].
    pub fn with_extra(mut self, extra: Vec<u8>) -> Result<Self, ReceiptError> {
        if extra.len() > EXTRA_BYTES_MAX {
            return Err(ReceiptError::TooLong);
        }
        self.extra = extra;
        Ok(self)
    }

    /// Returns the receipt that `bytes` are, exactly as [`Receipt::to_text`] prints it. Nothing is
    /// verified.
    ///
    /// # Errors
    /// [`ReceiptError`], if they are anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(ReceiptError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ReceiptError::Layout)?;
        let rest = text.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('\n'));
        let (head, checkpoint) =
            rest.ok_or(ReceiptError::Header)?.split_once("\n\n").ok_or(ReceiptError::Layout)?;
        let (extra, index, path) = parse_head(head).ok_or(ReceiptError::Layout)?;
        if extra.len() > EXTRA_BYTES_MAX {
            return Err(ReceiptError::TooLong);
        }
        let checkpoint = SignedCheckpoint::parse(checkpoint.as_bytes());
        let checkpoint = checkpoint.map_err(|source| ReceiptError::Checkpoint { source })?;
        Ok(Self { extra, index, path, checkpoint })
    }

    /// Returns the receipt as a `.tlog-proof` file.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if !self.extra.is_empty() {
            text.push_str("extra ");
            push_base64(&self.extra, &mut text);
            text.push('\n');
        }
        writeln!(text, "index {}", self.index).expect("a text takes whatever is written");
        push_hash_lines(&self.path, &mut text);
        text.push('\n');
        text.push_str(&self.checkpoint.to_text());
        text
    }

    /// Checks that the entry with the leaf hash `leaf` is in a log that `policy` accepts, and
    /// returns who vouches for that log's head.
    ///
    /// # Errors
    /// [`ProofError`], and then nothing is proved.
    pub fn verify(&self, leaf: &Hash, policy: &Policy) -> Result<Endorsement, ProofError> {
        self.verify_path(leaf).map_err(|source| ProofError::Path { source })?;
        policy.verify(&self.checkpoint).map_err(|source| ProofError::Checkpoint { source })
    }

    /// Returns the bytes that nobody vouches for.
    pub fn extra(&self) -> &[u8] {
        &self.extra
    }

    /// Returns the entry's index in the log, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Returns the signed head.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    fn verify_path(&self, leaf: &Hash) -> Result<(), PathError> {
        let head = self.checkpoint.checkpoint();
        verify_inclusion(leaf, self.index, head.size(), head.root(), &self.path)
    }
}

/// Returns extra bytes, index and path of the lines between header and blank line.
fn parse_head(head: &str) -> Option<(Vec<u8>, u64, Vec<Hash>)> {
    let mut lines = head.split('\n').peekable();
    let mut extra = Vec::new();
    if let Some(body) = lines.peek()?.strip_prefix("extra ") {
        extra = from_base64(body).filter(|extra| !extra.is_empty())?;
        lines.next();
    }
    let index = decimal(lines.next()?.strip_prefix("index ")?, SIZE_MAX)?;
    Some((extra, index, hashes_from_lines(lines, PATH_MAX)?))
}
