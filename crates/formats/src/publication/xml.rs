//! Writes XML into memory, where nothing can fail.

use quick_xml::escape::escape;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::writer::Writer;

use super::printable;

/// XML as far as it has been written. Whoever opens an element closes it.
pub(super) struct Xml(Writer<Vec<u8>>);

impl Xml {
    pub(super) fn new() -> Self {
        Self(Writer::new(Vec::new()))
    }

    pub(super) fn declaration(&mut self) {
        self.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    }

    pub(super) fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let tag = tag(name, attributes);
        self.event(Event::Start(tag));
    }

    pub(super) fn close(&mut self, name: &str) {
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// Writes an element that is empty for ever. HTML does not know the form it is written in.
    pub(super) fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let tag = tag(name, attributes);
        self.event(Event::Empty(tag));
    }

    pub(super) fn text(&mut self, text: &str) {
        let text = printable(text);
        self.event(Event::Text(BytesText::from_escaped(escape(text.as_str()))));
    }

    /// Writes an element that holds nothing but `text`.
    pub(super) fn element(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.open(name, attributes);
        self.text(text);
        self.close(name);
    }

    pub(super) fn finish(self) -> String {
        String::from_utf8(self.0.into_inner()).expect("only text was written")
    }

    fn event(&mut self, event: Event<'_>) {
        self.0.write_event(event).expect("memory takes what is written");
    }
}

fn tag<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    let mut tag = BytesStart::new(name);
    for (name, value) in attributes {
        // Escaped by the writer; a line break would come back as a space.
        tag.push_attribute((*name, printable(value).as_str()));
    }
    tag
}
