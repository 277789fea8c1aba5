//! The body as a reader's page shows it: every block with its id, live entries with their times, pinned
//! ones first.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use story::{BlockId, BlockKind};
use wire::BlockView;

use super::xml::Xml;
use super::{Edition, EntryTimes, body};

/// Returns the body as HTML for a page: each block is an element whose `id` is the block's, so that it
/// can be linked to and found again in a later revision.
pub fn reader_html(edition: &Edition<'_>) -> String {
    let article = edition.article;
    let mut page = Page {
        xml: Xml::new(),
        times: edition.entries.iter().map(|entry| (&entry.block, entry)).collect(),
        in_list: false,
    };
    let is_pinned = |block: &&BlockView| article.pinned.iter().any(|pinned| pinned == block.id.as_str());
    let by_id: HashMap<&str, &BlockView> =
        article.blocks.iter().filter(is_pinned).map(|block| (block.id.as_str(), block)).collect();
    let pinned: Vec<&BlockView> =
        article.pinned.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect();
    if !pinned.is_empty() {
        page.xml.open("section", &[("class", "pinned")]);
        page.xml.element("h2", &[], "Pinned");
        for block in pinned {
            page.block(block);
        }
        page.end_list();
        page.xml.close("section");
    }
    article.blocks.iter().filter(|block| !is_pinned(block)).for_each(|block| page.block(block));
    page.end_list();
    page.xml.finish()
}

/// Returns `time` as readers are told it: `22 Nov 2026, 18:04 UTC`.
pub fn shown_time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%-d %b %Y, %H:%M UTC").to_string()
}

struct Page<'a> {
    xml: Xml,
    times: HashMap<&'a BlockId, &'a EntryTimes>,
    in_list: bool,
}

impl Page<'_> {
    fn block(&mut self, block: &BlockView) {
        if block.kind != BlockKind::List {
            self.end_list();
        }
        let id = [("id", block.id.as_str()), ("dir", "auto")];
        match block.kind {
            BlockKind::Paragraph => self.whole(&["p"], &id, block),
            BlockKind::Heading => self.whole(&["h2"], &id, block),
            BlockKind::Quote => self.whole(&["blockquote", "p"], &id, block),
            BlockKind::Media => self.whole(&["figure", "figcaption"], &id, block),
            BlockKind::List => {
                if !self.in_list {
                    self.xml.open("ul", &[]);
                    self.in_list = true;
                }
                self.whole(&["li"], &id, block);
            }
            BlockKind::Entry => self.entry(block),
        }
    }

    fn whole(&mut self, elements: &[&str], attributes: &[(&str, &str)], block: &BlockView) {
        for (index, element) in elements.iter().enumerate() {
            self.xml.open(element, if index == 0 { attributes } else { &[] });
        }
        body::marked(&mut self.xml, block);
        elements.iter().rev().for_each(|element| self.xml.close(element));
    }

    fn entry(&mut self, block: &BlockView) {
        self.xml.open("div", &[("class", "entry"), ("id", block.id.as_str())]);
        if let Some(entry) = self.times.get(&block.id).copied() {
            self.xml.open("p", &[("class", "when")]);
            let here = format!("#{}", block.id);
            self.xml.open("a", &[("href", here.as_str())]);
            self.time(entry.published);
            self.xml.close("a");
            if entry.significant > entry.published {
                self.xml.text(" \u{b7} updated ");
                self.time(entry.significant);
            }
            self.xml.close("p");
        }
        self.whole(&["p"], &[("dir", "auto")], block);
        self.xml.close("div");
    }

    fn time(&mut self, time: Timestamp) {
        self.xml.element("time", &[("datetime", &time.to_string())], &shown_time(time));
    }

    fn end_list(&mut self) {
        if std::mem::take(&mut self.in_list) {
            self.xml.close("ul");
        }
    }
}
