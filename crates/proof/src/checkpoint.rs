//! A log's head (c2sp.org/tlog-checkpoint): which log, how many entries, and the root over them.

use std::fmt::Write as _;

use crate::hash::Hash;
use crate::lines::{decimal, hash_from_base64, push_base64};
use crate::note::{Note, NoteError, Signature, SignerKey};
use crate::tree::{SIZE_MAX, empty_root};

/// The longest text of a checkpoint in bytes.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// What a log says of itself. Only what a checkpoint can say can be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// A checkpoint with the signatures under it, verified or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

/// Text that is no checkpoint: it was cut off, changed, or never was one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not a signed note.
    #[error("the checkpoint is not a signed note")]
    Note {
        /// What is wrong with it.
        source: NoteError,
    },
    /// Fewer than three lines, an empty one, or too much text.
    #[error("a checkpoint is an origin, a size, a root and perhaps extensions, a line each")]
    Layout,
    /// A size in another form, or above 2⁶².
    #[error("a checkpoint's size is a decimal without leading zeros, at most 2^62")]
    Size,
    /// A root in another form.
    #[error("a checkpoint's root is 32 bytes in base64")]
    Root,
    /// A tree without entries that has another root than it can have.
    #[error("the root is not that of a tree without entries")]
    EmptyRoot,
}

impl Checkpoint {
    /// Returns the head of the log `origin` with `size` entries and the root `root`.
    ///
    /// # Errors
    /// [`CheckpointError`] for an origin that is no line, or a tree that there is not.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        if size > SIZE_MAX {
            return Err(CheckpointError::Size);
        }
        let mut text = format!("{origin}\n{size}\n");
        push_base64(&root.0, &mut text);
        text.push('\n');
        if text.lines().count() != 3 {
            return Err(CheckpointError::Layout);
        }
        Self::parse(&text)
    }

    /// Returns the checkpoint whose text is `text`, exactly as [`Checkpoint::to_text`] prints it.
    ///
    /// # Errors
    /// [`CheckpointError`], if it is anything else.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        if text.len() > TEXT_BYTES_MAX || text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(CheckpointError::Layout);
        }
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Layout)?.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty()).ok_or(CheckpointError::Layout);
        let (origin, size, root) = (line()?, line()?, line()?);
        let size = decimal(size, SIZE_MAX).ok_or(CheckpointError::Size)?;
        let root = hash_from_base64(root).ok_or(CheckpointError::Root)?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::Layout);
        }
        if size == 0 && root != empty_root() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(Self { origin: origin.to_owned(), size, root, extensions })
    }

    /// Returns the text that is signed.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        write!(text, "{}\n{}\n", self.origin, self.size).expect("a text takes whatever is written");
        push_base64(&self.root.0, &mut text);
        text.push('\n');
        for extension in &self.extensions {
            text.push_str(extension);
            text.push('\n');
        }
        text
    }

    /// Returns the line that names the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns how many entries the log has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns the root over them.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Returns the lines after the root. We write none.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    /// Signs the checkpoint with the log's key.
    ///
    /// Whoever signs answers for it that every checkpoint signed before is consistent with this
    /// one: prove that first.
    pub fn sign(self, key: &SignerKey) -> SignedCheckpoint {
        let text = self.to_text();
        let signature = key.sign(&text, 0);
        let mut note = Note::new(text).expect("a checkpoint's text is a note's");
        note.add(signature).expect("a note has room for one signature");
        SignedCheckpoint { checkpoint: self, note }
    }
}

impl SignedCheckpoint {
    /// Returns the signed checkpoint that `bytes` are. Nothing is verified.
    ///
    /// # Errors
    /// [`CheckpointError`], if they are anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let note = Note::parse(bytes).map_err(|source| CheckpointError::Note { source })?;
        Ok(Self { checkpoint: Checkpoint::parse(note.text())?, note })
    }

    /// Returns the checkpoint, which is worth nothing before it has been verified.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Returns the note, with its signatures.
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Adds a signature, as a witness sends it, in place of one by the same key.
    ///
    /// # Errors
    /// [`NoteError::TooLong`], if there is no room for another.
    pub fn add(&mut self, signature: Signature) -> Result<(), NoteError> {
        self.note.add(signature)
    }

    /// Returns the checkpoint as it is served: text, blank line, signatures.
    pub fn to_text(&self) -> String {
        self.note.to_text()
    }
}
