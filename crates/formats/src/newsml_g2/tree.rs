//! XML as a tree of bounded size: no document type, no entity but XML's own five, nothing fetched.
//!
//! Names are told by their local part: real feeds differ in prefixes, not in names.

use quick_xml::XmlVersion;
use quick_xml::errors::Error;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use crate::intake::IntakeError;
use crate::limits::{XML_DEPTH_MAX, XML_PARTS_MAX};

/// One element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    /// Its name without a prefix.
    pub(super) name: String,
    /// Line of its tag, from 1.
    pub(super) line: usize,
    attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
}

/// What an element holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// Returns the value of an attribute, by its local name.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// Returns the child elements called `name`, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements().filter(move |element| element.name == name)
    }

    pub(super) fn first<'a>(&'a self, name: &'a str) -> Option<&'a Element> {
        self.all(name).next()
    }

    /// Returns the first element called `name` below this one, at any depth.
    pub(super) fn within(&self, name: &str) -> Option<&Element> {
        self.elements().find_map(
            |element| {
                if element.name == name { Some(element) } else { element.within(name) }
            },
        )
    }

    /// Returns all text in it, in order.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.add_text(&mut text);
        text
    }

    fn add_text(&self, text: &mut String) {
        for child in &self.children {
            match child {
                Node::Text(words) => text.push_str(words),
                Node::Element(element) if element.name == "br" => text.push('\n'),
                Node::Element(element) => element.add_text(text),
            }
        }
    }
}

/// Returns the local name of the first element of `text`, if it is XML so far.
pub(super) fn root_name(text: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) => return Some(tag.local_name().as_ref().to_owned()),
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Returns the root of the document `text`.
pub(super) fn parsed(text: &str) -> Result<Element, IntakeError> {
    let mut reader = Reader::from_str(text.trim_start());
    let mut tree = Tree { lines: Lines::new(text), ..Tree::default() };
    loop {
        let before = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = reader.read_event().map_err(|error| {
            let at = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
            tree.refused(at, not_well_formed(&error))
        })?;
        if matches!(event, Event::Eof) {
            return tree.finish(before);
        }
        tree.take(event, before)?;
    }
}

fn not_well_formed(error: &Error) -> String {
    format!("is not well-formed XML ({error}): send the whole of it, as it was written")
}

/// The elements that are open, outermost first, and what is done.
#[derive(Default)]
struct Tree<'a> {
    open: Vec<Element>,
    root: Option<Element>,
    parts: usize,
    lines: Lines<'a>,
}

impl Tree<'_> {
    fn take(&mut self, event: Event<'_>, at: usize) -> Result<(), IntakeError> {
        match event {
            Event::Start(tag) => {
                let element = self.element(&tag, at)?;
                self.open.push(element);
                if self.open.len() > XML_DEPTH_MAX {
                    let problem = format!("nests elements more than {XML_DEPTH_MAX} deep: send paragraphs");
                    return Err(self.refused(at, problem));
                }
            }
            Event::Empty(tag) => {
                let element = self.element(&tag, at)?;
                self.close(element);
            }
            Event::End(_) => {
                if let Some(element) = self.open.pop() {
                    self.close(element);
                }
            }
            Event::Text(text) => self.text(&text.xml10_content(), at)?,
            Event::CData(text) => self.text(&text.xml10_content(), at)?,
            Event::GeneralRef(reference) => {
                let text = self.resolved(&reference, at)?;
                self.text(&text, at)?;
            }
            Event::DocType(_) => {
                let problem = "has a document type, which is not read: send it without <!DOCTYPE>";
                return Err(self.refused(at, problem.to_owned()));
            }
            Event::Decl(declaration) => {
                let encoding = declaration.encoding().and_then(Result::ok);
                let is_read =
                    |name: &str| ["utf-8", "us-ascii"].contains(&name.to_ascii_lowercase().as_str());
                let encoding = encoding.filter(|name| !is_read(name) && !self.lines.text.is_ascii());
                if let Some(encoding) = encoding {
                    let problem = format!("says it is in {encoding}: send it as UTF-8");
                    return Err(self.refused(at, problem));
                }
            }
            Event::Comment(_) | Event::PI(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn element(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<Element, IntakeError> {
        let mut attributes: Vec<(String, String)> = Vec::new();
        // Its own check for doubles takes time with the square of their number.
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.refused(at, not_well_formed(&error.into())))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| self.refused(at, not_well_formed(&error)))?;
            self.count(at)?;
            attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
        }
        self.count(at)?;
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.refused(at, "has a second root element: send one item at a time".to_owned()));
        }
        let name = tag.local_name().as_ref().to_owned();
        Ok(Element { name, line: self.lines.at(at), attributes, children: Vec::new() })
    }

    fn count(&mut self, at: usize) -> Result<(), IntakeError> {
        self.parts += 1;
        if self.parts > XML_PARTS_MAX {
            let problem =
                format!("has more than {XML_PARTS_MAX} elements and attributes: send one story at a time");
            return Err(self.refused(at, problem));
        }
        Ok(())
    }

    fn close(&mut self, element: Element) {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(element)),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str, at: usize) -> Result<(), IntakeError> {
        let Some(element) = self.open.last_mut() else {
            if text.trim().is_empty() {
                return Ok(());
            }
            let problem = "has text outside its root element: send the whole of it, and no more";
            return Err(self.refused(at, problem.to_owned()));
        };
        match element.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ => element.children.push(Node::Text(text.to_owned())),
        }
        Ok(())
    }

    fn resolved(&self, reference: &BytesRef<'_>, at: usize) -> Result<String, IntakeError> {
        let name = reference.xml10_content();
        let character = reference.resolve_char_ref();
        let character = character.map_err(|error| self.refused(at, not_well_formed(&error)))?;
        if let Some(character) = character {
            return Ok(character.to_string());
        }
        resolve_xml_entity(&name).map(str::to_owned).ok_or_else(|| {
            let name: String = name.chars().take(40).collect();
            self.refused(at, format!("names the entity &{name};, which XML has not: write the character"))
        })
    }

    fn finish(mut self, at: usize) -> Result<Element, IntakeError> {
        if self.open.is_empty()
            && let Some(root) = self.root.take()
        {
            return Ok(root);
        }
        Err(self.refused(at, "ends too early: send the whole of it".to_owned()))
    }

    fn refused(&self, at: usize, problem: String) -> IntakeError {
        let names: Vec<&str> = self.open.iter().take(8).map(|element| element.name.as_str()).collect();
        let path = if names.is_empty() { ".".to_owned() } else { names.join("/") };
        IntakeError::Xml { line: self.lines.now(at), path, problem }
    }
}

/// Counts lines, from the last place that was asked for.
#[derive(Default)]
struct Lines<'a> {
    text: &'a str,
    skipped: usize,
    counted: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let skipped = text.len() - text.trim_start().len();
        Self { text, skipped, counted: 0, line: 1 }
    }

    /// Returns the line of the place `at`, which is not before one asked for earlier.
    fn at(&mut self, at: usize) -> usize {
        self.line = self.now(at);
        self.counted = self.place(at);
        self.line
    }

    fn now(&self, at: usize) -> usize {
        let passed = self.text.as_bytes().get(self.counted..self.place(at)).unwrap_or_default();
        self.line + passed.split(|byte| *byte == b'\n').count() - 1
    }

    fn place(&self, at: usize) -> usize {
        at.saturating_add(self.skipped).min(self.text.len())
    }
}
