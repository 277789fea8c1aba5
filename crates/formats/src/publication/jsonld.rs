//! schema.org as JSON-LD: `NewsArticle`, or `LiveBlogPosting` where the body has entries.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use story::{BlockId, BlockKind, Status};
use wire::BlockView;

use super::{Edition, EntryTimes, PublicCorrection, body, link_parts, printable};

/// Most characters in the headline that an entry is given: its first words.
const ENTRY_HEADLINE_CHARACTERS_MAX: usize = 110;

/// Returns `edition` as JSON-LD that is safe inside `<script type="application/ld+json">`.
///
/// `dateModified` is when the article last changed in a way worth a reader's while, as search
/// engines ask for, not when a comma moved.
pub fn jsonld(edition: &Edition<'_>) -> String {
    let article = edition.article;
    let address = edition.origin.address(article.story);
    let is_live = article.blocks.iter().any(|block| block.kind == BlockKind::Entry);
    let mut thing = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            thing.insert(name.to_owned(), value);
        }
    };
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(|text| printable(text).into());
    put("@context", Some("https://schema.org".into()));
    put("@type", Some(if is_live { "LiveBlogPosting" } else { "NewsArticle" }.into()));
    put("@id", Some(address.as_str().into()));
    put("url", Some(edition.origin.page(article.story).into()));
    put("version", Some(article.revision.to_string().into()));
    put("headline", text(Some(&article.headline)));
    put("description", text(article.summary.as_deref()));
    let published = edition.first_published.or(article.published);
    put("datePublished", published.map(|time| time.to_string().into()));
    let modified = article.significant.or(article.published).or(Some(article.recorded));
    put("dateModified", modified.max(published).map(|time| time.to_string().into()));
    put("author", Some(author(edition)));
    put("publisher", Some(publisher(edition)));
    put("inLanguage", text(article.language.as_deref()));
    put("keywords", strings(&article.tags));
    put("dateline", text(article.dateline.as_deref()));
    put("relatedLink", related(edition));
    put("creativeWorkStatus", (article.status != Status::Usable).then(|| article.status.as_str().into()));
    put("correction", corrections(edition.corrections));
    let still: Vec<BlockView> =
        article.blocks.iter().filter(|block| block.kind != BlockKind::Entry).cloned().collect();
    put("articleBody", text(Some(&body::plain(&still))));
    if is_live {
        put("coverageStartTime", Some(edition.created.to_string().into()));
        put("liveBlogUpdate", Some(entries(edition, &address)));
    }
    safe(&Value::Object(thing).to_string())
}

/// Returns `json` without a character that could end a script element or begin another.
fn safe(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn author(edition: &Edition<'_>) -> Value {
    if edition.article.bylines.is_empty() {
        return publisher(edition);
    }
    let person = |name: &String| json!({ "@type": "Person", "name": printable(name) });
    edition.article.bylines.iter().map(person).collect()
}

fn publisher(edition: &Edition<'_>) -> Value {
    let origin = edition.origin;
    json!({ "@type": "NewsMediaOrganization", "name": printable(&origin.provider), "url": printable(&origin.base) })
}

fn strings(texts: &[String]) -> Option<Value> {
    (!texts.is_empty()).then(|| texts.iter().map(|text| printable(text)).collect())
}

fn related(edition: &Edition<'_>) -> Option<Value> {
    let links: Vec<Value> = edition
        .article
        .links
        .iter()
        .filter_map(|link| link_parts(link))
        .map(|(address, _)| printable(address).into())
        .collect();
    (!links.is_empty()).then_some(Value::Array(links))
}

fn corrections(corrections: &[PublicCorrection]) -> Option<Value> {
    let comment = |correction: &PublicCorrection| {
        json!({ "@type": "CorrectionComment", "text": correction.whole(),
                "datePublished": correction.published.to_string() })
    };
    (!corrections.is_empty()).then(|| corrections.iter().map(comment).collect())
}

fn entries(edition: &Edition<'_>, address: &str) -> Value {
    let times: HashMap<&BlockId, &EntryTimes> =
        edition.entries.iter().map(|entry| (&entry.block, entry)).collect();
    let blocks = edition.article.blocks.iter().filter(|block| block.kind == BlockKind::Entry);
    blocks
        .map(|block| {
            let mut posting = json!({
                "@type": "BlogPosting",
                "@id": format!("{address}#{}", block.id),
                "headline": first_words(&block.text),
                "articleBody": printable(&block.text),
            });
            if let Some(entry) = times.get(&block.id) {
                posting["datePublished"] = entry.published.to_string().into();
                posting["dateModified"] = entry.modified.to_string().into();
            }
            posting
        })
        .collect()
}

/// Returns the first words of `text`, cut between words where there are too many.
fn first_words(text: &str) -> String {
    let text = printable(text);
    let Some((end, _)) = text.char_indices().nth(ENTRY_HEADLINE_CHARACTERS_MAX) else { return text };
    let begin = &text[..end];
    let begin = begin.rsplit_once(' ').map_or(begin, |(begin, _)| begin);
    format!("{begin}\u{2026}")
}
