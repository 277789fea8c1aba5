//! IPTC NewsML-G2 2.35, a `newsItem` of conformance level power with an XHTML body.
//!
//! Elements are in the order of `NewsML-G2_2.35-spec-All-Power.xsd`.

use story::Kind;

use super::ninjs::urgency;
use super::xml::Xml;
use super::{Edition, body, link_parts};
use crate::lead_in::{HASH_ROLE, STORY_ROLE};

const NAMESPACE: &str = "http://iptc.org/std/nar/2006-10-01/";
const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// Declares `ninat`, `stat`, `sig`, `irel`, `drol` and `hl`.
const CATALOGUE: &str = "http://www.iptc.org/std/catalog/catalog.IPTC-G2-Standards_40.xml";

/// Returns `edition` as a NewsML-G2 item; its `guid` is the same for all revisions of the story,
/// and its `version` is the revision.
pub fn newsml_g2(edition: &Edition<'_>) -> String {
    let article = edition.article;
    let mut xml = Xml::new();
    xml.declaration();
    let guid = edition.origin.address(article.story);
    let version = article.revision.get().max(1).to_string();
    let mut attributes = vec![
        ("xmlns", NAMESPACE),
        ("guid", guid.as_str()),
        ("version", version.as_str()),
        ("standard", "NewsML-G2"),
        ("standardversion", "2.35"),
        ("conformance", "power"),
    ];
    attributes.extend(language(edition).map(|tag| ("xml:lang", tag)));
    xml.open("newsItem", &attributes);
    xml.empty("catalogRef", &[("href", CATALOGUE)]);
    item_meta(&mut xml, edition);
    content_meta(&mut xml, edition);
    content_set(&mut xml, edition);
    xml.close("newsItem");
    xml.finish()
}

fn item_meta(xml: &mut Xml, edition: &Edition<'_>) {
    let article = edition.article;
    xml.open("itemMeta", &[]);
    xml.empty("itemClass", &[("qcode", "ninat:text")]);
    xml.open("provider", &[("uri", edition.origin.base.as_str())]);
    xml.element("name", &[], &edition.origin.provider);
    xml.close("provider");
    xml.element("versionCreated", &[], &article.recorded.to_string());
    xml.element("firstCreated", &[], &edition.created.to_string());
    if let Some(until) = edition.embargoed_until {
        xml.element("embargoed", &[], &until.to_string());
    }
    xml.empty("pubStatus", &[("qcode", &format!("stat:{}", edition.pub_status().as_str()))]);
    xml.element("edNote", &[], &edition.ed_note());
    let signal = if article.kind == Kind::Correction { "sig:correction" } else { "sig:update" };
    xml.empty("signal", &[("qcode", signal)]);
    links(xml, edition);
    xml.close("itemMeta");
}

fn links(xml: &mut Xml, edition: &Edition<'_>) {
    if let Some(source) = edition.source {
        let version = source.version.filter(|version| *version > 0).map(|version| version.to_string());
        let mut attributes = vec![("rel", "irel:derivedFrom"), ("residref", source.id.as_str())];
        attributes.extend(version.as_deref().map(|version| ("version", version)));
        xml.empty("link", &attributes);
    }
    for link in &edition.article.links {
        if let Some((address, title)) = link_parts(link) {
            let mut attributes = vec![("rel", "irel:seeAlso"), ("href", address)];
            attributes.extend(title.map(|title| ("title", title)));
            xml.empty("link", &attributes);
        }
    }
}

fn content_meta(xml: &mut Xml, edition: &Edition<'_>) {
    let article = edition.article;
    xml.open("contentMeta", &[]);
    if let Some(urgency) = urgency(edition) {
        xml.element("urgency", &[], &urgency.to_string());
    }
    xml.element("contentCreated", &[], &edition.created.to_string());
    xml.element("contentModified", &[], &article.recorded.to_string());
    for name in &article.bylines {
        xml.open("creator", &[]);
        xml.element("name", &[], name);
        xml.close("creator");
    }
    xml.element("altId", &[("typeuri", STORY_ROLE)], &article.story.to_string());
    xml.element("altId", &[("typeuri", HASH_ROLE)], &article.hash.to_string());
    if let Some(tag) = language(edition) {
        xml.empty("language", &[("tag", tag)]);
    }
    for tag in &article.tags {
        xml.open("subject", &[]);
        xml.element("name", &[], tag);
        xml.close("subject");
    }
    for (name, text) in [
        ("slugline", Some(article.slug.as_str())),
        ("headline", Some(article.headline.as_str())),
        ("dateline", article.dateline.as_deref()),
        ("by", edition.byline().as_deref()),
    ] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            xml.element(name, &[], text);
        }
    }
    if let Some(summary) = article.summary.as_deref().filter(|summary| !summary.is_empty()) {
        xml.element("description", &[("role", "drol:summary")], summary);
    }
    xml.close("contentMeta");
}

fn content_set(xml: &mut Xml, edition: &Edition<'_>) {
    if edition.article.blocks.is_empty() {
        return;
    }
    let (_, words) = body::counts(&edition.article.blocks);
    xml.open("contentSet", &[]);
    let words = words.to_string();
    xml.open("inlineXML", &[("contenttype", "application/xhtml+xml"), ("wordcount", &words)]);
    xml.open("html", &[("xmlns", XHTML)]);
    xml.open("head", &[]);
    xml.element("title", &[], &edition.article.headline);
    xml.close("head");
    xml.open("body", &[]);
    body::write(xml, edition);
    xml.close("body");
    xml.close("html");
    xml.close("inlineXML");
    xml.close("contentSet");
}

/// Returns the language, if `xs:language` allows it: parts of 1 to 8 letters or digits, the first
/// of letters alone.
fn language<'a>(edition: &Edition<'a>) -> Option<&'a str> {
    let tag = edition.article.language.as_deref()?;
    let mut parts = tag.split('-');
    let fits = |part: &str| (1..=8).contains(&part.len());
    let first = parts.next()?;
    let is_legal = fits(first)
        && first.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| fits(part) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    is_legal.then_some(tag)
}
