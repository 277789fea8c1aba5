//! What a subscriber says back: that it has acted on a recall, and which revisions it has received.
//!
//! It comes from outside, so it is read strictly: what is too large, incomplete or unknown is refused
//! whole, with the place.

use serde::{Deserialize, Serialize};
use story::{Revision, StoryId};

/// Most bytes of one acknowledgement.
pub const ACKNOWLEDGEMENT_BYTES_MAX: usize = 128 * 1024;
/// Most receipts in one acknowledgement.
pub const RECEIPTS_MAX: usize = 1_000;

/// One revision of one story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The story.
    pub story: StoryId,
    /// The revision, from 1.
    pub revision: Revision,
}

/// What a subscriber says on its subject: an acknowledged recall, receipts, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The recall that it has acted on: the story, and the revision that called back.
    pub recall: Option<Receipt>,
    /// Revisions that it has received. Where one is named, the ones before it may have come too.
    pub received: Vec<Receipt>,
}

/// Why a message is no acknowledgement: send another one, this will not be read again.
#[derive(Debug, thiserror::Error)]
pub enum AcknowledgementError {
    /// It is too large: send several.
    #[error("it has {actual} bytes, at most {ACKNOWLEDGEMENT_BYTES_MAX} are read")]
    Bytes {
        /// How large it is.
        actual: usize,
    },
    /// It is not the JSON of one.
    #[error("it is not the JSON of an acknowledgement")]
    Json(#[from] serde_json::Error),
    /// A recall has both a story and a revision.
    #[error("a recall is named by both story and revision")]
    Half,
    /// Revisions are numbered from 1.
    #[error("revision 0 is none: revisions are numbered from 1")]
    Zero,
    /// There are too many receipts: send several messages.
    #[error("it has {actual} receipts, at most {RECEIPTS_MAX} are read")]
    Receipts {
        /// How many there are.
        actual: usize,
    },
    /// It says nothing.
    #[error("it names neither a recall nor a revision received")]
    Empty,
}

/// The members of the JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    story: Option<StoryId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revision: Option<Revision>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    received: Vec<Receipt>,
}

impl Acknowledgement {
    /// Returns the acknowledgement of the recall that `revision` of `story` is.
    pub fn of_recall(story: StoryId, revision: Revision) -> Self {
        Self { recall: Some(Receipt { story, revision }), received: Vec::new() }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`AcknowledgementError`] says what is wrong with it.
    pub fn parse(message: &[u8]) -> Result<Self, AcknowledgementError> {
        if message.len() > ACKNOWLEDGEMENT_BYTES_MAX {
            return Err(AcknowledgementError::Bytes { actual: message.len() });
        }
        let Form { story, revision, received } = serde_json::from_slice(message)?;
        let recall = match (story, revision) {
            (Some(story), Some(revision)) => Some(Receipt { story, revision }),
            (None, None) => None,
            _ => return Err(AcknowledgementError::Half),
        };
        if received.len() > RECEIPTS_MAX {
            return Err(AcknowledgementError::Receipts { actual: received.len() });
        }
        if recall.iter().chain(&received).any(|receipt| receipt.revision == Revision::ZERO) {
            return Err(AcknowledgementError::Zero);
        }
        if recall.is_none() && received.is_empty() {
            return Err(AcknowledgementError::Empty);
        }
        Ok(Self { recall, received })
    }

    /// Returns it as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let story = self.recall.map(|recall| recall.story);
        let revision = self.recall.map(|recall| recall.revision);
        let form = Form { story, revision, received: self.received.clone() };
        serde_json::to_vec(&form).expect("ids and numbers have a JSON form")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const STORY: &str = "01920000-0000-7000-8000-000000000001";

    fn receipt(revision: u64) -> Receipt {
        Receipt { story: STORY.parse().expect("an id"), revision: Revision(revision) }
    }

    #[test]
    fn what_is_written_is_read() {
        let story = StoryId::new(Uuid::from_u128(2));
        let both = Acknowledgement { recall: Some(receipt(3)), received: vec![receipt(1), receipt(2)] };
        let receipts = Acknowledgement { recall: None, received: vec![receipt(7); RECEIPTS_MAX] };
        for one in [Acknowledgement::of_recall(story, Revision(4)), both, receipts] {
            assert_eq!(Acknowledgement::parse(&one.to_json()).expect("reads"), one);
        }
        let plain = format!(r#"{{"story":"{STORY}","revision":3}}"#);
        let read = Acknowledgement::parse(plain.as_bytes()).expect("reads");
        assert_eq!(read, Acknowledgement { recall: Some(receipt(3)), received: Vec::new() });
        assert_eq!(String::from_utf8(read.to_json()).expect("UTF-8"), plain);
    }

    #[track_caller]
    fn refused(message: &str, problem: &str) {
        let error = Acknowledgement::parse(message.as_bytes()).expect_err(message);
        assert!(error.to_string().contains(problem), "{message}: {error}");
    }

    #[test]
    fn anything_else_is_refused_whole() {
        refused("", "not the JSON");
        refused("{}", "neither");
        refused(r#"{"received":[]}"#, "neither");
        refused(&format!(r#"{{"story":"{STORY}"}}"#), "both");
        refused(r#"{"revision":3}"#, "both");
        refused(&format!(r#"{{"story":"{STORY}","revision":0}}"#), "from 1");
        refused(&format!(r#"{{"story":"{STORY}","revision":-1}}"#), "not the JSON");
        refused(&format!(r#"{{"story":"{STORY}","revision":3,"by":"x"}}"#), "not the JSON");
        refused(r#"{"received":[{"story":"x","revision":1}]}"#, "not the JSON");
        refused(&format!(r#"{{"received":[{{"story":"{STORY}","revision":0}}]}}"#), "from 1");
        let many = Acknowledgement { recall: None, received: vec![receipt(7); RECEIPTS_MAX + 1] };
        refused(&String::from_utf8(many.to_json()).expect("UTF-8"), "receipts");
        refused(&" ".repeat(ACKNOWLEDGEMENT_BYTES_MAX + 1), "bytes");
    }
}
