//! The moments that a read may ask for.

use std::str::FromStr;

use jiff::Timestamp;
use log::{Epoch, Position};
use wire::Cursor;

/// Which state of a story is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// The newest.
    Latest,
    /// That of a revision: `rev:12`.
    Revision(u64),
    /// That of so many revisions before the newest: `rev:-3`.
    Back(u64),
    /// The newest recorded at or before a time: RFC 3339.
    Recorded(Timestamp),
    /// What readers had at a time, also where it was taken from them since. No text says this one: a read
    /// names the time, and the axis beside it. Readers themselves are shown what they can still reach.
    Published(Timestamp),
    /// The newest at a cursor: `cursor:…`.
    Cursor(Cursor),
    /// The newest when the transparency log had so many entries: `size:12`. The entry of a record is the
    /// one at its position, so that is the newest up to that position.
    Size(u64),
}

/// The text names no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a moment: use an RFC 3339 time, rev:12, rev:-3, cursor:… or size:12")]
pub struct AsOfError {
    given: String,
}

impl AsOf {
    /// Returns the log position that a cursor of epoch `epoch` names, `None` if it is of another
    /// life of the log or this is no cursor.
    pub fn position(&self, epoch: Epoch) -> Option<Position> {
        match self {
            Self::Cursor(cursor) if cursor.epoch == epoch.0 => Some(Position(cursor.position)),
            _ => None,
        }
    }
}

impl FromStr for AsOf {
    type Err = AsOfError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let read = || {
            if given == "latest" {
                return Some(Self::Latest);
            }
            if let Some(back) = given.strip_prefix("rev:-") {
                return back.parse().ok().map(Self::Back);
            }
            if let Some(revision) = given.strip_prefix("rev:") {
                return revision.parse().ok().map(Self::Revision);
            }
            if let Some(cursor) = given.strip_prefix("cursor:") {
                return cursor.parse().ok().map(Self::Cursor);
            }
            if let Some(size) = given.strip_prefix("size:") {
                return size.parse().ok().map(Self::Size);
            }
            given.parse().ok().map(Self::Recorded)
        };
        read().ok_or_else(|| AsOfError { given: given.chars().take(80).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, then: Option<AsOf>) {
        assert_eq!(given.parse::<AsOf>().ok(), then, "{given}");
    }

    #[test]
    fn every_form_is_read_and_nothing_else() {
        check("latest", Some(AsOf::Latest));
        check("rev:12", Some(AsOf::Revision(12)));
        check("rev:-3", Some(AsOf::Back(3)));
        check("2017-08-17T15:00:00Z", Some(AsOf::Recorded("2017-08-17T15:00:00Z".parse().expect("a time"))));
        check("size:0", Some(AsOf::Size(0)));
        check("size:12", Some(AsOf::Size(12)));
        check("size:-1", None);
        check("size:", None);
        check("rev:", None);
        check("rev:-", None);
        check("rev:twelve", None);
        check("rev:99999999999999999999999", None);
        check("cursor:nonsense", None);
        check("yesterday", None);
        check("", None);
    }
}
