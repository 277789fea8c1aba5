//! Talking to witnesses (c2sp.org/tlog-witness): what a log sends, what it makes of the answer, and
//! what a witness has to check before it cosigns.
//!
//! A witness remembers of each log the last head that it cosigned, and cosigns another only if that
//! begins with it. It keeps the head before it answers, in one step with the check.

use std::fmt::Write as _;

use crate::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::hash::Hash;
use crate::lines::{decimal, hashes_from_lines, push_hash_lines};
use crate::note::{NOTE_BYTES_MAX, NoteError, Signature, VerifierKey, VerifyError, parse_signatures};
use crate::tree::{PATH_MAX, PathError, SIZE_MAX, empty_root, verify_consistency};

/// The longest request in bytes.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + 64 * PATH_MAX;

/// What a log sends to `add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    old_size: u64,
    path: Vec<Hash>,
    checkpoint: SignedCheckpoint,
}

/// A request that cannot be read: answer 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// More bytes than are read.
    #[error("a request has at most {REQUEST_BYTES_MAX} bytes")]
    TooLong,
    /// Lines that are missing, in another order or in another form.
    #[error("a request is `old` and a size, at most 63 hashes, a blank line, a checkpoint")]
    Layout,
    /// What stands after the blank line is no checkpoint.
    #[error("the request has no checkpoint")]
    Checkpoint {
        /// What is wrong with it.
        source: CheckpointError,
    },
}

/// What a witness answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It cosigned. Add to the checkpoint those that verify; others mean nothing.
    Cosigned(Vec<Signature>),
    /// It knows another size: make the path from there and ask again.
    Known {
        /// The size of the last checkpoint that it cosigned.
        size: u64,
    },
    /// It does not know the log: ask its operator to add it.
    UnknownLog,
    /// It knows the log by other keys.
    Untrusted,
    /// It could not read the request: one of the two has a fault.
    Malformed,
    /// It saw a checkpoint that this one does not follow on. Stop, and look for the reason: the log
    /// was restored from a backup, or someone else signs with its key.
    Inconsistent,
    /// Something else: try again later.
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
}

/// An answer in another form than the protocol has: count it as no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Status 200 without signature lines.
    #[error("the witness said yes without a signature that can be read")]
    Signatures {
        /// What is wrong with them.
        source: NoteError,
    },
    /// Status 409 without a size.
    #[error("the witness said that it knows another size, but not which")]
    Size,
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No key is known for that origin.
    #[error("the log is not known")]
    UnknownLog,
    /// No key of the log signed it, or one did falsely.
    #[error("the checkpoint is not signed by the log")]
    Untrusted {
        /// What is wrong.
        source: VerifyError,
    },
    /// The old size is above the new one.
    #[error("the old size is larger than the checkpoint's")]
    Shrunk,
    /// The path is from another size than that of the checkpoint cosigned last.
    #[error("the checkpoint cosigned last has {size} entries")]
    Known {
        /// The size to make a path from.
        size: u64,
    },
    /// The new tree does not begin with the old one.
    #[error("the checkpoint does not follow on the one cosigned last")]
    Inconsistent {
        /// What is wrong with the path.
        source: PathError,
    },
}

impl AddCheckpoint {
    /// Returns the request to cosign `checkpoint`, with the path from the tree of `old_size`.
    ///
    /// # Errors
    /// [`RequestError::Layout`], if the path is longer than any is.
    pub fn new(old_size: u64, path: Vec<Hash>, checkpoint: SignedCheckpoint) -> Result<Self, RequestError> {
        if path.len() > PATH_MAX || old_size > SIZE_MAX {
            return Err(RequestError::Layout);
        }
        Ok(Self { old_size, path, checkpoint })
    }

    /// Returns the request that `body` is, exactly as [`AddCheckpoint::to_text`] prints it.
    ///
    /// # Errors
    /// [`RequestError`], if it is anything else.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        if body.len() > REQUEST_BYTES_MAX {
            return Err(RequestError::TooLong);
        }
        let text = std::str::from_utf8(body).map_err(|_| RequestError::Layout)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(RequestError::Layout)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old_size = old.and_then(|old| decimal(old, SIZE_MAX)).ok_or(RequestError::Layout)?;
        let path = hashes_from_lines(lines, PATH_MAX).ok_or(RequestError::Layout)?;
        let checkpoint = SignedCheckpoint::parse(checkpoint.as_bytes());
        let checkpoint = checkpoint.map_err(|source| RequestError::Checkpoint { source })?;
        Ok(Self { old_size, path, checkpoint })
    }

    /// Returns the body to post.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        writeln!(text, "old {}", self.old_size).expect("a text takes whatever is written");
        push_hash_lines(&self.path, &mut text);
        text.push('\n');
        text.push_str(&self.checkpoint.to_text());
        text
    }

    /// Returns the checkpoint to be cosigned.
    pub fn checkpoint(&self) -> &SignedCheckpoint {
        &self.checkpoint
    }

    /// Decides as a witness whether to cosign: `keys` are those of the logs that it knows, `last` is
    /// the checkpoint of that origin that it cosigned last.
    ///
    /// # Errors
    /// [`Refusal`], whose [`Refusal::status`] is the answer.
    pub fn judge(&self, keys: &[VerifierKey], last: Option<&Checkpoint>) -> Result<(), Refusal> {
        let new = self.checkpoint.checkpoint();
        let own = keys.iter().filter(|key| key.name().as_str() == new.origin());
        let own: Vec<VerifierKey> = own.cloned().collect();
        if own.is_empty() {
            return Err(Refusal::UnknownLog);
        }
        self.checkpoint.note().verify(&own).map_err(|source| Refusal::Untrusted { source })?;
        if self.old_size > new.size() {
            return Err(Refusal::Shrunk);
        }
        let nothing = empty_root();
        let last = last.map_or((0, &nothing), |last| (last.size(), last.root()));
        if self.old_size != last.0 {
            return Err(Refusal::Known { size: last.0 });
        }
        let grown = verify_consistency(last, (new.size(), new.root()), &self.path);
        grown.map_err(|source| Refusal::Inconsistent { source })
    }
}

impl Refusal {
    /// Returns the HTTP status of the answer. That of [`Refusal::Known`] has the size as its body.
    pub fn status(&self) -> u16 {
        match self {
            Self::UnknownLog => 404,
            Self::Untrusted { .. } => 403,
            Self::Shrunk => 400,
            Self::Known { .. } => 409,
            Self::Inconsistent { .. } => 422,
        }
    }
}

impl Answer {
    /// Returns what an answer with this HTTP status and body says.
    ///
    /// # Errors
    /// [`AnswerError`], if the body is not what the status promises.
    pub fn parse(status: u16, body: &[u8]) -> Result<Self, AnswerError> {
        let text = std::str::from_utf8(body).unwrap_or_default();
        Ok(match status {
            200 if body.len() > NOTE_BYTES_MAX => {
                return Err(AnswerError::Signatures { source: NoteError::TooLong });
            }
            200 => {
                let signatures = parse_signatures(text);
                Self::Cosigned(signatures.map_err(|source| AnswerError::Signatures { source })?)
            }
            409 => {
                let size = text.strip_suffix('\n').and_then(|size| decimal(size, SIZE_MAX));
                Self::Known { size: size.ok_or(AnswerError::Size)? }
            }
            400 => Self::Malformed,
            403 => Self::Untrusted,
            404 => Self::UnknownLog,
            422 => Self::Inconsistent,
            status => Self::Unavailable { status },
        })
    }
}
