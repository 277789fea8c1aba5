//! The body: as HTML that is XHTML too, and as paragraphs of text.

use std::collections::{BTreeSet, HashMap};

use story::{BlockId, BlockKind, Mark, MarkKind};
use wire::BlockView;

use super::xml::Xml;
use super::{Edition, EntryTimes};
use crate::html::{ENTRY_CLASS, ENTRY_TAG};
use crate::marks::joined;

/// Returns the body as a fragment of HTML with the safe inline mark-up and nothing else.
pub(super) fn html(edition: &Edition<'_>) -> String {
    let mut xml = Xml::new();
    write(&mut xml, edition);
    xml.finish()
}

/// Returns the body as paragraphs with empty lines between.
pub(super) fn plain(blocks: &[BlockView]) -> String {
    let texts: Vec<&str> = blocks.iter().map(|block| block.text.as_str()).collect();
    super::printable(&texts.join("\n\n"))
}

/// Returns the characters and the words of the body without its captions: what ninjs counts.
pub(super) fn counts(blocks: &[BlockView]) -> (usize, usize) {
    let texts = blocks.iter().filter(|block| block.kind != BlockKind::Media).map(|block| &block.text);
    texts.fold((0, 0), |(characters, words), text| {
        (characters + text.chars().count(), words + text.split_whitespace().count())
    })
}

/// Writes the body's elements.
pub(super) fn write(xml: &mut Xml, edition: &Edition<'_>) {
    let times: HashMap<&BlockId, &EntryTimes> =
        edition.entries.iter().map(|entry| (&entry.block, entry)).collect();
    let mut in_list = false;
    for block in &edition.article.blocks {
        let is_item = block.kind == BlockKind::List;
        match (in_list, is_item) {
            (false, true) => xml.open("ul", &[]),
            (true, false) => xml.close("ul"),
            _ => {}
        }
        in_list = is_item;
        let elements: &[&str] = match block.kind {
            BlockKind::Paragraph => &["p"],
            BlockKind::Heading => &["h2"],
            BlockKind::Quote => &["blockquote", "p"],
            BlockKind::List => &["li"],
            BlockKind::Media => &["figure", "figcaption"],
            BlockKind::Entry => {
                xml.open(ENTRY_TAG, &[("class", ENTRY_CLASS)]);
                if let Some(entry) = times.get(&block.id) {
                    // Without words, so that it is no part of the text.
                    xml.open("time", &[("datetime", &entry.published.to_string())]);
                    xml.close("time");
                }
                &["p"]
            }
        };
        for element in elements {
            xml.open(element, &[]);
        }
        marked(xml, block);
        for element in elements.iter().rev() {
            xml.close(element);
        }
        if block.kind == BlockKind::Entry {
            xml.close(ENTRY_TAG);
        }
    }
    if in_list {
        xml.close("ul");
    }
}

/// Writes the block's words with its marks, cut where they overlap so that they nest.
pub(super) fn marked(xml: &mut Xml, block: &BlockView) {
    let text = block.text.as_str();
    let fits = |mark: &Mark| text.get(mark.start as usize..mark.end as usize).is_some();
    let marks: Vec<Mark> = joined(&block.marks).into_iter().filter(fits).collect();
    let mut cuts: BTreeSet<usize> =
        marks.iter().flat_map(|mark| [mark.start as usize, mark.end as usize]).collect();
    cuts.extend([0, text.len()]);
    let cuts: Vec<usize> = cuts.into_iter().collect();
    let mut open: Vec<&Mark> = Vec::new();
    for piece in cuts.windows(2) {
        let (start, end) = (piece[0], piece[1]);
        let wanted = active(&marks, start);
        let kept = open.iter().zip(&wanted).take_while(|(open, wanted)| open == wanted).count();
        open.drain(kept..).rev().for_each(|mark| xml.close(element(mark.kind)));
        for mark in wanted.into_iter().skip(kept) {
            match mark.href.as_deref() {
                Some(href) if mark.kind == MarkKind::A => xml.open("a", &[("href", href)]),
                _ => xml.open(element(mark.kind), &[]),
            }
            open.push(mark);
        }
        xml.text(&text[start..end]);
    }
    open.into_iter().rev().for_each(|mark| xml.close(element(mark.kind)));
}

/// Returns the marks over the byte `at`, outermost first. Of links only the one that begins last:
/// HTML has no link in a link.
fn active(marks: &[Mark], at: usize) -> Vec<&Mark> {
    let over = |mark: &&Mark| (mark.start as usize..mark.end as usize).contains(&at);
    let mut active: Vec<&Mark> = marks.iter().filter(over).collect();
    active.sort_by_key(|mark| (mark.start, std::cmp::Reverse(mark.end)));
    let link = active.iter().rposition(|mark| mark.kind == MarkKind::A);
    let mut index = 0;
    active.retain(|mark| {
        index += 1;
        mark.kind != MarkKind::A || link == Some(index - 1)
    });
    active
}

const fn element(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Em => "em",
        MarkKind::Strong => "strong",
        MarkKind::A => "a",
        MarkKind::Code => "code",
        MarkKind::Sub => "sub",
        MarkKind::Sup => "sup",
    }
}
