//! JSON Schemas (draft 2020-12) of every message that leaves, or comes in, over NATS and live streams.
//!
//! They are written by hand, refer to each other by relative address, and let unknown members pass where
//! readers must. One that was published never changes: what it describes gets a new version with a new name.

/// A schema and its name: the last part of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Its name, such as `change.v1.json`.
    pub name: &'static str,
    /// Its JSON.
    pub text: &'static str,
}

macro_rules! schemas {
    ($($name:literal),+ $(,)?) => {
        /// Every schema.
        pub const SCHEMAS: &[Schema] =
            &[$(Schema { name: $name, text: include_str!(concat!("../schemas/", $name)) }),+];
    };
}

schemas![
    "parts.v1.json",
    "change.v1.json",
    "article.v1.json",
    "article-reference.v1.json",
    "recall.v1.json",
    "acknowledgement.v1.json",
    "checkpoint.v1.json",
    "changed-event.v1.json",
    "article-event.v1.json",
    "recalled-event.v1.json",
    "stream-line.v1.json",
    "problem.v1.json",
    "requests.v1.json",
    "replies.v1.json",
];

impl Schema {
    /// Media type of a schema.
    pub const MEDIA_TYPE: &'static str = "application/schema+json";

    /// Returns the schema of that name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        SCHEMAS.iter().copied().find(|schema| schema.name == name)
    }
}
