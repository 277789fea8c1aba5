//! What a bundle tells of one revision: its header, its words and the article that it makes.

use proof::Hash;
use serde_json::{Map, Value, json};
use story::{Article, Block, Event, Field, Text};
use wire::{Chain, Header};

use crate::core::StoryCore;
use crate::fault::{Fault, words};
use crate::select::Parts;

/// A revision, verified. Words that the bundle does not tell show as redaction marks.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) index: u64,
    pub(crate) header: Header,
    pub(crate) event: Event,
    pub(crate) hash: Hash,
    /// The article that the desk works on from here.
    pub(crate) article: Article,
}

/// Verifies the records of a story, which `parts` are, one after the other.
pub(crate) fn tell(
    story: &StoryCore,
    parts: &[Parts<'_>],
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Told>, Fault> {
    let mut chain = Chain::new(story.id);
    let mut told = Vec::with_capacity(parts.len());
    for (record, (envelope, disclosures)) in story.records.iter().zip(parts) {
        let opened = chain.open(envelope, disclosures).map_err(|error| {
            Fault::of(story.disclosures(), format!("revision {}: {}", told.len() + 1, words(&error)))
        })?;
        let named = record.values.iter().map(|value| value.commitment);
        if !named.eq(opened.values.iter().copied()) {
            let why = format!("revision {}: it names other commitments than the envelope", told.len() + 1);
            return Err(Fault::of(story.disclosures(), why));
        }
        let article = chain.story().article.clone();
        let index = record.index;
        told.push(Told { index, header: opened.header, event: opened.event, hash: opened.hash, article });
        progress(1);
    }
    Ok(told)
}

impl Told {
    /// Returns when it was recorded, as the envelope writes it.
    pub(crate) fn recorded(&self) -> String {
        format!("{:.6}", self.header.recorded)
    }

    /// Returns the revision as `revisions.jsonl` and the replay have it, without its article.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let (header, event) = (&self.header, &self.event);
        let mut told = Map::new();
        let mut put = |key: &str, value: Value| {
            if !value.is_null() {
                told.insert(key.to_owned(), value);
            }
        };
        put("revision", json!(header.revision.get()));
        put("index", json!(self.index));
        put("envelope", json!(self.hash));
        put("state", json!(header.state));
        put("kind", json!(header.kind.as_str()));
        put("status", json!(header.status.as_str()));
        put("public", json!(header.public));
        put("desk", json!(header.desk.as_str()));
        put("actor", json!(header.actor.as_str()));
        put("recorded", json!(self.recorded()));
        put("occurred", json!(header.occurred));
        put("until", json!(header.until.map(|until| format!("{until:.6}"))));
        put("rebased", json!(header.rebased.map(story::Revision::get)));
        put("label", json!(header.label.map(story::Level::as_str)));
        put("note", text(&event.note));
        put("correction", json!(event.correction.as_ref().map(|notice| {
            json!({"what": notice.what.as_str(), "where": notice.place.as_str(), "approver": notice.approver.as_str()})
        })));
        put("reason", event.act.as_ref().map_or(Value::Null, |act| text(&act.reason)));
        let approver = event.act.as_ref().and_then(|act| act.approver.as_ref());
        put("approver", json!(approver.map(story::ActorId::as_str)));
        put(
            "redaction",
            json!(header.redaction.as_ref().map(|said| {
                json!({"kind": said.kind.as_str(), "basis": said.basis.as_str(), "values": said.values.len()})
            })),
        );
        told
    }
}

fn text(text: &Text) -> Value {
    if text.is_empty() { Value::Null } else { json!(text.as_str()) }
}

/// Returns an article as JSON: fields that are there, then blocks in order.
pub(crate) fn article(article: &Article) -> Map<String, Value> {
    let mut told = Map::new();
    for field in Field::ALL {
        let words = article.fields.get(field);
        if words.is_empty() {
            continue;
        }
        let value = if field.is_list() {
            json!(words.shown_values().collect::<Vec<_>>())
        } else {
            json!(words.as_str())
        };
        told.insert(field.as_str().to_owned(), value);
    }
    told.insert("blocks".to_owned(), article.blocks.iter().map(|one| block(one)).collect());
    told
}

fn block(block: &Block) -> Value {
    let mut told = json!({"id": block.id.as_str(), "kind": block.kind.as_str(), "text": block.text.as_str()});
    if !block.marks.is_empty() {
        told["marks"] = json!(block.marks);
    }
    told
}

/// Returns the article as plain text: headline, summary, and the blocks, with empty lines between them.
pub(crate) fn plain(article: &Article) -> String {
    let fields = [Field::Headline, Field::Summary].map(|field| article.fields.get(field));
    let texts = fields.into_iter().chain(article.blocks.iter().map(|block| &block.text));
    let mut plain = String::new();
    for text in texts.filter(|text| !text.is_empty()) {
        if !plain.is_empty() {
            plain.push('\n');
        }
        plain.push_str(text.as_str());
        plain.push('\n');
    }
    plain
}
