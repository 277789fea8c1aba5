//! The first thing that is wrong with a bundle, by its place.

use std::fmt;

/// What is wrong with a bundle, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file in the bundle; empty if it is the archive itself.
    pub file: String,
    /// Which byte of the file (of the archive, where no file is named), from 0, if it is known.
    pub byte: Option<u64>,
    /// What is wrong, in words.
    pub problem: String,
}

impl Fault {
    pub(crate) fn of(file: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { file: file.into(), byte: None, problem: problem.into() }
    }

    pub(crate) fn archive(byte: usize, problem: impl Into<String>) -> Self {
        Self { file: String::new(), byte: Some(byte as u64), problem: problem.into() }
    }

    pub(crate) fn at(mut self, byte: usize) -> Self {
        self.byte = Some(byte as u64);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.is_empty(), self.byte) {
            (true, Some(byte)) => write!(f, "byte {byte} of the archive: {}", self.problem),
            (true, None) => write!(f, "the archive: {}", self.problem),
            (false, Some(byte)) => write!(f, "{}, byte {byte}: {}", self.file, self.problem),
            (false, None) => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

impl std::error::Error for Fault {}

/// Returns an error and its causes in one line.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
