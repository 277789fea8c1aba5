//! IPTC ninjs 3.0 (`ninjs-schema_3.0.json`); valid against 3.1 too.

use serde_json::{Map, Value, json};

use super::{Edition, body, link_parts, printable};
use crate::lead_in::{HASH_ROLE, STORY_ROLE};
use crate::ninjs::SEE_ALSO;

const SCHEMA: &str = "http://www.iptc.org/std/ninjs/ninjs-schema_3.0.json";

/// Returns `edition` as a ninjs 3.0 item; its `uri` is the same for all revisions of the story.
pub fn ninjs(edition: &Edition<'_>) -> String {
    let article = edition.article;
    let mut item = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            item.insert(name.to_owned(), value);
        }
    };
    let text = |text: &Option<String>| text.as_deref().map(|text| Value::from(printable(text)));
    put("uri", Some(edition.origin.address(article.story).into()));
    put("standard", Some(json!({ "name": "ninjs", "version": "3.0", "schema": SCHEMA })));
    put("type", Some("text".into()));
    put("representationType", Some("full".into()));
    put("version", Some(article.revision.to_string().into()));
    put("firstCreated", Some(edition.created.to_string().into()));
    put("versionCreated", Some(article.recorded.to_string().into()));
    put("contentCreated", Some(edition.created.to_string().into()));
    put("embargoedUntil", edition.embargoed_until.map(|until| until.to_string().into()));
    put("pubStatus", Some(edition.pub_status().as_str().into()));
    put("urgency", urgency(edition).map(Value::from));
    put("language", text(&article.language));
    put("edNote", Some(printable(&edition.ed_note()).into()));
    put("headlines", content("main", &article.headline));
    put("descriptions", article.summary.as_deref().and_then(|summary| content("summary", summary)));
    put("bodies", bodies(edition));
    put("by", edition.byline().map(Value::from));
    put("infoSources", list(article.bylines.iter().map(|name| named(name, "role", "author"))));
    put("located", text(&article.dateline));
    put("slugline", (!article.slug.is_empty()).then(|| printable(&article.slug).into()));
    put("subjects", list(article.tags.iter().map(|tag| named(tag, "rel", "about"))));
    put("objects", list(article.links.iter().filter_map(|link| see_also(link))));
    put("altIds", Some(alternative_ids(edition)));
    Value::Object(item).to_string()
}

/// Returns the urgency, where it is one.
pub(super) fn urgency(edition: &Edition<'_>) -> Option<u8> {
    match edition.article.urgency {
        Some(wire::Urgency::Number(urgency @ 1..=9)) => Some(urgency),
        _ => None,
    }
}

fn content(role: &str, text: &str) -> Option<Value> {
    let value = printable(text);
    (!text.is_empty()).then(|| json!([{ "role": role, "contentType": "text/plain", "value": value }]))
}

fn bodies(edition: &Edition<'_>) -> Option<Value> {
    let blocks = &edition.article.blocks;
    let (characters, words) = body::counts(blocks);
    let body = |role: &str, media_type: &str, value: String| {
        json!({ "role": role, "contentType": media_type, "charCount": characters, "wordCount": words,
                "value": value })
    };
    (!blocks.is_empty()).then(|| {
        Value::from(vec![
            body("main", "text/html", body::html(edition)),
            body("text", "text/plain", body::plain(blocks)),
        ])
    })
}

fn named(name: &str, key: &str, value: &str) -> Value {
    json!({ "name": printable(name), key: value })
}

fn see_also(link: &str) -> Option<Value> {
    let (address, title) = link_parts(link)?;
    let mut object = json!({ "uri": printable(address), "rel": SEE_ALSO });
    if let Some(title) = title {
        object["name"] = printable(title).into();
    }
    Some(object)
}

fn list(values: impl Iterator<Item = Value>) -> Option<Value> {
    let values: Vec<Value> = values.collect();
    (!values.is_empty()).then_some(Value::Array(values))
}

fn alternative_ids(edition: &Edition<'_>) -> Value {
    let article = edition.article;
    let mut ids = vec![
        json!({ "role": STORY_ROLE, "value": article.story.to_string() }),
        json!({ "role": HASH_ROLE, "value": article.hash.to_string() }),
    ];
    if let Some(source) = edition.source {
        ids.push(json!({ "role": "source", "value": printable(&source.id) }));
    }
    Value::Array(ids)
}
