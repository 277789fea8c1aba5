//! Keeping the messages of each story in order, and each of them single, while another publisher may
//! be sending the same.
//!
//! Which publisher sends is said by a lease, and a lease cannot stop one that was asleep when it lost
//! it. So every message says what the story's last one in the stream is, and the server stores it only
//! if that is still so. Whoever is refused looks at the stream: what is there, from the same place of the log
//! or a later one, is not sent again. Therefore the positions of a story's messages only ever rise,
//! whoever sends them, and however late: `docs/adr/0014`.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::jetstream::{self, ErrorCode};
use log::{Epoch, Position};
use story::StoryId;
use wire::{Cursor, Subject};

use crate::headers;
use crate::leaving::Stream;
use crate::streams::{Streams, trouble};
use crate::trouble::Trouble;

/// Names what a message's expectation is about: all messages of the story.
pub(crate) const EXPECTED_OF: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
/// Stories and streams of which the last message is remembered.
const KNOWN_MAX: usize = 16 * 1024;

/// The last message of a story in a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Last {
    /// Its sequence; 0 if there is none.
    pub(crate) sequence: u64,
    /// The place of the log that it is about; 0 if that is of another life of the log.
    pub(crate) position: Position,
    /// Its id.
    pub(crate) id: String,
}

impl Last {
    /// Returns how many of the messages `ids` about `position`, which are sent in this order, the stream
    /// has.
    pub(crate) fn sent(&self, position: Position, ids: &[&str]) -> usize {
        match self.position.cmp(&position) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => ids.iter().position(|id| *id == self.id).map_or(0, |at| at + 1),
            std::cmp::Ordering::Greater => ids.len(),
        }
    }
}

/// What is known of the last messages.
#[derive(Debug)]
pub(crate) struct Order {
    epoch: Epoch,
    known: Mutex<HashMap<(u8, StoryId), Last>>,
}

impl Order {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self { epoch, known: Mutex::default() }
    }

    /// Returns the last message of `story` in `kind`, as it is known or else as the stream's leader has
    /// it.
    pub(crate) async fn last(
        &self,
        streams: &Streams,
        kind: Stream,
        story: StoryId,
    ) -> Result<Last, Trouble> {
        let known = self.known().get(&(kind as u8, story)).cloned();
        match known {
            Some(last) => Ok(last),
            None => self.look(streams, kind, story).await,
        }
    }

    /// Returns it as the stream's leader has it.
    pub(crate) async fn look(
        &self,
        streams: &Streams,
        kind: Stream,
        story: StoryId,
    ) -> Result<Last, Trouble> {
        self.look_at(streams, kind, &filter(kind, story)).await
    }

    /// Returns the last message of the subjects `filter`, as the stream's leader has it.
    pub(crate) async fn look_at(
        &self,
        streams: &Streams,
        kind: Stream,
        filter: &Subject,
    ) -> Result<Last, Trouble> {
        let (stream, name) = streams.of(kind);
        let message = match stream.get_last_raw_message_by_subject(filter.as_str()).await {
            Ok(message) => message,
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                return Ok(Last::default());
            }
            Err(error) => return Err(trouble(name, &error)),
        };
        let said = |name: &str| message.headers.get(name).map(|value| value.as_str().to_owned());
        let cursor = said(headers::POSITION).and_then(|cursor| cursor.parse::<Cursor>().ok());
        let position =
            cursor.filter(|cursor| cursor.epoch == self.epoch.0).map_or(0, |cursor| cursor.position);
        let id = said("Nats-Msg-Id").unwrap_or_default();
        Ok(Last { sequence: message.sequence, position: Position(position), id })
    }

    /// Takes note of the last message of `story` in `kind`.
    pub(crate) fn note(&self, kind: Stream, story: StoryId, last: Last) {
        let mut known = self.known();
        if known.len() >= KNOWN_MAX && !known.contains_key(&(kind as u8, story)) {
            known.clear();
        }
        known.insert((kind as u8, story), last);
    }

    /// Forgets what was known: the stream may have something else.
    pub(crate) fn forget(&self, kind: Stream, story: StoryId) {
        self.known().remove(&(kind as u8, story));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(u8, StoryId), Last>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the subjects of all messages of `story` in a stream: every publisher names them in the same
/// words, by which the server knows of what is on its way.
pub(crate) fn filter(kind: Stream, story: StoryId) -> Subject {
    match kind {
        Stream::Changes => Subject::changes_of(story),
        Stream::Articles => Subject::article_of(story),
        Stream::Recalls => Subject::recalls_of_story(story),
    }
}

/// Returns whether a message was refused because the story has another last one, or may soon have.
pub(crate) fn is_overtaken(error: &PublishError) -> bool {
    if error.kind() == PublishErrorKind::WrongLastSequence {
        return true;
    }
    let source = std::error::Error::source(error);
    let cause = source.and_then(|source| source.downcast_ref::<jetstream::Error>());
    cause.is_some_and(|cause| {
        matches!(
            cause.error_code(),
            ErrorCode::STREAM_WRONG_LAST_SEQUENCE | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_stream_has_from_the_same_place_or_a_later_one_is_not_sent_again() {
        let last = |position, id: &str| Last { sequence: 9, position: Position(position), id: id.to_owned() };
        let ids = ["s:4", "s:4:sport", "s:4:world"];
        assert_eq!(Last::default().sent(Position(7), &ids), 0);
        assert_eq!(last(6, "s:3").sent(Position(7), &ids), 0);
        assert_eq!(last(7, "s:4").sent(Position(7), &ids), 1);
        assert_eq!(last(7, "s:4:world").sent(Position(7), &ids), 3);
        assert_eq!(last(8, "s:5").sent(Position(7), &ids), 3);
    }
}
