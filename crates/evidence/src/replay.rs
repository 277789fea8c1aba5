//! `replay.html`: a page that steps through a story's revisions and shows word by word what each changed.
//!
//! It needs nothing but a browser: no network, no other file. Its policy forbids everything but its own
//! script and style, by their hashes.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use story::{Article, Field, StoryId};

use crate::describe::fill;
use crate::level::Level;
use crate::revision::Told;

const PAGE: &str = include_str!("../assets/replay.html");
const STYLE: &str = include_str!("../assets/replay.css");
const SCRIPT: &str = include_str!("../assets/replay.js");

/// Returns the page of a story.
pub(crate) fn page(level: Level, story: StoryId, told: &[Told]) -> String {
    let newest = told.last().map_or_else(Article::default, |told| told.article.clone());
    let headline = newest.headline();
    let title = if headline.is_empty() { story.to_string() } else { headline.to_owned() };
    let data = data(told).replace('<', "\\u003c");
    let language = newest.fields.get(Field::Language).as_str().to_owned();
    let parts: [(&str, &str); 10] = [
        ("{{title}}", &escaped(&title)),
        ("{{story}}", &story.to_string()),
        ("{{count}}", &told.len().to_string()),
        ("{{leaves_out}}", level.leaves_out()),
        ("{{language}}", &escaped(&language)),
        ("{{style_hash}}", &hash(STYLE)),
        ("{{script_hash}}", &hash(SCRIPT)),
        ("{{style}}", STYLE),
        ("{{script}}", SCRIPT),
        ("{{data}}", &data),
    ];
    fill(PAGE, &parts)
}

/// Returns the revisions, each text once.
fn data(told: &[Told]) -> String {
    let (mut texts, mut places) = (Vec::new(), HashMap::new());
    let mut revisions = Vec::with_capacity(told.len());
    for told in told {
        let mut place = |text: &str| -> usize {
            if let Some(place) = places.get(text) {
                return *place;
            }
            texts.push(text.to_owned());
            places.insert(text.to_owned(), texts.len() - 1);
            texts.len() - 1
        };
        let mut parts: Vec<Value> = Vec::new();
        for field in Field::ALL {
            let text = told.article.fields.get(field);
            if !text.is_empty() {
                let shown: Vec<&str> = text.shown_values().collect();
                let joined = if field.is_list() { shown.join(" · ") } else { text.as_str().to_owned() };
                parts.push(json!([field.as_str(), "", place(&joined)]));
            }
        }
        for block in &told.article.blocks {
            parts.push(json!([block.id.as_str(), block.kind.as_str(), place(block.text.as_str())]));
        }
        let mut revision = told.to_json();
        revision.insert("parts".to_owned(), parts.into());
        revisions.push(Value::from(revision));
    }
    json!({"texts": texts, "revisions": revisions}).to_string()
}

fn hash(inline: &str) -> String {
    STANDARD.encode(Sha256::digest(inline))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
