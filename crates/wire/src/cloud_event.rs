//! `CloudEvents` 1.0 in structured JSON: the outer form of every message to subscribers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use story::{Revision, StoryId};

use crate::article::ArticleView;
use crate::change::Change;
use crate::recall::Recall;

/// A message to subscribers (`CloudEvents` 1.0, JSON format, structured mode).
///
/// Readers let unknown members pass: a later release may add some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CloudEvent<T> {
    /// `1.0`.
    pub specversion: String,
    /// `story:revision`, with `recall:` before it in a recall: the same message always has the same id.
    pub id: String,
    /// Which log it comes from: `/writethru/` and the epoch in hexadecimal.
    pub source: String,
    /// What the data is, such as [`CloudEvent::CHANGED`].
    #[serde(rename = "type")]
    pub event_type: String,
    /// The story.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub subject: StoryId,
    /// When readers could see it.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub time: Timestamp,
    /// Media type of the data.
    pub datacontenttype: String,
    /// Where the data's schema is; see [`CloudEvent::served_at`].
    pub dataschema: String,
    /// The data.
    pub data: T,
}

/// Where schemas are in a message that is kept: kept bytes do not depend on where the service is. It is a
/// name and no address; whoever sends a message puts the address in its place.
const KEPT: &str = "https://writethru.dev";
/// Where the schemas are, at the service.
const SCHEMAS: &str = "/schemas/";
/// In how many of its first bytes a message names its schema: what comes before is ids and names.
const HEAD_BYTES: usize = 1024;

/// Returns where the schema `name` is in a message that is kept.
fn kept_address(name: &str) -> String {
    format!("{KEPT}{SCHEMAS}{name}")
}

/// Returns the id of a story's revision in every message: `story:revision`, also its `Nats-Msg-Id`.
pub fn message_id(story: StoryId, revision: Revision) -> String {
    format!("{story}:{revision}")
}

/// Returns the id of the recall that a story's revision is, also its `Nats-Msg-Id`.
pub fn recall_id(story: StoryId, revision: Revision) -> String {
    format!("recall:{story}:{revision}")
}

impl CloudEvent<()> {
    /// Content type of every message.
    pub const MEDIA_TYPE: &'static str = "application/cloudevents+json; charset=utf-8";
    /// Type of a message with a [`Change`].
    pub const CHANGED: &'static str = "io.writethru.story.changed.v1";
    /// Type of a message with the latest [`ArticleView`].
    pub const ARTICLE: &'static str = "io.writethru.story.article.v1";
    /// Type of a message with a [`Recall`].
    pub const RECALLED: &'static str = "io.writethru.story.recalled.v1";
    /// Media type of a [`Recall`].
    pub const RECALL_MEDIA_TYPE: &'static str = "application/vnd.writethru.recall+json";
    /// Media type of a [`Change`].
    pub const CHANGE_MEDIA_TYPE: &'static str = "application/vnd.writethru.change+json";
    /// Media type of an [`ArticleView`].
    pub const ARTICLE_MEDIA_TYPE: &'static str = "application/vnd.writethru.article+json";

    /// Returns `message`, which is kept as JSON, as the service at `base` sends it: `dataschema` is where that
    /// service has the schema. `None` if it names no schema of ours, and is sent as it is.
    pub fn served_at(message: &[u8], base: &str) -> Option<Vec<u8>> {
        let kept = format!("\"dataschema\":\"{KEPT}{SCHEMAS}");
        let head = &message[..message.len().min(HEAD_BYTES)];
        let at = memchr::memmem::find(head, kept.as_bytes())?;
        let address = serde_json::to_string(&format!("{}{SCHEMAS}", base.trim_end_matches('/'))).ok()?;
        // Without its closing quote: the name of the schema follows.
        let address = address.strip_suffix('"')?;
        let mut served = Vec::with_capacity(message.len() + address.len());
        served.extend_from_slice(&message[..at]);
        served.extend_from_slice(b"\"dataschema\":");
        served.extend_from_slice(address.as_bytes());
        served.extend_from_slice(&message[at + kept.len()..]);
        Some(served)
    }
}

impl CloudEvent<Change> {
    /// Returns the message that tells of `change`.
    pub fn changed(change: Change) -> Self {
        Self {
            specversion: "1.0".to_owned(),
            id: message_id(change.story, change.to),
            source: source(change.cursor.epoch),
            event_type: CloudEvent::CHANGED.to_owned(),
            subject: change.story,
            time: change.published,
            datacontenttype: CloudEvent::CHANGE_MEDIA_TYPE.to_owned(),
            dataschema: kept_address("change.v1.json"),
            data: change,
        }
    }
}

impl CloudEvent<Recall> {
    /// Returns the message that tells of `recall`.
    pub fn recalled(recall: Recall) -> Self {
        Self {
            specversion: "1.0".to_owned(),
            id: recall_id(recall.story, recall.revision),
            source: source(recall.cursor.epoch),
            event_type: CloudEvent::RECALLED.to_owned(),
            subject: recall.story,
            time: recall.recorded,
            datacontenttype: CloudEvent::RECALL_MEDIA_TYPE.to_owned(),
            dataschema: kept_address("recall.v1.json"),
            data: recall,
        }
    }
}

impl CloudEvent<ArticleView> {
    /// Returns the message that holds the latest public article.
    pub fn article(view: ArticleView) -> Self {
        Self {
            specversion: "1.0".to_owned(),
            id: message_id(view.story, view.revision),
            source: source(view.cursor.epoch),
            event_type: CloudEvent::ARTICLE.to_owned(),
            subject: view.story,
            time: view.published.unwrap_or(view.recorded),
            datacontenttype: CloudEvent::ARTICLE_MEDIA_TYPE.to_owned(),
            dataschema: kept_address("article.v1.json"),
            data: view,
        }
    }
}

fn source(epoch: u64) -> String {
    format!("/writethru/{epoch:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_its_schema_where_the_service_has_it_and_nothing_else_is_touched() {
        let kept = br#"{"id":"x","dataschema":"https://writethru.dev/schemas/change.v1.json","data":{"text":"\"dataschema\":\"https://writethru.dev/schemas/"}}"#;
        let served = CloudEvent::served_at(kept, "https://news.example/").expect("it names one");
        let served = String::from_utf8(served).expect("UTF-8");
        let kept = std::str::from_utf8(kept).expect("UTF-8");
        assert_eq!(served, kept.replacen("https://writethru.dev", "https://news.example", 1));
        for odd in ["a\"b", "\\", ""] {
            let served = CloudEvent::served_at(kept.as_bytes(), odd).expect("it names one");
            let served: serde_json::Value = serde_json::from_slice(&served).expect("still JSON");
            assert_eq!(served["dataschema"], format!("{odd}/schemas/change.v1.json"));
        }
        for none in ["", "{}", &format!("{{\"text\":\"{}\",{}", "x".repeat(HEAD_BYTES), &kept[1..])] {
            assert_eq!(CloudEvent::served_at(none.as_bytes(), "https://news.example"), None, "{none}");
        }
    }
}
