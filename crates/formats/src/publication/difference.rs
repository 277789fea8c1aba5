//! A difference as HTML: what was added and what was removed, word by word.

use story::render::{Happened, Line, Place, Span};
use story::significance::Code;
use story::{BlockKind, Field};

use super::xml::Xml;

/// Whether the HTML says in words what its colours say, for whom they say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aloud {
    /// It does, in elements of the class `aloud`, which a style sheet hides from eyes alone.
    Yes,
    /// It does not: there is no style sheet, and the words would stand in the text.
    No,
}

/// Returns `lines` as HTML: a section for each place, under a heading that says which it is and whether
/// it is new, gone or moved; in it `ins` and `del`.
pub fn difference_html(lines: &[Line], aloud: Aloud) -> String {
    let mut xml = Xml::new();
    for line in lines {
        xml.open("section", &[("class", "change")]);
        xml.element("h2", &[], &title(line));
        xml.open("p", &[("dir", "auto")]);
        for span in &line.spans {
            write(&mut xml, span, aloud);
        }
        xml.close("p");
        xml.close("section");
    }
    xml.finish()
}

fn write(xml: &mut Xml, span: &Span, aloud: Aloud) {
    let (element, label, text) = match span {
        Span::Same(text) => return xml.text(text),
        Span::Old(text) => ("del", "removed: ", text),
        Span::New(text) => ("ins", "added: ", text),
    };
    xml.open(element, &[]);
    if aloud == Aloud::Yes {
        xml.element("span", &[("class", "aloud")], label);
    }
    xml.text(text);
    if aloud == Aloud::Yes {
        xml.element("span", &[("class", "aloud")], ", end. ");
    }
    xml.close(element);
}

fn title(line: &Line) -> String {
    let place = match &line.place {
        Place::Field(field) => field_name(*field).to_owned(),
        Place::Block(_, kind, number) => format!("{} at place {number}", block_name(*kind)),
    };
    let is_edited = line.spans.iter().any(|span| !matches!(span, Span::Same(_)));
    match line.happened {
        Happened::Same => place,
        Happened::Added => format!("{place}: added"),
        Happened::Removed => format!("{place}: removed"),
        Happened::Changed if is_edited => place,
        Happened::Changed => format!("{place}: only its form or its links"),
        Happened::Moved(from) if is_edited => format!("{place}: moved from place {from}, and changed"),
        Happened::Moved(from) => format!("{place}: moved from place {from}"),
    }
}

const fn block_name(kind: BlockKind) -> &'static str {
    match kind {
        BlockKind::Paragraph => "Paragraph",
        BlockKind::Heading => "Heading",
        BlockKind::Quote => "Quotation",
        BlockKind::List => "List item",
        BlockKind::Media => "Caption",
        BlockKind::Entry => "Entry",
    }
}

const fn field_name(field: Field) -> &'static str {
    match field {
        Field::Slug => "Slug",
        Field::Headline => "Headline",
        Field::Summary => "Summary",
        Field::Bylines => "Byline",
        Field::Dateline => "Dateline",
        Field::Language => "Language",
        Field::Tags => "Tags",
        Field::Links => "Links",
        Field::Urgency => "Urgency",
        Field::EdNote => "Note for editors",
        Field::Pinned => "Pinned entries",
        Field::Source => "Source",
    }
}

/// Returns what a reader is told of a rule that says how much a change matters; `None` where that says
/// nothing to them.
pub const fn reason_words(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::Typographic => "typography",
        Code::Spelling | Code::Variant => "spelling",
        Code::Number => "a number, date or time",
        Code::Name => "a name",
        Code::Quote => "a quotation",
        Code::Negation => "a denial or its reverse",
        Code::Modality => "how sure it is",
        Code::Attribution => "who said it",
        Code::Headline => "the headline",
        Code::Added => "something was added",
        Code::Removed => "something was removed",
        Code::Move => "the order",
        Code::Meta => "details around the text",
        Code::Link => "a link",
        Code::Markup => "emphasis",
        Code::Large => "much of the text",
        Code::Wording => "wording",
        Code::First => "first publication",
        Code::Label | Code::Kind => return None,
    })
}
