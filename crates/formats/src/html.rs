//! HTML to blocks: what a browser would read as units of text, with the safe inline mark-up.
//!
//! `ammonia` first takes out everything that is not text or structure; what it writes is
//! well-formed and is then read by the tokeniser that it is itself built on.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use story::{BlockKind, CopyBuilder, CopyError, GivenBlock, Mark, MarkKind};

use crate::intake::IntakeError;
use crate::limits::{HTML_BYTES_MAX, HTML_DEPTH_MAX};
use crate::marks::joined;

/// Elements that end one unit of text and begin another.
const BLOCK_TAGS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "caption",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];

/// Elements that mark words.
const INLINE_TAGS: &[&str] = &["a", "b", "br", "code", "em", "i", "strong", "sub", "sup"];

/// Elements whose content is not text of the article.
const DROPPED_TAGS: &[&str] = &["script", "style", "head", "title", "template"];

/// The element and its class that hold one entry of a live blog.
pub(crate) const ENTRY_TAG: &str = "article";
/// See [`ENTRY_TAG`].
pub(crate) const ENTRY_CLASS: &str = "entry";

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut cleaner = Builder::empty();
    cleaner
        .tags(BLOCK_TAGS.iter().chain(INLINE_TAGS).copied().collect())
        .clean_content_tags(DROPPED_TAGS.iter().copied().collect())
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .allowed_classes(HashMap::from([(ENTRY_TAG, HashSet::from([ENTRY_CLASS]))]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny);
    cleaner
});

/// One unit of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) kind: BlockKind,
    pub(crate) text: String,
    pub(crate) marks: Vec<Mark>,
}

impl Unit {
    pub(crate) fn add_to(&self, copy: &mut CopyBuilder) -> Result<(), CopyError> {
        copy.block(GivenBlock { id: None, kind: self.kind, text: &self.text, marks: &self.marks })
    }
}

/// Reads the HTML of one submission, which together has at most [`HTML_BYTES_MAX`] bytes.
#[derive(Debug, Default)]
pub(crate) struct HtmlReader {
    bytes_read: usize,
}

impl HtmlReader {
    /// Returns the units of text of the fragment at `place`, in order.
    pub(crate) fn units(&mut self, place: &str, html: &str) -> Result<Vec<Unit>, IntakeError> {
        let refuse = |problem: String| Err(CopyError { place: place.to_owned(), problem }.into());
        self.bytes_read += html.len();
        if self.bytes_read > HTML_BYTES_MAX {
            let actual = self.bytes_read;
            return refuse(format!(
                "{actual} bytes of HTML are given; the limit is {HTML_BYTES_MAX}: send text"
            ));
        }
        if deepest(html) > HTML_DEPTH_MAX {
            return refuse(format!("nests elements more than {HTML_DEPTH_MAX} deep: send paragraphs"));
        }
        let input = BufferQueue::default();
        input.push_back(CLEANER.clean(html).to_string().into());
        let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
        // The sink never asks to stop, so all of the input is read.
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        let mut state = tokenizer.sink.0.into_inner();
        state.flush();
        Ok(state.done)
    }

    /// Returns the words of the fragment at `place` as one text.
    pub(crate) fn words(&mut self, place: &str, html: &str) -> Result<String, IntakeError> {
        let units = self.units(place, html)?;
        Ok(units.into_iter().map(|unit| unit.text).collect::<Vec<_>>().join(" "))
    }
}

/// Returns whether the sanitiser keeps the element `name` itself.
pub(crate) fn is_kept(name: &str) -> bool {
    BLOCK_TAGS.contains(&name) || INLINE_TAGS.contains(&name)
}

/// Returns whether the sanitiser drops the element `name` with all it holds.
pub(crate) fn is_dropped(name: &str) -> bool {
    DROPPED_TAGS.contains(&name)
}

/// Returns a bound on how deep `html` nests: the most elements that are open at once. An end tag
/// closes only the one it names, since mark-up that is closed out of turn is opened again.
fn deepest(html: &str) -> usize {
    let mut open: Vec<&str> = Vec::new();
    let mut most = 0;
    for piece in html.split('<').skip(1) {
        let end = piece.starts_with('/');
        let name = &piece[usize::from(end)..];
        let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
        if name.is_empty() || is_void(name) {
            continue;
        }
        if !end {
            open.push(name);
            most = most.max(open.len());
        } else if let Some(index) = open.iter().rposition(|opened| opened.eq_ignore_ascii_case(name)) {
            open.remove(index);
        }
        if most > HTML_DEPTH_MAX {
            break;
        }
    }
    most
}

/// Returns whether the element has no end tag, or commonly goes without one.
fn is_void(name: &str) -> bool {
    const VOID: [&str; 20] = [
        "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "p",
        "source", "td", "th", "tr", "track", "wbr",
    ];
    VOID.iter().any(|void| name.eq_ignore_ascii_case(void))
}

