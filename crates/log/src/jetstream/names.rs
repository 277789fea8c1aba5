//! What streams and subjects of a log are called, and nothing else.

use std::fmt;

use crate::contract::{NameHash, Position, StoryKey};

/// Which log on a server: a part of the names of its streams and subjects.
///
/// 1 to [`LogName::BYTES_MAX`] characters of `A-Za-z0-9_-`; `0` by default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogName(String);

/// A text that cannot be the name of a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot name an event log: use 1 to 32 characters of A-Z a-z 0-9 _ -")]
pub struct LogNameError(String);

impl LogName {
    /// Most bytes of a name.
    pub const BYTES_MAX: usize = 32;
}

impl Default for LogName {
    fn default() -> Self {
        Self("0".to_owned())
    }
}

impl TryFrom<&str> for LogName {
    type Error = LogNameError;

    fn try_from(given: &str) -> Result<Self, LogNameError> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=Self::BYTES_MAX).contains(&given.len()) && given.bytes().all(legal) {
            Ok(Self(given.to_owned()))
        } else {
            Err(LogNameError(given.chars().take(80).collect()))
        }
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The streams and subjects of one log.
#[derive(Debug, Clone)]
pub(super) struct Names {
    log: LogName,
    /// The stream whose sequences are positions.
    pub(super) records: String,
    /// The stream of what can be erased, and of what is too large for a record's message.
    pub(super) parts: String,
    /// The stream of which story has which name.
    pub(super) claims: String,
}

impl Names {
    pub(super) fn new(log: LogName) -> Self {
        Self {
            records: format!("WT_LOG_{log}"),
            parts: format!("WT_WORDS_{log}"),
            claims: format!("WT_NAMES_{log}"),
            log,
        }
    }

    /// The subjects of the stream of records.
    pub(super) fn all_records(&self) -> String {
        format!("wt.log.{}.*", self.log)
    }

    /// Where the server announces each record that it has stored.
    pub(super) fn announcements(&self) -> String {
        format!("wt.logged.{}.>", self.log)
    }

    /// The subjects of the stream of records, as an announcement names them.
    pub(super) fn announced(&self) -> String {
        format!("wt.log.{}.>", self.log)
    }

    /// The subjects of the stream of parts.
    pub(super) fn all_parts(&self) -> String {
        format!("wt.words.{}.>", self.log)
    }

    /// The subjects of the stream of claims.
    pub(super) fn all_claims(&self) -> String {
        format!("wt.names.{}.*", self.log)
    }

    /// The subject of who has the name `name`.
    pub(super) fn claim(&self, name: NameHash) -> String {
        format!("wt.names.{}.{}", self.log, Hex(&name.0))
    }

    /// The subject of the records of `story`.
    pub(super) fn story(&self, story: StoryKey) -> String {
        format!("wt.log.{}.{}", self.log, Hex(&story.0))
    }

    /// The subject of the parts of `story`.
    pub(super) fn parts_of(&self, story: StoryKey) -> String {
        format!("wt.words.{}.story.{}", self.log, Hex(&story.0))
    }

    /// The subject of what is left of the record at `position` after an erasure.
    pub(super) fn erasure(&self, position: Position) -> String {
        format!("wt.words.{}.erased.{position}", self.log)
    }

    /// The subjects of all erasures.
    pub(super) fn all_erasures(&self) -> String {
        format!("wt.words.{}.erased.*", self.log)
    }
}

/// Bytes written as lower-case hexadecimal digits.
pub(super) struct Hex<'bytes>(pub(super) &'bytes [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_token_of_a_subject() {
        for good in ["0", "a-b_C9", &"x".repeat(32)] {
            assert!(LogName::try_from(good).is_ok(), "{good}");
        }
        for bad in ["", "a.b", "*", ">", "a b", "é", &"x".repeat(33)] {
            assert!(LogName::try_from(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn subjects_of_version_1_do_not_change() {
        let names = Names::new(LogName::default());
        assert_eq!(names.story(StoryKey([0xa5; 16])), format!("wt.log.0.{}", "a5".repeat(16)));
        assert_eq!(names.parts_of(StoryKey([0; 16])), format!("wt.words.0.story.{}", "00".repeat(16)));
        assert_eq!(names.erasure(Position(7)), "wt.words.0.erased.7");
        assert_eq!(names.claim(NameHash([1; 32])), format!("wt.names.0.{}", "01".repeat(32)));
        assert_eq!(&*names.claims, "WT_NAMES_0");
        assert_eq!((&*names.records, &*names.parts), ("WT_LOG_0", "WT_WORDS_0"));
    }
}
