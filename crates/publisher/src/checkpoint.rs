//! Where to go on: the publisher's own notes, reconciled with what the streams hold.
//!
//! The streams decide: a note is believed only about a stream that is the same one as when it was
//! written, and that has not lost its end since. A note that is lost or stale costs repeats, never a
//! gap.

use std::path::Path;

use log::{Epoch, Position};
use serde::{Deserialize, Serialize};
use wire::Cursor;

use crate::streams::{Found, Mark};

/// What the publisher notes down: up to `position` everything has been acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Which life of the log the position is from.
    pub(crate) epoch: u64,
    pub(crate) position: u64,
    /// The stream of changes as it was then.
    pub(crate) changes: Mark,
    /// The stream of articles as it was then.
    pub(crate) articles: Mark,
    /// The stream of recalls as it was then; earlier releases had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) recalls: Option<Mark>,
    /// The newest redaction after which the stream of articles was made anew.
    #[serde(default)]
    pub(crate) redacted: u64,
}

/// Where each stream goes on: everything up to there is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resume {
    pub(crate) changes: Position,
    pub(crate) articles: Position,
    pub(crate) recalls: Position,
}

impl Resume {
    /// Returns the position up to which nothing is missing in any stream.
    pub(crate) fn all(self) -> Position {
        self.changes.min(self.articles).min(self.recalls)
    }
}

/// Returns where to go on, given what was found in the streams of changes, articles and recalls.
pub(crate) fn resume(
    noted: Option<&Checkpoint>,
    epoch: Epoch,
    (changes, articles, recalls): (&Found, &Found, &Mark),
) -> Resume {
    let noted = noted.filter(|noted| noted.epoch == epoch.0);
    let of = |mark: Option<&Mark>, found: &Found| {
        let position = noted.map_or(0, |noted| noted.position);
        Position(known(mark, position, found).max(relayed(found, epoch)))
    };
    let reached = of(noted.map(|noted| &noted.changes), changes);
    // A recall goes before its change. Few are ever sent, so that their stream says little of itself:
    // it is taken to be whole unless the note tells of another one.
    let lost = noted.and_then(|noted| noted.recalls.as_ref()).is_some_and(|noted| !is_same(noted, recalls));
    Resume {
        recalls: if lost { Position::ZERO } else { reached },
        changes: reached,
        articles: of(noted.map(|noted| &noted.articles), articles),
    }
}

/// What the note says of a stream, if it is still true.
fn known(noted: Option<&Mark>, position: u64, found: &Found) -> u64 {
    noted.filter(|noted| is_same(noted, &found.mark)).map_or(0, |_| position)
}

/// Returns whether a stream is the one that was noted, with its end.
fn is_same(noted: &Mark, found: &Mark) -> bool {
    noted.created == found.created && noted.last_sequence <= found.last_sequence
}

/// What the stream itself says, if its last message is from this life of the log.
fn relayed(found: &Found, epoch: Epoch) -> u64 {
    let here = |cursor: &Cursor| cursor.epoch == epoch.0;
    found.relayed.filter(here).map_or(0, |cursor| cursor.position)
}

/// Returns the note at `path`; one that is missing or unreadable is no note.
pub(crate) async fn read(path: &Path) -> Option<Checkpoint> {
    serde_json::from_slice(&tokio::fs::read(path).await.ok()?).ok()
}

/// Writes the note, in one step.
///
/// # Errors
/// The file system's. An old note that stays is as good as a new one, but for some repeats.
pub(crate) async fn write(path: &Path, checkpoint: &Checkpoint) -> std::io::Result<()> {
    let fresh = path.with_extension("json.new");
    tokio::fs::write(&fresh, serde_json::to_vec(checkpoint)?).await?;
    tokio::fs::rename(&fresh, path).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch(7);

    fn mark(created: &str, last_sequence: u64) -> Mark {
        Mark { created: created.to_owned(), last_sequence }
    }

    fn found(created: &str, last_sequence: u64, relayed: Option<(u64, u64)>) -> Found {
        let relayed = relayed.map(|(epoch, position)| Cursor { epoch, position });
        Found { mark: mark(created, last_sequence), relayed }
    }

    #[track_caller]
    fn check(noted: Option<(u64, Mark)>, changes: &Found, expected: u64) {
        let whole = found("whole", 500, Some((EPOCH.0, 1000)));
        let noted = noted.map(|(position, changes)| Checkpoint {
            epoch: EPOCH.0,
            position,
            changes,
            articles: whole.mark.clone(),
            redacted: 0,
            recalls: Some(mark("recalls", 3)),
        });
        let recalls = mark("recalls", 4);
        let resume = resume(noted.as_ref(), EPOCH, (changes, &whole, &recalls));
        assert_eq!((resume.changes.0, resume.all().0), (expected, expected));
        assert!(resume.articles.0 >= 1000);
    }

    #[test]
    fn recalls_that_were_lost_are_sent_again_and_nothing_else_is() {
        let whole = found("whole", 500, Some((7, 80)));
        let noted = |recalls| Checkpoint {
            epoch: EPOCH.0,
            position: 90,
            changes: whole.mark.clone(),
            articles: whole.mark.clone(),
            recalls,
            redacted: 0,
        };
        let resumed = |recalls| {
            let now = mark("recalls", 3);
            let resume = resume(Some(&noted(recalls)), EPOCH, (&whole, &whole, &now));
            (resume.changes.0, resume.recalls.0, resume.all().0)
        };
        assert_eq!(resumed(Some(mark("recalls", 3))), (90, 90, 90));
        assert_eq!(resumed(Some(mark("recalls", 4))), (90, 0, 0));
        assert_eq!(resumed(Some(mark("others", 1))), (90, 0, 0));
        // An earlier release, which sent none.
        assert_eq!(resumed(None), (90, 90, 90));
    }

    #[test]
    fn a_note_about_the_same_stream_is_believed() {
        check(Some((90, mark("monday", 50))), &found("monday", 50, Some((7, 80))), 90);
    }

    #[test]
    fn a_stream_that_is_further_than_the_note_is_believed() {
        check(Some((90, mark("monday", 50))), &found("monday", 60, Some((7, 120))), 120);
    }

    #[test]
    fn a_stream_that_lost_its_end_is_believed_rather_than_the_note() {
        check(Some((90, mark("monday", 50))), &found("monday", 40, Some((7, 60))), 60);
    }

    #[test]
    fn a_new_stream_begins_at_the_beginning() {
        check(Some((90, mark("monday", 50))), &found("tuesday", 0, None), 0);
        check(None, &found("tuesday", 0, None), 0);
    }

    #[test]
    fn without_a_note_the_stream_says_where_to_go_on() {
        check(None, &found("monday", 50, Some((7, 80))), 80);
    }

    #[test]
    fn an_emptied_stream_that_is_the_same_one_is_not_filled_again() {
        check(Some((90, mark("monday", 50))), &found("monday", 50, None), 90);
    }

    #[test]
    fn a_stream_of_another_log_says_nothing() {
        check(None, &found("monday", 50, Some((8, 80))), 0);
    }
}