#[derive(Default)]
struct Sink(RefCell<Units>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(characters) => state.characters(&characters),
            Token::TagToken(tag) => state.tag(&tag),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// A mark whose end has not been read yet.
struct Open {
    kind: MarkKind,
    href: Option<String>,
    start: usize,
}

/// The units read so far, and what the one being read holds.
#[derive(Default)]
struct Units {
    done: Vec<Unit>,
    text: String,
    marks: Vec<Mark>,
    open: Vec<Open>,
    /// The element that says what the unit is, innermost last.
    kinds: Vec<BlockKind>,
    breaks: usize,
}

impl Units {
    fn characters(&mut self, characters: &str) {
        if !characters.trim().is_empty() {
            self.breaks = 0;
        }
        self.text.push_str(characters);
    }

    fn tag(&mut self, tag: &Tag) {
        let name = &*tag.name;
        if name == "br" {
            // Two line breaks in a row are how old systems write a paragraph.
            self.breaks += 1;
            if self.breaks > 1 { self.flush() } else { self.text.push('\n') }
        } else if let Some(mark) = mark_of(name) {
            match tag.kind {
                TagKind::StartTag => self.open_mark(mark, tag),
                TagKind::EndTag => self.close_mark(mark),
            }
        } else {
            self.flush();
            if let Some(kind) = self.kind_of(name, tag) {
                match tag.kind {
                    TagKind::StartTag => self.kinds.push(kind),
                    TagKind::EndTag => drop(self.kinds.pop()),
                }
            }
        }
    }

    /// Returns what the element makes of the units in it, if it says so.
    fn kind_of(&self, name: &str, tag: &Tag) -> Option<BlockKind> {
        Some(match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => BlockKind::Heading,
            "blockquote" => BlockKind::Quote,
            "li" => BlockKind::List,
            "figcaption" => BlockKind::Media,
            ENTRY_TAG if tag.attrs.iter().any(|attribute| &*attribute.value == ENTRY_CLASS) => {
                BlockKind::Entry
            }
            // Its end tag has no class: what it opens must be there to be closed.
            ENTRY_TAG => self.kinds.last().copied().unwrap_or(BlockKind::Paragraph),
            _ => return None,
        })
    }

    fn open_mark(&mut self, kind: MarkKind, tag: &Tag) {
        let href = tag.attrs.iter().find(|attribute| &*attribute.name.local == "href");
        let href = href.map(|attribute| escaped(attribute.value.trim()).into_owned());
        self.open.push(Open { kind, href, start: self.text.len() });
    }

    fn close_mark(&mut self, kind: MarkKind) {
        if let Some(index) = self.open.iter().rposition(|open| open.kind == kind) {
            let open = self.open.remove(index);
            self.mark(&open);
        }
    }

    /// Adds the mark that ends here; a link without a target marks nothing.
    fn mark(&mut self, open: &Open) {
        let range = (u32::try_from(open.start), u32::try_from(self.text.len()));
        if let (Ok(start), Ok(end)) = range
            && start < end
            && (open.kind != MarkKind::A || open.href.is_some())
        {
            self.marks.push(Mark { start, end, kind: open.kind, href: open.href.clone() });
        }
    }

    /// Ends the unit; marks that are open go on in the next one.
    fn flush(&mut self) {
        self.breaks = 0;
        let open = std::mem::take(&mut self.open);
        for mark in &open {
            self.mark(mark);
        }
        self.open = open.into_iter().map(|open| Open { start: 0, ..open }).collect();
        let text = std::mem::take(&mut self.text);
        let marks = std::mem::take(&mut self.marks);
        if !text.trim().is_empty() {
            let kind = self.kinds.last().copied().unwrap_or(BlockKind::Paragraph);
            self.done.push(Unit { kind, text, marks: joined(&marks) });
        }
    }
}

fn mark_of(name: &str) -> Option<MarkKind> {
    Some(match name {
        "em" | "i" => MarkKind::Em,
        "strong" | "b" => MarkKind::Strong,
        "a" => MarkKind::A,
        "code" => MarkKind::Code,
        "sub" => MarkKind::Sub,
        "sup" => MarkKind::Sup,
        _ => return None,
    })
}

/// Returns `address` with the characters escaped that browsers escape and RFC 3986 keeps out.
fn escaped(address: &str) -> Cow<'_, str> {
    let illegal = |c: char| matches!(c, ' ' | '<' | '>' | '"' | '`' | '\\' | '{' | '}' | '|' | '^');
    if !address.contains(illegal) {
        return Cow::Borrowed(address);
    }
    let escape = |c: char| if illegal(c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(address.chars().map(escape).collect())
}
