//! The cursor: where a reader goes on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a reader goes on: a place in one life of the log. Opaque to readers.
///
/// Its text is 16 hexadecimal digits of the epoch, a hyphen, and 16 of the position; texts of the
/// same epoch sort as positions do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cursor {
    /// Which life of the log it is from.
    pub epoch: u64,
    /// The last position that has been read; 0 before the first.
    pub position: u64,
}

/// Text that is no cursor: start again from `earliest`, `now`, or a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor is 16 hexadecimal digits, a hyphen, and 16 more, as an earlier answer gave it")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.epoch, self.position)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (epoch, position) = text.split_once('-').ok_or(CursorError)?;
        Ok(Self { epoch: digits(epoch)?, position: digits(position)? })
    }
}

/// Returns the number that 16 lower-case hexadecimal digits are: a cursor has one text only.
fn digits(text: &str) -> Result<u64, CursorError> {
    if text.len() != 16 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(CursorError);
    }
    u64::from_str_radix(text, 16).map_err(|_| CursorError)
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_from_its_text_and_sorts_as_text() {
        let early = Cursor { epoch: 0xfeed, position: 9 };
        let late = Cursor { epoch: 0xfeed, position: 0x10 };
        assert_eq!(early.to_string(), "000000000000feed-0000000000000009");
        assert_eq!(early.to_string().parse(), Ok(early));
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn any_other_text_is_refused() {
        for text in [
            "",
            "-",
            "000000000000feed",
            "000000000000FEED-0000000000000009",
            "+00000000000feed-0000000000000009",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
    }
}
