//! What tells a person, and a catalogue, what is in a bundle: `README.txt` and RO-Crate metadata.

use std::fmt::Write as _;

use serde_json::{Value, json};
use story::{Field, Text};

use crate::bag::{File, sha256};
use crate::core::Core;
use crate::limits::WHOLE_ENTRIES_MAX;
use crate::revision::Told;

const README: &str = include_str!("../assets/README.txt");

/// Returns the text for whoever opens the bundle.
pub(crate) fn readme(core: &Core, told: &[Vec<Told>]) -> String {
    let head = core.head.checkpoint();
    let mut stories = String::new();
    for (story, told) in core.stories.iter().zip(told) {
        let name = name(told).unwrap_or_else(|| "(its headline is not told)".to_owned());
        let through = told.last().map(Told::recorded).unwrap_or_default();
        let count = told.len();
        writeln!(stories, "  {}  {count} revisions, the last of {through}\n    {name}", story.id)
            .expect("a text takes whatever is written");
    }
    let part = if head.size() <= WHOLE_ENTRIES_MAX {
        "The log is here as a whole, so no revision of these stories can be missing up to its size."
    } else {
        "The log is longer than what is here: it may have later revisions of these stories. Ask the log."
    };
    let parts: [(&str, &str); 6] = [
        ("{{stories}}", stories.trim_end()),
        ("{{level}}", core.level.as_str()),
        ("{{leaves_out}}", core.level.leaves_out()),
        ("{{key}}", &core.trust.log().to_string()),
        ("{{size}}", &head.size().to_string()),
        ("{{part}}", part),
    ];
    fill(README, &parts)
}

/// Returns the template with each part in its place; what is put in is not looked through again.
pub(crate) fn fill(template: &str, parts: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find("{{") {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let (name, value) = parts
            .iter()
            .find(|(name, _)| rest.starts_with(name))
            .expect("a template names parts that there are");
        text.push_str(value);
        rest = &rest[name.len()..];
    }
    text + rest
}

/// Returns the newest headline of a story.
fn name(told: &[Told]) -> Option<String> {
    let headline = told.last()?.article.fields.get(Field::Headline);
    Some(headline).filter(|text| !text.is_empty() && !text.has_erased()).map(Text::as_str).map(str::to_owned)
}

/// Returns the RO-Crate metadata (RO-Crate 1.1) of a payload, which stands in `data/`.
pub(crate) fn crate_metadata(core: &Core, payload: &[File], recorded: &str) -> String {
    let head = core.head.checkpoint();
    let id = |file: &File| file.name.strip_prefix("data/").unwrap_or(&file.name).to_owned();
    let parts: Vec<Value> = payload.iter().map(|file| json!({"@id": id(file)})).collect();
    let stories: Vec<Value> =
        core.stories.iter().map(|story| json!(format!("urn:uuid:{}", story.id))).collect();
    let mut graph = vec![
        json!({
            "@id": "ro-crate-metadata.json", "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}, "about": {"@id": "./"},
        }),
        json!({
            "@id": "./", "@type": "Dataset", "name": "Evidence of what stories said, when, and by whose hand",
            "description": format!(
                "Revisions of news stories with proofs that they stand in the log {} of {} entries. {}",
                head.origin(), head.size(), core.level.leaves_out()
            ),
            "datePublished": recorded, "identifier": stories, "license": {"@id": "#rights"}, "hasPart": parts,
        }),
        json!({
            "@id": "#rights", "@type": "CreativeWork", "name": "Rights",
            "description": "This file grants none: ask the publisher of the stories.",
        }),
    ];
    graph.extend(payload.iter().map(|file| {
        json!({
            "@id": id(file), "@type": "File", "encodingFormat": media_type(&file.name),
            "contentSize": file.bytes.len().to_string(), "sha256": sha256(&file.bytes),
        })
    }));
    let metadata = json!({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph});
    serde_json::to_string_pretty(&metadata).expect("plain data has a JSON form") + "\n"
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html",
        "json" => "application/json",
        "jsonl" => "application/jsonl",
        "pem" => "application/x-pem-file",
        "py" => "text/x-python",
        "txt" | "fi" | "tlog-proof" => "text/plain",
        _ if name.ends_with("checkpoint") => "text/plain",
        _ => "application/octet-stream",
    }
}
