//! The body of a news item: XHTML, the content of NITF, HTML or plain text.
//!
//! Mark-up is written out as HTML with the elements that the sanitiser keeps, and read as HTML
//! from anywhere is.

use story::CopyBuilder;

use super::{Element, Node};
use crate::html::{ENTRY_CLASS, ENTRY_TAG, HtmlReader, is_dropped, is_kept};
use crate::intake::IntakeError;
use crate::plain;

/// Adds the body of `item` to `copy`; returns whether it has one.
pub(super) fn add(
    copy: &mut CopyBuilder,
    reader: &mut HtmlReader,
    item: &Element,
) -> Result<bool, IntakeError> {
    let sets = || item.all("contentSet");
    for inline in sets().flat_map(|set| set.all("inlineXML")) {
        if let Some(content) = content(inline) {
            let mut html = String::new();
            push_html(&mut html, content);
            for unit in reader.units("contentSet/inlineXML", &html)? {
                unit.add_to(copy)?;
            }
            return Ok(true);
        }
    }
    for inline in sets().flat_map(|set| set.all("inlineData")) {
        let text = inline.text();
        if text.trim().is_empty() || inline.attribute("encoding").is_some() {
            continue;
        }
        let media_type = inline.attribute("contenttype").unwrap_or("text/plain").to_ascii_lowercase();
        if media_type.contains("html") {
            for unit in reader.units("contentSet/inlineData", &text)? {
                unit.add_to(copy)?;
            }
            return Ok(true);
        }
        if media_type.starts_with("text/plain") {
            plain::add_paragraphs(copy, &text)?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the element that holds the words: of NITF what its body holds beside the headline.
fn content(inline: &Element) -> Option<&Element> {
    let content =
        inline.within("body.content").or_else(|| inline.first("html")?.first("body")).unwrap_or(inline);
    (!content.text().trim().is_empty()).then_some(content)
}

fn push_html(html: &mut String, element: &Element) {
    for child in &element.children {
        match child {
            Node::Text(text) => push_escaped(html, text),
            Node::Element(element) if is_dropped(&element.name) => {}
            Node::Element(element) if matches!(element.name.as_str(), "br" | "hr") => {
                html.push('<');
                html.push_str(&element.name);
                html.push('>');
            }
            Node::Element(element) => push_element(html, element),
        }
    }
}

fn push_element(html: &mut String, element: &Element) {
    let name = match element.name.as_str() {
        // NITF.
        "hl1" | "hl2" => "h2",
        "media-caption" => "figcaption",
        "block" => "div",
        name => name,
    };
    if !is_kept(name) {
        push_html(html, element);
        return;
    }
    html.push('<');
    html.push_str(name);
    let is_entry = name == ENTRY_TAG && element.attribute("class") == Some(ENTRY_CLASS);
    let class = is_entry.then_some(ENTRY_CLASS);
    let href = element.attribute("href").filter(|_| name == "a");
    for (attribute, value) in [("class", class), ("href", href)] {
        if let Some(value) = value {
            html.push(' ');
            html.push_str(attribute);
            html.push_str("=\"");
            push_escaped(html, value);
            html.push('"');
        }
    }
    html.push('>');
    push_html(html, element);
    html.push_str("</");
    html.push_str(name);
    html.push('>');
}

fn push_escaped(html: &mut String, text: &str) {
    html.push_str(&quick_xml::escape::escape(text));
}
